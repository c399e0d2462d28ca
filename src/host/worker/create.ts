/**
 * New machines: forks of a booted template that are given a name, an identity and a clock of their own before they run on. Always
 * true: two deterministic machines made with equal specs are equal, bit for bit; any other has entropy of its own.
 */
import { randomBytes } from 'node:crypto';
import { mixRandom } from '../../kernel/drivers/random.ts';
import type { KernelHost } from '../../kernel/kernel.ts';
import {
  consoleRead,
  createVm,
  DEFAULT_RELEASE,
  DETERMINISTIC_NS,
  forkVm,
  KERNELS,
  readFile,
  realtimeLagNs,
  shiftRealtime,
  type Vm,
  type VmOptions,
  writeFile,
} from '../../vm/index.ts';
import { sshHostKeyFiles } from '../ssh-host-keys.ts';
import { HostError, type VmSpec } from '../types.ts';
import type { WorkerContext } from './context.ts';
import type { Resident } from './resident.ts';

const DEFAULT_HOSTNAME = 'oopsbox';

/** How a machine of that spec is booted. */
export const bootOptions = (spec: VmSpec): VmOptions => ({
  release: spec.kernel ?? DEFAULT_RELEASE,
  memoryMiB: spec.quotas.memoryMiB,
  diskMiB: spec.quotas.diskMiB,
  maxTasks: spec.quotas.maxTasks,
  maxOpenFiles: spec.quotas.maxOpenFiles,
  cmdline: spec.cmdline,
  ...(spec.deterministic
    ? { nsPerInstruction: DETERMINISTIC_NS }
    : { nsPerInstruction: 0, seed: randomBytes(32), epochSec: Math.floor(Date.now() / 1000) }),
});

/** Limits of the quotas that a spec may ask for. */
const LIMITS: Readonly<Record<keyof VmSpec['quotas'], [min: number, max: number]>> = {
  memoryMiB: [32, 3072],
  diskMiB: [16, 65536],
  maxTasks: [16, 32768],
  maxOpenFiles: [64, 1048576],
  cpuShare: [1, 10000],
  outputBytesPerSec: [1024, 1e9],
};

/** Throws a HostError where a spec cannot be had. */
export function checkSpec(spec: VmSpec): void {
  const refuse = (why: string): never => {
    throw new HostError('bad-spec', why);
  };
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(spec.id))
    refuse(`${JSON.stringify(spec.id)} is no machine id`);
  if (spec.kernel !== undefined && !(spec.kernel in KERNELS))
    refuse(`there is no kernel ${spec.kernel}; the image has ${Object.keys(KERNELS).join(' and ')}`);
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(spec.hostname))
    refuse(`${JSON.stringify(spec.hostname)} is no host name`);
  for (const [name, [min, max]] of Object.entries(LIMITS)) {
    const value = spec.quotas[name as keyof VmSpec['quotas']];
    if (!Number.isFinite(value) || value < min || value > max)
      refuse(`${name} must be between ${min} and ${max}, not ${value}`);
  }
  if (spec.cmdline !== undefined && !/^[\x20-\x7e]{0,512}$/.test(spec.cmdline))
    refuse('the command line takes at most 512 printable characters');
}

/** The booted machine that those of this kernel, memory and command line are forked from. */
function template(w: WorkerContext, spec: VmSpec, host: KernelHost): Vm {
  const { release, memoryMiB, cmdline } = bootOptions(spec);
  const key = JSON.stringify([release, memoryMiB, cmdline]);
  let vm = w.templates.get(key);
  if (!vm) {
    vm = createVm(w.machine, w.image, { release, memoryMiB, cmdline }, host);
    w.templates.set(key, vm);
  }
  return vm;
}

/** A name as an administrator gives it: /etc/hostname, the 127.0.1.1 line of /etc/hosts, and the kernel's own. */
export function giveHostname(vm: Vm, hostname: string, live: boolean): void {
  writeFile(vm, '/etc/hostname', Buffer.from(`${hostname}\n`));
  let hosts = '';
  try {
    hosts = Buffer.from(readFile(vm, '/etc/hosts')).toString('utf8');
  } catch {
    hosts = '127.0.0.1\tlocalhost\n';
  }
  const line = `127.0.1.1\t${hostname}`;
  const lines = hosts.split('\n');
  const at = lines.findIndex((each) => /^\s*127\.0\.1\.1\s/.test(each));
  if (at >= 0) lines[at] = line;
  else lines.splice(1, 0, line);
  writeFile(vm, '/etc/hosts', Buffer.from(lines.join('\n')));
  if (live) vm.kernel.hostname = hostname;
}

/** SSH host keys of its own; a deterministic machine has the same in every life. */
export function giveHostKeys(vm: Vm, { deterministic, hostname }: VmSpec): void {
  const seed = deterministic ? Buffer.alloc(32) : randomBytes(32);
  for (const { path, mode, content } of sshHostKeyFiles(seed, hostname))
    writeFile(vm, path, Buffer.from(content), { mode });
}

/** What of the spec a kernel can take on at once; memory is fixed until it boots. */
export function applyQuotas(vm: Vm, { quotas }: VmSpec): void {
  const k = vm.kernel;
  k.quotas = {
    ...k.quotas,
    maxTasks: quotas.maxTasks,
    maxOpenFiles: quotas.maxOpenFiles,
    diskBytes: quotas.diskMiB * 2 ** 20,
  };
  k.fs.maxFiles = quotas.maxOpenFiles;
}

/** A machine at its login prompt; its console's text goes to the log. */
export function makeVm(w: WorkerContext, r: Resident, host: KernelHost): Vm {
  const { spec } = r.record;
  const vm = forkVm(template(w, spec, host));
  const k = vm.kernel;
  k.host = host;
  applyQuotas(vm, spec);
  if (!spec.deterministic) {
    k.time.nsPerInstruction = 0;
    vm.bootHostNs = performance.now() * 1e6 - k.time.nowNs;
    mixRandom(k.random, randomBytes(32));
    shiftRealtime(vm, realtimeLagNs(vm, Date.now()));
    writeFile(vm, '/etc/machine-id', Buffer.from(`${randomBytes(16).toString('hex')}\n`), { mode: 0o444 });
  }
  giveHostname(vm, spec.hostname, true);
  giveHostKeys(vm, spec);
  for (let bytes = consoleRead(vm); bytes.length > 0; bytes = consoleRead(vm)) {
    // What the template's console says was said under the template's name.
    const text = Buffer.from(bytes).toString('latin1');
    const named = text.replaceAll(
      new RegExp(`\\b${DEFAULT_HOSTNAME}(?= (ttyS0|login:))`, 'g'),
      spec.hostname,
    );
    printOnConsole(r, Buffer.from(named, 'latin1'));
  }
  return vm;
}

/** Text of the console, for its log and its terminal. */
export function printOnConsole(r: Resident, bytes: Uint8Array): void {
  r.consoleLog.append(bytes);
  r.terminals.get('console')?.append(bytes);
}
