/**
 * Trees as tar streams, read from and written to a machine's disk in pieces. Always true: no more than a window of the stream is held
 * here; names of an archive stay below the directory it is unpacked in.
 */
import tar from 'tar-stream';
import {
  FileError,
  type FileStat,
  listDirectory,
  makeDirectory,
  makeFifo,
  makeLink,
  makeSymlink,
  readFilePart,
  removeFile,
  setAttributes,
  statFile,
  type Vm,
  writeFile,
  writeFilePart,
} from '../../vm/index.ts';
import type { FileAttributes } from '../calls.ts';
import { HostError } from '../types.ts';
import { type PlainError, plainError, STREAM_WINDOW } from '../wire.ts';
import type { Bridge } from './resident.ts';
import { Inlet, Outlet, type Send } from './streams.ts';

const PIECE = 256 * 1024;

/** Something that is waited for now and then. */
class Bell {
  #ring: (() => void) | null = null;
  ring(): void {
    this.#ring?.();
    this.#ring = null;
  }
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve;
    });
  }
}

/** Everything below a directory, parents first; the directory itself as the empty name. */
function* walk(vm: () => Vm, path: string): Generator<{ name: string; path: string; stat: FileStat }> {
  const stack = [{ name: '', path, stat: statFile(vm(), path, true) }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    yield top;
    if (top.stat.kind !== 'directory') continue;
    const base = top.path.endsWith('/') ? top.path : `${top.path}/`;
    const prefix = top.name === '' ? '' : `${top.name}/`;
    for (const stat of listDirectory(vm(), top.path).reverse())
      stack.push({ name: prefix + stat.name, path: base + stat.name, stat });
  }
}

/** A tree on its way out. */
export class TreeReader implements Bridge {
  readonly handle: number;
  done = false;
  readonly #send: Send;
  readonly #outlet: Outlet;
  readonly #bell = new Bell();

  constructor(send: Send, handle: number) {
    this.handle = handle;
    this.#send = send;
    this.#outlet = new Outlet(send, handle, 0, STREAM_WINDOW);
  }

  /** Reads it all; `vm` answers the machine, or throws when it is gone. */
  async run(vm: () => Vm, path: string): Promise<void> {
    const pack = tar.pack();
    const filled = this.#fill(pack, vm, path).catch((error: Error) => pack.destroy(error));
    try {
      for await (const chunk of pack) {
        while (this.#outlet.credit <= 0 && !this.#outlet.closed) await this.#bell.wait();
        if (this.#outlet.closed) return;
        this.#outlet.data(chunk as Uint8Array);
      }
      this.#outlet.end();
    } catch (error) {
      if (!this.#outlet.closed) this.#send(['lost', this.handle, treeError(error)]);
    } finally {
      this.done = true;
      await filled;
    }
  }

  async #fill(pack: ReturnType<typeof tar.pack>, vm: () => Vm, path: string): Promise<void> {
    for (const { name, path: from, stat } of walk(vm, path)) {
      if (this.#outlet.closed) return;
      const header = {
        name: stat.kind === 'directory' ? (name === '' ? './' : `${name}/`) : name || stat.name,
        mode: stat.mode,
        uid: stat.uid,
        gid: stat.gid,
        mtime: new Date(stat.mtimeSec * 1000),
      };
      if (stat.kind === 'directory') await added(pack, { ...header, type: 'directory' });
      else if (stat.kind === 'symlink')
        await added(pack, { ...header, type: 'symlink', linkname: stat.target ?? '' });
      else if (stat.kind === 'fifo') await added(pack, { ...header, type: 'fifo' });
      else if (stat.kind === 'file') await this.#file(pack, vm, from, { ...header, size: stat.size });
    }
    pack.finalize();
  }

  async #file(
    pack: ReturnType<typeof tar.pack>,
    vm: () => Vm,
    path: string,
    header: { name: string; size: number },
  ): Promise<void> {
    let settle: (error?: Error | null) => void = () => {};
    const whole = new Promise<void>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve());
    });
    const entry = pack.entry(header, (error) => settle(error));
    for (let at = 0; at < header.size; ) {
      if (this.#outlet.closed) throw new Error('nobody reads the tree');
      const wanted = Math.min(PIECE, header.size - at);
      const bytes = readFilePart(vm(), path, at, wanted);
      // A file that has shrunk meanwhile is filled up, as tar does.
      const piece =
        bytes.length < wanted ? Buffer.concat([bytes, Buffer.alloc(wanted - bytes.length)]) : bytes;
      at += wanted;
      if (!entry.write(Buffer.from(piece)))
        await new Promise<void>((resolve) => entry.once('drain', resolve));
    }
    entry.end(null);
    await whole;
  }

