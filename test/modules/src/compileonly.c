/* Headers that course modules include without using much of them: they must compile. */
#include <linux/version.h>
#include <linux/module.h>
#include <linux/input.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <linux/serial.h>
#include <linux/console.h>
#include <linux/vt_kern.h>
#include <linux/kd.h>
#include <linux/netdevice.h>
#include <linux/etherdevice.h>
#include <linux/skbuff.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/blkdev.h>
#include <linux/bio.h>

#include <linux/pci.h>
#include <linux/usb.h>
#include <linux/i2c.h>
#include <linux/spi/spi.h>
#include <linux/gpio.h>
#include <linux/of.h>
#include <linux/of_device.h>
#include <linux/clk.h>
#include <linux/firmware.h>
#include <linux/crypto.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include <linux/mman.h>
#include <linux/security.h>
#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/utsname.h>
#include <linux/kernel_stat.h>
#include <linux/seq_file.h>
#include <linux/statfs.h>
#include <linux/namei.h>
#include <linux/mount.h>
#include <linux/backing-dev.h>
#include <linux/buffer_head.h>
#include <linux/parser.h>
#include <linux/sysctl.h>
#include <linux/sched/task.h>
#include <linux/sched/mm.h>
#include <linux/ptrace.h>
#include <linux/ftrace.h>
#include <linux/tracepoint.h>
#include <linux/compat.h>
#include <linux/unistd.h>
#include <linux/irqdomain.h>
#include <linux/leds.h>
#include <linux/rtc.h>
#include <linux/nmi.h>
#include <linux/livepatch.h>
#include <linux/cpufreq.h>
#include <linux/moduleloader.h>
#include <linux/lockdep.h>
#include <linux/pm.h>
#include <linux/inetdevice.h>
#include <linux/inet.h>
#include <linux/if_ether.h>
#include <linux/ethtool.h>
#include <net/sock.h>
#include <net/ip.h>
#include <net/tcp.h>
#include <asm/io.h>
#include <asm/tlbflush.h>
#include <asm/cacheflush.h>
#include <asm/sections.h>
#include <asm/current.h>
#include <asm/pgtable.h>
#include <asm/switch_to.h>
#include <asm/cpufeature.h>
#include <asm/sbi.h>
#include <asm/csr.h>

static struct ctl_table *table;
static struct tty_struct *tty;
static struct input_dev *input;
static struct net_device *net;
static struct sk_buff *skb;
int init_module(void) { return table || tty || input || net || skb; }
void cleanup_module(void) { }
MODULE_LICENSE("GPL");
