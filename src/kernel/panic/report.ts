/**
 * The lines that reports are made of (kernel/panic.c, lib/dump_stack.c, arch/riscv/kernel/process.c): modules, processor and
 * task, taint, registers, trace, code. Always true: what is printed is also kept in fields, in `k.panic.reports`.
 */
import { kernelVersion } from '../kapi/declarations/declare.ts';
import { kernelCode } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import type { Fault } from '../module/fault.ts';
import { readK16 } from '../module/kmem.ts';
import { taintLetters } from '../module/taint.ts';
import type { LoadedModule } from '../module/types.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { isModern } from './frames.ts';
import { callerPlace, codePlace, hex64, placeLine, type Registers } from './trace.ts';
import type { CodePlace, ProblemReport, ReportKind } from './types.ts';

/** Reports that are kept for inspection; the log keeps them all. */
const MAX_REPORTS = 64;

/** Letters and names of the taint flags by bit; the first has a letter for "not" too (taint_flags). */
const FLAGS: readonly (readonly [letter: string, name: string])[] = [
  ['P', 'PROPRIETARY_MODULE'],
  ['F', 'FORCED_MODULE'],
  ['S', 'CPU_OUT_OF_SPEC'],
  ['R', 'FORCED_RMMOD'],
  ['M', 'MACHINE_CHECK'],
  ['B', 'BAD_PAGE'],
  ['U', 'USER'],
  ['D', 'DIE'],
  ['A', 'OVERRIDDEN_ACPI_TABLE'],
  ['W', 'WARN'],
  ['C', 'CRAP'],
  ['I', 'FIRMWARE_WORKAROUND'],
  ['O', 'OOT_MODULE'],
  ['E', 'UNSIGNED_MODULE'],
  ['L', 'SOFTLOCKUP'],
  ['K', 'LIVEPATCH'],
  ['X', 'AUX'],
  ['T', 'RANDSTRUCT'],
  ['N', 'TEST'],
];

/** print_tainted: `Tainted: G        W  OE     `, or `Not tainted`. */
export function taintText(k: Kernel): string {
  if (k.taint === 0) return 'Not tainted';
  const flags = isModern(k) ? FLAGS : FLAGS.slice(0, 17);
  return `Tainted: ${flags
    .map(([letter], bit) => ((k.taint & (1 << bit)) !== 0 ? letter : bit === 0 ? 'G' : ' '))
    .join('')}`;
}

/** What follows the release in reports: `#36-Ubuntu`, `#1  Debian 6.12.107-1`. */
function buildText(k: Kernel): string {
  const { version } = k.identity;
  const number = version.split(' ')[0];
  const debian = /Debian \S+/.exec(version);
  return isModern(k) && debian ? `${number}  ${debian[0]}` : number;
}

const warning = (k: Kernel, text: string): void => printk(k, Level.WARNING, text);

/** `oops_init(OE+)`: a module with its taints and what is happening to it (module_flags). */
function moduleName(module: LoadedModule): string {
  const state = module.state === 'coming' ? '+' : module.state === 'going' ? '-' : '';
  const letters = taintLetters(module.taints);
  return letters === '' && state === '' ? module.name : `${module.name}(${letters}${state})`;
}

const moduleNames = (k: Kernel): string[] =>
  k.module.modules.filter(({ state }) => state !== 'unformed').map(moduleName);

/** What to remember of a module that is going away, for `[last unloaded: …]`. */
export function noteUnloaded(k: Kernel, module: LoadedModule): void {
  const letters = taintLetters(module.taints);
  k.panic.lastUnloaded = isModern(k) && letters !== '' ? `${module.name}(${letters})` : module.name;
}

/** print_modules. */
export function printModules(k: Kernel): void {
  const last = k.panic.lastUnloaded === '' ? '' : ` [last unloaded: ${k.panic.lastUnloaded}]`;
  warning(
    k,
    `Modules linked in:${moduleNames(k)
      .map((name) => ` ${name}`)
      .join('')}${last}`,
  );
}

/** dump_stack_print_info: who ran, on what. */
export function printTask(k: Kernel, task: Task): void {
  const uid = isModern(k) && kernelCode(k) >= kernelVersion(6, 11, 0) ? ` UID: ${task.cred.uid}` : '';
  warning(
    k,
    `CPU: 0${uid} PID: ${task.tid} Comm: ${task.comm.slice(0, 20)} ${taintText(k)} ${k.identity.release} ${buildText(k)}`,
  );
  if (kernelCode(k) >= kernelVersion(6, 9, 0) && k.taint !== 0) {
    const names = FLAGS.flatMap(([letter, name], bit) =>
      k.taint & (1 << bit) ? [`[${letter}]=${name}`] : [],
    );
    warning(k, `Tainted: ${names.join(', ')}`);
  }
  warning(k, 'Hardware name: riscv-virtio,qemu (DT)');
}

