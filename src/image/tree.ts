/**
 * The file tree while an image is being put together: plain nodes under one root.
 *
 * Always true: a path is looked up as Linux would, following symbolic links in its directories (that is how a package
 * that still ships /lib/... lands in /usr/lib); a hard link is the same node under two names; names and
 * link targets are byte strings, one character for each byte; the content of a file is
 * a {@link Content} that already lies in the image's data area, so a tree is small.
 */
import { ImageError } from './cache.ts';

/** Where a file's bytes lie in the data area: its first 4 KiB page and its length. */
export interface Content {
  readonly page: number;
  readonly sizeBytes: number;
}

/** File type bits of a mode (inode(7)). */
export const S_IF = {
  FIFO: 0o010000,
  CHR: 0o020000,
  DIR: 0o040000,
  BLK: 0o060000,
  REG: 0o100000,
  LNK: 0o120000,
  MT: 0o170000,
} as const;

/** Owner, permission bits and time of a node; permission bits without the type. */
export interface Meta {
  readonly perm: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
}

/** One inode to be. Exactly one of `children`, `content`, `target` fits its type; devices have numbers. */
export interface TreeNode {
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  mtimeSec: number;
  children?: Map<string, TreeNode>;
  content?: Content;
  target?: string;
  major?: number;
  minor?: number;
  xattrs?: Map<string, Uint8Array>;
}

/** Something to put into a tree at a path. */
export type Item = Meta &
  (
    | { kind: 'dir' }
    | { kind: 'file'; content: Content }
    | { kind: 'symlink'; target: string }
    | { kind: 'device'; type: 'char' | 'block'; major: number; minor: number }
    | { kind: 'fifo' }
  );

const DEFAULT_DIR: Meta = { perm: 0o755, uid: 0, gid: 0, mtimeSec: 0 };

/** An empty root directory. */
export function newTree(): TreeNode {
  return directory(DEFAULT_DIR);
}

function directory(meta: Meta): TreeNode {
  return { ...owner(meta), mode: S_IF.DIR | (meta.perm & 0o7777), children: new Map() };
}

function owner(meta: Meta): { uid: number; gid: number; mtimeSec: number } {
  return { uid: meta.uid, gid: meta.gid, mtimeSec: meta.mtimeSec };
}

function isByteString(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0xff) return false;
  }
  return true;
}

/** Cuts a tar or absolute path into names; refuses what cannot be a name in an image. */
export function splitPath(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const name of names) {
    if (name === '..' || name.length > 255 || !isByteString(name)) {
      throw new ImageError(
        `The path ${JSON.stringify(path)} cannot be put into an image: names are byte strings of at most 255 bytes.`,
      );
    }
  }
  return names;
}

/**
 * The node at `path`, or undefined. Links in directories are followed; the last name only with `follow`.
 */
export function find(root: TreeNode, path: string, follow = false): TreeNode | undefined {
  return walk(root, splitPath(path), follow, 0)?.node;
}

function walk(
  root: TreeNode,
  names: readonly string[],
  follow: boolean,
  depth: number,
): { node: TreeNode; real: string[] } | undefined {
  if (depth > 40) return undefined;
  let node = root;
  const real: string[] = [];
  for (let i = 0; i < names.length; i++) {
    const child = node.children?.get(names[i]);
    if (!child) return undefined;
    if (child.target !== undefined && (follow || i < names.length - 1)) {
      return walk(root, [...resolveLink(real, child.target), ...names.slice(i + 1)], follow, depth + 1);
    }
    real.push(names[i]);
    node = child;
  }
  return { node, real };
}

function resolveLink(from: readonly string[], target: string): string[] {
  const names = target.startsWith('/') ? [] : [...from];
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') names.pop();
    else names.push(name);
  }
  return names;
}

/** The directory at `path`, made with its parents where missing (as `mkdir -p`). */
export function makeDirectories(
  root: TreeNode,
  names: readonly string[],
  meta: Meta = DEFAULT_DIR,
): TreeNode {
  let node = root;
  const made: string[] = [];
  for (const name of names) {
    made.push(name);
    const found = walk(root, made, true, 0);
    if (found) {
      node = found.node;
      if (!node.children) throw new ImageError(`/${made.join('/')} is needed as a directory and is none.`);
      continue;
    }
    const fresh = directory(meta);
    node.children?.set(name, fresh);
    node = fresh;
  }
  return node;
}

/**
 * Puts an item at `path`, in place of what is there. A directory that is there already keeps its entries (and, like
 * dpkg, a directory entry on top of a link to a directory leaves the link); `keepDir` says whether it also keeps its
 * owner and mode.
 */
export function put(root: TreeNode, path: string, item: Item, keepDir = false): TreeNode {
  const names = splitPath(path);
  const name = names.at(-1);
  if (name === undefined) {
    if (item.kind !== 'dir') throw new ImageError('The root of an image is a directory.');
    if (!keepDir) Object.assign(root, owner(item), { mode: S_IF.DIR | (item.perm & 0o7777) });
    return root;
  }
  const parent = makeDirectories(root, names.slice(0, -1));
  if (item.kind === 'dir') {
    const there = walk(root, names, true, 0)?.node;
    if (there?.children) {
      if (!keepDir) Object.assign(there, owner(item), { mode: S_IF.DIR | (item.perm & 0o7777) });
      return there;
    }
  }
  const node = nodeOf(item);
  parent.children!.set(name, node);
  return node;
}

function nodeOf(item: Item): TreeNode {
  const perm = item.perm & 0o7777;
  switch (item.kind) {
    case 'dir':
      return directory(item);
    case 'file':
      return { ...owner(item), mode: S_IF.REG | perm, content: item.content };
    case 'symlink':
      return { ...owner(item), mode: S_IF.LNK | 0o777, target: item.target };
    case 'fifo':
      return { ...owner(item), mode: S_IF.FIFO | perm };
    case 'device':
      return {
        ...owner(item),
        mode: (item.type === 'char' ? S_IF.CHR : S_IF.BLK) | perm,
        major: item.major,
        minor: item.minor,
      };
  }
}

/** Makes `path` a second name of the node at `existing`. */
export function link(root: TreeNode, path: string, existing: string): void {
  const node = find(root, existing);
  if (!node || node.children) {
    throw new ImageError(`A hard link ${path} points at ${existing}, which is no file of the image.`);
  }
  const names = splitPath(path);
  makeDirectories(root, names.slice(0, -1)).children!.set(names.at(-1)!, node);
}

/** Takes the name away (with everything below it); answers whether it was there. */
export function remove(root: TreeNode, path: string): boolean {
  const names = splitPath(path);
  const name = names.at(-1);
  if (name === undefined) return false;
  const parent = walk(root, names.slice(0, -1), true, 0)?.node;
  return parent?.children?.delete(name) ?? false;
}

/** Visits every name of the tree, directories before their entries, names in byte order. */
export function visit(
  root: TreeNode,
  see: (path: string, node: TreeNode, parent: TreeNode) => void,
  path = '',
): void {
  if (path === '') see('/', root, root);
  for (const [name, node] of sortedChildren(root)) {
    see(`${path}/${name}`, node, root);
    if (node.children) visit(node, see, `${path}/${name}`);
  }
}

/** A directory's entries in byte order of their names. */
export function sortedChildren(node: TreeNode): [string, TreeNode][] {
  return [...(node.children ?? [])].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
