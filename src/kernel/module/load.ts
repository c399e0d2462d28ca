/**
 * Loading a module (kernel/module/main.c load_module, in its order). Always true: whatever fails gives back all that was taken
 * before it; a module is in the list from the moment its name is taken, and its init runs once.
 */
import { offsetOf, sizeOf } from '../abi/structs/index.ts';
import { imageOf } from '../kapi/image.ts';
import { hasModversions, symbolCrc, vermagic } from '../kapi/vermagic.ts';
import type { Kernel } from '../kernel.ts';
import { newWaitQueue, type Outcome, wait } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { type Elf, modinfoOf, parseElf, type Section, SHF, SHT, textAt } from './elf.ts';
import { formModule } from './init.ts';
import { commitParts, isInitSection, type Placed, placeSections, releasePlaced } from './layout.ts';
import { mapKernelImage } from './memory.ts';
import { gotSlots, relocate, relocationsFit } from './relocate.ts';
import {
  bytesAt,
  checkVersion,
  exportsOf,
  findModule,
  forceLoad,
  isGplCompatible,
  resolveSymbols,
  symbolTable,
  versionsOf,
} from './symbols.ts';
import { addTaint, Taint } from './taint.ts';
import type { LoadedModule } from './types.ts';

export const InitFlag = { IGNORE_MODVERSIONS: 1, IGNORE_VERMAGIC: 2, COMPRESSED_FILE: 4 } as const;
const ENOEXEC = 8;
const ENOMEM = 12;
const EEXIST = 17;
const EBUSY = 16;
const EINVAL = 22;
const EPERM = 1;
/** Bytes of a symbol table: far more than the biggest module of any distribution has. */
const MAX_SYMTAB = 4 * 2 ** 20;
const MAX_NOTES = 16;

/** Loads a module from the bytes of its file. */
export function loadModule(k: Kernel, task: Task, bytes: Uint8Array, args: string, flags: number): Outcome {
  const elf = parseElf(k, bytes);
  if (typeof elf === 'number') return elf;
  const self = findSelf(k, elf);
  if (typeof self === 'number') return self;
  const module = newModule(k, task, elf, self);
  if (module.name === '') return -EINVAL;
  const blacklist = /(?:^| )module_blacklist=(\S+)/.exec(k.identity.cmdline)?.[1].split(',') ?? [];
  if (blacklist.includes(module.name)) {
    printk(k, Level.ERR, `Module ${module.name} is blacklisted`);
    return -EPERM;
  }
  const versions = flags & InitFlag.IGNORE_MODVERSIONS ? null : versionsOf(elf);
  const matches = checkMagic(k, elf, module, versions, flags);
  if (matches < 0) return matches;
  const exists = checkExists(k, module.name);
  if (exists !== 0) return exists;
  if (!mapKernelImage(k)) return -ENOMEM;

  for (const section of elf.sections)
    if (['.modinfo', '__versions', '__version_ext_crcs', '__version_ext_names'].includes(section.name))
      section.flags &= ~SHF.ALLOC;
  // The symbol table stays in memory until init is over (layout_symtab).
  elf.symtab.flags |= SHF.ALLOC;
  elf.strtab.flags |= SHF.ALLOC;
  if (!relocationsFit(elf) || elf.symtab.size > MAX_SYMTAB) {
    printk(k, Level.ERR, `${module.name}: relocations overlap or there are too many symbols`);
    return -ENOEXEC;
  }
  const slots = gotSlots(elf);
  const placed = placeSections(k, elf, slots.size);
  if (typeof placed === 'number') return placed;
  k.module.modules.unshift(module);
  taintFor(k, module);
  const result = linkModule(k, elf, placed, module, versions, slots, self);
  if (result < 0) {
    forgetModule(k, module);
    releasePlaced(k, placed);
    return result;
  }
  return formModule(k, task, module, args);
}

/** The section with the module's struct module. */
function findSelf(k: Kernel, elf: Elf): Section | number {
  const refuse = (text: string): number => {
    printk(k, Level.ERR, text);
    return -ENOEXEC;
  };
  const found = elf.sections.filter(({ name }) => name === '.gnu.linkonce.this_module');
  if (found.length === 0) return refuse(`${elf.name}: No module found in object`);
  if (found.length > 1) return refuse('Only one .gnu.linkonce.this_module section must exist.');
  const [self] = found;
  if (self.type === SHT.NOBITS) return refuse('.gnu.linkonce.this_module section must have a size set');
  if ((self.flags & SHF.ALLOC) === 0)
    return refuse(`${elf.name}: .gnu.linkonce.this_module must occupy memory during process execution`);
  if (self.size !== sizeOf('module'))
    return refuse(
      `${elf.name}: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time`,
    );
  return self;
}

function newModule(k: Kernel, task: Task, elf: Elf, self: Section): LoadedModule {
  const at = self.offset + offsetOf('module', 'name');
  return {
    name: textAt(elf.bytes, at, at + 56),
    state: 'unformed',
    refcnt: 1,
    uses: [],
    address: 0,
    initFn: 0,
    exitFn: 0,
    core: [],
    init: [],
    coreSize: 0,
    initSize: 0,
    textBase: 0,
    sections: [],
    symbols: [],
    exports: [],
    params: [],
    taints: 0,
    modinfo: elf.modinfo,
    license: modinfoOf(elf.modinfo, 'license') ?? 'unspecified',
    namespaces: elf.modinfo.filter(([key]) => key === 'import_ns').map(([, value]) => value),
    notes: [],
    wait: newWaitQueue(),
    paramMemory: [],
    loadedNs: k.time.nowNs,
    tid: task.tid,
  };
}

