/** `oopsbox run` as a person or a script calls it: another process, real pipes, real exit statuses. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workbench } from './student.ts';

const OOPSBOX = new URL('../../clients/cli/oopsbox.mjs', import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  await workbench();
  folder = mkdtempSync(join(tmpdir(), 'oopsbox-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  stdout: Buffer;
  text: string;
  stderr: string;
  status: number | null;
}

function oopsbox(args: string[], input: string | Buffer = ''): Run {
  const { stdout, stderr, status } = spawnSync(process.execPath, [OOPSBOX, ...args], {
    input,
    maxBuffer: 2 ** 28,
  });
  return { stdout, text: stdout.toString(), stderr: stderr.toString(), status };
}

describe('one command', () => {
  test('passes stdin, stdout, stderr and the exit status through', () => {
    const run = oopsbox(['run', '-c', 'read line; echo "out $line"; echo err >&2; exit 7'], 'a line\n');
    expect(run).toMatchObject({ text: 'out a line\n', stderr: 'err\n', status: 7 });
  });

  test('runs as root, or as --user', () => {
    expect(oopsbox(['run', '-c', 'id -un; pwd; tty']).text).toBe('root\n/root\nnot a tty\n');
    expect(oopsbox(['run', '--user', 'student', '-c', 'id -un; pwd; sudo id -u']).text).toBe(
      'student\n/home/student\n0\n',
    );
  });

  test('a signal is 128 and its number', () => {
    expect(oopsbox(['run', '-c', 'kill -SEGV $$']).status).toBe(139);
  });

  test('takes megabytes and gives them back, byte for byte', () => {
    const bytes = randomBytes(5_000_000);
    const run = oopsbox(['run', '-c', 'tee /tmp/copy | cat; sha256sum /tmp/copy >&2'], bytes);
    expect(run.stdout.equals(bytes)).toBe(true);
    expect(run.stderr.split(' ')[0]).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('unpacks a tar archive of a real tree', () => {
    const src = new URL('../../src/kernel', import.meta.url).pathname;
    const archive = spawnSync('tar', ['c', '-C', src, '.'], { maxBuffer: 2 ** 28 }).stdout;
    const run = oopsbox(['run', '-c', 'mkdir /tmp/t && tar x -C /tmp/t && cat /tmp/t/kernel.ts'], archive);
    expect(run.text).toBe(readFileSync(join(src, 'kernel.ts'), 'utf8'));
    expect(run.status).toBe(0);
  });

  test('a reader that goes away ends the writer with SIGPIPE', async () => {
    const child = spawn(process.execPath, [OOPSBOX, 'run', '-c', 'yes'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.stdout.destroy();
    const status = await new Promise((resolve) => child.once('exit', resolve));
    expect(status).toBe(141);
  });
});

describe('options', () => {
  test('--kernel chooses what the machine says it is', () => {
    expect(oopsbox(['run', '-c', 'uname -r']).text).toBe('4.15.0-33-generic\n');
    const other = '6.12.107+deb13-riscv64';
    expect(oopsbox(['run', '--kernel', other, '-c', 'uname -r; ls -d /lib/modules/$(uname -r)']).text).toBe(
      `${other}\n/lib/modules/${other}\n`,
    );
  });

  test('--deterministic gives the same output every time', () => {
    const command =
      'date +%s.%N; echo $RANDOM; cat /proc/uptime; head -c 8 /dev/urandom | od -x; sleep 100; date';
    const [first, second] = [1, 2].map(() => oopsbox(['run', '--deterministic', '-c', command]));
    expect(first.status).toBe(0);
    expect(second.text).toBe(first.text);
  });

  test('--checkpoint saves the machine and goes on with it', () => {
    const file = join(folder, 'lab.ckpt');
    expect(
      oopsbox(['run', '--checkpoint', file, '-c', 'echo kept > /root/note; sleep 1000 & disown']).status,
    ).toBe(0);
    expect(existsSync(file)).toBe(true);
    const run = oopsbox(['run', '--checkpoint', file, '-c', 'cat /root/note; pgrep -c sleep']);
    expect(run).toMatchObject({ text: 'kept\n1\n', status: 0 });
  });

  test('a damaged checkpoint is refused with its name and what to do', () => {
    const file = join(folder, 'bad.ckpt');
    oopsbox(['run', '--checkpoint', file, '-c', 'true']);
    const bytes = readFileSync(file);
    for (const [at, why] of [
      [0, 'is not a checkpoint'],
      [8, 'format'],
      [100, 'damaged'],
    ] as const) {
      const copy = Buffer.from(bytes);
      copy[at] ^= 0xff;
      writeFileSync(file, copy);
      const run = oopsbox(['run', '--checkpoint', file, '-c', 'true']);
      expect(run.status).toBe(2);
      expect(run.stderr).toContain(file);
      expect(run.stderr).toContain(why);
      expect(run.stderr).toContain('delete it');
    }
    writeFileSync(file, bytes.subarray(0, bytes.length / 2));
    expect(oopsbox(['run', '--checkpoint', file, '-c', 'true']).stderr).toContain('cut short');
  });

  test('wrong words are told, with status 2', () => {
    expect(oopsbox(['run', '--nonsense'])).toMatchObject({ status: 2 });
    expect(oopsbox(['run', '--memory', 'much', '-c', 'true']).stderr).toContain(
      '--memory takes a whole number',
    );
    expect(oopsbox(['run', '--kernel', '9.9', '-c', 'true'])).toMatchObject({ status: 2 });
    expect(oopsbox(['run', '--kernel', '9.9', '-c', 'true']).stderr).toContain('4.15.0-33-generic');
    expect(oopsbox(['run', '--user', 'nobody-here', '-c', 'true'])).toMatchObject({ status: 2 });
    expect(oopsbox(['fly']).stderr).toContain("unknown command 'fly'");
  });
});

describe('the console', () => {
  test('carries out what a pipe types, then leaves', () => {
    const run = oopsbox(['run'], 'echo $((6*7)) from $(whoami)\n');
    expect(run.text).toContain('42 from student');
    expect(run.status).toBe(0);
  });

  test('leaves when the machine is switched off', () => {
    const run = oopsbox(['run'], 'sudo poweroff -f\n');
    expect(run.text).toContain('Power down');
    expect(run.status).toBe(0);
  });
});
