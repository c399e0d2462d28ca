/** Content: the layer over the image, sizes, holes, quotas, what is left of unlinked files, what the host sees. */
import { beforeEach, describe, expect, test } from 'vitest';
import { truncate } from '../../src/kernel/fs/attr.ts';
import { copyFileRange } from '../../src/kernel/fs/copy.ts';
import { boundDcache } from '../../src/kernel/fs/dcache.ts';
import { getFile } from '../../src/kernel/fs/file.ts';
import { O } from '../../src/kernel/fs/flags.ts';
import { changedPaths, listHostDirectory, readHostFile, writeHostFile } from '../../src/kernel/fs/host.ts';
import { doMount, umount } from '../../src/kernel/fs/mount.ts';
import { lookupPath } from '../../src/kernel/fs/namei.ts';
import { allowWrite, openExec } from '../../src/kernel/fs/open.ts';
import { fallocate } from '../../src/kernel/fs/regular.ts';
import { renameat } from '../../src/kernel/fs/rename.ts';
import { seek } from '../../src/kernel/fs/rw.ts';
import { packStat } from '../../src/kernel/fs/stat.ts';
import type { TreeData } from '../../src/kernel/fs/treefs.ts';
import { getXattr, setXattr } from '../../src/kernel/fs/xattr.ts';
import { errno, fsRig, type Rig } from './fs-fixture.ts';

let rig: Rig;
const long = 'abcdefgh'.repeat(2048);
beforeEach(async () => {
  rig = await fsRig({
    bin: { tool: 'ELF' },
    dev: {},
    etc: { motd: 'welcome', sub: { a: '1', b: '2' } },
    tmp: {},
    long,
  });
});

const setSizeOf = (name: string, size: number): unknown => {
  const path = lookupPath(rig.k, rig.task, -100, name);
  return typeof path === 'number' ? errno(path) : errno(truncate(rig.k, rig.task, path, size));
};

describe('a file of the image', () => {
  test('reads as the image has it and costs no disk', () => {
    expect(rig.cat('/long')).toBe(long);
    expect(rig.k.fs.rootMount.sb.usedBytes).toBe(0);
    expect(rig.stat('/long').version).toBe(0);
  });
  test('is written page by page, the rest stays shared', () => {
    const fd = rig.open('/long', O.RDWR);
    seek(rig.k, rig.task, fd, 5000, 0);
    rig.write(fd, 'HERE');
    expect(rig.k.fs.rootMount.sb.usedBytes).toBe(4096);
    expect(rig.cat('/long')).toBe(`${long.slice(0, 5000)}HERE${long.slice(5004)}`);
    rig.close(fd);
  });
  test('is truncated, and grows with zeros and not with what it was', () => {
    setSizeOf('/long', 10);
    setSizeOf('/long', 20);
    expect(rig.cat('/long')).toBe(`${long.slice(0, 10)}${'\0'.repeat(10)}`);
    setSizeOf('/long', 9000);
    expect(rig.cat('/long')).toBe(`${long.slice(0, 10)}${'\0'.repeat(8990)}`);
  });
  test('lives on without a name while it is open', () => {
    const fd = rig.open('/etc/motd', O.RDWR);
    rig.rm('/etc/motd');
    rig.write(fd, 'WEL');
    seek(rig.k, rig.task, fd, 0, 0);
    expect(rig.read(fd)).toBe('WELcome');
    expect(rig.k.fs.rootMount.sb.usedBytes).toBe(4096);
    rig.close(fd);
    expect(rig.k.fs.rootMount.sb.usedBytes).toBe(0);
  });
});

