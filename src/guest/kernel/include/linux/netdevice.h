/* Network devices and packets: the structures, for modules that mention them. */
#include <linux/device.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#define IFNAMSIZ 16
#define MAX_ADDR_LEN 32
struct net;
struct net_device;
typedef enum netdev_tx { NETDEV_TX_OK = 0x00, NETDEV_TX_BUSY = 0x10 } netdev_tx_t;
struct net_device_stats { unsigned long rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped; };
struct net_device_ops {
	int (*ndo_init)(struct net_device *dev);
	void (*ndo_uninit)(struct net_device *dev);
	int (*ndo_open)(struct net_device *dev);
	int (*ndo_stop)(struct net_device *dev);
	netdev_tx_t (*ndo_start_xmit)(struct sk_buff *skb, struct net_device *dev);
	struct net_device_stats *(*ndo_get_stats)(struct net_device *dev);
};
struct net_device {
	char name[IFNAMSIZ];
	int ifindex;
	unsigned int flags, mtu;
	unsigned short type, hard_header_len;
	unsigned char addr_len;
	unsigned char dev_addr[MAX_ADDR_LEN];
	const struct net_device_ops *netdev_ops;
	struct net_device_stats stats;
	struct device dev;
};
struct net_device *alloc_netdev_mqs(int sizeof_priv, const char *name, unsigned char name_assign_type, void (*setup)(struct net_device *), unsigned int txqs, unsigned int rxqs);
void free_netdev(struct net_device *dev);
int register_netdev(struct net_device *dev);
void unregister_netdev(struct net_device *dev);
#define alloc_netdev(sizeof_priv, name, type, setup) alloc_netdev_mqs(sizeof_priv, name, type, setup, 1, 1)
#define netdev_priv(dev) ((void *)((struct net_device *)(dev) + 1))
