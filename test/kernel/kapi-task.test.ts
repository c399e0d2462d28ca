/** Threads, waiting, locks, time and deferred work of modules: one module that tries everything and says what it found. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';
import { newLines } from './module-fixture.ts';

const RELEASE = '6.12.107+deb13-riscv64';

const SOURCE = String.raw`
#include <linux/module.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/completion.h>
#include <linux/semaphore.h>
#include <linux/rwsem.h>
#include <linux/mutex.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/workqueue.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/notifier.h>
#include <linux/jiffies.h>
#include <linux/wait.h>
static DECLARE_COMPLETION(done);
static struct semaphore sem;
static DECLARE_RWSEM(rw);
static DEFINE_MUTEX(mu);
static struct hrtimer hr;
static int hits, order[8], n;
static DECLARE_WAIT_QUEUE_HEAD(wq);
static int flag;
static enum hrtimer_restart hrf(struct hrtimer *t) { hits++; if (hits < 3) { hrtimer_forward_now(t, ms_to_ktime(10)); return HRTIMER_RESTART; } return HRTIMER_NORESTART; }
static void tl(unsigned long d) { pr_info("all: tasklet %lu softirq %d\n", d, !!in_softirq()); }
static DECLARE_TASKLET_OLD(task_let, tl);
static int worker(void *a) {
	mutex_lock(&mu);
	order[n++] = (long)a;
	mutex_unlock(&mu);
	msleep(20);
	complete(&done);
	while (!kthread_should_stop()) { set_current_state(TASK_INTERRUPTIBLE); if (!kthread_should_stop()) schedule(); __set_current_state(TASK_RUNNING); }
	return 7;
}
static int waker(void *a) { msleep(30); flag = 1; wake_up(&wq); up(&sem); return 0; }
static void wf(struct work_struct *w) { msleep(10); pr_info("all: work by %s\n", current->comm); }
static DECLARE_WORK(wk, wf);
static int nb1(struct notifier_block *b, unsigned long v, void *d) { pr_info("all: notified %lu by priority %d\n", v, b->priority); return NOTIFY_OK; }
static struct notifier_block a = { .notifier_call = nb1, .priority = 1 }, b = { .notifier_call = nb1, .priority = 9 };
static BLOCKING_NOTIFIER_HEAD(chain);
static int depth(struct task_struct *t, int d) { struct list_head *l; int c = 1; list_for_each(l, &t->children) c += depth(list_entry(l, struct task_struct, sibling), d + 1); return c; }
static int __init m_init(void) {
	struct task_struct *t1, *t2; struct workqueue_struct *q; long r; unsigned long j; ktime_t k0; int tot = 0; struct task_struct *p;
	sema_init(&sem, 0);
	mutex_lock(&mu);
	t1 = kthread_run(worker, (void *)1L, "w%d", 1);
	t2 = kthread_create(worker, (void *)2L, "w%d", 2);
	wake_up_process(t2);
	msleep(5);
	pr_info("all: order while held %d\n", n);
	mutex_unlock(&mu);
	wait_for_completion(&done);
	r = wait_for_completion_timeout(&done, HZ);
	pr_info("all: both done, left %d, order %d %d\n", r > 0, order[0], order[1]);
	pr_info("all: third %lu\n", wait_for_completion_timeout(&done, HZ / 10));
	pr_info("all: stop %d %d\n", kthread_stop(t1), kthread_stop(t2));
	kthread_run(waker, NULL, "waker");
	r = wait_event_timeout(wq, flag, HZ);
	pr_info("all: event %d\n", r > 0 && r < HZ);
	r = wait_event_interruptible_timeout(wq, 0, HZ / 20);
	pr_info("all: no event %ld\n", r);
	down(&sem);
	pr_info("all: down again %d trylock %d\n", down_timeout(&sem, 5), down_trylock(&sem));
	down_read(&rw); pr_info("all: rw read %d write %d\n", down_read_trylock(&rw), down_write_trylock(&rw)); up_read(&rw); up_read(&rw);
	down_write(&rw); downgrade_write(&rw); up_read(&rw);
	k0 = ktime_get(); hrtimer_init(&hr, CLOCK_MONOTONIC, HRTIMER_MODE_REL); hr.function = hrf; hrtimer_start(&hr, ms_to_ktime(10), HRTIMER_MODE_REL);
	msleep(100);
	pr_info("all: hrtimer %d active %d ms %d\n", hits, hrtimer_active(&hr), ktime_to_ms(ktime_sub(ktime_get(), k0)) >= 100);
	tasklet_schedule(&task_let); msleep(1); tasklet_kill(&task_let);
	q = alloc_workqueue("mine", 0, 1);
	queue_work(q, &wk); pr_info("all: twice %d\n", queue_work(q, &wk)); flush_workqueue(q); destroy_workqueue(q);
	j = jiffies; mdelay(40); pr_info("all: jiffies %d\n", jiffies - j >= 9 && jiffies - j <= 12);
	j = jiffies; while (time_before(jiffies, j + 5)) cpu_relax();
	blocking_notifier_chain_register(&chain, &a); blocking_notifier_chain_register(&chain, &b);
	blocking_notifier_call_chain(&chain, 5, NULL); blocking_notifier_chain_unregister(&chain, &b); blocking_notifier_call_chain(&chain, 6, NULL);
	for_each_process(p) tot++;
	pr_info("all: tree %d\n", depth(&init_task, 0) == tot + 1);
	p = pid_task(find_vpid(1), PIDTYPE_PID); pr_info("all: pid 1 is %s, mm %d, none %d\n", p->comm, p->mm != NULL, pid_task(find_vpid(99999), PIDTYPE_PID) == NULL);
	pr_info("all: parent %d\n", current->real_parent->pid == task_ppid_nr(current));
	r = msleep_interruptible(20); pr_info("all: msleep_interruptible %ld\n", r);
	set_current_state(TASK_INTERRUPTIBLE); r = schedule_timeout(10); pr_info("all: schedule_timeout %ld\n", r);
	send_sig(SIGTERM, current, 0); pr_info("all: pending %d\n", !!signal_pending(current)); r = msleep_interruptible(1000); pr_info("all: cut short %d\n", r > 900);
	return 0;
}
static void __exit m_exit(void) { }
module_init(m_init); module_exit(m_exit); MODULE_LICENSE("GPL");
`;

/** Builds a module with the VM's kbuild. */
function make(vm: Student, name: string, source: string): void {
  vm.out(`mkdir -p /root/${name}; cat > /root/${name}/${name}.c`, { input: source });
  vm.out(`echo 'obj-m := ${name}.o' > /root/${name}/Makefile`);
  const built = vm.sh(`make -C /lib/modules/$(uname -r)/build M=/root/${name} modules`);
  if (built.status !== 0) throw new Error(built.stdout + built.stderr);
}

