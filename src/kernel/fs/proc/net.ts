/** /proc/PID/net: tables of the network room. Each file is registered by whoever owns what it shows. */
import type { Kernel } from '../../kernel.ts';
import { type DirNode, file, type KernfsNode } from '../kernfs.ts';
import { common } from './target.ts';

const files = new Map<string, KernfsNode>();

/** Adds a file to /proc/net; the text begins with the table's heading. */
export function provideNetFile(name: string, show: (k: Kernel) => string, mode = 0o444): void {
  files.set(
    name,
    file((k) => show(k), { mode }),
  );
}

export const netDir: DirNode = { type: 'dir', mode: 0o555, children: files, ...common };
