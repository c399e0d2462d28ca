#define MISC_MAJOR 10
#define MEM_MAJOR 1
