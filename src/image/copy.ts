/**
 * Makes a sealed image the start of a new one.
 *
 * Always true: nothing of the image is lost on the way (hard links stay hard links, equal files stay one), and the copy
 * of an image whose tree is not changed has the same id but for its meta data.
 */
import { PAGE_BYTES } from './format.ts';
import { type Image, ROOT_INO } from './reader.ts';
import { S_IF, type TreeNode } from './tree.ts';
import type { ImageWriter } from './writer.ts';

/** An open image as a tree again, its data copied to the writer; hard links stay hard links. */
export function copyTree(base: Image, writer: ImageWriter): TreeNode {
  const nodes = new Map<number, TreeNode>();
  const page = new Uint8Array(PAGE_BYTES);
  const node = (ino: number): TreeNode => {
    const known = nodes.get(ino);
    if (known) return known;
    const from = base.inode(ino)!;
    const made: TreeNode = { mode: from.mode, uid: from.uid, gid: from.gid, mtimeSec: from.mtime };
    nodes.set(ino, made);
    const type = from.mode & S_IF.MT;
    if (from.xattrs) made.xattrs = new Map(from.xattrs);
    if (type === S_IF.LNK) made.target = from.link ?? '';
    if (type === S_IF.CHR || type === S_IF.BLK) {
      made.major = base.device(ino).major;
      made.minor = base.device(ino).minor;
    }
    if (type === S_IF.REG) {
      const bytes = new Uint8Array(from.size);
      for (let at = 0; at < from.size; at += PAGE_BYTES) {
        const count = base.readPage(ino, at / PAGE_BYTES, page);
        bytes.set(page.subarray(0, count), at);
      }
      made.content = writer.add(bytes);
    }
    if (type === S_IF.DIR) {
      made.children = new Map(base.readdir(ino).map((entry) => [entry.name, node(entry.ino)]));
    }
    return made;
  };
  return node(ROOT_INO);
}
