#include <linux/types.h>
#include <linux/byteorder.h>
enum { IPPROTO_IP = 0, IPPROTO_ICMP = 1, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_RAW = 255 };
struct in_addr { __be32 s_addr; };
struct sockaddr_in { unsigned short sin_family; __be16 sin_port; struct in_addr sin_addr; unsigned char __pad[8]; };
#define INADDR_ANY ((unsigned int)0)
#define INADDR_LOOPBACK 0x7f000001
