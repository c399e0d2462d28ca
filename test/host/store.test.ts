/** The durable store: what was committed comes back whole, in a new process too; what was not is as if it had never been. */
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/host/store.ts';
import { Images, keepImage } from '../../src/host/store-images.ts';
import type { Image } from '../../src/image/index.ts';
import { bootVm, createVm, forkVm, hashVm, rebootVm, restoreVm, runVm, type Vm } from '../../src/vm/index.ts';
import { account, committed, living, newBox, powerOn, shell, storeBench, stored } from './store-fixture.ts';

const bench = await storeBench();

/** What the store has of a machine is what the machine has. */
async function holds(id: string, vm: Vm): Promise<void> {
  const now = await committed(bench, id, vm);
  expect(stored(bench, id)).toEqual(now);
}

describe('disks', () => {
  test('a disk comes back as it was committed, and only that', async () => {
    const vm = await newBox(bench, 'disk');
    await shell(
      bench,
      'disk',
      vm,
      `cd /home/student && mkdir -p a/b && echo one > a/one && seq 100000 > a/b/many && ln a/one two &&
       ln -s a/b/many link && chown student a/one && chmod 4751 a/one && rm /etc/motd && mv /etc/issue /etc/was &&
       echo more >> /etc/passwd && mkfifo fifo && mknod null c 1 3 && truncate -s 5000000 hole &&
       printf x | dd of=hole bs=1 seek=4000000 conv=notrunc status=none && mkdir /opt/new && mv /usr/share/doc /opt/new &&
       : > /etc/hostname && touch -d @12345.678 a`,
    );
    expect(bench.store.isDirty(vm.kernel)).toBe(true);
    await bench.store.commitDisk('disk', vm.kernel);
    expect(bench.store.isDirty(vm.kernel)).toBe(false);
    const then = living(vm.kernel);
    await shell(bench, 'disk', vm, 'rm -rf /home/student/a; echo lost > /home/student/late');
    await bench.reopen();
    expect(stored(bench, 'disk')).toEqual(then);
    const again = powerOn(bench, 'disk');
    const { output } = await shell(bench, 'disk', again, 'cat /home/student/two; ls /opt/new /home/student');
    expect(output).toContain('one\n');
    expect(output).not.toContain('late');
  });

  test('deleting, shrinking and replacing leave nothing behind', async () => {
    const vm = await newBox(bench, 'shrink');
    const empty = living(vm.kernel);
    await shell(bench, 'shrink', vm, 'mkdir /srv/d; seq 50000 > /srv/d/f; seq 9000 > /srv/g; sync');
    await shell(
      bench,
      'shrink',
      vm,
      'truncate -s 10 /srv/d/f; cp /srv/d/f /srv/d/h; mv /srv/d/h /srv/g; sync',
    );
    await holds('shrink', vm);
    await shell(bench, 'shrink', vm, 'rm -r /srv/d /srv/g; sync');
    await holds('shrink', vm);
    const names = (lines: string[]) => lines.slice(0, -1).map((line) => line.split(' ')[0]);
    expect(names(stored(bench, 'shrink')).filter((name) => name.startsWith('/srv/'))).toEqual([]);
    expect(living(vm.kernel).at(-1)?.split(' ').slice(1)).toEqual(empty.at(-1)?.split(' ').slice(1));
  });

  test('a file that is unlinked but open is gone after a power cut', async () => {
    const vm = await newBox(bench, 'orphan');
    await shell(
      bench,
      'orphan',
      vm,
      'exec 3> /srv/open; seq 20000 >&3; rm /srv/open; sync; sleep 9999 > /dev/null 2>&1 &',
    );
    const now = (await committed(bench, 'orphan', vm)).slice(0, -1);
    const counts = async () => {
      const { nextIno, usedBytes, usedInodes } = powerOn(bench, 'orphan').kernel.fs.rootMount.sb;
      return [nextIno, usedBytes, usedInodes];
    };
    const { sb } = vm.kernel.fs.rootMount;
    const orphanBytes = Math.ceil(108_894 / 4096) * 4096;
    const expected = [sb.nextIno, sb.usedBytes - orphanBytes, sb.usedInodes - 1];
    expect(await counts()).toEqual(expected);
    await bench.reopen();
    expect(await counts()).toEqual(expected);
    expect(stored(bench, 'orphan').slice(0, -1)).toEqual(now);
  });

  test('a reboot goes on with the same disk, incrementally', async () => {
    const vm = await newBox(bench, 'reboot');
    await shell(
      bench,
      'reboot',
      vm,
      'seq 30000 > /srv/before; exec 3> /srv/open; rm /srv/open; seq 5000 >&3; sync',
    );
    rebootVm(vm);
    const rows = bench.store.stats().store_rows;
    await shell(bench, 'reboot', vm, 'echo after > /srv/after; sync');
    expect(bench.store.stats().store_rows - rows).toBeLessThan(200);
    await holds('reboot', vm);
  });

  test('what a program writes through a shared mapping is durable, while it is mapped and after', async () => {
    const vm = await newBox(bench, 'mmap');
    const source = `
      #include <fcntl.h>
      #include <stdio.h>
      #include <string.h>
      #include <sys/mman.h>
      #include <unistd.h>
      int main(void) {
        int fd = open("/srv/map", O_RDWR | O_CREAT, 0644);
        ftruncate(fd, 40000);
        char *p = mmap(0, 40000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        strcpy(p, "first"); strcpy(p + 20000, "far");
        msync(p, 40000, MS_SYNC);
        strcpy(p, "second");
        puts("now"); fflush(stdout);
        msync(p, 40000, MS_SYNC);
        strcpy(p + 30000, "third");
        munmap(p, 40000);
        return 0;
      }`;
    const build = await shell(bench, 'mmap', vm, `cd /srv && cat > m.c <<'E'\n${source}\nE\ngcc -o m m.c`);
    expect(build.output).toBe('');
    const seen: string[] = [];
    const look = (): void => {
      const line = stored(bench, 'mmap').find((entry) => entry.startsWith('/srv/map '));
      if (line && seen.at(-1) !== line) seen.push(line);
    };
    const { syncs } = await shell(bench, 'mmap', vm, './srv/m || /srv/m', async () => look(), 2000);
    expect(syncs).toBe(2);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    await bench.store.commitDisk('mmap', vm.kernel);
    await holds('mmap', vm);
    const fresh = powerOn(bench, 'mmap');
    const { output } = await shell(
      bench,
      'mmap',
      fresh,
      'head -c 6 /srv/map; tail -c +20001 /srv/map | head -c 3; tail -c +30001 /srv/map | head -c 5',
    );
    expect(output).toBe('secondfarthird');
  });

  test('the VM stops at fsync, fdatasync, sync and O_SYNC writes, and at nothing else', async () => {
    const vm = await newBox(bench, 'stops');
    const stops = async (command: string) => (await shell(bench, 'stops', vm, command)).syncs;
    expect(await stops('echo a > /srv/a; cat /srv/a; cp /srv/a /srv/b')).toBe(0);
    expect(await stops('sync; sync')).toBe(2);
    expect(await stops('dd if=/dev/zero of=/srv/z bs=4k count=3 conv=fsync')).toBe(1);
    expect(await stops('dd if=/dev/zero of=/srv/z bs=4k count=3 conv=fdatasync')).toBe(1);
    expect(await stops('dd if=/dev/zero of=/srv/z bs=4k count=3 oflag=sync')).toBe(3);
    expect(await stops('dd if=/dev/zero of=/srv/z bs=4k count=3 oflag=dsync')).toBe(3);
    expect(await stops('dd if=/dev/zero of=/dev/shm/z bs=4k count=3 oflag=sync conv=fsync')).toBe(0);
    expect(await stops('sync -f /srv/a; sync -d /srv/a')).toBe(2);
  });

  test('who writes much waits for the disk, on the disk only', async () => {
    const vm = await newBox(bench, 'much');
    const stops = async (command: string) => (await shell(bench, 'much', vm, command)).syncs;
    expect(await stops('dd if=/dev/zero of=/srv/z bs=1M count=13')).toBe(3);
    expect(await stops('for i in 1 2 3; do dd if=/dev/zero of=/srv/z bs=1M count=1 conv=notrunc; done')).toBe(
      1,
    );
    expect(await stops('dd if=/dev/zero of=/dev/shm/z bs=1M count=13')).toBe(0);
  });

  test('stopping for the disk changes nothing in what the VM does', async () => {
    const work =
      'for i in 1 2 3; do echo $i$RANDOM > /srv/f$i; sync; sleep 0.1 & done; wait; cat /srv/f?; dd if=/dev/zero of=/srv/big bs=64k count=80 & yes | head -c 3000000 > /srv/y; wait; date +%N';
    const plain = createVm(bench.machine, bench.image);
    const first = await shell(bench, '', plain, work);
    const vm = await newBox(bench, 'same');
    const second = await shell(bench, 'same', vm, work);
    expect(first.syncs).toBe(0);
    expect(second.syncs).toBe(4);
    expect(second.output).toBe(first.output);
    expect(hashVm(vm)).toBe(hashVm(plain));
  });
});

