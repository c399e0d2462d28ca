/** Names: walking, making, removing, renaming, and who may. */
import { beforeAll, describe, expect, test } from 'vitest';
import { chmod } from '../../src/kernel/fs/attr.ts';
import { linkat, rmdir } from '../../src/kernel/fs/dirops.ts';
import { dPath, pathBelow } from '../../src/kernel/fs/dpath.ts';
import { O } from '../../src/kernel/fs/flags.ts';
import { doMount, umount } from '../../src/kernel/fs/mount.ts';
import { lookupPath } from '../../src/kernel/fs/namei.ts';
import { renameat } from '../../src/kernel/fs/rename.ts';
import { errno, fsRig, type Rig } from './fs-fixture.ts';

const CWD = -100;
let rig: Rig;
beforeAll(async () => {
  rig = await fsRig({
    bin: { sh: '#!', ls: '-> sh' },
    dev: {},
    etc: { passwd: 'root:x:0:0', mtab: '-> ../proc/mounts', deep: { er: { file: 'down here' } } },
    home: {},
    lib: '-> usr/lib',
    usr: { lib: { 'libc.so': 'ELF' } },
    tmp: {},
  });
  chmodName('/tmp', 0o1777);
});

const look = (name: string, follow = true) => {
  const path = lookupPath(rig.k, rig.task, CWD, name, { follow });
  return typeof path === 'number' ? errno(path) : pathBelow(path, rig.task.fs.root);
};
const mv = (from: string, to: string, flags = 0) =>
  errno(renameat(rig.k, rig.task, CWD, from, CWD, to, flags));
const chmodName = (name: string, mode: number) => {
  const path = lookupPath(rig.k, rig.task, CWD, name);
  if (typeof path === 'number') throw new Error(String(errno(path)));
  return errno(chmod(rig.k, rig.task, path, mode));
};
const rmdirName = (name: string) => errno(rmdir(rig.k, rig.task, CWD, name));
const ln = (from: string, to: string) => errno(linkat(rig.k, rig.task, CWD, from, CWD, to, 0));

describe('a path walk', () => {
  test('crosses dots, slashes and links', () => {
    expect(look('/etc/./deep//er/../er/file')).toBe('/etc/deep/er/file');
    expect(look('/../../etc')).toBe('/etc');
    expect(look('/lib/libc.so')).toBe('/usr/lib/libc.so');
    expect(look('/lib', false)).toBe('/lib');
    expect(look('/lib/', false)).toBe('/usr/lib');
  });
  test('says what is wrong with a name', () => {
    expect(look('')).toBe('ENOENT');
    expect(look('/etc/none')).toBe('ENOENT');
    expect(look('/etc/passwd/')).toBe('ENOTDIR');
    expect(look('/etc/passwd/x')).toBe('ENOTDIR');
    expect(look(`/etc/${'x'.repeat(256)}`)).toBe('ENAMETOOLONG');
  });
  test('gives up on loops after 40 links', () => {
    rig.symlink('/tmp/b', '/tmp/a');
    rig.symlink('/tmp/a', '/tmp/b');
    expect(look('/tmp/a')).toBe('ELOOP');
    rig.put('/tmp/l0', 'end');
    for (let i = 1; i <= 41; i++) rig.symlink(`l${i - 1}`, `/tmp/l${i}`);
    expect(look('/tmp/l40')).toBe('/tmp/l0');
    expect(look('/tmp/l41')).toBe('ELOOP');
  });
  test('asks for search permission on every directory', () => {
    rig.mkdir('/home/secret', 0o700);
    rig.put('/home/secret/diary', 'dear');
    expect(errno(rig.as(1000, () => rig.cat('/home/secret/diary')))).toBe('EACCES');
    expect(rig.cat('/home/secret/diary')).toBe('dear');
  });
});

