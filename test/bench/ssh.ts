/**
 * The front door beside Debian's sshd on the same machine, with the same client and the same files: login to prompt, a command there
 * and back, connections a second, files by sftp. Always true: both are measured in turns, so that a busy machine is busy for
 * both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run, type SshLabFixture, sshLab } from '../ssh/fixture.ts';
import { Pty } from '../ssh/pty.ts';
import { median } from './report.ts';

const SSHD = '/usr/sbin/sshd';
const FILE_BYTES = 50_000_000;
const CROWD = 40;

interface Row {
  figure: string;
  unit: string;
  oopsbox: number;
  sshd: number | null;
  mustHold: string;
  holds: boolean | null;
}

/** Where to connect to. */
interface Target {
  user: string;
  address: string;
  port: number;
  /** Folder for uploaded files there. */
  folder: string;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address && typeof address === 'object' ? address.port : 0));
    });
  });

/** Starts this machine's own sshd with a configuration of its own; null where there is none. */
async function startSshd(lab: SshLabFixture): Promise<{ target: Target; child: ChildProcess } | null> {
  if (!existsSync(SSHD)) return null;
  const folder = join(lab.folder, 'sshd');
  mkdirSync(folder, { mode: 0o700 });
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/host`]);
  writeFileSync(`${folder}/keys`, readFileSync(`${lab.key}.pub`));
  const port = await freePort();
  writeFileSync(
    `${folder}/config`,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/keys`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      'MaxStartups 500',
      'Subsystem sftp /usr/lib/openssh/sftp-server',
      '',
    ].join('\n'),
  );
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const child = spawn(SSHD, ['-D', '-f', `${folder}/config`], { stdio: 'ignore' });
  const user = process.env.USER || 'root';
  return { target: { user, address: '127.0.0.1', port, folder }, child };
}

const words = (lab: SshLabFixture, target: Target): string[] => [
  ...lab.options(),
  ...['-i', lab.key, '-p', String(target.port), `${target.user}@${target.address}`],
];

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function must(program: string, args: string[]): Promise<void> {
  const { status, stderr } = await run(program, args, { timeoutMs: 120_000 });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}

/** From starting ssh to the shell's prompt. */
async function loginToPrompt(lab: SshLabFixture, target: Target): Promise<number> {
  const began = performance.now();
  const pty = new Pty('ssh', words(lab, target));
  await pty.until(/[$#] $/);
  const ms = performance.now() - began;
  await pty.type('exit\n');
  await pty.exit;
  return ms;
}

/** What is measured, each for a target. */
const MEASURES: {
  figure: string;
  unit: string;
  rounds: number;
  mustHold: string;
  holds(oopsbox: number, sshd: number): boolean;
  measure(lab: SshLabFixture, target: Target): Promise<number>;
}[] = [
  {
    figure: 'login to prompt',
    unit: 'ms',
    rounds: 7,
    mustHold: 'at most 3 times sshd',
    holds: (oopsbox, sshd) => oopsbox <= 3 * sshd,
    measure: loginToPrompt,
  },
  {
    figure: 'ssh HOST true',
    unit: 'ms',
    rounds: 7,
    mustHold: '',
    holds: () => true,
    measure: (lab, target) => milliseconds(() => must('ssh', [...words(lab, target), 'true'])),
  },
  {
    figure: `connections a second (${CROWD} at once)`,
    unit: '1/s',
    rounds: 3,
    mustHold: '',
    holds: () => true,
    async measure(lab, target) {
      const ms = await milliseconds(() =>
        Promise.all(Array.from({ length: CROWD }, () => must('ssh', [...words(lab, target), 'true']))),
      );
      return (CROWD / ms) * 1000;
    },
  },
  ...(['up', 'down'] as const).map((way) => ({
    figure: `sftp ${way}, 50 MB`,
    unit: 'MB/s',
    rounds: 5,
    mustHold: "at least a quarter of sshd's",
    holds: (oopsbox: number, sshd: number) => oopsbox >= sshd / 4,
    async measure(lab: SshLabFixture, { user, address, port, folder }: Target) {
      const [here, there] = [lab.file('bench.bin'), `${user}@${address}:${folder}/bench.bin`];
      const ends = way === 'up' ? [here, there] : [there, lab.file('bench.back')];
      const ms = await milliseconds(() =>
        must('scp', [...lab.options(), '-q', '-i', lab.key, '-P', String(port), ...ends]),
      );
      return FILE_BYTES / 1e6 / (ms / 1000);
    },
  })),
];

/** `npm run bench ssh [which]`. */
export async function benchSsh({ json, only }: { json: boolean; only: string[] }): Promise<void> {
  const lab = await sshLab();
  const sshd = await startSshd(lab);
  const mine: Target = {
    user: 'student',
    address: lab.vm.address,
    port: lab.port,
    folder: '/home/student',
  };
  const rows: Row[] = [];
  try {
    lab.file('bench.bin', randomBytes(FILE_BYTES));
    for (const { figure, unit, rounds, mustHold, holds, measure } of MEASURES) {
      if (only.length > 0 && !only.some((word) => figure.includes(word))) continue;
      const [ours, theirs]: [number[], number[]] = [[], []];
      // One round before that does not count: caches, translated code, known_hosts.
      for (let round = -1; round < rounds; round++) {
        const value = await measure(lab, mine);
        const beside = sshd ? await measure(lab, sshd.target) : null;
        if (round < 0) continue;
        ours.push(value);
        if (beside !== null) theirs.push(beside);
      }
      const [oopsbox, peer] = [median(ours), theirs.length > 0 ? median(theirs) : null];
      const row: Row = {
        figure,
        unit,
        oopsbox: Number(oopsbox.toPrecision(4)),
        sshd: peer === null ? null : Number(peer.toPrecision(4)),
        mustHold,
        holds: peer === null || mustHold === '' ? null : holds(oopsbox, peer),
      };
      rows.push(row);
      if (json) continue;
      const ratio = peer === null ? '' : `${(oopsbox / peer).toFixed(2)} x`;
      const verdict = row.holds === null ? '' : `${mustHold}: ${row.holds ? 'holds' : 'MISSED'}`;
      process.stdout.write(
        `${figure.padEnd(34)}${String(row.oopsbox).padStart(9)} ${unit.padEnd(5)} sshd ${String(row.sshd ?? '-').padStart(8)}  ${ratio.padEnd(8)} ${verdict}\n`,
      );
    }
    if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  } finally {
    sshd?.child.kill();
    await lab.close();
  }
  process.exit(rows.some(({ holds }) => holds === false) ? 1 : 0);
}
