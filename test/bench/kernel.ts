/**
 * `npm run bench kernel`: what a VM costs and how fast its kernel is, each figure measured on this run, medians of several.
 * Where the same program runs under `qemu-riscv64` (user mode) on this machine, it is timed beside ours, interleaved.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine } from '../../src/cpu/index.ts';
import { readHostFile, writeHostFile } from '../../src/kernel/fs/host.ts';
import {
  bootedTemplate,
  bootVm,
  checkpointVm,
  destroyVm,
  encodeCheckpoint,
  forkVm,
  openProvisionedImage,
  readOutput,
  restoreVm,
  runVm,
  serialize,
  spawnProcess,
  type Vm,
} from '../../src/vm/index.ts';
import { median, reporter, run, SLICE, timed, times } from './report.ts';
import { extractRoot } from './root.ts';

const SOURCES = new URL('./kernel/', import.meta.url).pathname;

/** Starts a login shell on a terminal and runs until its prompt shows. */
function toPrompt(vm: Vm): void {
  const pid = spawnProcess(vm, {
    argv: ['/bin/bash', '-l'],
    user: 'student',
    terminal: { rows: 24, cols: 80 },
  });
  let shown = '';
  while (!shown.includes('$ ')) {
    const { state } = runVm(vm, SLICE);
    shown += Buffer.from(readOutput(vm, pid, 'stdout')).toString('latin1');
    if (state === 'idle' && !shown.includes('$ ')) throw new Error(`no prompt: ${shown}`);
  }
}

function qemu(
  argv: string[],
  options: { input?: Uint8Array } = {},
): { milliseconds: number; stdout: string } | null {
  const started = performance.now();
  const done = spawnSync('qemu-riscv64', argv, { encoding: 'utf8', input: options.input });
  if (done.error) return null;
  if (done.status !== 0) throw new Error(`qemu-riscv64 ${argv.join(' ')}: ${done.stderr}`);
  return { milliseconds: performance.now() - started, stdout: done.stdout };
}

export async function benchKernel(options: { json: boolean; only: string[] }): Promise<void> {
  const { rows, report } = reporter(options.json);
  const work = mkdtempSync(join(tmpdir(), 'oopsbox-bench-'));
  try {
    const image = await openProvisionedImage();
    const machine = await createMachine();
    const wall = { nsPerInstruction: 0 };

    report(
      'boot from the sealed image to the login prompt',
      timed(() => {
        const vm = bootVm(machine, image);
        for (let spent = 0; spent < 4e9; ) {
          const slice = runVm(vm, SLICE, 1e9);
          spent += slice.retired;
          if (slice.state !== 'busy') break;
        }
        destroyVm(vm);
      }),
      'ms',
    );
    const template = bootedTemplate(machine, image);
    report(
      'create a VM to a shell prompt',
      times(9, () => {
        let vm: Vm | undefined;
        const taken = timed(() => {
          vm = restoreVm(template, machine, image);
          toPrompt(vm);
        });
        destroyVm(vm!);
        return taken;
      }),
      'ms',
      'at most 100',
    );

    const idle = restoreVm(template, machine, image);
    toPrompt(idle);
    while (runVm(idle, SLICE).state === 'busy');
    const saved = checkpointVm(idle);
    const objects = serialize(saved.state).length;
    report(
      'private guest memory of an idle VM with a shell',
      (idle.kernel.guest.privatePages() * 4) / 1024,
      'MiB',
    );
    report('its kernel objects, serialized', objects / 2 ** 20, 'MiB', 'together at most 3');
    report(
      'checkpoint of it',
      times(9, () => timed(() => checkpointVm(idle))),
      'ms',
      'at most 50',
    );
    report(
      'restore of it',
      times(9, () => {
        let vm: Vm | undefined;
        const taken = timed(() => {
          vm = restoreVm(saved, machine, image);
        });
        destroyVm(vm!);
        return taken;
      }),
      'ms',
      'at most 50',
    );
    report('its checkpoint file', encodeCheckpoint(saved).length / 2 ** 20, 'MiB');
    report(
      'fork of it',
      times(9, () => {
        let vm: Vm | undefined;
        const taken = timed(() => {
          vm = forkVm(idle);
        });
        destroyVm(vm!);
        return taken;
      }),
      'ms',
    );

    const vm = restoreVm(template, machine, image);
    Object.assign(vm.kernel.time, wall);
    run(vm, 'true');
    report(
      'processes started and reaped',
      times(3, () => 200_000 / timed(() => run(vm, 'for ((i=0;i<200;i++)); do /bin/true; done'))),
      '/s',
    );

    for (const name of ['syscalls.c', 'sixty.c'])
      writeHostFile(vm.kernel, `/root/${name}`, readFileSync(join(SOURCES, name)));
    run(vm, 'cd /root && gcc -O2 -static -o syscalls syscalls.c');
    const program = join(work, 'syscalls');
    writeFileSync(program, readHostFile(vm.kernel, '/root/syscalls') as Uint8Array, { mode: 0o755 });
    for (const [name, count] of [
      ['getppid', 200_000],
      ['read', 100_000],
      ['open', 20_000],
      ['stat', 50_000],
    ] as const) {
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let i = 0; i < 3; i++) {
        const peer = qemu([program, name, String(count)]);
        if (peer) theirs.push(Number(peer.stdout));
        // By the host's clock: inside a slice the guest's own moves by instructions.
        const start = timed(() => run(vm, `/root/syscalls ${name} 1`));
        const whole = timed(() => run(vm, `/root/syscalls ${name} ${count}`));
        ours.push(((whole - start) / count) * 1e6);
      }
      report(`${name} in a loop`, median(ours), 'ns', '', theirs.length > 0 ? median(theirs) : null);
    }
    report(
      'pipe: dd bs=64k | cat',
      times(
        3,
        () =>
          64_000 / timed(() => run(vm, 'dd if=/dev/zero bs=64k count=1024 status=none | cat > /dev/null')),
      ),
      'MiB/s',
    );
    report(
      'find / -xdev',
      times(3, () => timed(() => run(vm, 'find / -xdev > /dev/null'))),
      'ms',
    );

    const root = extractRoot(image);
    writeFileSync(join(work, 'sixty.c'), readFileSync(join(SOURCES, 'sixty.c')));
    const cc1 = run(vm, 'gcc -print-prog-name=cc1').trim();
    const cc1Flags = ['-quiet', '-O2', '-march=rv64gc', '-mabi=lp64d', '-imultiarch', 'riscv64-linux-gnu'];
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < 3; i++) {
      const peer = qemu([
        '-L',
        root,
        `${root}${cc1}`,
        ...cc1Flags,
        '-isysroot',
        root,
        join(work, 'sixty.c'),
        '-o',
        join(work, 'sixty.s'),
      ]);
      if (peer) theirs.push(peer.milliseconds);
      ours.push(timed(() => run(vm, `${cc1} ${cc1Flags.join(' ')} /root/sixty.c -o /root/sixty.s`)));
    }
    report(
      'cc1 -O2 of a 60-line file',
      median(ours),
      'ms',
      'at most 2 x qemu',
      theirs.length > 0 ? median(theirs) : null,
    );
    report(
      'gcc -O2 -c of it',
      times(3, () => timed(() => run(vm, 'cd /root && gcc -O2 -c sixty.c'))),
      'ms',
    );
    if (options.json)
      console.log(JSON.stringify({ bench: 'kernel', rows, machine: machine.stats() }, null, 2));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