describe('sizes and space', () => {
  test('holes are zeros, cost nothing and are found by SEEK_HOLE and SEEK_DATA', () => {
    const fd = rig.open('/tmp/sparse', O.RDWR | O.CREAT);
    seek(rig.k, rig.task, fd, 100_000, 0);
    rig.write(fd, 'end');
    const stat = new DataView(packStat(rig.k, rig.stat('/tmp/sparse')).buffer);
    expect(stat.getUint32(48, true)).toBe(100_003);
    expect(stat.getUint32(64, true)).toBe(8);
    expect(seek(rig.k, rig.task, fd, 0, 3)).toBe(98_304);
    expect(seek(rig.k, rig.task, fd, 0, 4)).toBe(0);
    expect(seek(rig.k, rig.task, fd, 98_304, 4)).toBe(100_003);
    expect(errno(seek(rig.k, rig.task, fd, 100_003, 3))).toBe('ENXIO');
    rig.close(fd);
  });
  test('a full disk answers ENOSPC after a short write, and removing gives space back', () => {
    const fd = rig.open('/tmp/big', O.WRONLY | O.CREAT);
    expect(rig.write(fd, 'x'.repeat(2 << 20))).toBe(1 << 20);
    expect(errno(rig.write(fd, 'y'))).toBe('ENOSPC');
    rig.close(fd);
    rig.rm('/tmp/big');
    expect(rig.k.fs.rootMount.sb.usedBytes).toBe(0);
    rig.put('/tmp/small', 'fits');
    expect(rig.cat('/tmp/small')).toBe('fits');
  });
  test('punching a hole gives zeros back', () => {
    const fd = rig.open('/long', O.RDWR);
    const file = getFile(rig.task, fd);
    expect(file && fallocate(rig.k, rig.task, file, 3, 0, 8192)).toBe(0);
    expect(rig.cat('/long')).toBe(`${'\0'.repeat(8192)}${long.slice(8192)}`);
    rig.close(fd);
  });
  test('O_APPEND writes at the end, wherever the position is', () => {
    rig.put('/tmp/log', 'one ');
    const fd = rig.open('/tmp/log', O.WRONLY | O.APPEND);
    seek(rig.k, rig.task, fd, 0, 0);
    rig.write(fd, 'two');
    expect(rig.cat('/tmp/log')).toBe('one two');
    rig.close(fd);
  });
  test('copy_file_range copies and refuses overlap', () => {
    const from = rig.open('/long');
    const to = rig.open('/tmp/copy', O.RDWR | O.CREAT);
    expect(copyFileRange(rig.k, rig.task, from, null, to, null, 1 << 20)).toBe(long.length);
    expect(rig.cat('/tmp/copy')).toBe(long);
    expect(errno(copyFileRange(rig.k, rig.task, to, 0, to, 10, 100))).toBe('EINVAL');
  });
});

describe('programs and privileges', () => {
  test('a running program is not written, and a written one does not run', () => {
    const inode = rig.stat('/bin/tool');
    inode.mode = 0o100755;
    const running = openExec(rig.k, rig.task, -100, '/bin/tool');
    expect(typeof running).toBe('object');
    expect(errno(rig.open('/bin/tool', O.WRONLY))).toBe('ETXTBSY');
    if (typeof running === 'object') allowWrite(running);
    const fd = rig.open('/bin/tool', O.WRONLY);
    expect(errno(openExec(rig.k, rig.task, -100, '/bin/tool'))).toBe('ETXTBSY');
    rig.close(fd);
  });
  test('a write by another user takes set-user-ID away', () => {
    const inode = rig.stat('/bin/tool');
    inode.mode = 0o104777;
    rig.as(1000, () => rig.put('/bin/tool', 'changed'));
    expect(inode.mode).toBe(0o100777);
  });
  test('extended attributes are kept and guarded', () => {
    const path = lookupPath(rig.k, rig.task, -100, '/etc/motd');
    if (typeof path === 'number') throw new Error('no motd');
    expect(setXattr(rig.k, rig.task, path, 'user.tag', Uint8Array.of(1, 2), 0)).toBe(0);
    expect(getXattr(rig.k, rig.task, rig.stat('/etc/motd'), 'user.tag')).toEqual(Uint8Array.of(1, 2));
    expect(errno(getXattr(rig.k, rig.task, rig.stat('/etc/motd'), 'user.none'))).toBe('ENODATA');
    expect(errno(rig.as(1000, () => setXattr(rig.k, rig.task, path, 'user.tag', Uint8Array.of(), 0)))).toBe(
      'EACCES',
    );
  });
});

