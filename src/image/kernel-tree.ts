/**
 * What lies below /usr/src and /lib/modules for building modules inside a VM: headers, kbuild's makefiles, Module.symvers, and
 * the sources of the programs and stock modules that provisioning compiles.
 *
 * Always true: the content depends on `src/guest/kernel` and the declarations alone; error messages of make name the lines of
 * real makefiles, so a line `#@line N` pads the text until the next line is number N.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { symbolsOf, versionCode } from '../kernel/kapi/declarations/index.ts';
import { hasModversions, symbolCrc } from '../kernel/kapi/vermagic.ts';
import { kernelHeaders } from './headers.ts';

const KERNEL = fileURLToPath(new URL('../guest/kernel/', import.meta.url));

/** A file or, with `target`, a symbolic link. */
export interface KernelTreeFile {
  readonly path: string;
  readonly text?: string;
  readonly target?: string;
}

interface Layout {
  /** Kernel generation: which makefiles. */
  readonly kind: '4' | '6';
  /** Where make is sent. */
  readonly build: string;
  /** Where headers and makefiles lie. */
  readonly common: string;
}

function layoutOf(release: string): Layout {
  const build = `/usr/src/linux-headers-${release}`;
  if (versionCode(release) < versionCode('5.0.0')) return { kind: '4', build, common: build };
  return { kind: '6', build, common: build.replace(/-[^-]*$/, '-common') };
}

function textsBelow(folder: string): [name: string, text: string][] {
  return readdirSync(KERNEL + folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll('//', '/'))
    .sort()
    .map((path) => [path.slice((KERNEL + folder).length).replace(/^\//, ''), readFileSync(path, 'utf8')]);
}

/** Resolves `#@line N`, lines `#@4 ` and `#@6 ` of one generation, and names in `@…@`. */
function makefile(text: string, kind: string, names: Readonly<Record<string, string>>): string {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const pad = /^#@line (\S+)$/.exec(line);
    const only = /^#@([46]) (.*)$/.exec(line);
    if (pad) {
      const wanted = Number(names[pad[1].replaceAll('@', '')] ?? pad[1]);
      if (wanted - 1 < lines.length) throw new Error(`line ${wanted} is already past`);
      while (lines.length < wanted - 1) lines.push('');
    } else if (!only) lines.push(line);
    else if (only[1] === kind) lines.push(only[2]);
  }
  return lines.join('\n').replaceAll(/@([A-Z]+)@/g, (whole, name: string) => names[name] ?? whole);
}

function moduleSymvers(release: string): string {
  return symbolsOf(versionCode(release))
    .map((symbol) => {
      const crc = hasModversions(release) ? symbolCrc(symbol, release) : 0;
      const kind = symbol.gpl ? 'EXPORT_SYMBOL_GPL' : 'EXPORT_SYMBOL';
      return `0x${crc.toString(16).padStart(8, '0')}\t${symbol.name}\tvmlinux\t${kind}\t\n`;
    })
    .sort()
    .join('');
}

/** Everything of one kernel version. */
export function kernelTree(release: string): KernelTreeFile[] {
  const { kind, build, common } = layoutOf(release);
  const scripts = kind === '6' ? `${common}/scripts` : 'scripts';
  const names = {
    RELEASE: release,
    COMMON: common,
    INC: scripts,
    BUILDLINE: kind === '6' ? '233' : '338',
    ORDER: kind === '6' ? '$(m)' : 'kernel/$(m:.o=.ko)',
  };
  const files: KernelTreeFile[] = [];
  for (const [name, text] of kernelHeaders(release)) files.push({ path: `${common}/include/${name}`, text });
  const put = (folder: string, to: string) => {
    for (const [name, text] of textsBelow(folder)) {
      const plain = name.endsWith('.c') || name.endsWith('.sh');
      files.push({ path: `${to}/${name}`, text: plain ? text : makefile(text, kind, names) });
    }
  };
  put('kbuild/scripts', `${common}/scripts`);
  put(`kbuild/${kind}`, common);
  for (const name of ['flags.mk', 'rules.mk']) {
    const text = makefile(readFileSync(`${KERNEL}kbuild/${name}`, 'utf8'), kind, names);
    files.push({ path: `${common}/scripts/${name}`, text });
  }
  const lds = kind === '6' ? 'arch/riscv/module.lds' : 'scripts/module-common.lds';
  const script = makefile(readFileSync(`${KERNEL}kbuild/module.lds`, 'utf8'), kind, names);
  files.push({ path: `${build}/${lds}`, text: script });
  if (build !== common) files.push({ path: `${build}/Makefile`, text: `include ${common}/Makefile\n` });
  files.push({ path: `${build}/Module.symvers`, text: moduleSymvers(release) });
  files.push({ path: `/usr/lib/modules/${release}/build`, target: build });
  for (const [name, text] of textsBelow('stock'))
    files.push({ path: `/usr/lib/oopsbox/stock/${name}`, text });
  return files;
}
