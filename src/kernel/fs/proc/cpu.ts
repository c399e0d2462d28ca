/** /proc/stat, uptime, loadavg, cpuinfo, interrupts, softirqs, schedstat: the processor and the clock (fs/proc/*.c of 4.15). */
import type { Kernel } from '../../kernel.ts';
import { linuxBanner } from '../../printk/boot.ts';
import { loadAverages } from '../../task/sched.ts';
import { bootTime, pad, ticks } from './format.ts';

/** The interrupts of a periodic tick at CONFIG_HZ=250 that a tickless kernel takes while it is busy. */
const TICK_NS = 4_000_000;

const busyNs = (k: Kernel): number => k.sched.userNs + k.sched.systemNs;
const timerInterrupts = (k: Kernel): number => Math.floor(busyNs(k) / TICK_NS) + k.sched.contextSwitches;

/** Tasks that are ready or running, and tasks in uninterruptible sleep. */
function runState(k: Kernel): { running: number; blocked: number } {
  let running = 0;
  let blocked = 0;
  for (const task of k.task.tasks.values()) {
    if (task.state === 'running') running++;
    else if (task.state === 'sleeping' && task.wait?.interruptible !== 'yes' && !task.kthread) blocked++;
  }
  return { running, blocked };
}

const softirqNames = [
  'HI',
  'TIMER',
  'NET_TX',
  'NET_RX',
  'BLOCK',
  'IRQ_POLL',
  'TASKLET',
  'SCHED',
  'HRTIMER',
  'RCU',
];

const softirqCount = (k: Kernel, name: string): number =>
  name === 'TIMER' || name === 'SCHED' || name === 'RCU' ? timerInterrupts(k) : 0;

export function showStat(k: Kernel): string {
  const { running, blocked } = runState(k);
  const cpu = `${ticks(k.sched.userNs)} 0 ${ticks(k.sched.systemNs)} ${ticks(k.sched.idleNs)} 0 0 0 0 0 0`;
  const interrupts = timerInterrupts(k);
  const softirqs = softirqNames.map((name) => softirqCount(k, name));
  const total = softirqs.reduce((sum, count) => sum + count, 0);
  return [
    `cpu  ${cpu}\ncpu0 ${cpu}\n`,
    `intr ${interrupts} 0 0 0 0 0 ${interrupts}\n`,
    `ctxt ${k.sched.contextSwitches}\nbtime ${bootTime(k)}\nprocesses ${k.task.forks}\n`,
    `procs_running ${running}\nprocs_blocked ${blocked}\nsoftirq ${total} ${softirqs.join(' ')}\n`,
  ].join('');
}

const hundredths = (ns: number): string =>
  `${Math.floor(ns / 1e9)}.${String(Math.floor((ns % 1e9) / 1e7)).padStart(2, '0')}`;

export const showUptime = (k: Kernel): string =>
  `${hundredths(k.time.nowNs)} ${hundredths(k.sched.idleNs)}\n`;

/** Load averages, printed with the kernel's rounding. */
export function showLoadavg(k: Kernel): string {
  const average = (value: number): string => {
    const rounded = Math.floor(value * 2048) + 10;
    return `${rounded >> 11}.${String(((rounded & 2047) * 100) >> 11).padStart(2, '0')}`;
  };
  const { running } = runState(k);
  const last = Math.max(0, k.task.nextPid - 1);
  const loads = loadAverages(k).map(average).join(' ');
  return `${loads} ${running}/${k.task.tasks.size} ${last}\n`;
}

export const showVersion = (k: Kernel): string => `${linuxBanner(k)}\n`;

/** arch/riscv/kernel/cpu.c c_show: more of it since 6.x. */
export const showCpuinfo = (k: Kernel): string =>
  k.identity.release.startsWith('4.')
    ? 'processor\t: 0\nhart\t: 0\nisa\t: rv64imafdc\nmmu\t: sv39\n\n'
    : `processor\t: 0\nhart\t\t: 0\nisa\t\t: ${ISA}\nmmu\t\t: sv39\nmvendorid\t: 0x0\nmarchid\t\t: 0x0\nmimpid\t\t: 0x0\nhart isa\t: ${ISA}\n\n`;

const ISA = 'rv64imafdc_zicntr_zicsr_zifencei_zca_zcd';

/** The timer's line, and those that modules asked for: raised by software, on no chip of the machine's. */
export function showInterrupts(k: Kernel): string {
  let text = `           CPU0       \n  5: ${pad(timerInterrupts(k), 10)}  RISC-V INTC   5 Edge      riscv-timer\n`;
  for (const [irq, actions] of [...k.tasking.irqs].sort(([a], [b]) => a - b)) {
    if (actions.length === 0) continue;
    const names = actions.map(({ name }) => name).join(', ');
    text += `${pad(irq, 3)}: ${pad(actions[0].count, 10)}  dummy  ${irq} Edge      ${names}\n`;
  }
  return text;
}

export const showSoftirqs = (k: Kernel): string =>
  `                    CPU0       \n${softirqNames
    .map((name) => `${pad(`${name}:`, 12)} ${pad(softirqCount(k, name), 10)}\n`)
    .join('')}`;

export const showSchedstat = (k: Kernel): string =>
  `version 15\ntimestamp ${Math.floor(k.time.nowNs / TICK_NS)}\n` +
  `cpu0 0 0 ${k.sched.contextSwitches} 0 0 0 ${Math.floor(busyNs(k))} 0 ${k.sched.contextSwitches}\n`;
