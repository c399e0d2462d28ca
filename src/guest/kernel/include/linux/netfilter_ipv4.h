#include <linux/netfilter.h>
enum { NF_IP_PRI_FIRST = (-2147483647 - 1), NF_IP_PRI_FILTER = 0, NF_IP_PRI_LAST = 2147483647 };