  pump(): boolean {
    return false;
  }

  credit(bytes: number): void {
    this.#outlet.credit += bytes;
    this.#bell.ring();
  }

  close(): void {
    this.#outlet.closed = true;
    this.#bell.ring();
  }

  lose(error: PlainError): void {
    if (!this.#outlet.closed) this.#send(['lost', this.handle, error]);
    this.close();
  }
}

const added = (pack: ReturnType<typeof tar.pack>, header: Parameters<typeof pack.entry>[0]): Promise<void> =>
  new Promise((resolve, reject) => {
    pack.entry(header, '', (error) => (error ? reject(error) : resolve()));
  });

const treeError = (error: unknown): PlainError => {
  if (error instanceof FileError) return { code: 'guest', message: error.message, errno: error.errno };
  return plainError(error);
};

/** A tree on its way in. */
export class TreeWriter implements Bridge {
  readonly handle: number;
  done = false;
  readonly #inlet: Inlet;
  readonly #bell = new Bell();
  #lost: PlainError | null = null;

  constructor(send: Send, handle: number) {
    this.handle = handle;
    this.#inlet = new Inlet((bytes) => send(['taken', handle, bytes]));
  }

  /** Unpacks everything that comes; rejects with a HostError that says how far it came. */
  async run(vm: () => Vm, path: string, owner: FileAttributes): Promise<{ files: number; bytes: number }> {
    const extract = tar.extract();
    const done = { files: 0, bytes: 0 };
    const target = new Target(vm, path, owner);
    const fed = this.#feed(extract);
    fed.catch((error: Error) => extract.destroy(error));
    try {
      for await (const entry of extract) {
        const { header } = entry;
        const place = target.begin(header);
        let at = 0;
        for await (const chunk of entry) {
          if (place) target.write(place, at, chunk as Uint8Array);
          at += (chunk as Uint8Array).length;
        }
        if (place) target.finish(place, header);
        done.files++;
        done.bytes += at;
      }
      await fed;
      return done;
    } catch (error) {
      const { code, message, errno } = treeError(error);
      const far = `after ${done.files} entries and ${done.bytes} bytes`;
      throw new HostError(code ?? 'bad-spec', `${message.split('\n')[0]} (${far})`, errno);
    } finally {
      this.done = true;
    }
  }

  async #feed(extract: ReturnType<typeof tar.extract>): Promise<void> {
    for (;;) {
      let full = false;
      this.#inlet.drain((bytes) => {
        if (full) return 0;
        full = !extract.write(Buffer.from(bytes));
        return bytes.length;
      });
      if (this.#lost) throw new HostError(this.#lost.code ?? 'closed', this.#lost.message);
      if (full) await new Promise<void>((resolve) => extract.once('drain', resolve));
      else if (this.#inlet.empty) {
        if (this.#inlet.ended) break;
        await this.#bell.wait();
      }
    }
    extract.end(null);
  }

  pump(): boolean {
    return false;
  }

  data(bytes: Uint8Array): void {
    this.#inlet.push(bytes);
    this.#bell.ring();
  }

  end(): void {
    this.#inlet.ended = true;
    this.#bell.ring();
  }