const NAMES =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  );

/** Registers in the order of reports, three to a line. */
const ORDER: readonly (readonly number[])[] = [
  [3, 4, 5],
  [6, 7, 8],
  [9, 10, 11],
  [12, 13, 14],
  [15, 16, 17],
  [18, 19, 20],
  [21, 22, 23],
  [24, 25, 26],
  [27, 28, 29],
  [30, 31],
];

/** What a report says of the processor's state. */
export interface State {
  registers: Registers;
  epc: CodePlace;
  ra: CodePlace;
  status: string;
  badaddr: string;
  cause: string;
}

/** SR_SPP, SR_UXL_64 and, when interrupts were on, SR_SPIE. */
const statusOf = (k: Kernel, task: Task): number =>
  0x200000100 + (k.module.irqsOff === 0 && task !== k.module.swapper ? 0x20 : 0);

/** The state at a fault, or with `cause` null at an interrupt of the clock. */
export function stateAt(k: Kernel, task: Task, registers: Registers, fault: Fault | null): State {
  const shown = { ...registers, x: [...registers.x] };
  const ra = callerPlace(k, task, Number(BigInt.asIntN(64, registers.x[1])));
  shown.x[1] = BigInt(`0x${ra.address}`);
  return {
    registers: shown,
    epc: codePlace(k, registers.pc),
    ra,
    status: hex64(statusOf(k, task)),
    badaddr: hex64(fault?.exact ?? fault?.tval ?? 0),
    cause: hex64(fault ? fault.cause : 0x8000000000000005n),
  };
}

/** show_regs: task, epc and ra by name, all registers. */
export function printState(k: Kernel, task: Task, state: State): void {
  printTask(k, task);
  const modern = isModern(k);
  const { x } = state.registers;
  const text = ({ symbol, module }: CodePlace): string =>
    module === null ? symbol : `${symbol} [${module}]`;
  if (modern) {
    warning(k, `epc : ${text(state.epc)}`);
    warning(k, ` ra : ${text(state.ra)}`);
  }
  warning(
    k,
    `${modern ? 'epc' : 'sepc'}${modern ? ' ' : ''}: ${state.epc.address} ra : ${state.ra.address} sp : ${hex64(x[2])}`,
  );
  for (const line of ORDER)
    warning(k, line.map((reg) => ` ${NAMES[reg].padEnd(3)}: ${hex64(x[reg])}`).join(''));
  const s = modern ? '' : 's';
  warning(k, `${s}status: ${state.status} ${s}badaddr: ${state.badaddr} ${s}cause: ${state.cause}`);
}

/** The trace that follows registers; 4.15 has its heading. */
export function printTrace(k: Kernel, trace: readonly CodePlace[], heading: boolean): void {
  if (heading || !isModern(k)) warning(k, 'Call Trace:');
  for (const place of trace) warning(k, placeLine(place));
}

/** dump_instr: the eleven half-words up to the fault and one more. Answers what follows `Code: `. */
export function codeText(k: Kernel, pc: number): string {
  let text = '';
  for (let i = -10; i < 2; i++) {
    const word = readK16(k, pc + 2 * i);
    if (word === null) return `Unable to access instruction at 0x${hex64(pc + 2 * i)}.`;
    const digits = word.toString(16).padStart(4, '0');
    text += i === 0 ? `(${digits}) ` : `${digits} `;
  }
  return text;
}

/** Keeps a report in fields. */
export function record(
  k: Kernel,
  task: Task | null,
  kind: ReportKind,
  message: string,
  more: { state?: State; cause?: number; trace?: readonly CodePlace[]; code?: string; number?: number } = {},
): ProblemReport {
  const { state } = more;
  const report: ProblemReport = {
    kind,
    number: more.number ?? 0,
    timeNs: k.time.nowNs,
    message,
    pid: task?.tid ?? 0,
    comm: task?.comm ?? 'swapper/0',
    uid: task?.cred.uid ?? 0,
    taint: k.taint,
    modules: moduleNames(k),
    epc: state?.epc ?? null,
    ra: state?.ra ?? null,
    registers: state
      ? Object.fromEntries(state.registers.x.slice(1).map((value, i) => [NAMES[i + 1], hex64(value)]))
      : {},
    status: state?.status ?? null,
    badaddr: state?.badaddr ?? null,
    cause: more.cause ?? null,
    trace: [...(more.trace ?? [])],
    code: more.code ?? null,
  };
  const { reports } = k.panic;
  reports.push(report);
  if (reports.length > MAX_REPORTS) reports.shift();
  return report;
}
