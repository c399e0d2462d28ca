/**
 * Sysctls: each is declared once with its dotted name, its rights and what it reads and writes; the tree /proc/sys is made
 * from the declarations. A value that no room owns is kept as text in `k.sysctl` (only once it was changed).
 *
 * Always true: a write out of range answers -EINVAL and changes nothing.
 */
import { Errno } from '../../../abi/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import type { Task } from '../../../task/types.ts';
import { type DirNode, dir, file, type KernfsNode } from '../../kernfs.ts';
import { parseIntegers } from '../format.ts';

export interface Sysctl {
  mode: number;
  /** The text without the newline. */
  get: (k: Kernel) => string;
  /** Takes new text; answers 0 or -errno. */
  set?: (k: Kernel, task: Task, text: string) => number;
  /** The kernels that have it, when not all do: 4.x or what came after. */
  only?: Generation;
}

export type Generation = '4' | '6';

const declared = new Map<string, Sysctl>();
let trees: Partial<Record<Generation, DirNode>> = {};

/** Declares a sysctl by its dotted name, such as `kernel.hostname`. */
export function sysctl(name: string, entry: Sysctl): void {
  declared.set(name, entry);
  trees = {};
}

/** Says that only some kernels have what is declared. */
export function only(generation: Generation, ...names: string[]): void {
  for (const name of names) {
    const entry = declared.get(name);
    if (entry) declared.set(name, { ...entry, only: generation });
  }
}

/** The stored value of a sysctl that no room owns. */
export const stored = (k: Kernel, name: string, initial: string): string => k.sysctl[name] ?? initial;

/** Integers separated by tabs, each within [min, max]. */
export function integers(
  name: string,
  initial: readonly number[],
  min = -2147483648,
  max = 2147483647,
  mode = 0o644,
  changed: (k: Kernel, values: number[]) => void = () => {},
): void {
  sysctl(name, {
    mode,
    get: (k) => stored(k, name, initial.join('\t')),
    set(k, _task, text) {
      const values = parseIntegers(text);
      if (!values || values.length === 0 || values.length > initial.length) return -Errno.EINVAL;
      if (values.some((value) => value < min || value > max)) return -Errno.EINVAL;
      const old = stored(k, name, initial.join('\t')).split('\t').map(Number);
      const next = old.map((value, i) => values[i] ?? value);
      k.sysctl[name] = next.join('\t');
      changed(k, next);
      return 0;
    },
  });
}

/** One integer within [min, max]. */
export const integer = (name: string, initial: number, min?: number, max?: number, mode?: number): void =>
  integers(name, [initial], min, max, mode);

/** A text of at most `max` bytes. */
export function text(name: string, initial: string, max = 255, mode = 0o644): void {
  sysctl(name, {
    mode,
    get: (k) => stored(k, name, initial),
    set(k, _task, value) {
      k.sysctl[name] = firstLine(value).slice(0, max);
      return 0;
    },
  });
}

/** A value that can only be read. */
export const readOnly = (name: string, get: (k: Kernel) => string | number, mode = 0o444): void =>
  sysctl(name, { mode, get: (k) => String(get(k)) });

/** One integer that a room owns: kept where the room keeps it. */
export function owned(
  name: string,
  get: (k: Kernel) => number,
  set: (k: Kernel, value: number) => void,
  min: number,
  max: number,
  mode = 0o644,
): void {
  sysctl(name, {
    mode,
    get: (k) => String(get(k)),
    set(k, _task, value) {
      const values = parseIntegers(value);
      if (values?.length !== 1 || values[0] < min || values[0] > max) return -Errno.EINVAL;
      set(k, values[0]);
      return 0;
    },
  });
}

/** What proc_dostring takes: up to a newline or NUL. */
export const firstLine = (value: string): string => value.split(/[\n\0]/, 1)[0];

function nodeOf(entry: Sysctl): KernfsNode {
  const { set } = entry;
  return file((k) => `${entry.get(k)}\n`, {
    mode: entry.mode,
    strict: true,
    store: set
      ? (k, task, _ctx, value) => {
          const result = set(k, task, value);
          return result < 0 ? result : value.length;
        }
      : undefined,
  });
}

type Branch = { [name: string]: Branch | KernfsNode };

function build(branch: Branch): DirNode {
  const children: Record<string, KernfsNode> = {};
  for (const [name, child] of Object.entries(branch).sort(([a], [b]) => (a < b ? -1 : 1)))
    children[name] = typeof child.type === 'string' ? (child as KernfsNode) : build(child as Branch);
  return dir(children);
}

/** The tree of all that a kernel of that generation has. */
export function sysctlTree(generation: Generation): DirNode {
  const known = trees[generation];
  if (known) return known;
  const root: Branch = {};
  for (const [name, entry] of declared) {
    if (entry.only && entry.only !== generation) continue;
    const parts = name.split('.');
    let at = root;
    for (const part of parts.slice(0, -1)) {
      at[part] ??= {};
      at = at[part] as Branch;
    }
    at[parts[parts.length - 1]] = nodeOf(entry);
  }
  const tree = build(root);
  trees[generation] = tree;
  return tree;
}

/** Whose sysctls the VM has. */
export const generationOf = (k: Kernel): Generation => (k.identity.release.startsWith('4.') ? '4' : '6');
