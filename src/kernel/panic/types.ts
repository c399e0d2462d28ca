/** What a kernel remembers of its own troubles, as data: counters, and every report taken apart for whoever inspects the VM. */

/** A code address with its name: `m_init+0x28/0x1000`, of a module or (null) of the kernel. */
export interface CodePlace {
  address: string;
  symbol: string;
  module: string | null;
}

export type ReportKind =
  | 'oops'
  | 'bug'
  | 'warning'
  | 'panic'
  | 'soft lockup'
  | 'hung task'
  | 'scheduling while atomic'
  | 'stack overflow'
  | 'kasan';

/** One report of the log in fields. */
export interface ProblemReport {
  kind: ReportKind;
  /** `Oops [#1]`'s number; 0 for reports that have none. */
  number: number;
  timeNs: number;
  /** The line that says what is wrong. */
  message: string;
  pid: number;
  comm: string;
  uid: number;
  taint: number;
  /** As in `Modules linked in:`. */
  modules: string[];
  epc: CodePlace | null;
  ra: CodePlace | null;
  /** ra, sp, gp … t6 in hexadecimal. */
  registers: Record<string, string>;
  status: string | null;
  badaddr: string | null;
  cause: number | null;
  trace: CodePlace[];
  /** The instruction words before and at the fault, that one in parentheses. */
  code: string | null;
}

export interface PanicRoom {
  reports: ProblemReport[];
  /** Tasks that died of an oops (kernel.oops_limit, /sys/kernel/oops_count), and warnings. */
  deaths: number;
  warnings: number;
  /** The module that went last, with its taints. */
  lastUnloaded: string;
  /** What the end of a trace shows before 5.18: random at first, then counted up. */
  oopsId: string;
  /** The timer that looks for hung tasks is running. */
  watching: boolean;
  /** By tid: how often a task had slept when it was last looked at. */
  sleepers: Map<number, number>;
  hungWarnings: number;
}

export function createPanicRoom(): PanicRoom {
  return {
    reports: [],
    deaths: 0,
    warnings: 0,
    lastUnloaded: '',
    oopsId: '',
    watching: false,
    sleepers: new Map(),
    hungWarnings: 0,
  };
}
