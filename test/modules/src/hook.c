/* The guides' hooked system call: openat of one user is told in the log. */
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/unistd.h>
#include <linux/version.h>
#include <linux/slab.h>

static unsigned long *sys_call_table;
static uid_t uid = -1;
module_param(uid, int, 0644);

static void spy(const char __user *filename)
{
	char name[64];

	if (from_kuid(&init_user_ns, current_uid()) != uid)
		return;
	if (strncpy_from_user(name, filename, sizeof(name)) > 0 && strstr(name, "hosts"))
		pr_info("hook: Opened file by %d: %s\n", uid, name);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
typedef asmlinkage long (*call_t)(const struct pt_regs *);
static call_t original_call;
static asmlinkage long our_sys_openat(const struct pt_regs *regs)
{
	spy((const char __user *)regs->a1);
	return original_call(regs);
}
#else
typedef asmlinkage long (*call_t)(int, const char __user *, int, umode_t);
static call_t original_call;
static asmlinkage long our_sys_openat(int dfd, const char __user *filename, int flags, umode_t mode)
{
	spy(filename);
	return original_call(dfd, filename, flags, mode);
}
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 7, 0)
static unsigned long lookup(const char *name)
{
	unsigned long (*kallsyms_lookup_name)(const char *name);
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };

	if (register_kprobe(&kp) < 0)
		return 0;
	kallsyms_lookup_name = (unsigned long (*)(const char *name))kp.addr;
	unregister_kprobe(&kp);
	return kallsyms_lookup_name(name);
}
#else
#define lookup(name) kallsyms_lookup_name(name)
#endif

static void protect(bool writable)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 7, 0)
	int (*set)(unsigned long addr, int pages) = (void *)lookup(writable ? "set_memory_rw" : "set_memory_ro");

	set((unsigned long)sys_call_table & PAGE_MASK, 2);
#endif
}

static int __init hook_start(void)
{
	sys_call_table = (unsigned long *)lookup("sys_call_table");
	if (!sys_call_table)
		return -ENOENT;
	protect(true);
	original_call = (call_t)sys_call_table[__NR_openat];
	sys_call_table[__NR_openat] = (unsigned long)our_sys_openat;
	protect(false);
	pr_info("hook: Spying on UID:%d, %ps\n", uid, original_call);
	return 0;
}

static void __exit hook_end(void)
{
	if (sys_call_table[__NR_openat] != (unsigned long)our_sys_openat)
		pr_alert("hook: Somebody else also played with the open system call\n");
	protect(true);
	sys_call_table[__NR_openat] = (unsigned long)original_call;
	protect(false);
	msleep(20);
}
module_init(hook_start);
module_exit(hook_end);
MODULE_LICENSE("GPL");
