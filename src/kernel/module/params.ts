/**
 * Module parameters (kernel/params.c). Always true: the values live in the module's own memory, where its code reads them; the
 * standard kinds are set here, any other by a call of the module's own `set`.
 */
import { offsetOf } from '../abi/structs/index.ts';
import { kernelSymbol } from '../kapi/image.ts';
import { kapi } from '../kapi/registry.ts';
import type { Kernel } from '../kernel.ts';
import type { Activation, Outcome } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import { readK16, readK32, readK64, readKString, writeK, writeK32, writeK64, writeKString } from './kmem.ts';
import { allocRegion, fillKernelData } from './memory.ts';
import { getStandard, KINDS, setStandard, standardKind, tableOf } from './param-kinds.ts';
import { call } from './runtime.ts';
import { findModule } from './symbols.ts';
import type { LoadedModule } from './types.ts';

const ENOENT = 2;
const ENOMEM = 12;
const EFAULT = 14;
const EINVAL = 22;
const ENOSPC = 28;
const PAGE = 4096;
/** KERNEL_PARAM_OPS_FL_NOARG. */
const FL_NOARG = 1;

/** Arguments of a module being loaded, one after another. Plain data: the state of step `module.param`. */
export interface ParamWork {
  module: string;
  args: { name: string; value: string | null; at: number }[];
  next: number;
  result: number;
}

const field = (name: string, member: string): number => offsetOf(name, member);

/** Reads the names and modes of the parameters out of the module's memory. */
export function nameParams(k: Kernel, module: LoadedModule): void {
  for (const param of module.params) {
    const name = readK64(k, param.address + field('kernel_param', 'name')) ?? 0;
    param.name = readKString(k, name, 128) ?? '';
    param.mode = (readK16(k, param.address + field('kernel_param', 'perm')) ?? 0) & 0o777;
  }
  module.params = module.params.filter(({ name }) => name !== '');
}

/** Splits `a=1 b="x y"` as next_arg does, and writes the pieces where the module will find them for good. */
export function parseArgs(k: Kernel, module: LoadedModule, args: string): ParamWork | number {
  const work: ParamWork = { module: module.name, args: [], next: 0, result: 0 };
  const text = args.replace(/^[ \t\n\v\f\r]+/, '');
  if (text === '') return work;
  const region = allocRegion(k, Math.ceil((text.length + 1) / PAGE));
  if (!region) return -ENOMEM;
  module.core.push(region);
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  for (let i = 0; i < text.length && work.args.length < 4096; ) {
    while (i < text.length && /\s/.test(text[i])) i++;
    if (i >= text.length) break;
    let start = i;
    let quoted = text[i] === '"';
    const outer = quoted;
    if (outer) start = ++i;
    let equals = -1;
    for (; i < text.length; i++) {
      if (/\s/.test(text[i]) && !quoted) break;
      if (equals < 0 && text[i] === '=') equals = i;
      if (text[i] === '"') quoted = !quoted;
    }
    let end = i;
    if (outer && text[end - 1] === '"') end--;
    bytes[end] = 0;
    if (equals < 0) {
      if (text.slice(start, end) === '--') break;
      work.args.push({ name: text.slice(start, end), value: null, at: 0 });
    } else {
      let from = equals + 1;
      let to = end;
      if (text[from] === '"') {
        from++;
        if (text[to - 1] === '"' && to > from) to--;
        bytes[to] = 0;
      }
      work.args.push({
        name: text.slice(start, equals),
        value: text.slice(from, Math.max(from, to)),
        at: region.base + from,
      });
    }
    i++;
  }
  writeK(k, region.base, bytes, true);
  return work;
}

const sameName = (a: string, b: string): boolean => a.replaceAll('-', '_') === b.replaceAll('-', '_');

