#define __NR_ioctl 29
#define __NR_openat 56
#define __NR_close 57
#define __NR_read 63
#define __NR_write 64
#define __NR_exit 93
#define __NR_kill 129
#define __NR_getpid 172