  close(): void {
    this.lose({ code: 'closed', message: 'the upload was given up' });
  }

  lose(error: PlainError): void {
    this.#lost = error;
    this.#bell.ring();
  }
}

/** The directory that an archive is unpacked in. */
class Target {
  readonly #vm: () => Vm;
  readonly #base: string;
  readonly #owner: FileAttributes;
  /** Links made by this archive: nothing is written through them. */
  readonly #links = new Set<string>();
  /** Directories made or known to be there. */
  readonly #directories = new Set<string>();

  constructor(vm: () => Vm, path: string, owner: FileAttributes) {
    this.#vm = vm;
    this.#base = path.replace(/\/+$/, '');
    this.#owner = owner;
    if (statFile(vm(), path, true).kind !== 'directory')
      throw new HostError('guest', `${path}: not a directory`, 'ENOTDIR');
  }

  #inside(name: string): string[] {
    const parts = name.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.includes('..') || name.includes('\0'))
      throw new HostError('bad-spec', `the archive has a name that leads out of it: ${JSON.stringify(name)}`);
    return parts;
  }

  /** Makes the entry (a file empty); answers its path, or null for the directory itself. */
  begin(header: tar.Header): string | null {
    const vm = this.#vm();
    const parts = this.#inside(header.name);
    if (parts.length === 0) return null;
    let dir = '';
    for (const part of parts.slice(0, -1)) {
      dir += `/${part}`;
      if (this.#links.has(dir))
        throw new HostError('bad-spec', `the archive writes through its own link ${JSON.stringify(dir)}`);
      this.#directory(vm, this.#base + dir);
    }
    const path = `${this.#base}/${parts.join('/')}`;
    const { uid, gid } = this.#ids(header);
    if (header.type !== 'directory') this.#clear(vm, path);
    switch (header.type) {
      case 'directory':
        this.#directory(vm, path);
        break;
      case 'symlink':
        this.#links.add(`/${parts.join('/')}`);
        makeSymlink(vm, path, header.linkname ?? '');
        break;
      case 'link':
        makeLink(vm, path, `${this.#base}/${this.#inside(header.linkname ?? '').join('/')}`);
        break;
      case 'fifo':
        makeFifo(vm, path, 0o600);
        break;
      case 'file':
      case 'contiguous-file':
        writeFile(vm, path, new Uint8Array(0), { mode: 0o600, uid, gid });
        break;
      default:
        throw new HostError(
          'bad-spec',
          `the archive has a ${header.type}, which is not unpacked: ${header.name}`,
        );
    }
    return path;
  }

  #ids(header: tar.Header): { uid: number; gid: number } {
    return { uid: this.#owner.uid ?? header.uid ?? 0, gid: this.#owner.gid ?? header.gid ?? 0 };
  }

  #directory(vm: Vm, path: string): void {
    if (this.#directories.has(path)) return;
    try {
      makeDirectory(vm, path, { uid: this.#owner.uid ?? 0, gid: this.#owner.gid ?? 0 });
    } catch (error) {
      if (!(error instanceof FileError) || error.errno !== 'EEXIST') throw error;
      if (statFile(vm, path, true).kind !== 'directory') throw error;
    }
    this.#directories.add(path);
  }

  /** What is in the way of a new entry goes, as with tar. */
  #clear(vm: Vm, path: string): void {
    try {
      removeFile(vm, path);
    } catch (error) {
      if (!(error instanceof FileError) || error.errno !== 'ENOENT') throw error;
    }
  }

  write(path: string, at: number, bytes: Uint8Array): void {
    writeFilePart(this.#vm(), path, at, bytes);
  }

  finish(path: string, header: tar.Header): void {
    if (header.type === 'link') return;
    setAttributes(this.#vm(), path, {
      ...this.#ids(header),
      mode: header.mode === undefined ? undefined : header.mode & 0o7777,
      mtimeSec: header.mtime ? Math.floor(header.mtime.getTime() / 1000) : undefined,
    });
  }
}
