#include <linux/fs.h>
#include <linux/wait.h>
#include <linux/eventpoll.h>
#include <linux/uaccess.h>
struct poll_table_struct;
typedef void (*poll_queue_proc)(struct file *, wait_queue_head_t *, struct poll_table_struct *);
/* @structs */
/* @kapi */
static inline void poll_wait(struct file *filp, wait_queue_head_t *wait_address, poll_table *p)
{
	if (p && p->_qproc && wait_address)
		p->_qproc(filp, wait_address, p);
}
#define poll_requested_events(p) ((p) ? (p)->_key : ~(__poll_t)0)
