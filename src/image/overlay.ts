/**
 * Lays `src/guest` over an unpacked tree, by the manifest there.
 *
 * Always true: every file below an overlay's folder ends on the disk, executable or not by the manifest alone, all with
 * one time, so a checkout's modes and dates do not matter.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODES, OVERLAYS, STUDENT } from '../guest/manifest.ts';
import { find, put, type TreeNode } from './tree.ts';
import type { ImageWriter } from './writer.ts';

const GUEST = fileURLToPath(new URL('../guest/', import.meta.url));

/** One of our files: where it lies here and on the disk. */
export interface OverlayFile {
  readonly source: string;
  readonly path: string;
}

/** All files of all overlays in order; links count as files. */
export function overlayFiles(guest: string = GUEST): OverlayFile[] {
  const files: OverlayFile[] = [];
  const walk = (source: string, path: string) => {
    for (const name of readdirSync(source).sort()) {
      const from = join(source, name);
      const to = `${path === '/' ? '' : path}/${name}`;
      if (lstatSync(from).isDirectory()) walk(from, to);
      else files.push({ source: from, path: to });
    }
  };
  for (const { from, to } of OVERLAYS) if (existsSync(join(guest, from))) walk(join(guest, from), to);
  return files;
}

/** Puts our files into the tree. */
export function layOver(root: TreeNode, writer: Pick<ImageWriter, 'add'>, stampSec: number): void {
  for (const { source, path } of overlayFiles()) {
    const { perm, uid, gid } = { ...ownerOf(path), ...(MODES[path] ?? { perm: 0o644 }) };
    const meta = { perm, uid, gid, mtimeSec: stampSec };
    if (lstatSync(source).isSymbolicLink()) {
      put(root, path, { ...meta, kind: 'symlink', target: readlinkSync(source) });
      continue;
    }
    const folder = path.slice(0, path.lastIndexOf('/')) || '/';
    if (!find(root, folder, true)) makeFolders(root, folder, stampSec);
    put(root, path, { ...meta, kind: 'file', content: writer.add(readFileSync(source)) });
  }
}

/** What lies in the student's home is the student's. */
function ownerOf(path: string): { uid: number; gid: number } {
  if (!path.startsWith(`/home/${STUDENT.name}`)) return { uid: 0, gid: 0 };
  return { uid: STUDENT.uid, gid: STUDENT.gid };
}

function makeFolders(root: TreeNode, folder: string, stampSec: number): void {
  const names = folder.split('/').filter(Boolean);
  for (let i = 1; i <= names.length; i++) {
    const path = `/${names.slice(0, i).join('/')}`;
    if (!find(root, path, true)) {
      put(root, path, { ...ownerOf(path), perm: 0o755, mtimeSec: stampSec, kind: 'dir' });
    }
  }
}
