/** Names of signals (man 7 signal), as `kill -l` and SSH's exit-signal write them, with SIG in front. */
import * as bits from './bits.ts';

const numbers = new Map<string, number>(
  Object.entries(bits).flatMap(([name, value]) =>
    typeof value === 'number' && /^SIG[A-Z0-9]+$/.test(name) ? [[name, value] as const] : [],
  ),
);
const names = new Map([...numbers].map(([name, number]) => [number, name]));

/** `SIGKILL` for 9, `SIGRTMIN+2` for 34. */
export const signalNameOf = (signo: number): string =>
  names.get(signo) ??
  (signo > bits.SIGRTMIN && signo <= bits.NSIG ? `SIGRTMIN+${signo - bits.SIGRTMIN}` : `SIG${signo}`);

/** The number of `SIGTERM` or `TERM`, in any case; undefined for what is none. */
export function signalNumber(name: string): number | undefined {
  const upper = name.toUpperCase();
  return numbers.get(upper.startsWith('SIG') ? upper : `SIG${upper}`);
}
