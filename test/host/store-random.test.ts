/**
 * Random file operations by real programs, with commits, power cuts, sleep, forks and reboots at random moments: whatever the
 * store has at a moment is exactly what the machine had when it was committed.
 */
import { expect, test } from 'vitest';
import { forkVm, hashVm, rebootVm, restoreVm, type Vm } from '../../src/vm/index.ts';
import { living, newBox, powerOn, shell, storeBench, stored } from './store-fixture.ts';

const bench = await storeBench();

/** A small generator with a seed (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A script of random operations below /srv/r and on files of the image. */
function script(random: (below: number) => number, length: number): string {
  const name = () => `n${random(12)}`;
  const path = () => [name(), `d${random(4)}/${name()}`, `d${random(4)}/d${random(3)}/${name()}`][random(3)];
  const size = () => [0, 1, 100, 4095, 4096, 4097, 20_000, 70_000][random(8)];
  const image = () =>
    ['/etc/passwd', '/etc/bash.bashrc', '/usr/bin/seq', '/etc/profile', '/usr/lib/os-release'][random(5)];
  const operations = [
    () => `head -c ${size()} /dev/urandom > ${path()}`,
    () => `head -c ${size()} /dev/urandom >> ${path()}`,
    () =>
      `dd if=/dev/urandom of=${path()} bs=512 count=${random(9)} seek=${random(40)} conv=notrunc status=none`,
    () => `truncate -s ${size() * random(3)} ${path()}`,
    () => `mkdir -p d${random(4)}/d${random(3)}`,
    () => `mv ${path()} ${path()}`,
    () => `mv -T d${random(4)} d${random(4)}/d${random(3)}`,
    () => `ln -f ${path()} ${path()}`,
    () => `ln -sf ${path()} ${path()}`,
    () => `rm -f ${path()}`,
    () => `rm -rf d${random(4)}`,
    () => `cp ${image()} ${path()}`,
    () => `echo ${random(1000)} >> ${image()}`,
    () => `fallocate -p -o ${random(20) * 1000} -l ${size() + 1} ${path()}`,
    () => `chmod ${[600, 755, 4711][random(3)]} ${path()}`,
    () => `chown ${random(3)}:${random(3)} ${path()}`,
    () => `touch -d @${random(1e9)}.5 ${path()}`,
    () => `sync ${['', path(), `-f ${name()}`][random(3)]}`,
    () => `dd if=/dev/zero of=${path()} bs=1000 count=3 oflag=dsync status=none`,
    () => `rmdir d${random(4)}/d${random(3)}`,
    () => `mknod ${path()} c 250 ${random(9)}`,
    () => `sed -i s/a/b/ ${path()}`,
  ];
  const lines = Array.from({ length }, () => operations[random(operations.length)]());
  return `mkdir -p /srv/r; cd /srv/r; exec 2> /dev/null\n${lines.join('\n')}\ntrue`;
}

for (const seed of [1, 2, 3, 4, 5, 6])
  test(`seed ${seed}`, async () => {
    const random = generator(seed);
    const id = `random-${seed}`;
    let vm: Vm = await newBox(bench, id);
    let checks = 0;
    const check = async (): Promise<void> => {
      const committed = bench.store.commitDisk(id, vm.kernel);
      const then = living(vm.kernel);
      await committed;
      const now = stored(bench, id);
      // What is open without a name is counted by the living kernel only.
      expect(now.slice(0, -1)).toEqual(then.slice(0, -1));
      checks++;
    };
    for (let round = 0; round < 6; round++) {
      const between = async () => {
        if (random(40) === 0) await bench.store.commitDisk(id, vm.kernel);
      };
      await shell(bench, id, vm, script(random, 40), between, 50_000 + random(300_000));
      await check();
      const fate = random(5);
      if (fate === 0) {
        // A power cut: what was not committed is lost.
        await shell(bench, id, vm, script(random, 3));
        vm.kernel.guest.destroy();
        vm = powerOn(bench, id);
      } else if (fate === 1) {
        rebootVm(vm);
      } else if (fate === 2) {
        await shell(bench, id, vm, script(random, 3));
        const hash = hashVm(vm);
        await bench.store.saveCheckpoint(id, vm);
        vm.kernel.guest.destroy();
        const { checkpoint } = bench.store.loadCheckpoint(id);
        if (!checkpoint) throw new Error('no checkpoint');
        vm = restoreVm(checkpoint, bench.machine, bench.image);
        bench.store.attach(id, vm.kernel);
        expect(hashVm(vm)).toBe(hash);
      } else if (fate === 3) {
        await shell(bench, id, vm, script(random, 5));
        const child = forkVm(vm);
        const childId = `${id}-${round}`;
        const copied = bench.store.copyVm(id, bench.record(childId));
        await shell(bench, childId, child, script(random, 5));
        await copied;
        await bench.store.commitDisk(childId, child.kernel);
        expect(stored(bench, childId).slice(0, -1)).toEqual(living(child.kernel).slice(0, -1));
        child.kernel.guest.destroy();
      }
    }
    await check();
    expect(checks).toBe(7);
    vm.kernel.guest.destroy();
  });
