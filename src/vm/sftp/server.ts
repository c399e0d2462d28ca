/**
 * The SFTP server of a VM, outside of its programs: what OpenSSH's sftp-server does, at the speed of the kernel's own file calls.
 * Always true: requests are answered in order, one answer each; a client holds at most {@link MAX_HANDLES} files; a packet that
 * is too long ends the session.
 */
import { Errno } from '../../kernel/abi/errno.ts';
import { mkdirat, rmdir, symlinkat, unlink } from '../../kernel/fs/dirops.ts';
import { At } from '../../kernel/fs/flags.ts';
import { linkText } from '../../kernel/fs/namei.ts';
import { RENAME, renameat } from '../../kernel/fs/rename.ts';
import type { File, Path } from '../../kernel/fs/types.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task/types.ts';
import type { User } from '../users.ts';
import { EXTENSIONS, extended } from './extensions.ts';
import {
  actorOf,
  attributesOf,
  closeFile,
  find,
  inodeOf,
  list,
  openFile,
  read,
  realPath,
  setAttributes,
  write,
} from './files.ts';
import { longName } from './longname.ts';
import { type Attributes, BadMessage, Reader, STATUS_TEXT, Status, Type, Writer } from './wire.ts';

/** As OpenSSH: SFTP_MAX_MSG_LENGTH. */
export const MAX_PACKET = 262_144;
export const MAX_DATA = MAX_PACKET - 1024;
export const MAX_HANDLES = 1000;
const NAMES_AT_A_TIME = 100;

/** An open file or a directory that is being listed. */
export type Handle =
  | { kind: 'file'; file: File }
  | { kind: 'directory'; path: Path; name: string; names: string[] };

/** SSH_FX_* for -errno, as errno_to_portable of sftp-server.c. */
export function statusOf(result: number): number {
  if (result >= 0) return Status.OK;
  switch (-result) {
    case Errno.ENOENT:
    case Errno.ENOTDIR:
    case Errno.EBADF:
    case Errno.ELOOP:
      return Status.NO_SUCH_FILE;
    case Errno.EPERM:
    case Errno.EACCES:
    case Errno.EFAULT:
      return Status.PERMISSION_DENIED;
    case Errno.ENAMETOOLONG:
    case Errno.EINVAL:
      return Status.BAD_MESSAGE;
    case Errno.ENOSYS:
      return Status.OP_UNSUPPORTED;
    default:
      return Status.FAILURE;
  }
}

export class SftpServer {
  readonly k: Kernel;
  readonly user: User;
  readonly actor: Task;
  readonly handles = new Map<string, Handle>();
  #nextHandle = 0;
  #pending: Buffer = Buffer.alloc(0);
  /** The client broke the protocol: nothing more is answered. */
  broken = false;

  constructor(k: Kernel, user: User) {
    this.k = k;
    this.user = user;
    this.actor = actorOf(k, user);
  }

  /** Takes bytes of the client; answers are handed to `answer`. */
  receive(bytes: Uint8Array, answer: (packet: Buffer) => void): void {
    const more = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let all = this.#pending.length === 0 ? more : Buffer.concat([this.#pending, more]);
    while (all.length >= 4 && !this.broken) {
      const length = all.readUInt32BE(0);
      if (length > MAX_PACKET || length < 1) this.broken = true;
      else if (all.length < 4 + length) break;
      else {
        answer(this.#answer(all.subarray(4, 4 + length)));
        all = all.subarray(4 + length);
      }
    }
    this.#pending = all;
  }

  /** Lets go of everything that is open. */
  close(): void {
    for (const handle of this.handles.values()) if (handle.kind === 'file') closeFile(this.k, handle.file);
    this.handles.clear();
  }

  #answer(packet: Buffer): Buffer {
    const reader = new Reader(packet);
    const type = reader.byte();
    if (type === Type.INIT) {
      const version = new Writer(Type.VERSION).u32(3);
      for (const [name, value] of EXTENSIONS) version.string(name).string(value);
      return version.finish();
    }
    let id = 0;
    try {
      id = reader.u32();
      const result = this.#serve(type, id, reader);
      return typeof result === 'number' ? this.status(id, statusOf(result)) : result;
    } catch (error) {
      if (error instanceof BadMessage) return this.status(id, Status.BAD_MESSAGE);
      throw error;
    }
  }

  status(id: number, code: number): Buffer {
    return new Writer(Type.STATUS, id)
      .u32(code)
      .string(STATUS_TEXT[code] ?? 'Failure')
      .string('')
      .finish();
  }

  /** The file behind a handle, or -EBADF. */
  file(handle: string): File | number {
    const found = this.handles.get(handle);
    return found?.kind === 'file' ? found.file : -Errno.EBADF;
  }

  pathOf(handle: string): Path | number {
    const found = this.handles.get(handle);
    if (!found) return -Errno.EBADF;
    return found.kind === 'directory' ? found.path : (found.file.path ?? -Errno.EBADF);
  }

  #handle(id: number, handle: Handle): Buffer {
    const name = String(this.#nextHandle++);
    this.handles.set(name, handle);
    return new Writer(Type.HANDLE, id).string(name).finish();
  }