describe('sleep', () => {
  const settle = (vm: Vm): void => {
    while (runVm(vm, 1e7, 1e9).state === 'busy');
  };

  test('a machine wakes as it fell asleep; its first commit ends the checkpoint', async () => {
    const vm = await newBox(bench, 'sleep');
    await shell(
      bench,
      'sleep',
      vm,
      '(sleep 5; echo woke > /srv/woke) > /dev/null 2>&1 & seq 50000 > /srv/many',
    );
    const hash = hashVm(vm);
    await bench.store.saveCheckpoint('sleep', vm);
    await bench.reopen();
    expect(bench.store.get('sleep')?.asleep).toBe(true);
    const wakeup = bench.store.loadCheckpoint('sleep');
    if (!wakeup.checkpoint) throw new Error(wakeup.why);
    const woken = restoreVm(wakeup.checkpoint, bench.machine, bench.image);
    bench.store.attach('sleep', woken.kernel);
    expect(hashVm(woken)).toBe(hash);
    expect(bench.store.isDirty(woken.kernel)).toBe(false);
    expect(bench.store.loadCheckpoint('sleep').checkpoint).not.toBe(null);
    runVm(woken, 1e8, 6e9);
    await bench.store.commitDisk('sleep', woken.kernel);
    expect(bench.store.loadCheckpoint('sleep')).toEqual({ checkpoint: null, why: 'none' });
    await holds('sleep', woken);
    expect((await shell(bench, 'sleep', woken, 'cat /srv/woke')).output).toBe('woke\n');
  });

  test('a machine that was never on, and one whose checkpoint was dropped, boot', async () => {
    await bench.store.create(bench.record('never'));
    expect(bench.store.loadCheckpoint('never')).toEqual({ checkpoint: null, why: 'none' });
    expect(bench.store.loadDisk('never', bench.image)).toBe(null);
    const vm = bootVm(bench.machine, bench.image);
    bench.store.attach('never', vm.kernel);
    settle(vm);
    await bench.store.saveCheckpoint('never', vm);
    await bench.store.dropCheckpoint('never');
    expect(bench.store.loadCheckpoint('never')).toEqual({ checkpoint: null, why: 'none' });
    await holds('never', vm);
  });
});