/** Sets the next parameters; answers 0 when all are set, a negative errno, or a call of a parameter's own `set`. */
export function nextParam(k: Kernel, work: ParamWork, again: Activation): Outcome {
  const module = findModule(k, work.module);
  if (!module) return -ENOENT;
  for (;;) {
    if (work.result < 0) {
      complain(k, module.name, work.args[work.next - 1], work.result);
      return work.result;
    }
    const arg = work.args[work.next++];
    if (!arg) return 0;
    const param = module.params.find(({ name }) => sameName(name, arg.name));
    if (!param) {
      if (!['dyndbg', 'async_probe', `${module.name}.dyndbg`].includes(arg.name))
        printk(k, Level.WARNING, `${module.name}: unknown parameter '${arg.name}' ignored`);
      continue;
    }
    const ops = readK64(k, param.address + field('kernel_param', 'ops')) ?? 0;
    const flags = readK32(k, ops + field('kernel_param_ops', 'flags')) ?? 0;
    if (arg.value === null && (flags & FL_NOARG) === 0) {
      work.result = -EINVAL;
      continue;
    }
    const set = readK64(k, ops + field('kernel_param_ops', 'set')) ?? 0;
    const kind = standardKind(k, ops, 'set');
    if (kind) work.result = setStandard(k, kind, arg.value, arg.at, param.address);
    else return call(set, [arg.value === null ? 0 : arg.at, param.address], again);
  }
}

function complain(k: Kernel, module: string, arg: ParamWork['args'][number], error: number): void {
  const value = arg.value ?? '';
  if (error === -ENOSPC)
    printk(k, Level.ERR, `${module}: \`${value}' too large for parameter \`${arg.name}'`);
  else printk(k, Level.ERR, `${module}: \`${value}' invalid for parameter \`${arg.name}'`);
}

/** What a parameter's file shows: the text, or the address of the module's own `get`. */
export function showParam(k: Kernel, kp: number): string | number | { get: number } {
  const ops = readK64(k, kp + field('kernel_param', 'ops')) ?? 0;
  const get = readK64(k, ops + field('kernel_param_ops', 'get')) ?? 0;
  const kind = standardKind(k, ops, 'get');
  if (!kind) return get === 0 ? -1 : { get };
  const text = getStandard(k, kind, kp);
  return typeof text === 'number' ? text : `${text}\n`;
}

/** Whether setting the parameter runs code of the module. */
export function hasOwnSet(k: Kernel, kp: number): boolean {
  const ops = readK64(k, kp + field('kernel_param', 'ops')) ?? 0;
  return standardKind(k, ops, 'set') === null && readK64(k, ops + field('kernel_param_ops', 'set')) !== 0;
}

/** What a write to a parameter's file does: 0 or -errno, or the module's own `set` is to be called. */
export function storeParam(k: Kernel, kp: number, text: string): number | { set: number } {
  const ops = readK64(k, kp + field('kernel_param', 'ops')) ?? 0;
  const set = readK64(k, ops + field('kernel_param_ops', 'set')) ?? 0;
  const kind = standardKind(k, ops, 'set');
  if (!kind) return set === 0 ? -1 : { set };
  return setStandard(k, kind, text.replace(/\n$/, ''), 0, kp);
}

// ── The same for callers in C, which pass the text by address ──────────────────────────────────────────────────

const textOf = (k: Kernel, at: number): string | null => (at === 0 ? null : (readKString(k, at, PAGE) ?? ''));

for (const kind of [...KINDS, 'string', 'array']) {
  const [set, get] =
    kind === 'string'
      ? ['param_set_copystring', 'param_get_string']
      : kind === 'array'
        ? ['param_array_set', 'param_array_get']
        : [`param_set_${kind}`, `param_get_${kind}`];
  kapi(set, (k, _task, [at, kp]) => {
    const value = textOf(k, at);
    if (value === null && !kind.startsWith('bool') && kind !== 'bint') return -EINVAL;
    const copied = kind === 'charp' || kind === 'array' ? 0 : at;
    return setStandard(k, kind, value, copied, kp);
  });
  kapi(get, (k, _task, [buffer, kp]) => {
    const text = getStandard(k, kind, kp);
    if (typeof text === 'number') return text;
    return writeKString(k, buffer, `${text}\n`) ? text.length + 1 : -EFAULT;
  });
}

/** The tables of operations that modules point to. */
fillKernelData((k) => {
  for (const kind of [...KINDS, 'string', 'array']) {
    const table = tableOf(k, kind);
    if (table === 0) continue;
    const set =
      kind === 'string' ? 'param_set_copystring' : kind === 'array' ? 'param_array_set' : `param_set_${kind}`;
    const get =
      kind === 'string' ? 'param_get_string' : kind === 'array' ? 'param_array_get' : `param_get_${kind}`;
    writeK32(k, table + field('kernel_param_ops', 'flags'), kind.startsWith('bool') ? FL_NOARG : 0);
    writeK64(k, table + field('kernel_param_ops', 'set'), kernelSymbol(k, set));
    writeK64(k, table + field('kernel_param_ops', 'get'), kernelSymbol(k, get));
  }
});
