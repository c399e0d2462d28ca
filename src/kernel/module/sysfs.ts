/**
 * /sys/module/NAME, /proc/modules and /proc/kallsyms. Always true: files hold the module's name only; what they show is the
 * module's present state.
 */
import { Errno } from '../abi/errno.ts';
import { addDynamic, defineKernfsHandler, removeDynamic } from '../fs/kernfs-dynamic.ts';
import { provideModules, provideSymbols } from '../fs/proc/symbols.ts';
import { hasModversions } from '../kapi/vermagic.ts';
import type { Kernel } from '../kernel.ts';
import { hasOwnSet, showParam, storeParam } from './params.ts';
import { findModule, infoOf, kallsymsText } from './symbols.ts';
import { taintLetters } from './taint.ts';
import type { LoadedModule } from './types.ts';

const TREE = 'sysfs';
/** SECTION_NAME files: a hostile module may have no more of them than this. */
const MAX_SECTIONS = 256;

const hex = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

interface FileData {
  module: string;
  /** The section, note or parameter. */
  item: string;
}

/** A file that shows something of its module. */
function attribute(
  name: string,
  show: (k: Kernel, module: LoadedModule, item: string) => string | number,
  size = 4096,
): void {
  defineKernfsHandler(`module.${name}`, {
    size,
    strict: true,
    show(k, ctx) {
      const { module, item } = ctx.data as FileData;
      const found = findModule(k, module);
      return found ? show(k, found, item) : -Errno.ENODEV;
    },
  });
}

const STATE_WORDS = { live: 'live', coming: 'coming', going: 'going', unformed: 'unformed' } as const;
attribute('coresize', (_k, module) => `${module.coreSize}\n`);
attribute('initsize', (_k, module) => `${module.initSize}\n`);
attribute('initstate', (_k, module) => `${STATE_WORDS[module.state]}\n`);
attribute('refcnt', (_k, module) => `${module.refcnt}\n`);
attribute('taint', (_k, module) => `${taintLetters(module.taints)}\n`);
attribute('version', (_k, module) => `${infoOf(module, 'version') ?? ''}\n`);
attribute('srcversion', (_k, module) => `${infoOf(module, 'srcversion') ?? ''}\n`);
function showSection(_k: Kernel, module: LoadedModule, item: string): string | number {
  const section = module.sections.find(({ name }) => name === item);
  return section ? `0x${hex(section.address)}\n` : -Errno.ENODEV;
}
attribute('section', showSection);
/** As binary attributes of the right size, since 5.8. */
attribute('section.short', showSection, 19);
attribute('note', (_k, module, item) => {
  const note = module.notes.find(({ name }) => name === item);
  return note ? String.fromCharCode(...note.bytes) : -Errno.ENODEV;
});
defineKernfsHandler('module.uevent', {
  size: 4096,
  strict: true,
  store: (_k, _task, _ctx, text) => text.length,
});

defineKernfsHandler('module.param', {
  size: 4096,
  strict: true,
  show(k, ctx) {
    const kp = paramAddress(k, ctx.data as FileData);
    const shown = kp === 0 ? -Errno.ENODEV : showParam(k, kp);
    return typeof shown === 'object' ? -Errno.EIO : shown;
  },
  store(k, _task, ctx, text) {
    const kp = paramAddress(k, ctx.data as FileData);
    const stored = kp === 0 ? -Errno.ENODEV : storeParam(k, kp, text);
    if (typeof stored === 'object') return -Errno.EIO;
    return stored < 0 ? stored : text.length;
  },
});
/** With operations of the module's own: param-file.ts. */
defineKernfsHandler('module.param.own', { size: 4096, kind: 'module.param' });

function paramAddress(k: Kernel, { module, item }: FileData): number {
  return findModule(k, module)?.params.find(({ name }) => name === item)?.address ?? 0;
}

/** Makes /sys/module/NAME with everything below; -EEXIST when something of that name is there. */
export function addModuleTree(k: Kernel, module: LoadedModule): number {
  const { name } = module;
  const root = ['module', name];
  const dir = (...names: string[]): number =>
    addDynamic(k, TREE, [...root, ...names], { type: 'dir', mode: 0o755 });
  const file = (names: string[], handler: string, mode = 0o444, item = ''): void => {
    addDynamic(k, TREE, [...root, ...names], {
      type: 'file',
      mode,
      handler: `module.${handler}`,
      data: { module: name, item },
    });
  };
  const modern = hasModversions(k.identity.release);
  if (dir() < 0) return -Errno.EEXIST;
  for (const attr of ['coresize', 'initsize', 'initstate', 'refcnt', 'taint']) file([attr], attr);
  file(['uevent'], 'uevent', 0o200);
  for (const attr of ['version', 'srcversion']) if (infoOf(module, attr) !== undefined) file([attr], attr);
  dir('holders');
  dir('sections');
  for (const section of module.sections.slice(0, MAX_SECTIONS))
    if (!section.name.includes('/') && section.name !== '')
      file(['sections', section.name], modern ? 'section.short' : 'section', 0o400, section.name);
  if (module.notes.length > 0) {
    dir('notes');
    for (const note of module.notes)
      if (!note.name.includes('/')) file(['notes', note.name], 'note', 0o444, note.name);
  }
  const shown = module.params.filter(({ mode, name: param }) => mode !== 0 && !param.includes('/'));
  if (shown.length > 0) dir('parameters');
  for (const param of shown) {
    const own = typeof showParam(k, param.address) === 'object' || hasOwnSet(k, param.address);
    file(['parameters', param.name], own ? 'param.own' : 'param', param.mode, param.name);
  }
  for (const used of module.uses)
    addDynamic(k, TREE, ['module', used, 'holders', name], {
      type: 'link',
      mode: 0o777,
      data: `../../${name}`,
    });
  return 0;
}

export function removeModuleTree(k: Kernel, module: LoadedModule): void {
  removeDynamic(k, TREE, ['module', module.name]);
  for (const used of module.uses) removeDynamic(k, TREE, ['module', used, 'holders', module.name]);
}

/** The parenthesis after a module's name in /proc/modules and `Modules linked in:`; '' when there is nothing to say. */
export function moduleFlags(module: LoadedModule): string {
  const mark = module.state === 'coming' ? '+' : module.state === 'going' ? '-' : '';
  const letters = taintLetters(module.taints) + mark;
  return letters === '' ? '' : `(${letters})`;
}

const STATES_SHOWN = { live: 'Live', coming: 'Loading', going: 'Unloading', unformed: 'Unformed' } as const;

function moduleLine(k: Kernel, module: LoadedModule, addresses: boolean): string {
  const users = k.module.modules
    .filter(({ uses }) => uses.includes(module.name))
    .map(({ name }) => `${name},`);
  if (module.initFn !== 0 && module.exitFn === 0) users.push('[permanent],');
  const flags = moduleFlags(module);
  return [
    module.name,
    module.coreSize + module.initSize,
    module.refcnt,
    users.join('') || '-',
    STATES_SHOWN[module.state],
    `0x${addresses ? hex(module.textBase) : '0000000000000000'}${flags ? ` ${flags}` : ''}`,
  ].join(' ');
}

provideModules((k, addresses) =>
  k.module.modules
    .filter(({ state }) => state !== 'unformed')
    .map((module) => `${moduleLine(k, module, addresses)}\n`)
    .join(''),
);
provideSymbols(kallsymsText);
