/**
 * The extensions of OpenSSH's sftp-server (its PROTOCOL, section 4). Always true: each one that is offered in {@link EXTENSIONS} is
 * served, and no other.
 */
import { Errno } from '../../kernel/abi/errno.ts';
import { linkat } from '../../kernel/fs/dirops.ts';
import { At } from '../../kernel/fs/flags.ts';
import { readHostFile } from '../../kernel/fs/host.ts';
import { renameat } from '../../kernel/fs/rename.ts';
import { packStatfs } from '../../kernel/fs/stat.ts';
import type { Path } from '../../kernel/fs/types.ts';
import { findUser } from '../users.ts';
import { copyData, find, realPath } from './files.ts';
import { MAX_DATA, MAX_HANDLES, MAX_PACKET, type SftpServer } from './server.ts';
import { type Reader, Type, Writer } from './wire.ts';

type Serve = (server: SftpServer, id: number, reader: Reader) => Buffer | number;

/** ST_RDONLY and ST_NOSUID are the two flags that the answer knows. */
const STATVFS_FLAGS = 3;

function statvfs(server: SftpServer, id: number, path: Path | number): Buffer | number {
  if (typeof path === 'number') return path;
  const packed = packStatfs(server.k, path.mnt.sb, path.mnt);
  if (typeof packed === 'number') return packed;
  const view = new DataView(packed.buffer);
  const [bsize, blocks, free, available, files, filesFree, fsid, nameMax, frsize, flags] = [
    ...[8, 16, 24, 32, 40, 48, 56, 64, 72, 80],
  ].map((at) => Number(view.getBigUint64(at, true)));
  const answer = new Writer(Type.EXTENDED_REPLY, id);
  for (const value of [bsize, frsize, blocks, free, available, files, filesFree, filesFree, fsid])
    answer.u64(value);
  return answer
    .u64(flags & STATVFS_FLAGS)
    .u64(nameMax)
    .finish();
}

/** `~`, `~/x` and `~name/x`, then realpath. */
function expand(server: SftpServer, name: string): string | number {
  const [, who, rest = ''] = /^~([^/]*)(\/.*)?$/.exec(name) ?? [];
  if (who === undefined) return realPath(server.k, server.actor, name);
  const home = who === '' ? server.user.home : findUser(server.k, who)?.home;
  return home === undefined ? -Errno.ENOENT : realPath(server.k, server.actor, `${home}${rest}`);
}

/** Names of ids, by the first and third field of /etc/passwd or /etc/group. */
function namesOf(server: SftpServer, path: string, ids: Buffer): Writer {
  const bytes = readHostFile(server.k, path);
  const text = typeof bytes === 'number' ? '' : Buffer.from(bytes).toString('latin1');
  const names = new Map(text.split('\n').map((line) => [line.split(':')[2], line.split(':')[0]]));
  const out = new Writer(0);
  for (let at = 0; at + 4 <= ids.length; at += 4) out.string(names.get(String(ids.readUInt32BE(at))) ?? '');
  return out;
}

const TABLE: Readonly<Record<string, { version: string; serve: Serve }>> = {
  'posix-rename@openssh.com': {
    version: '1',
    serve: ({ k, actor }, _id, reader) =>
      renameat(k, actor, At.FDCWD, reader.path(), At.FDCWD, reader.path(), 0),
  },
  'statvfs@openssh.com': {
    version: '2',
    serve: (server, id, reader) => statvfs(server, id, find(server.k, server.actor, reader.path())),
  },
  'fstatvfs@openssh.com': {
    version: '2',
    serve: (server, id, reader) => statvfs(server, id, server.pathOf(reader.string())),
  },
  'hardlink@openssh.com': {
    version: '1',
    serve: ({ k, actor }, _id, reader) =>
      linkat(k, actor, At.FDCWD, reader.path(), At.FDCWD, reader.path(), 0),
  },
  // The answer waits for the disk outside, as every answer that promises something lasting.
  'fsync@openssh.com': {
    version: '1',
    serve: (server, _id, reader) => {
      const file = server.file(reader.string());
      return typeof file === 'number' ? file : 0;
    },
  },
  'lsetstat@openssh.com': {
    version: '1',
    serve: (server, _id, reader) =>
      server.set(find(server.k, server.actor, reader.path(), false), reader.attributes()),
  },
  'limits@openssh.com': {
    version: '1',
    serve: (_server, id) =>
      new Writer(Type.EXTENDED_REPLY, id)
        .u64(MAX_PACKET)
        .u64(MAX_DATA)
        .u64(MAX_DATA)
        .u64(MAX_HANDLES)
        .finish(),
  },
  'expand-path@openssh.com': {
    version: '1',
    serve: (server, id, reader) => server.name(id, expand(server, reader.path())),
  },
  'home-directory': {
    version: '1',
    serve: (server, id, reader) => {
      const name = reader.string();
      const home = name === '' ? server.user.home : findUser(server.k, name)?.home;
      return server.name(id, home ?? -Errno.ENOENT);
    },
  },
  'copy-data': {
    version: '1',
    serve: (server, _id, reader) => {
      const from = { file: server.file(reader.string()), offset: reader.u64() };
      const length = reader.u64();
      const to = { file: server.file(reader.string()), offset: reader.u64() };
      if (typeof from.file === 'number') return from.file;
      if (typeof to.file === 'number') return to.file;
      if (from.file === to.file || from.file.inode === to.file.inode) return -Errno.EINVAL;
      return copyData(
        server.k,
        server.actor,
        { file: from.file, offset: from.offset },
        { file: to.file, offset: to.offset },
        length,
      );
    },
  },
  'users-groups-by-id@openssh.com': {
    version: '1',
    serve: (server, id, reader) => {
      const [uids, gids] = [reader.bytes(), reader.bytes()];
      const answer = new Writer(Type.EXTENDED_REPLY, id);
      // Without the length and type of a packet: a list of strings in a string.
      for (const [path, ids] of [
        ['/etc/passwd', uids],
        ['/etc/group', gids],
      ] as const)
        answer.bytes(namesOf(server, path, ids).finish().subarray(5));
      return answer.finish();
    },
  },
};

/** Names and versions, as VERSION offers them. */
export const EXTENSIONS: readonly [string, string][] = Object.entries(TABLE).map(([name, { version }]) => [
  name,
  version,
]);

/** Serves an extended request; null: unknown. */
export const extended = (
  server: SftpServer,
  id: number,
  name: string,
  reader: Reader,
): Buffer | number | null => (Object.hasOwn(TABLE, name) ? TABLE[name].serve(server, id, reader) : null);
