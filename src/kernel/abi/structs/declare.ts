/**
 * C structs that modules and the kernel share, declared once: the kernel reads and writes their fields in guest memory by the
 * offsets computed here, and the headers on the VM's disk get the C text made from the same declaration.
 *
 * Always true: sizes and alignments are those of the RISC-V ELF psABI, LP64 (pointers and long 8 bytes, natural alignment).
 */

/** A member: its C type, as written before the name; arrays as `char[16]`; function pointers as `int (*)(struct inode *)`. */
export type Members = Readonly<Record<string, string>>;

export interface StructDeclaration {
  readonly name: string;
  readonly union: boolean;
  readonly members: Members;
  /** Header whose `@structs` line gets the text, such as `linux/fs.h`. */
  readonly header: string;
}

export interface Field {
  readonly offset: number;
  readonly size: number;
}

interface Layout {
  readonly size: number;
  readonly align: number;
  readonly fields: ReadonlyMap<string, Field>;
}

/** Sizes of C's own types and of the kernel's typedefs for scalars. */
const SCALARS: Readonly<Record<string, number>> = {
  char: 1,
  bool: 1,
  _Bool: 1,
  'signed char': 1,
  'unsigned char': 1,
  u8: 1,
  s8: 1,
  short: 2,
  'unsigned short': 2,
  u16: 2,
  s16: 2,
  umode_t: 2,
  int: 4,
  'unsigned int': 4,
  unsigned: 4,
  u32: 4,
  s32: 4,
  pid_t: 4,
  __poll_t: 4,
  __be32: 4,
  __be16: 2,
  __u8: 1,
  __u16: 2,
  __u32: 4,
  __s32: 4,
  __u64: 8,
  __s64: 8,
  uint8_t: 1,
  uint16_t: 2,
  uint32_t: 4,
  uint64_t: 8,
  vm_fault_t: 4,
  irqreturn_t: 4,
  uintptr_t: 8,
  phys_addr_t: 8,
  resource_size_t: 8,
  dma_addr_t: 8,
  pgprot_t: 8,
  pgd_t: 8,
  pgoff_t: 8,
  blkcnt_t: 8,
  cycles_t: 8,
  clock_t: 8,
  kernel_cap_t: 8,
  sigset_t: 8,
  cpumask_t: 8,
  work_func_t: 8,
  irq_handler_t: 8,
  wait_queue_func_t: 8,
  poll_queue_proc: 8,
  notifier_fn_t: 8,
  kprobe_pre_handler_t: 8,
  kprobe_post_handler_t: 8,
  kretprobe_handler_t: 8,
  rcu_callback_t: 8,
  uid_t: 4,
  gid_t: 4,
  dev_t: 4,
  fmode_t: 4,
  gfp_t: 4,
  kuid_t: 4,
  kgid_t: 4,
  long: 8,
  'unsigned long': 8,
  'long long': 8,
  'unsigned long long': 8,
  u64: 8,
  s64: 8,
  size_t: 8,
  ssize_t: 8,
  loff_t: 8,
  sector_t: 8,
  ktime_t: 8,
  time64_t: 8,
};

/** Other C text of a member from some kernel version on: same size, same offset. */
interface Variant {
  readonly since: number;
  readonly text: string;
}
const variants = new Map<string, Variant[]>();

/** Structs whose layout Linux may shuffle, so that they are initialised by the names of their members only (`__randomize_layout`). */
const randomized = new Set<string>();

const declarations = new Map<string, StructDeclaration>();
const layouts = new Map<string, Layout>();
/** Typedef names of structs, such as `spinlock_t`. */
const typedefs = new Map<string, string>();

function declare(name: string, header: string, members: Members, union: boolean): void {
  if (declarations.has(name)) throw new Error(`struct ${name} is declared twice`);
  declarations.set(name, { name, header, members, union });
}

/** Declares `struct name`; members in order. */
export const struct = (name: string, header: string, members: Members): void =>
  declare(name, header, members, false);

/** Marks a struct `__randomize_layout`: gcc refuses initialisers without names of members. */
export const randomizeLayout = (name: string): void => void randomized.add(name);

/** Declares `union name`. */
export const union = (name: string, header: string, members: Members): void =>
  declare(name, header, members, true);

/**
 * How a member is written in C from kernel `since` (KERNEL_VERSION, 0: always) on, where its name or type differs from the
 * declaration: `text` holds whole lines and takes the same room at the same place in every version.
 */
