/** Signals from modules (kernel/signal.c): the task, or all of a pid, as the address says; nobody's rights are asked. */
import type { Kernel } from '../kernel.ts';
import { writeKBig } from '../module/kmem.ts';
import { newSigInfo, SIG_IGN, Si, sigBit } from '../signal/bits.ts';
import {
  flushSignals,
  forceSignal,
  recalcNotify,
  sendSignal,
  sendSignalPgrp,
  sendSignalTask,
} from '../signal/send.ts';
import type { Task } from '../task/types.ts';
import { bad, isLive, loadInt } from './guest.ts';
import { refreshCurrent, taskAt, taskOfPid } from './mirror.ts';
import { kapi } from './registry.ts';

const ESRCH = 3;
const EINVAL = 22;
const MAX_SIGNAL = 64;

/** A signal handler of a kernel thread that only wants to be woken (allow_signal). */
const SIG_KTHREAD = 2;

function send(k: Kernel, task: Task, signo: number, address: number, code: number): number {
  const target = taskAt(k, address);
  if (!target) return -ESRCH;
  if (signo < 0 || signo > MAX_SIGNAL) return -EINVAL;
  if (signo === 0) return 0;
  const info = newSigInfo(signo, code, code === Si.KERNEL ? {} : { pid: task.tid, uid: task.cred.uid });
  sendSignalTask(k, target, info);
  refreshCurrent(k, target);
  return 0;
}
kapi('send_sig', (k, task, [signo, address, priv]) =>
  send(k, task, signo, address, priv ? Si.KERNEL : Si.USER),
);
/** `info` is 0, 1 (SEND_SIG_PRIV) or a struct kernel_siginfo. */
kapi('send_sig_info', (k, task, [signo, info, address]) => {
  let code: number = info === 0 ? Si.USER : Si.KERNEL;
  if (info !== 0 && info !== 1) {
    code = loadInt(k, task, info + 8);
    if (!isLive(k, task)) return 0;
  }
  return send(k, task, signo, address, code);
});
/** The task is its argument before 5.3, else the caller. */
kapi('force_sig', (k, task, [signo, address]) => {
  forceSignal(k, taskAt(k, address) ?? task, signo, Si.KERNEL, 0);
  return 0;
});
kapi('kill_pid', (k, task, [pid, signo, priv]) => {
  const target = taskOfPid(k, pid);
  if (!target) return -ESRCH;
  if (signo < 0 || signo > MAX_SIGNAL) return -EINVAL;
  if (signo !== 0)
    sendSignal(
      k,
      target.group,
      newSigInfo(signo, priv ? Si.KERNEL : Si.USER, priv ? {} : { pid: task.tid, uid: task.cred.uid }),
    );
  return 0;
});
kapi('kill_pgrp', (k, task, [pid, signo]) => {
  const target = taskOfPid(k, pid);
  if (!target) return -ESRCH;
  sendSignalPgrp(k, target.tid, newSigInfo(signo, Si.USER, { pid: task.tid, uid: task.cred.uid }));
  return 0;
});

function setHandler(k: Kernel, task: Task, signo: number, handler: number): number {
  if (signo < 1 || signo > MAX_SIGNAL) return 0;
  const { group } = task;
  group.actions[signo] = { handler, flags: 0, mask: 0n };
  if (handler === SIG_IGN) {
    flushSignals(task.pending, sigBit(signo));
    flushSignals(group.pending, sigBit(signo));
    recalcNotify(task);
  } else task.blocked &= ~sigBit(signo);
  refreshCurrent(k, task);
  return 0;
}
kapi('allow_signal', (k, task, [signo]) => setHandler(k, task, signo, SIG_KTHREAD));
kapi('disallow_signal', (k, task, [signo]) => setHandler(k, task, signo, SIG_IGN));
kapi('flush_signals', (k, task, [address]) => {
  const target = taskAt(k, address);
  if (!target) return isLive(k, task) ? bad(k, task, address, false) : 0;
  flushSignals(target.pending, ~0n);
  flushSignals(target.group.pending, ~0n);
  recalcNotify(target);
  refreshCurrent(k, target);
  return 0;
});
kapi('sigprocmask', (k, task, [, , old]) => {
  if (old !== 0 && !writeKBig(k, old, task.blocked)) return bad(k, task, old, true);
  return 0;
});
