/**
 * WARN and BUG (lib/bug.c, kernel/panic.c): breakpoints of module code that its __bug_table explains, and the same of kernel code
 * that a module misused. Always true: a warning goes on behind its breakpoint; BUG ends the task (4.15) or the VM (as recorded).
 */
import { Trap } from '../../cpu/machine.ts';
import { offsetOf, sizeOf } from '../abi/structs/index.ts';
import { kapi } from '../kapi/registry.ts';
import { type Place, provideReports } from '../kapi/report.ts';
import { callArgs, format, type VarArgs } from '../kapi/vsprintf.ts';
import type { Kernel } from '../kernel.ts';
import { type Fault, kfault, killInKernel } from '../module/fault.ts';
import { readK16, readK64, readKString, writeK16 } from '../module/kmem.ts';
import { moduleAt } from '../module/symbols.ts';
import { Level, printk, printkText } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { afterDie, die, printTraceEnd } from './die.ts';
import { exportedPlace, inWords, isModern } from './frames.ts';
import { callerOf } from './inside.ts';
import { dumpStackBelow, panic } from './panic.ts';
import { printModules, printState, printTrace, record, type State, stateAt } from './report.ts';
import { backtrace, hex64, kernelPlace, type Registers, registersOf, symbolic } from './trace.ts';
import type { CodePlace } from './types.ts';

/** Flags of struct bug_entry; the taint bit is in the upper byte. */
const BugFlag = { WARNING: 1, ONCE: 2, DONE: 4, NO_CUT_HERE: 8 } as const;
const TAINT_WARN = 9;
const MAX_BUGS = 65_536;
const CUT = '------------[ cut here ]------------';

/** What panic_on_warn shows of the way into it. */
const BREAK_PATH = [
  'check_panic_on_warn+0x52/0x64',
  '__warn+0x92/0x132',
  'report_bug+0xfe/0x1a6',
  'handle_break+0x8e/0xf8',
  'do_trap_break+0x5a/0x72',
  'handle_exception+0x14a/0x156',
];

interface BugEntry {
  file: string | null;
  line: number;
  flags: number;
  flagsAt: number;
}

/** The entry of a module's __bug_table for the breakpoint at `pc` (find_bug). */
function findBug(k: Kernel, pc: number): BugEntry | null {
  const table = moduleAt(k, pc)?.sections.find(({ name }) => name === '__bug_table');
  if (!table) return null;
  const size = sizeOf('bug_entry');
  const count = Math.min(MAX_BUGS, Math.floor(table.size / size));
  for (let i = 0; i < count; i++) {
    const at = table.address + i * size;
    if (readK64(k, at + offsetOf('bug_entry', 'bug_addr')) !== pc) continue;
    const file = readK64(k, at + offsetOf('bug_entry', 'file')) ?? 0;
    const flagsAt = at + offsetOf('bug_entry', 'flags');
    return {
      file: file === 0 ? null : readKString(k, file, 1024),
      line: readK16(k, at + offsetOf('bug_entry', 'line')) ?? 0,
      flags: readK16(k, flagsAt) ?? 0,
      flagsAt,
    };
  }
  return null;
}

/** A breakpoint of kernel code. Null: no table explains it, so it is a fault like others. */
export function reportBreakpoint(
  k: Kernel,
  task: Task,
  fault: Fault,
  registers: Registers,
): 'dies' | 'goes on' | 'halted' | null {
  const bug = findBug(k, fault.pc);
  if (!bug) return null;
  const warning = (bug.flags & BugFlag.WARNING) !== 0;
  const plain = { ...fault, tval: 0, exact: 0n };
  if (warning && (bug.flags & BugFlag.ONCE) !== 0) {
    if ((bug.flags & BugFlag.DONE) !== 0) return goOn(k, fault.pc);
    writeK16(k, bug.flagsAt, bug.flags | BugFlag.DONE);
  }
  if ((bug.flags & BugFlag.NO_CUT_HERE) === 0) printk(k, Level.WARNING, CUT);
  const state = stateAt(k, task, registers, plain);
  const trace = backtrace(k, task, registers, false);
  const where = bug.file === null ? '' : `${bug.file}:${bug.line}`;
  if (!warning) {
    const message =
      where === ''
        ? `Kernel BUG at ${symbolic(k, fault.pc)} [verbose debug info unavailable]`
        : `kernel BUG at ${where}!`;
    printk(k, Level.CRIT, message);
    die(k, task, 'Kernel BUG', message, state, plain, trace);
    return afterDie(k, task, isModern(k));
  }
  warn(k, task, where, symbolic(k, fault.pc), bug.flags >> 8, { state, trace });
  return k.halted ? 'halted' : goOn(k, fault.pc);
}

/** Steps over the breakpoint, which has two bytes or four. */
function goOn(k: Kernel, pc: number): 'goes on' {
  k.hart.pc = pc + (((readK16(k, pc) ?? 0) & 3) === 3 ? 4 : 2);
  return 'goes on';
}

