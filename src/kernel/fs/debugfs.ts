/** debugfs, securityfs and tracefs: trees that are empty until something adds to them (see kernfs-dynamic.ts). */
import { dir } from './kernfs.ts';
import { defineKernfs } from './kernfs-fs.ts';

const EPERM = -1;

for (const [name, magic, mode] of [
  ['debugfs', 0x64626720, 0o700],
  ['securityfs', 0x73636673, 0o755],
  ['tracefs', 0x74726163, 0o700],
] as const)
  defineKernfs({
    name,
    magic,
    single: true,
    createError: { dir: EPERM, other: EPERM },
    root: dir({}, { mode }),
  });
