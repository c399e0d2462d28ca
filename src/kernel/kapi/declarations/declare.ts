/**
 * The functions and variables that the kernel exports to modules, declared once: prototypes in the headers, Module.symvers,
 * kallsyms and the loader's symbol table all derive from here. An implementation is registered by name (kapi/registry.ts).
 */

export interface KernelSymbol {
  readonly name: string;
  /** C prototype or declaration without the semicolon; its hash is the symbol's CRC. */
  readonly prototype: string;
  /** Header whose `@kapi` line gets the prototype. */
  readonly header: string;
  readonly gpl: boolean;
  /** A variable, not a function; `size` bytes in the kernel's data. */
  readonly data: boolean;
  readonly size: number;
  /** Known to kallsyms and to probes, but not exported: no header declares it and no module links to it. */
  readonly hidden: boolean;
  /** First and last (exclusive) kernel as KERNEL_VERSION encodes it; 0: no bound. */
  readonly since: number;
  readonly until: number;
}

type Options = Partial<Pick<KernelSymbol, 'gpl' | 'data' | 'size' | 'hidden' | 'since' | 'until'>>;

const symbols: KernelSymbol[] = [];

/** KERNEL_VERSION(a, b, c) of linux/version.h. */
export const kernelVersion = (a: number, b: number, c: number): number =>
  (a << 16) + (b << 8) + Math.min(c, 255);

/** The version code of a release string such as 4.15.0-33-generic. */
export function versionCode(release: string): number {
  const [a, b, c] = release.split(/[.\-+]/).map(Number);
  return kernelVersion(a, b, c || 0);
}

/** Declares the exported symbols of one header: name to prototype, or to [prototype, options]. */
export function exported(
  header: string,
  declared: Readonly<Record<string, string | readonly [string, Options]>>,
): void {
  for (const [name, entry] of Object.entries(declared)) {
    const [prototype, options] = typeof entry === 'string' ? [entry, {}] : entry;
    symbols.push({
      name,
      prototype,
      header,
      gpl: false,
      data: false,
      size: 8,
      hidden: false,
      since: 0,
      until: 0,
      ...options,
    });
  }
}

/** Every symbol that the kernel of that version code has, those it does not export included. */
export const imageSymbolsOf = (version: number): KernelSymbol[] =>
  symbols.filter(({ since, until }) => version >= since && (until === 0 || version < until));

/** Every symbol that the kernel of that version code exports. */
export const symbolsOf = (version: number): KernelSymbol[] =>
  imageSymbolsOf(version).filter(({ hidden }) => !hidden);

export const allSymbols = (): readonly KernelSymbol[] => symbols;