/** __warn(): the report below the cut. Without `state` it has a stack dump in place of registers. */
function warn(
  k: Kernel,
  task: Task,
  where: string,
  symbol: string,
  taint: number,
  more: { state?: State; trace: readonly CodePlace[]; text?: string },
): void {
  const at = where === '' ? `at ${symbol}` : `at ${where} ${symbol}`;
  const message = `WARNING: CPU: 0 PID: ${task.tid} ${at}`;
  printk(k, Level.WARNING, message);
  if (more.text !== undefined) printkText(k, more.text);
  k.panic.warnings++;
  const panics = (k.sysctl['kernel.panic_on_warn'] ?? '0') !== '0';
  if (panics) k.sysctl['kernel.panic_on_warn'] = '0';
  if (panics && !isModern(k)) {
    panic(k, 'panic_on_warn set ...', task, [], more.trace);
    return;
  }
  printModules(k);
  let { trace } = more;
  if (more.state) {
    printState(k, task, more.state);
    printTrace(k, trace, false);
  } else trace = dumpStackBelow(k, task, ['__warn+0x92/0x132', 'warn_slowpath_fmt+0x52/0x6c'], more.trace);
  record(k, task, 'warning', message, {
    state: more.state,
    cause: more.state ? Trap.Breakpoint : undefined,
    trace,
  });
  if (panics) {
    panic(k, 'kernel: panic_on_warn set ...', task, BREAK_PATH, more.trace);
    return;
  }
  printTraceEnd(k);
  k.taint |= 1 << (taint & 31);
  const limit = Number(k.sysctl['kernel.warn_limit'] ?? '0');
  if (isModern(k) && limit > 0 && k.panic.warnings >= limit)
    panic(k, `Warned too often (kernel.warn_limit is ${limit})`, task);
}

/** Formats what a module gave; null after an oops on its format. */
function formatted(k: Kernel, task: Task, fmt: number, args: VarArgs): string | null {
  const pattern = readKString(k, fmt, 65_536);
  if (pattern === null) {
    kfault(k, task, fmt, false);
    return null;
  }
  return format(k, task, pattern, args);
}

/** WARN(condition, fmt…) since 5.4: the text; a breakpoint follows. */
kapi('__warn_printk', (k, task, [fmt]) => {
  printk(k, Level.WARNING, CUT);
  const text = formatted(k, task, fmt, callArgs(k, 1));
  if (text !== null) printkText(k, text);
  return 0;
});

/** WARN(condition, fmt…) of 4.15: all of the report. */
kapi('warn_slowpath_fmt', (k, task, [file, line, fmt]) => {
  const text = formatted(k, task, fmt, callArgs(k, 3));
  if (text === null) return 0;
  printk(k, Level.WARNING, CUT);
  const registers = registersOf(k, task);
  const where = `${readKString(k, file, 1024) ?? ''}:${line}`;
  const caller = symbolic(k, Number(BigInt.asIntN(64, registers.x[1])));
  warn(k, task, where, caller, TAINT_WARN, { trace: backtrace(k, task, registers, true), text });
  return 0;
});

/** The stack protector's check failed: its caller overran a buffer. */
kapi('__stack_chk_fail', (k, task) => {
  const registers = registersOf(k, task);
  const caller = Number(BigInt.asIntN(64, registers.x[1]));
  const name = isModern(k) ? symbolic(k, caller) : hex64(caller);
  panic(k, `stack-protector: Kernel stack is corrupted in: ${name}`, task, [
    'generic_handle_arch_irq+0x0/0x74',
  ]);
  return 0;
});

kapi('panic', (k, task, [fmt]) => {
  const text = formatted(k, task, fmt, callArgs(k, 1));
  if (text !== null) panic(k, text.replace(/\n$/, ''), task);
  return 0;
});

kapi('add_taint', (k, _task, [flag]) => {
  if (flag >= 0 && flag < 19) k.taint |= 1 << flag;
  return 0;
});
kapi('test_taint', (k, _task, [flag]) => (flag >= 0 && flag < 31 ? (k.taint >> flag) & 1 : 0));
kapi('get_taint', (k) => k.taint);

/** The registers of kernel code at a place inside an exported function that `task` called, and the trace from there. */
function insideExported(k: Kernel, task: Task, place: Place): { state: State; trace: CodePlace[] } {
  const registers = registersOf(k, task);
  const at = kernelPlace(place.symbol);
  const plain = stateAt(k, task, registers, { cause: Trap.Breakpoint, tval: 0, pc: registers.pc });
  const called = task.kernelMode?.call?.name;
  const own = place.symbol.split('+')[0];
  const trace = [at];
  if (place.below) {
    const below = inWords(k, place.below).map(kernelPlace);
    return {
      state: { ...plain, epc: at, ra: below[0] ?? at },
      trace: [at, ...below, ...backtrace(k, task, registers, true)],
    };
  }
  if (called && called !== own) {
    const { place: symbol, address } = exportedPlace(k, called);
    trace.push({ address: hex64(address), symbol, module: null });
  }
  trace.push(...backtrace(k, task, registers, true));
  return { state: { ...plain, epc: at, ra: kernelPlace(callerOf(place.symbol)) }, trace };
}

provideReports({
  warn(k, task, place, text) {
    printk(k, Level.WARNING, CUT);
    if (text !== '' && isModern(k)) printk(k, Level.WARNING, text);
    const { state, trace } = insideExported(k, task, place);
    warn(k, task, place.file, place.symbol, TAINT_WARN, {
      state,
      trace,
      text: text !== '' && !isModern(k) ? `\x014${text}\n` : undefined,
    });
  },
  bug(k, task, place) {
    const { state, trace } = insideExported(k, task, place);
    const message = `kernel BUG at ${place.file}!`;
    printk(k, Level.WARNING, CUT);
    printk(k, Level.CRIT, message);
    k.module.oopses++;
    const fault = { cause: Trap.Breakpoint, tval: 0, pc: k.hart.pc };
    die(k, task, 'Kernel BUG', message, state, fault, trace);
    if (afterDie(k, task, isModern(k)) === 'dies') killInKernel(k, task);
  },
  dumpStack(k, task, frames) {
    const own = frames.filter(
      (place) => !/^(dump_backtrace|show_stack|dump_stack_lvl|dump_stack)\+/.test(place),
    );
    dumpStackBelow(k, task, own, backtrace(k, task, registersOf(k, task), true));
  },
});
