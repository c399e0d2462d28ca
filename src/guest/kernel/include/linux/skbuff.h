#include <linux/types.h>
#include <linux/byteorder.h>
#include <linux/slab.h>
struct net_device;
struct sock;
struct sk_buff {
	struct sk_buff *next, *prev;
	struct sock *sk;
	struct net_device *dev;
	unsigned int len, data_len;
	__be16 protocol;
	__u16 transport_header, network_header, mac_header;
	unsigned char *head, *data, *tail, *end;
};
static inline unsigned char *skb_network_header(const struct sk_buff *skb) { return skb->head + skb->network_header; }
static inline unsigned char *skb_transport_header(const struct sk_buff *skb) { return skb->head + skb->transport_header; }
void kfree_skb(struct sk_buff *skb);