/** check_modstruct_version and the version magic. */
function checkMagic(
  k: Kernel,
  elf: Elf,
  module: LoadedModule,
  versions: Map<string, number> | null,
  flags: number,
): number {
  const { release } = k.identity;
  const layout = imageOf(k).byName.get('module_layout');
  const crc = symbolCrc(layout ?? { name: 'module_layout', prototype: 'struct module' }, release);
  if (!checkVersion(k, module, versions, 'module_layout', crc)) return -ENOEXEC;
  const magic = flags & InitFlag.IGNORE_VERMAGIC ? undefined : modinfoOf(elf.modinfo, 'vermagic');
  if (magic === undefined) {
    forceLoad(k, module, 'bad vermagic');
    return 0;
  }
  const ours = vermagic(release);
  const rest = (text: string): string =>
    versions && hasModversions(release) ? text.slice((text.indexOf(' ') + 1 || text.length + 1) - 1) : text;
  if (rest(magic) === rest(ours)) return 0;
  printk(k, Level.ERR, `${module.name}: version magic '${magic}' should be '${ours}'`);
  return -ENOEXEC;
}

/** Whether the name is taken. A module that is still coming is waited for, however long that takes. */
function checkExists(k: Kernel, name: string): Outcome {
  const old = findModule(k, name);
  if (!old) return 0;
  if (old.state === 'coming' || old.state === 'unformed') return wait([k.module.wait]);
  return old.state === 'going' ? -EBUSY : -EEXIST;
}

/** The lines and bits that the first module of its kind brings (module_augment_kernel_taints). */
function taintFor(k: Kernel, module: LoadedModule): void {
  const { name, license } = module;
  const is415 = !hasModversions(k.identity.release);
  if (modinfoOf(module.modinfo, 'intree') === undefined) {
    if ((k.taint & Taint.OUT_OF_TREE) === 0)
      printk(k, Level.WARNING, `${name}: loading out-of-tree module taints kernel.`);
    module.taints |= Taint.OUT_OF_TREE;
    addTaint(k, Taint.OUT_OF_TREE, false);
  }
  const hadProprietary = (k.taint & Taint.PROPRIETARY) !== 0;
  if (!isGplCompatible(license)) {
    if (!hadProprietary) printk(k, Level.WARNING, `${name}: module license '${license}' taints kernel.`);
    module.taints |= Taint.PROPRIETARY;
    addTaint(k, Taint.PROPRIETARY, true);
  }
  // The modules of this kernel's own tree are as good as signed.
  if (modinfoOf(module.modinfo, 'intree') === undefined) {
    if (!k.module.told.unsigned)
      printk(
        k,
        Level.NOTICE,
        `${name}: module verification failed: signature and/or required key missing - tainting kernel`,
      );
    k.module.told.unsigned = true;
    module.taints |= Taint.UNSIGNED;
    addTaint(k, Taint.UNSIGNED, false);
  }
  if (!is415 && !hadProprietary && !isGplCompatible(license))
    printk(k, Level.WARNING, `${name}: module license taints kernel.`);
}

/** Symbols, relocations, and what the module's tables say; the bytes go to memory. */
function linkModule(
  k: Kernel,
  elf: Elf,
  placed: Placed & { got: number },
  module: LoadedModule,
  versions: Map<string, number> | null,
  slots: ReadonlyMap<number, number>,
  self: Section,
): number {
  module.core = placed.core;
  module.init = placed.init;
  module.coreSize = placed.coreSize;
  module.initSize = placed.initSize;
  module.textBase = placed.textBase;
  module.address = placed.addresses[self.index];
  const values = resolveSymbols(k, elf, placed, module, versions);
  if (typeof values === 'number') return values;
  const error = relocate(k, elf, placed, values, slots);
  if (error < 0) return error;
  module.exports = exportsOf(elf, placed);
  module.symbols = symbolTable(elf, values);
  module.sections = elf.sections
    .filter(({ flags, size }) => (flags & SHF.ALLOC) !== 0 && size > 0)
    .slice(0, 512)
    .map(({ index, name, size, flags }) => ({ name, address: placed.addresses[index], size, flags }));
  for (const section of elf.sections)
    if (
      section.type === SHT.NOTE &&
      (section.flags & SHF.ALLOC) !== 0 &&
      section.size <= 4096 &&
      module.notes.length < MAX_NOTES
    )
      module.notes.push({
        name: section.name,
        bytes: elf.bytes.slice(section.offset, section.offset + section.size),
      });
  const struct = bytesAt(placed, module.address, sizeOf('module'));
  if (!struct) return -ENOEXEC;
  const view = new DataView(struct.buffer, struct.byteOffset, struct.byteLength);
  module.initFn = Number(view.getBigInt64(offsetOf('module', 'init'), true));
  module.exitFn = Number(view.getBigInt64(offsetOf('module', 'exit'), true));
  readParams(elf, placed, module);
  commitParts(k, placed);
  return 0;
}

/** The section __param as a list; names are read when the memory is in place (see params.ts). */
function readParams(elf: Elf, placed: Placed, module: LoadedModule): void {
  const section = elf.sections.find(({ name }) => name === '__param');
  const base = section ? placed.addresses[section.index] : 0;
  if (!section || base === 0 || isInitSection(section.name)) return;
  const size = sizeOf('kernel_param');
  for (let i = 0; i < Math.min(1024, Math.floor(section.size / size)); i++)
    module.params.push({ name: '', address: base + i * size, mode: 0 });
}

/** Takes a module out of the list and lets go of what it used. */
export function forgetModule(k: Kernel, module: LoadedModule): void {
  const at = k.module.modules.indexOf(module);
  if (at >= 0) k.module.modules.splice(at, 1);
  for (const name of module.uses) {
    const used = findModule(k, name);
    if (used) used.refcnt--;
  }
  module.uses = [];
  wakeUp(k, k.module.wait);
}
