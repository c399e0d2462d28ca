/** The door of the panic room: reports of faults, warnings, lockups; panic. */
import './crash.ts';
import './kasan.ts';
import './lockup.ts';
import './oops.ts';
import './stack.ts';
import './warn.ts';

export { panic } from './panic.ts';
export { noteUnloaded } from './report.ts';
export { initPanic } from './sysctl.ts';
export { createPanicRoom, type PanicRoom, type ProblemReport } from './types.ts';
