/** sscanf (lib/vsprintf.c vsscanf). Always true: what does not match ends the scan; what was converted before stays converted. */
import type { Kernel } from '../kernel.ts';
import { writeK8, writeK16, writeK32, writeKBig } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, store } from './access.ts';
import { kapi } from './registry.ts';
import { digits, put, SPACES, withStrings } from './string.ts';
import { callArgs, listArgs, type VarArgs } from './vsprintf.ts';

const WIDTHS: Readonly<Record<string, number>> = { hh: 1, h: 2, '': 4, l: 8, ll: 8, L: 8, q: 8, z: 8 };

function scan(k: Kernel, task: Task, s: string, fmt: string, args: VarArgs): number {
  let at = 0;
  let count = 0;
  const skip = (): void => {
    while (at < s.length && SPACES.includes(s[at])) at++;
  };
  const pattern = /(\s+)|%(\*)?(\d+)?(hh|h|ll|l|L|q|z)?([%cdiusxXo]|\[\^?\]?[^\]]*\]|n)|([^%\s])/gs;
  for (const [, space, ignore, widthText, length, kind, literal] of fmt.matchAll(pattern)) {
    if (space) skip();
    else if (literal) {
      if (s[at] !== literal) return count;
      at++;
    } else if (kind === '%') {
      skip();
      if (s[at++] !== '%') return count;
    } else if (kind === 'n') {
      if (!ignore) writeK32(k, Number(BigInt.asIntN(64, args.next())), at);
    } else if (kind === 'c') {
      const width = Number(widthText ?? 1);
      if (at + width > s.length) return count;
      if (!ignore) {
        if (!store(k, task, Number(BigInt.asIntN(64, args.next())), bytesOf(s.slice(at, at + width))))
          return count;
        count++;
      }
      at += width;
    } else if (kind === 's' || kind[0] === '[') {
      if (kind === 's') skip();
      const set = kind === 's' ? '[^ \\t\\n\\v\\f\\r]' : kind.replace(/\\/g, '\\\\');
      const word = new RegExp(`^${set}{1,${widthText ?? 65535}}`, 's').exec(s.slice(at))?.[0];
      if (word === undefined) return count;
      at += word.length;
      if (!ignore) {
        if (!put(k, task, Number(BigInt.asIntN(64, args.next())), word)) return count;
        count++;
      }
    } else {
      skip();
      const field = widthText ? s.slice(at, at + Number(widthText)) : s.slice(at);
      const isSigned = kind === 'd' || kind === 'i';
      const negative = isSigned && field[0] === '-';
      const base = kind === 'x' || kind === 'X' ? 16 : kind === 'o' ? 8 : kind === 'i' ? 0 : 10;
      const found = digits(negative ? field.slice(1) : field, base);
      if (!found) return count;
      at += found.used + (negative ? 1 : 0);
      if (ignore) continue;
      const to = Number(BigInt.asIntN(64, args.next()));
      const value = negative ? -found.value : found.value;
      const size = WIDTHS[length ?? ''];
      const low = Number(BigInt.asIntN(32, value));
      if (size === 8) writeKBig(k, to, value);
      else if (size === 4) writeK32(k, to, low);
      else if (size === 2) writeK16(k, to, low);
      else writeK8(k, to, low);
      count++;
    }
  }
  return count;
}
kapi(
  'sscanf',
  withStrings([0, 1], (k, task, _a, [s, fmt]) => scan(k, task, s, fmt, callArgs(k, 2))),
);
kapi(
  'vsscanf',
  withStrings([0, 1], (k, task, [, , list], [s, fmt]) => scan(k, task, s, fmt, listArgs(k, list))),
);
