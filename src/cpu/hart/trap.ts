/** Raising a trap. Always true: CAUSE is NO_TRAP while instructions run; what raises one stops before any effect. */
import { CAUSE, NO_TRAP, TVAL } from './layout';

/** A trap with `cause` (Trap in machine.ts) and `tval`. */
export function raise(cause: i32, tval: i64): void {
  store<i32>(CAUSE, cause);
  store<i64>(TVAL, tval);
}

/** Whether a trap was raised. */
@inline
export function trapped(): bool {
  return load<i32>(CAUSE) != NO_TRAP;
}