describe('copies', () => {
  test('a fork has the disk of its parent at that moment, and both go their ways', async () => {
    const parent = await newBox(bench, 'parent');
    await shell(bench, 'parent', parent, 'seq 20000 > /srv/shared; sync; echo later > /srv/later');
    const child = forkVm(parent);
    const copied = bench.store.copyVm('parent', bench.record('child'));
    const committed = bench.store.commitDisk('child', child.kernel);
    await shell(bench, 'parent', parent, 'echo p > /srv/parent; rm /srv/shared; sync');
    await Promise.all([copied, committed]);
    await shell(bench, 'child', child, 'echo c > /srv/child; sync');
    await bench.reopen();
    await holds('parent', parent);
    await holds('child', child);
    expect(account(child.kernel).some((line) => line.startsWith('/srv/shared '))).toBe(true);
    await expect(bench.store.copyVm('parent', bench.record('child'))).rejects.toThrow('already');
  });

  test('snapshots keep memory and disk, and outlive what happens to the machine', async () => {
    const vm = await newBox(bench, 'snap');
    await shell(bench, 'snap', vm, 'seq 20000 > /srv/f; echo in > /dev/shm/memory');
    const then = living(vm.kernel);
    const hash = hashVm(vm);
    const saved = bench.store.saveSnapshot('snap', 'one', vm);
    await shell(bench, 'snap', vm, 'rm /srv/f; rm /dev/shm/memory; sync');
    expect(await saved).toBeGreaterThan(100_000);
    expect(bench.store.get('snap')?.snapshots).toEqual(['one']);
    await expect(bench.store.saveSnapshot('snap', 'one', vm)).rejects.toThrow('already');
    for (let round = 0; round < 2; round++) {
      await bench.store.restoreSnapshot('snap', 'one');
      expect(stored(bench, 'snap')).toEqual(then);
      const { checkpoint } = bench.store.loadCheckpoint('snap');
      if (!checkpoint) throw new Error('no checkpoint');
      const back = restoreVm(checkpoint, bench.machine, bench.image);
      bench.store.attach('snap', back.kernel);
      expect(hashVm(back)).toBe(hash);
      await shell(bench, 'snap', back, 'echo changed > /srv/f; sync');
    }
    await bench.store.restoreSnapshot('snap', 'one');
    await bench.store.removeSnapshot('snap', 'one');
    expect(bench.store.loadCheckpoint('snap').checkpoint).not.toBe(null);
    await expect(bench.store.restoreSnapshot('snap', 'one')).rejects.toThrow('no snapshot');
    await bench.store.copyVm('snap', bench.record('snapcopy'), true);
    expect(bench.store.get('snapcopy')?.asleep).toBe(true);
    expect(stored(bench, 'snapcopy')).toEqual(then);
  });

  test('removing and rebuilding leave no rows', async () => {
    const before = await bench.store.recover();
    expect(before.freedDisks).toBe(0);
    const vm = await newBox(bench, 'gone');
    await shell(bench, 'gone', vm, 'seq 20000 > /srv/f; sync');
    await bench.store.saveSnapshot('gone', 's', vm);
    await bench.store.clearDisk('gone', bench.image.id);
    expect(bench.store.loadDisk('gone', bench.image)).toBe(null);
    await bench.store.remove('gone');
    expect(bench.store.get('gone')).toBe(null);
    vm.kernel.changes = null;
    await expect(bench.store.commitDisk('gone', vm.kernel)).rejects.toMatchObject({ code: 'no-such-vm' });
    await bench.reopen();
    expect(await bench.store.recover()).toEqual({ freedDisks: 0 });
  });
});

