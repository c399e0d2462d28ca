/**
 * Locks of modules (kernel/locking). Always true: who holds a lock is what its words in guest memory say, so a lock that a killed
 * task held stays locked; sleepers wait at its address and look again when woken; on the one processor a spinlock that is
 * taken spins until the watchdog speaks, and for ever after.
 */
import { fieldOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { RUN_ON } from '../module/runtime.ts';
import type { Outcome, Wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { isLive, listInit, load, loadInt, loadU32, store, store32 } from './guest.ts';
import { jiffiesNow, jiffyNs } from './jiffies.ts';
import { taskPointer } from './mirror.ts';
import { kapi, kapiState } from './registry.ts';
import { resumed, sleepAt, wakeWaitersAt } from './sleep.ts';

const EINTR = 4;
const ETIME = 62;
/** Instructions that one look at a taken spinlock stands for. */
const SPIN_WORK = 5000;

type How = Wait['interruptible'];

/** `then` runs once the handler's wait is over; a fresh call has nothing to bring up to date. */
function awake(k: Kernel, task: Task): void {
  if (kapiState(task).entered !== 'start') resumed(k, task);
}

// Mutexes: `owner` is the holder's task_struct.

const MUTEX_LIST = fieldOf('mutex', 'wait_list').offset;
kapi('__mutex_init', (k, task, [lock]) => {
  if (store(k, task, lock, 0)) listInit(k, task, lock + MUTEX_LIST);
  return 0;
});

function mutexLock(k: Kernel, task: Task, lock: number, how: How): Outcome {
  awake(k, task);
  const owner = load(k, task, lock);
  if (!isLive(k, task)) return 0;
  if (owner !== 0) return sleepAt(k, lock, how, { onSignal: -EINTR });
  store(k, task, lock, taskPointer(k, task));
  return 0;
}
kapi('mutex_lock', (k, task, [lock]) => mutexLock(k, task, lock, 'no'));
kapi('mutex_lock_interruptible', (k, task, [lock]) => mutexLock(k, task, lock, 'yes'));
kapi('mutex_lock_killable', (k, task, [lock]) => mutexLock(k, task, lock, 'killable'));

function mutexTrylock(k: Kernel, task: Task, lock: number): number {
  if (load(k, task, lock) !== 0 || !isLive(k, task)) return 0;
  return store(k, task, lock, taskPointer(k, task)) ? 1 : 0;
}
kapi('mutex_trylock', (k, task, [lock]) => mutexTrylock(k, task, lock));
kapi('mutex_is_locked', (k, task, [lock]) => (load(k, task, lock) === 0 ? 0 : 1));
kapi('mutex_unlock', (k, task, [lock]) => {
  if (store(k, task, lock, 0)) wakeWaitersAt(k, lock, 1);
  return 0;
});
kapi('atomic_dec_and_mutex_lock', (k, task, [count, lock]) => {
  const value = loadInt(k, task, count);
  if (!isLive(k, task)) return 0;
  if (value !== 1) {
    store32(k, task, count, value - 1);
    return 0;
  }
  const taken = mutexLock(k, task, lock, 'no');
  if (typeof taken !== 'number') return taken;
  store32(k, task, count, 0);
  return 1;
});

// Semaphores.

const SEM_COUNT = fieldOf('semaphore', 'count').offset;

function down(k: Kernel, task: Task, sem: number, how: How, untilNs = Number.POSITIVE_INFINITY): Outcome {
  awake(k, task);
  const count = loadU32(k, task, sem + SEM_COUNT);
  if (!isLive(k, task)) return 0;
  if (count > 0) {
    store32(k, task, sem + SEM_COUNT, count - 1);
    return 0;
  }
  if (k.time.nowNs >= untilNs) return -ETIME;
  return sleepAt(k, sem, how, { onSignal: -EINTR, untilNs });
}
kapi('down', (k, task, [sem]) => down(k, task, sem, 'no'));
kapi('down_interruptible', (k, task, [sem]) => down(k, task, sem, 'yes'));
kapi('down_killable', (k, task, [sem]) => down(k, task, sem, 'killable'));
kapi('down_timeout', (k, task, [sem, timeout]) => {
  const state = kapiState(task);
  state.deadlineNs ??=
    timeout >= 2 ** 62 ? Number.POSITIVE_INFINITY : jiffyNs(jiffiesNow(k) + Math.max(0, timeout));
  return down(k, task, sem, 'no', state.deadlineNs);
});
kapi('down_trylock', (k, task, [sem]) => {
  const count = loadU32(k, task, sem + SEM_COUNT);
  if (count === 0 || !isLive(k, task)) return 1;
  store32(k, task, sem + SEM_COUNT, count - 1);
  return 0;
});
kapi('up', (k, task, [sem]) => {
  const count = loadU32(k, task, sem + SEM_COUNT);
  if (isLive(k, task) && store32(k, task, sem + SEM_COUNT, count + 1)) wakeWaitersAt(k, sem, 1);
  return 0;
});

// Read-write semaphores: bit 0 of `count` is the writer, each reader adds 256.

const WRITER = 1;
const READER = 256;
const RWSEM_OWNER = fieldOf('rw_semaphore', 'owner').offset;
const RWSEM_LIST = fieldOf('rw_semaphore', 'wait_list').offset;

kapi('__init_rwsem', (k, task, [sem]) => {
  if (store(k, task, sem, 0) && store(k, task, sem + RWSEM_OWNER, 0)) listInit(k, task, sem + RWSEM_LIST);
  return 0;
});

/** Takes it if it is free; 1 when that worked. */
function rwsemTry(k: Kernel, task: Task, sem: number, write: boolean): number {
  const count = load(k, task, sem);
  if (!isLive(k, task) || (write ? count !== 0 : (count & WRITER) !== 0)) return 0;
  if (!store(k, task, sem, write ? WRITER : count + READER)) return 0;
  if (write) store(k, task, sem + RWSEM_OWNER, taskPointer(k, task));
  return 1;
}
function rwsemDown(k: Kernel, task: Task, sem: number, write: boolean, how: How): Outcome {
  awake(k, task);
  if (rwsemTry(k, task, sem, write) || !isLive(k, task)) return 0;
  return sleepAt(k, sem, how, { onSignal: -EINTR });
}
for (const [suffix, how] of [
  ['', 'no'],
  ['_interruptible', 'yes'],
  ['_killable', 'killable'],
] as const) {
  kapi(`down_read${suffix}`, (k, task, [sem]) => rwsemDown(k, task, sem, false, how));
  kapi(`down_write${suffix}`, (k, task, [sem]) => rwsemDown(k, task, sem, true, how));
}
kapi('down_read_trylock', (k, task, [sem]) => rwsemTry(k, task, sem, false));
kapi('down_write_trylock', (k, task, [sem]) => rwsemTry(k, task, sem, true));
kapi('up_read', (k, task, [sem]) => {
  const count = load(k, task, sem);
  if (isLive(k, task) && store(k, task, sem, count - READER)) wakeWaitersAt(k, sem);
  return 0;
});
kapi('up_write', (k, task, [sem]) => {
  if (store(k, task, sem + RWSEM_OWNER, 0) && store(k, task, sem, load(k, task, sem) & ~WRITER))
    wakeWaitersAt(k, sem);
  return 0;
});
kapi('downgrade_write', (k, task, [sem]) => {
  if (store(k, task, sem + RWSEM_OWNER, 0) && store(k, task, sem, READER)) wakeWaitersAt(k, sem);
  return 0;
});

// Spinlocks: word 0 says taken.

/** Takes the lock, or spins: the call is entered again, and the time it takes is charged. */
function spinLock(k: Kernel, task: Task, lock: number): Outcome {
  const taken = loadU32(k, task, lock);
  if (!isLive(k, task)) return 0;
  if (taken !== 0) {
    k.sched.kernelWork += SPIN_WORK;
    return RUN_ON;
  }
  store32(k, task, lock, 1);
  return 0;
}
function spinTry(k: Kernel, task: Task, lock: number): number {
  if (loadU32(k, task, lock) !== 0 || !isLive(k, task)) return 0;
  return store32(k, task, lock, 1) ? 1 : 0;
}
function spinUnlock(k: Kernel, task: Task, lock: number): number {
  store32(k, task, lock, 0);
  return 0;
}

/** SR_IE of sstatus: interrupts are on. */
const IRQ_ON = 2;

/** Interrupts off; answers the flags of before. */
function irqSave(k: Kernel): number {
  const flags = k.module.irqsOff ? 0 : IRQ_ON;
  k.module.irqsOff = 1;
  return flags;
}
function irqRestore(k: Kernel, flags: number): void {
  if (flags & IRQ_ON) k.module.irqsOff = 0;
}

/** `lock` and then interrupts off; answers the flags of before. A lock that spins does so with interrupts as they were. */
function lockIrqSave(k: Kernel, task: Task, lock: () => Outcome): Outcome {
  const outcome = lock();
  return outcome === 0 && isLive(k, task) ? irqSave(k) : outcome;
}

kapi('_raw_spin_lock', (k, task, [lock]) => spinLock(k, task, lock));
kapi('_raw_spin_lock_bh', (k, task, [lock]) => spinLock(k, task, lock));
kapi('_raw_spin_lock_irq', (k, task, [lock]) => {
  const outcome = lockIrqSave(k, task, () => spinLock(k, task, lock));
  return typeof outcome === 'number' ? 0 : outcome;
});
kapi('_raw_spin_lock_irqsave', (k, task, [lock]) => lockIrqSave(k, task, () => spinLock(k, task, lock)));
kapi('_raw_spin_trylock', (k, task, [lock]) => spinTry(k, task, lock));
kapi('_raw_spin_unlock', (k, task, [lock]) => spinUnlock(k, task, lock));
kapi('_raw_spin_unlock_bh', (k, task, [lock]) => spinUnlock(k, task, lock));
kapi('_raw_spin_unlock_irq', (k, task, [lock]) => {
  irqRestore(k, IRQ_ON);
  return spinUnlock(k, task, lock);
});
kapi('_raw_spin_unlock_irqrestore', (k, task, [lock, flags]) => {
  irqRestore(k, flags);
  return spinUnlock(k, task, lock);
});

// Read-write spinlocks: readers count up, a writer is -1.

function rwLock(k: Kernel, task: Task, lock: number, write: boolean, spin: boolean): Outcome {
  const count = loadInt(k, task, lock);
  if (!isLive(k, task)) return 0;
  if (write ? count !== 0 : count < 0) {
    if (!spin) return 0;
    k.sched.kernelWork += SPIN_WORK;
    return RUN_ON;
  }
  store32(k, task, lock, write ? -1 : count + 1);
  return spin ? 0 : 1;
}
function rwUnlock(k: Kernel, task: Task, lock: number, write: boolean): number {
  const count = loadInt(k, task, lock);
  if (isLive(k, task)) store32(k, task, lock, write ? 0 : count - 1);
  return 0;
}
for (const [name, write] of [
  ['read', false],
  ['write', true],
] as const) {
  kapi(`_raw_${name}_lock`, (k, task, [lock]) => rwLock(k, task, lock, write, true));
  kapi(`_raw_${name}_trylock`, (k, task, [lock]) => rwLock(k, task, lock, write, false));
  kapi(`_raw_${name}_unlock`, (k, task, [lock]) => rwUnlock(k, task, lock, write));
  kapi(`_raw_${name}_lock_irqsave`, (k, task, [lock]) =>
    lockIrqSave(k, task, () => rwLock(k, task, lock, write, true)),
  );
  kapi(`_raw_${name}_unlock_irqrestore`, (k, task, [lock, flags]) => {
    irqRestore(k, flags);
    return rwUnlock(k, task, lock, write);
  });
}

kapi('arch_local_irq_save', irqSave);
kapi('arch_local_irq_restore', (k, _task, [flags]) => {
  irqRestore(k, flags);
  return 0;
});
kapi('arch_local_irq_disable', (k) => {
  irqSave(k);
  return 0;
});
kapi('arch_local_irq_enable', (k) => {
  k.module.irqsOff = 0;
  return 0;
});
kapi('arch_irqs_disabled', (k) => (k.module.irqsOff ? 1 : 0));