  attributes(id: number, path: Path | number): Buffer | number {
    if (typeof path === 'number') return path;
    return new Writer(Type.ATTRS, id).attributes(attributesOf(inodeOf(path))).finish();
  }

  /** A NAME answer of one path. */
  name(id: number, path: string | number): Buffer | number {
    if (typeof path === 'number') return path;
    return new Writer(Type.NAME, id).u32(1).string(path).string(path).attributes({}).finish();
  }

  set(path: Path | number, wanted: Attributes): number {
    return typeof path === 'number' ? path : setAttributes(this.k, this.actor, path, wanted);
  }

  /** One request: its answer, or a result that becomes a status. */
  #serve(type: number, id: number, reader: Reader): Buffer | number {
    const { k, actor } = this;
    switch (type) {
      case Type.OPEN:
        return this.#open(id, reader.path(), reader.u32(), reader.attributes());
      case Type.CLOSE:
        return this.#close(reader.string());
      case Type.READ:
        return this.#read(id, reader.string(), reader.u64(), reader.u32());
      case Type.WRITE: {
        const [file, offset, data] = [this.file(reader.string()), reader.u64(), reader.bytes()];
        return typeof file === 'number' ? file : write(k, actor, file, offset, data);
      }
      case Type.LSTAT:
        return this.attributes(id, find(k, actor, reader.path(), false));
      case Type.STAT:
        return this.attributes(id, find(k, actor, reader.path()));
      case Type.FSTAT:
        return this.attributes(id, this.pathOf(reader.string()));
      case Type.SETSTAT:
        return this.set(find(k, actor, reader.path()), reader.attributes());
      case Type.FSETSTAT:
        return this.set(this.pathOf(reader.string()), reader.attributes());
      case Type.OPENDIR:
        return this.#openDirectory(id, reader.path());
      case Type.READDIR:
        return this.#readDirectory(id, reader.string());
      case Type.REMOVE:
        return unlink(k, actor, At.FDCWD, reader.path());
      case Type.MKDIR: {
        const [path, { mode }] = [reader.path(), reader.attributes()];
        return mkdirat(k, actor, At.FDCWD, path, (mode ?? 0o777) & 0o7777);
      }
      case Type.RMDIR:
        return rmdir(k, actor, At.FDCWD, reader.path());
      case Type.REALPATH:
        return this.name(id, realPath(k, actor, reader.path()));
      case Type.RENAME:
        return renameat(k, actor, At.FDCWD, reader.path(), At.FDCWD, reader.path(), RENAME.NOREPLACE);
      case Type.READLINK: {
        const path = find(k, actor, reader.path(), false);
        return this.name(id, typeof path === 'number' ? path : linkText(k, actor, inodeOf(path)));
      }
      case Type.SYMLINK:
        return symlinkat(k, actor, reader.path(), At.FDCWD, reader.path());
      case Type.EXTENDED:
        return extended(this, id, reader.string(), reader) ?? this.status(id, Status.OP_UNSUPPORTED);
      default:
        return this.status(id, Status.OP_UNSUPPORTED);
    }
  }

  #open(id: number, path: string, flags: number, { mode = 0o666 }: Attributes): Buffer | number {
    if (this.handles.size >= MAX_HANDLES) return -Errno.EMFILE;
    const file = openFile(this.k, this.actor, path, flags, mode);
    return typeof file === 'number' ? file : this.#handle(id, { kind: 'file', file });
  }

  #close(name: string): number {
    const handle = this.handles.get(name);
    if (!handle) return -Errno.EBADF;
    this.handles.delete(name);
    if (handle.kind === 'file') closeFile(this.k, handle.file);
    return 0;
  }

  #read(id: number, name: string, offset: number, length: number): Buffer | number {
    const file = this.file(name);
    if (typeof file === 'number') return file;
    const bytes = read(this.k, this.actor, file, offset, Math.min(length, MAX_DATA));
    if (typeof bytes === 'number') return bytes;
    if (bytes.length === 0 && length > 0) return this.status(id, Status.EOF);
    return new Writer(Type.DATA, id).bytes(bytes).finish();
  }

  #openDirectory(id: number, name: string): Buffer | number {
    if (this.handles.size >= MAX_HANDLES) return -Errno.EMFILE;
    const path = find(this.k, this.actor, name);
    if (typeof path === 'number') return path;
    const names = list(this.k, this.actor, path);
    return typeof names === 'number' ? names : this.#handle(id, { kind: 'directory', path, name, names });
  }

  #readDirectory(id: number, handleName: string): Buffer | number {
    const handle = this.handles.get(handleName);
    if (handle?.kind !== 'directory') return -Errno.EBADF;
    if (handle.names.length === 0) return this.status(id, Status.EOF);
    const entries = handle.names.splice(0, NAMES_AT_A_TIME).flatMap((name) => {
      const path = find(this.k, this.actor, `${handle.name || '.'}/${name}`, false);
      return typeof path === 'number' ? [] : [{ name, inode: inodeOf(path) }];
    });
    const answer = new Writer(Type.NAME, id).u32(entries.length);
    for (const { name, inode } of entries)
      answer.string(name).string(longName(name, inode)).attributes(attributesOf(inode));
    return answer.finish();
  }
}
