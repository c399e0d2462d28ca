#define HZ 250
#define USER_HZ 100
#define EXEC_PAGESIZE 4096