describe('open', () => {
  test('creates through a dangling link, but not with O_EXCL or O_NOFOLLOW', () => {
    rig.symlink('made', '/tmp/dangling');
    expect(errno(rig.open('/tmp/dangling', O.CREAT | O.EXCL | O.WRONLY))).toBe('EEXIST');
    expect(errno(rig.open('/tmp/dangling', O.CREAT | O.NOFOLLOW | O.WRONLY))).toBe('ELOOP');
    rig.put('/tmp/dangling', 'text');
    expect(rig.cat('/tmp/made')).toBe('text');
  });
  test('knows directories from files', () => {
    expect(errno(rig.open('/etc', O.WRONLY))).toBe('EISDIR');
    expect(errno(rig.open('/etc', O.CREAT | O.RDONLY))).toBe('EISDIR');
    expect(errno(rig.open('/etc/passwd', O.DIRECTORY))).toBe('ENOTDIR');
    expect(errno(rig.open('/tmp/new/', O.CREAT | O.WRONLY))).toBe('EISDIR');
    expect(errno(rig.open('/lib', O.NOFOLLOW))).toBe('ELOOP');
  });
  test('applies the umask, and the directory group where it is set-group-ID', () => {
    rig.task.fs.umask = 0o027;
    rig.put('/tmp/masked', '');
    rig.task.fs.umask = 0o022;
    expect(rig.stat('/tmp/masked').mode).toBe(0o100640);
    rig.mkdir('/tmp/shared');
    rig.stat('/tmp/shared').gid = 50;
    chmodName('/tmp/shared', 0o2777);
    rig.as(1000, () => rig.put('/tmp/shared/f', ''));
    rig.as(1000, () => rig.mkdir('/tmp/shared/d'));
    expect(rig.stat('/tmp/shared/f').gid).toBe(50);
    expect(rig.stat('/tmp/shared/d').mode & 0o7777).toBe(0o2755);
  });
});

describe('removing and linking', () => {
  test('a whiteout hides what the image has, and a new file takes its place', () => {
    expect(rig.rm('/etc/mtab')).toBe(0);
    expect(look('/etc/mtab', false)).toBe('ENOENT');
    expect(rig.ls('/etc')).toEqual(['deep', 'passwd']);
    rig.put('/etc/mtab', 'fresh');
    expect(rig.cat('/etc/mtab')).toBe('fresh');
  });
  test('unlink and rmdir refuse the wrong kind', () => {
    expect(errno(rig.rm('/etc'))).toBe('EISDIR');
    expect(rmdirName('/etc/passwd')).toBe('ENOTDIR');
    expect(rmdirName('/etc')).toBe('ENOTEMPTY');
    expect(rmdirName('/etc/.')).toBe('EINVAL');
    expect(rmdirName('/etc/deep/..')).toBe('ENOTEMPTY');
    expect(rmdirName('/')).toBe('EBUSY');
  });
  test('hard links share an inode and count', () => {
    expect(ln('/etc/passwd', '/etc/passwd-')).toBe(0);
    expect(rig.stat('/etc/passwd-')).toBe(rig.stat('/etc/passwd'));
    expect(rig.stat('/etc/passwd').nlink).toBe(2);
    expect(ln('/etc', '/tmp/etc')).toBe('EPERM');
    expect(ln('/etc/passwd', '/tmp')).toBe('EEXIST');
    rig.rm('/etc/passwd-');
    expect(rig.stat('/etc/passwd').nlink).toBe(1);
  });
  test('in a sticky directory only the owner removes', () => {
    rig.put('/tmp/of-root', '');
    expect(errno(rig.as(1000, () => rig.rm('/tmp/of-root')))).toBe('EPERM');
    rig.as(1000, () => rig.put('/tmp/of-student', ''));
    expect(errno(rig.as(1001, () => rig.rm('/tmp/of-student')))).toBe('EPERM');
    expect(rig.as(1000, () => rig.rm('/tmp/of-student'))).toBe(0);
  });
});