describe('the host', () => {
  test('reads, writes and lists files', () => {
    expect(Buffer.from(readHostFile(rig.k, '/etc/motd') as Uint8Array).toString()).toBe('welcome');
    expect(errno(readHostFile(rig.k, '/none'))).toBe('ENOENT');
    const attributes = { mode: 0o600, uid: 1000, gid: 1000 };
    expect(writeHostFile(rig.k, '/home/student/.ssh/key', Buffer.from('k'), attributes)).toBe(0);
    const [entry] = listHostDirectory(rig.k, '/home/student/.ssh') as unknown as [object];
    expect(entry).toMatchObject({ name: 'key', mode: 0o100600, uid: 1000, size: 1 });
  });
  test('is told what differs from the image, in an order in which it can be applied', () => {
    rig.rm('/etc/sub/a');
    rig.put('/etc/motd', 'hello');
    rig.mkdir('/etc/new');
    rig.put('/etc/new/file', 'n');
    rig.symlink('file', '/etc/new/link');
    rig.cat('/long');
    const told = changedPaths(rig.k).map((change) => `${change.kind} ${change.path}`);
    expect(told).toEqual([
      'dir /etc',
      'file /etc/motd',
      'dir /etc/sub',
      'removed /etc/sub/a',
      'dir /etc/new',
      'file /etc/new/file',
      'symlink /etc/new/link',
    ]);
  });
});

describe('the cache of names', () => {
  test('forgets what nobody holds and keeps what was changed', () => {
    rig.put('/etc/sub/b', 'changed');
    rig.cat('/etc/motd');
    const fd = rig.open('/etc/sub/a');
    const { inodes } = rig.k.fs.rootMount.sb.data as TreeData;
    const before = inodes.size;
    rig.k.fs.dentryLimit = 1;
    boundDcache(rig.k);
    expect(inodes.size).toBeLessThan(before);
    expect(rig.k.fs.dentries).toBeLessThan(6);
    expect(rig.cat('/etc/sub/b')).toBe('changed');
    expect(rig.read(fd)).toBe('1');
  });
  test('a VM at rest is plain data', () => {
    rig.put('/tmp/x', 'x');
    const { machine, guest, hart, image, host, ...state } = rig.k;
    expect(() => structuredClone(state)).not.toThrow();
    expect([machine, guest, hart, image, host].every(Boolean)).toBe(true);
  });
});

describe('limits that protect the host', () => {
  test('directories nest 400 deep and no deeper, however they are moved', () => {
    let name = '/tmp';
    let made = 0;
    for (let i = 0; i < 500 && made === 0; i++) {
      name += '/d';
      made = rig.mkdir(name);
    }
    expect(errno(made)).toBe('ENAMETOOLONG');
    const { machine, guest, hart, image, host, ...state } = rig.k;
    expect(() => structuredClone(state)).not.toThrow();
    rig.mkdir('/tmp/e');
    const half = `/tmp${'/d'.repeat(200)}`;
    expect(errno(renameat(rig.k, rig.task, -100, half, -100, '/tmp/e/half', 0))).toBe(0);
    rig.mkdir('/tmp/top');
    const deep = `/tmp${'/d'.repeat(199)}/again`;
    expect(errno(renameat(rig.k, rig.task, -100, '/tmp/e', -100, deep, 0))).toBe('ENAMETOOLONG');
    expect([machine, guest, hart, image, host].every(Boolean)).toBe(true);
  });
  test('metadata is counted and given back', () => {
    const before = rig.k.fs.metaBytes;
    for (let i = 0; i < 50; i++) rig.put(`/tmp/file${i}`, '');
    rig.symlink('x'.repeat(1000), '/tmp/link');
    const path = lookupPath(rig.k, rig.task, -100, '/tmp/file0');
    if (typeof path === 'object') setXattr(rig.k, rig.task, path, 'user.a', new Uint8Array(100), 0);
    expect(rig.k.fs.metaBytes).toBeGreaterThan(before + 50 * 600 + 1000);
    for (let i = 0; i < 50; i++) rig.rm(`/tmp/file${i}`);
    rig.rm('/tmp/link');
    expect(rig.k.fs.metaBytes).toBe(before);
  });
  test('unmounting a tmpfs gives its memory back', () => {
    rig.mkdir('/mnt');
    const used = rig.k.guest.usedPages;
    doMount(rig.k, rig.task, 'none', '/mnt', 'tmpfs', 0, '');
    rig.mkdir('/mnt/d');
    rig.put('/mnt/d/f', 'x'.repeat(100_000));
    expect(rig.k.guest.usedPages).toBe(used + 25);
    expect(umount(rig.k, rig.task, '/mnt', 0)).toBe(0);
    expect(rig.k.guest.usedPages).toBe(used);
  });
});
