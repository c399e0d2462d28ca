/* Tasks in a line with for_each_process, and depth first from init_task along children and siblings. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/cred.h>
#include <linux/version.h>
#include <linux/rcupdate.h>

static int found;

static void dfs(struct task_struct *task, int depth)
{
	struct list_head *list;

	found++;
	if (!strcmp(task->comm, "sleep"))
		printk(KERN_INFO "tasks: dfs %s depth %s parent %s uid %u\n", task->comm, depth >= 2 ? "deep" : "flat",
		       task->parent->comm, from_kuid(&init_user_ns, task_uid(task)));
	list_for_each(list, &task->children)
		dfs(list_entry(list, struct task_struct, sibling), depth + 1);
}

static int __init tasks_init(void)
{
	struct task_struct *task, *thread;
	int linear = 0, threads = 0;

	rcu_read_lock();
	for_each_process(task) {
		linear++;
		for_each_thread(task, thread)
			threads++;
		if (task->pid <= 2)
			printk(KERN_INFO "tasks: %s %d %s\n", task->comm, task->pid, task->mm ? "user" : "kernel");
	}
	rcu_read_unlock();
	dfs(&init_task, 0);
	printk(KERN_INFO "tasks: linear %s dfs, threads %s\n", linear + 1 == found ? "==" : "!=",
	       threads >= linear ? "enough" : "too few");
	printk(KERN_INFO "tasks: current %s, init %s, parent of insmod runs %d\n", current->comm,
	       pid_task(find_vpid(1), PIDTYPE_PID) == &init_task ? "wrong" : "right", current->real_parent != NULL);
	return 0;
}

static void __exit tasks_exit(void)
{
	printk(KERN_INFO "tasks: bye from %s\n", current->comm);
}

module_init(tasks_init);
module_exit(tasks_exit);
MODULE_LICENSE("GPL");