describe('rename', () => {
  test('moves a directory of the image with all that is in it', () => {
    expect(mv('/etc/deep', '/tmp/moved')).toBe(0);
    expect(rig.cat('/tmp/moved/er/file')).toBe('down here');
    expect(look('/etc/deep')).toBe('ENOENT');
    expect(mv('/tmp/moved', '/etc/deep')).toBe(0);
  });
  test('obeys its rules', () => {
    rig.mkdir('/tmp/d');
    rig.mkdir('/tmp/d/e');
    rig.mkdir('/tmp/full');
    rig.put('/tmp/full/f', '');
    rig.put('/tmp/file', 'file');
    expect(mv('/tmp/d', '/tmp/d/e/f')).toBe('EINVAL');
    expect(mv('/tmp/d/e', '/tmp/d')).toBe('ENOTEMPTY');
    expect(mv('/tmp/d', '/tmp/full')).toBe('ENOTEMPTY');
    expect(mv('/tmp/file', '/tmp/d')).toBe('EISDIR');
    expect(mv('/tmp/d', '/tmp/file')).toBe('ENOTDIR');
    expect(mv('/tmp/file', '/tmp/file')).toBe(0);
    expect(mv('/tmp/file', '/tmp/d', 1)).toBe('EEXIST');
    expect(mv('/tmp/none', '/tmp/x')).toBe('ENOENT');
    expect(mv('/tmp/file', '/dev/x')).toBe('EXDEV');
  });
  test('replaces an empty directory and exchanges names', () => {
    rig.mkdir('/tmp/one');
    rig.mkdir('/tmp/two');
    rig.put('/tmp/one/here', '');
    expect(mv('/tmp/one', '/tmp/two')).toBe(0);
    expect(rig.ls('/tmp/two')).toEqual(['here']);
    rig.put('/tmp/left', 'L');
    expect(mv('/tmp/left', '/tmp/two', 2)).toBe(0);
    expect(rig.cat('/tmp/two')).toBe('L');
    expect(rig.ls('/tmp/left')).toEqual(['here']);
  });
  test('keeps link counts of directories', () => {
    rig.mkdir('/home/a');
    rig.mkdir('/home/b');
    rig.mkdir('/home/a/sub');
    expect(rig.stat('/home/a').nlink).toBe(3);
    mv('/home/a/sub', '/home/b/sub');
    expect(rig.stat('/home/a').nlink).toBe(2);
    expect(rig.stat('/home/b').nlink).toBe(3);
  });
  test('open files and working directories see their new names', () => {
    rig.mkdir('/tmp/old');
    rig.put('/tmp/old/f', '');
    const fd = rig.open('/tmp/old/f');
    mv('/tmp/old', '/tmp/renamed');
    const path = rig.task.files.fds[fd]?.file.path;
    expect(path && dPath(path, rig.task.fs.root)).toBe('/tmp/renamed/f');
    rig.rm('/tmp/renamed/f');
    expect(path && dPath(path, rig.task.fs.root)).toBe('/tmp/renamed/f (deleted)');
    rig.close(fd);
  });
});

describe('mounts', () => {
  const mount = (type: string, at: string, flags = 0, data = '', source = 'none') =>
    errno(doMount(rig.k, rig.task, source, at, type, flags, data));
  test('a tmpfs covers a directory until it is unmounted', () => {
    rig.mkdir('/mnt');
    rig.put('/mnt/below', 'b');
    expect(mount('tmpfs', '/mnt', 0, 'size=8k,mode=700')).toBe(0);
    expect(rig.ls('/mnt')).toEqual([]);
    expect(rig.stat('/mnt').mode & 0o7777).toBe(0o700);
    rig.put('/mnt/in', 'i');
    expect(look('/mnt/..')).toBe('/');
    const fd = rig.open('/mnt/in');
    expect(errno(umount(rig.k, rig.task, '/mnt', 0))).toBe('EBUSY');
    rig.close(fd);
    expect(umount(rig.k, rig.task, '/mnt', 0)).toBe(0);
    expect(rig.cat('/mnt/below')).toBe('b');
  });
  test('a read-only bind mount refuses writes', () => {
    expect(mount('', '/mnt', 4096, '', '/etc')).toBe(0);
    expect(mount('', '/mnt', 4096 | 32 | 1)).toBe(0);
    expect(rig.cat('/mnt/passwd')).toBe('root:x:0:0');
    expect(errno(rig.open('/mnt/passwd', O.WRONLY))).toBe('EROFS');
    expect(errno(rig.mkdir('/mnt/x'))).toBe('EROFS');
    expect(umount(rig.k, rig.task, '/mnt', 0)).toBe(0);
  });
  test('is for those with CAP_SYS_ADMIN', () => {
    expect(rig.as(1000, () => mount('tmpfs', '/mnt'))).toBe('EPERM');
    expect(mount('nosuchfs', '/mnt')).toBe('ENODEV');
  });
});