export function variant(name: string, member: string, since: number, text: string): void {
  const key = `${name}.${member}`;
  variants.set(key, [...(variants.get(key) ?? []), { since, text }]);
}

/** Declares `typedef struct of alias`; the header gets the typedef after the struct. */
export function typedef(alias: string, of: string): void {
  typedefs.set(alias, of);
}

function sizeOfType(type: string): { size: number; align: number } {
  const array = /^(.*)\[(\d+)\]$/.exec(type);
  if (array) {
    const element = sizeOfType(array[1].trim());
    return { size: element.size * Number(array[2]), align: element.align };
  }
  if (type.includes('*')) return { size: 8, align: 8 };
  const bare = type.replace(/\b(const|volatile)\b/g, '').trim();
  const scalar = SCALARS[bare];
  if (scalar) return { size: scalar, align: scalar };
  const named = typedefs.get(bare) ?? bare.replace(/^(struct|union) /, '');
  const layout = layoutOf(named);
  return { size: layout.size, align: layout.align };
}

/** The layout of a declared struct. Throws for an unknown name (a programming error). */
export function layoutOf(name: string): Layout {
  const known = layouts.get(name);
  if (known) return known;
  const declaration = declarations.get(name);
  if (!declaration) throw new Error(`struct ${name} is not declared`);
  const fields = new Map<string, Field>();
  let end = 0;
  let align = 1;
  for (const [member, type] of Object.entries(declaration.members)) {
    const of = sizeOfType(type);
    const offset = declaration.union ? 0 : Math.ceil(end / of.align) * of.align;
    fields.set(member, { offset, size: of.size });
    end = Math.max(end, offset + of.size);
    align = Math.max(align, of.align);
  }
  const layout = { size: Math.ceil(end / align) * align, align, fields };
  layouts.set(name, layout);
  return layout;
}

export const sizeOf = (name: string): number => layoutOf(name).size;

/** Offset of a member; `a.b` reaches into an embedded struct. */
export function offsetOf(name: string, path: string): number {
  const [member, ...rest] = path.split('.');
  const found = layoutOf(name).fields.get(member);
  if (!found) throw new Error(`struct ${name} has no member ${member}`);
  if (rest.length === 0) return found.offset;
  const type = declarations.get(name)!.members[member];
  const inner = typedefs.get(type) ?? type.replace(/^(struct|union) /, '');
  return found.offset + offsetOf(inner, rest.join('.'));
}

function memberText(name: string, type: string): string {
  const pointer = type.indexOf('(*)');
  if (pointer >= 0) return `\t${type.slice(0, pointer)}(*${name})${type.slice(pointer + 3)};`;
  const array = /^(.*?)((?:\[\d+\])+)$/.exec(type);
  if (array) return `\t${array[1].trim()} ${name}${array[2]};`;
  return `\t${type}${type.endsWith('*') ? '' : ' '}${name};`;
}

/** The C text of all structs of a header in that kernel version, in the order of their declaration. */
export function structText(header: string, version: number): string {
  const text: string[] = [];
  for (const { name, union: isUnion, members, header: of } of declarations.values()) {
    if (of !== header) continue;
    const lines = Object.entries(members).map(([member, type]) => {
      const other = variants.get(`${name}.${member}`)?.findLast(({ since }) => version >= since);
      return other?.text ?? memberText(member, type);
    });
    text.push(
      `${isUnion ? 'union' : 'struct'} ${name} {\n${lines.join('\n')}\n}${randomized.has(name) ? ' __randomize_layout' : ''};`,
    );
    for (const [alias, named] of typedefs) if (named === name) text.push(`typedef struct ${name} ${alias};`);
  }
  return text.join('\n');
}

/** Names of all declared structs. */
export const structNames = (): string[] => [...declarations.keys()];

/** Offset and size of a member, for accessors that are made once; see {@link offsetOf}. */
export function fieldOf(name: string, path: string): Field {
  const [member, ...rest] = path.split('.');
  const found = layoutOf(name).fields.get(member);
  if (!found) throw new Error(`struct ${name} has no member ${member}`);
  if (rest.length === 0) return found;
  const type = declarations.get(name)!.members[member];
  const inner = fieldOf(typedefs.get(type) ?? type.replace(/^(struct|union) /, ''), rest.join('.'));
  return { offset: found.offset + inner.offset, size: inner.size };
}
