/** The real base image, where one has been built: what the kernel room and the course count on. */
import { describe, expect, it } from 'vitest';
import { builtImage, type Image, openImage } from '../../src/image/index.ts';

const path = builtImage();

function walk(image: Image, name: string, follow = 8): number {
  let ino = 1;
  const trail: number[] = [1];
  for (const part of name.split('/').filter(Boolean)) {
    if (part === '..') {
      trail.pop();
      ino = trail.at(-1) ?? 1;
      continue;
    }
    let next = image.lookup(ino, part);
    const target = image.inode(next)?.link;
    if (target && follow > 0) {
      const folder = name.slice(0, name.indexOf(part));
      next = walk(image, target.startsWith('/') ? target : `${folder}/${target}`, follow - 1);
    }
    if (next === 0) return 0;
    trail.push(next);
    ino = next;
  }
  return ino;
}

function text(image: Image, name: string): string {
  const ino = walk(image, name);
  const page = new Uint8Array(4096);
  const count = image.readPage(ino, 0, page);
  return Buffer.from(page.subarray(0, count)).toString();
}

describe.runIf(path)('the base image', () => {
  it('opens in less than 50 ms and is not wasteful', () => {
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      openImage(path!).close();
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(50);
    const image = openImage(path!);
    expect(image.dataBytes).toBeLessThan(400e6);
    image.close();
  });

  it('has the programs and files a lecture uses, with their modes', () => {
    const image = openImage(path!);
    const programs =
      'sh bash ls cat make gcc cc ld gdb strace insmod rmmod lsmod modprobe dmesg sudo vi nano less awk';
    for (const name of [
      ...programs.split(' '),
      'ssh',
      'ssh-keygen',
      'ping',
      'hostname',
      'find',
      'tree',
      'bc',
      'xz',
    ]) {
      const found = walk(image, `/usr/bin/${name}`) || walk(image, `/usr/sbin/${name}`);
      expect(image.inode(found)?.mode ?? 0, name).toBeGreaterThan(0o100700);
    }
    for (const name of ['sudo', 'su', 'passwd', 'mount']) {
      expect(image.inode(walk(image, `/usr/bin/${name}`))!.mode & 0o7777, name).toBe(0o4755);
    }
    for (const part of ['/bin', '/sbin', '/lib']) {
      expect(image.inode(image.lookup(1, part.slice(1)))?.link).toBe(`usr${part}`);
    }
    expect(walk(image, '/lib/ld-linux-riscv64-lp64d.so.1')).toBeGreaterThan(0);
    expect(walk(image, '/sbin/init')).toBeGreaterThan(0);
    const vmlinuz = image.inode(walk(image, '/boot/vmlinuz-4.15.0-33-generic'))!;
    expect(vmlinuz.size).toBeGreaterThan(7.5e6);
    expect(vmlinuz.size).toBeLessThan(9e6);
    expect(image.readdir(walk(image, '/lib/modules')).length).toBeGreaterThanOrEqual(2);
    image.close();
  });

  it('has a student who may do anything, and no password for anybody', () => {
    const image = openImage(path!);
    expect(text(image, '/etc/passwd')).toMatch(/^student:x:1000:1000:.*:\/home\/student:\/bin\/bash$/m);
    expect(text(image, '/etc/group')).toMatch(/^sudo:x:27:student$/m);
    expect(text(image, '/etc/shadow')).toMatch(/^student:!:/m);
    for (const line of text(image, '/etc/shadow').trimEnd().split('\n')) expect(line).toMatch(/^[^:]+:[!*]:/);
    expect(image.inode(walk(image, '/etc/shadow'))).toMatchObject({ mode: 0o100640, gid: 42 });
    expect(image.inode(walk(image, '/etc/sudoers.d/90-lab'))!.mode & 0o777).toBe(0o440);
    expect(image.inode(walk(image, '/home/student/.bashrc'))).toMatchObject({ uid: 1000, gid: 1000 });
    expect(text(image, '/etc/pam.d/common-auth')).toMatch(/pam_unix\.so nullok/);
    expect(text(image, '/etc/pam.d/common-auth')).not.toMatch(/\$/);
    image.close();
  });

  it('has no link that leads nowhere but into what a running system mounts', () => {
    const image = openImage(path!);
    const dangling: string[] = [];
    const look = (dir: number, folder: string) => {
      for (const { name, ino, type } of image.readdir(dir)) {
        const here = `${folder}/${name}`;
        if (type === 4) look(ino, here);
        const target = image.inode(ino)?.link;
        if (!target || /^(\/run|\/proc|\.\.\/proc|fd\/)/.test(target)) continue;
        if (walk(image, target.startsWith('/') ? target : `${folder}/${target}`) === 0)
          dangling.push(`${here} -> ${target}`);
      }
    };
    look(1, '');
    expect(dangling).toEqual([]);
    image.close();
  });
});