describe('tasks and time in modules', () => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ release: RELEASE });
    make(vm, 'all', SOURCE);
    newLines(vm);
  }, 180_000);

  test('threads, locks, completions, timers, work queues, notifiers, the task list', () => {
    vm.sh('insmod /root/all/all.ko');
    const lines = newLines(vm).map((line) => line.replace(/^<\d>/, ''));
    expect(
      lines.filter(
        (line) => line.startsWith('all: ') && !line.includes('taint') && !line.includes('verification'),
      ),
    ).toEqual([
      'all: order while held 0',
      'all: both done, left 1, order 1 2',
      'all: third 0',
      'all: stop 7 7',
      'all: event 1',
      'all: no event 0',
      'all: down again -62 trylock 1',
      'all: rw read 1 write 0',
      'all: hrtimer 3 active 0 ms 1',
      'all: tasklet 0 softirq 1',
      'all: twice 0',
      'all: work by kworker/0:1',
      'all: jiffies 1',
      'all: notified 5 by priority 9',
      'all: notified 5 by priority 1',
      'all: notified 6 by priority 1',
      'all: tree 1',
      'all: pid 1 is init, mm 1, none 1',
      'all: parent 1',
      'all: msleep_interruptible 0',
      'all: schedule_timeout 0',
      'all: pending 1',
      'all: cut short 1',
    ]);
    expect(vm.vm.kernel.halted).toBeNull();
    expect(vm.vm.kernel.tasking.kthreads.size).toBeLessThanOrEqual(1);
    expect(vm.vm.kernel.tasking.timers.size).toBe(0);
  });
});