describe('what is refused', () => {
  test('a commit that fails loses nothing: the next one writes everything, and programs wait for it', async () => {
    const vm = await newBox(bench, 'fails');
    await shell(bench, 'fails', vm, 'seq 9000 > /srv/f');
    await bench.store.create(bench.record('fails2'));
    await bench.store.remove('fails2');
    await expect(bench.store.commitDisk('fails2', vm.kernel)).rejects.toMatchObject({ code: 'no-such-vm' });
    const closed = openStore(`${bench.folder}-closed`);
    await closed.create(bench.record('fails'));
    await closed.close();
    await expect(closed.commitDisk('fails', vm.kernel)).rejects.toThrow();
    expect(bench.store.isDirty(vm.kernel)).toBe(true);
    const { syncs } = await shell(bench, 'fails', vm, 'sync; echo more > /srv/g; sync');
    expect(syncs).toBe(2);
    await holds('fails', vm);
  });

  test('a disk over another image, with what to do', async () => {
    await newBox(bench, 'image');
    await bench.store.update('image', { imageId: 'f'.repeat(64) });
    expect(() => bench.store.loadDisk('image', bench.image)).toThrow(/image ffff.*rebuild/);
  });

  test('an image stays while anything lies over it, whatever the cache has', async () => {
    keepImage(bench.folder, bench.image.path, bench.store.imagesInUse());
    const images = new Images(bench.folder, { ...bench.image, id: 'newer' } as Image);
    const kept = images.of(bench.image.id);
    expect(kept.id).toBe(bench.image.id);
    expect(images.of(bench.image.id)).toBe(kept);
    kept.close();
    expect(() => images.of('f'.repeat(64))).toThrow(/image ffffffffffffffff is not in .*rebuild/);
    const stray = join(bench.folder, 'images', `${'e'.repeat(64)}.obx`);
    writeFileSync(stray, '');
    keepImage(bench.folder, bench.image.path, bench.store.imagesInUse());
    expect(existsSync(stray)).toBe(false);
    expect(bench.store.imagesInUse()).toContain(bench.image.id);
  });

  test('a damaged row is named, and no other machine suffers', async () => {
    const vm = await newBox(bench, 'damaged');
    await shell(bench, 'damaged', vm, 'echo sound > /srv/needle-in-the-store; sync');
    const other = openStore(`${bench.folder}-torn`);
    await other.create(bench.record('damaged'));
    vm.kernel.changes = null;
    await other.commitDisk('damaged', vm.kernel);
    await other.close();
    const file = join(`${bench.folder}-torn`, 'data.mdb');
    const bytes = readFileSync(file);
    // The name's row holds the number of its inode, checked by a sum.
    for (
      let at = bytes.indexOf('needle-in-the-store');
      at >= 0;
      at = bytes.indexOf('needle-in-the-store', at + 1)
    )
      bytes[at + 'needle-in-the-store'.length + 3] ^= 0xff;
    writeFileSync(file, bytes);
    const torn = openStore(`${bench.folder}-torn`);
    expect(() => torn.loadDisk('damaged', bench.image)).toThrow(/disk of VM damaged.*(damaged|not whole)/);
    await torn.close();
    writeFileSync(file, bytes.subarray(0, bytes.length / 2));
    expect(() => openStore(`${bench.folder}-torn`)).toThrow(/cut short/);
    writeFileSync(file, 'not a store at all, but long enough to be looked at'.repeat(100));
    expect(() => openStore(`${bench.folder}-torn`)).toThrow(/not a store/);
    truncateSync(file, 5000);
    expect(() => openStore(`${bench.folder}-torn`)).toThrow(/not a store/);
  });

  test('names that are taken or unfit', async () => {
    await bench.store.create(bench.record('taken'));
    await expect(bench.store.create(bench.record('taken'))).rejects.toMatchObject({ code: 'exists' });
    await expect(bench.store.create(bench.record('a/b'))).rejects.toThrow('cannot be called');
    await expect(bench.store.update('nobody', {})).rejects.toMatchObject({ code: 'no-such-vm' });
    await expect(bench.store.remove('nobody')).rejects.toMatchObject({ code: 'no-such-vm' });
  });
});
