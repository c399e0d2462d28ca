/** The kernel log as dmesg, /dev/kmsg, syslog(2) and the console show it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { opsOf } from '../../src/kernel/fs/ops.ts';
import type { File } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { kernelBuf } from '../../src/kernel/mm/uio.ts';
import {
  bootMessages,
  createPrintkRoom,
  initPrintk,
  newRatelimit,
  printk,
  printkText,
  ratelimit,
} from '../../src/kernel/printk/index.ts';
import { openKmsg } from '../../src/kernel/printk/kmsg.ts';
import { doSyslog, syslogRead } from '../../src/kernel/printk/syslog.ts';
import { userCred } from '../../src/kernel/task/cred.ts';
import type { Task } from '../../src/kernel/task/types.ts';
import { bareKernel, bareTask, bytesOf, seen, text } from './tty-fixture.ts';

let k: Kernel;
let task: Task;

beforeEach(() => {
  k = bareKernel();
  task = bareTask(k);
  k.printk = createPrintkRoom();
});

const texts = (): string[] => k.printk.records.map((r) => `<${r.level}>${r.text}`);

describe('records', () => {
  it('joins continued lines and ends those that others interrupt', () => {
    printkText(k, '\x016no newline at the end');
    printkText(k, '\x01c ... continued by pr_cont\n');
    printkText(k, '\x014no newline, then another printk');
    printkText(k, '\x014the other one\n');
    printkText(k, 'no level given\n');
    expect(texts()).toEqual([
      '<6>no newline at the end ... continued by pr_cont',
      '<4>no newline, then another printk',
      '<4>the other one',
      '<4>no level given',
    ]);
  });
  it('forgets the oldest when the ring is full', () => {
    for (let i = 0; i < 20_000; i++) printk(k, 7, `line ${i} ${'x'.repeat(50)}`);
    expect(k.printk.bytes).toBeLessThanOrEqual(k.printk.maxBytes);
    expect(k.printk.records.at(-1)?.seq).toBe(19_999);
    expect(k.printk.records[0].seq).toBe(20_000 - k.printk.records.length);
  });
  it('limits ten in five seconds and says how many it kept back', () => {
    const limit = newRatelimit();
    const passed = Array.from({ length: 15 }, () => ratelimit(k, limit, 'test')).filter(Boolean);
    expect(passed.length).toBe(10);
    k.time.nowNs += 6e9;
    expect(ratelimit(k, limit, 'test')).toBe(true);
    expect(texts()).toEqual(['<4>test: 5 callbacks suppressed']);
  });
});

describe('the console', () => {
  it('shows what is below its level, each line with the time', () => {
    k.time.nowNs = 1_234_567_890;
    printk(k, 6, 'two lines\nsecond line');
    printk(k, 7, 'debug is not shown');
    expect(seen(k, k.tty.ports[0])).toBe('[    1.234567] two lines\r\n[    1.234567] second line\r\n');
  });
  it('is quiet when the command line says so', () => {
    k.identity.cmdline += ' quiet';
    initPrintk(k);
    bootMessages(k);
    expect(seen(k, k.tty.ports[0])).toBe('');
    expect(k.printk.levels).toEqual([4, 4, 1, 7]);
    expect(k.printk.records[0].text).toContain('Linux version 4.15.0-33-generic');
  });
});

describe('/dev/kmsg', () => {
  const open = (flags: number, who = task): File | number => {
    const file = { flags } as File;
    const opened = openKmsg(k, who, file);
    return opened < 0 ? opened : file;
  };
  const readOne = (file: File, size = 8192): string | number => {
    const buf = kernelBuf(new Uint8Array(size));
    const got = opsOf(file).read?.(k, task, file, buf, null);
    if (typeof got !== 'number') return 'waits';
    return got < 0 ? got : text((buf.kernel as Uint8Array).subarray(0, got));
  };
  it('gives one record a read, escaped', () => {
    k.time.nowNs = 15_712_320_999;
    printk(k, 6, 'two lines\nhi[\xc3\xa9] backslash[\\]');
    const file = open(0) as File;
    expect(readOne(file)).toBe('6,0,15712320,-;two lines\\x0ahi[\\xc3\\xa9] backslash[\\x5c]\n');
    expect(readOne(file)).toBe('waits');
  });
  it('answers EINVAL to a buffer too small, EPIPE to a reader overtaken', () => {
    printk(k, 6, 'a long enough line');
    const file = open(0) as File;
    expect(readOne(file, 10)).toBe(-22);
    const slow = open(0) as File;
    for (let i = 0; i < 9000; i++) printk(k, 6, 'x'.repeat(40));
    expect(readOne(slow)).toBe(-32);
    expect(readOne(slow)).toContain('x'.repeat(40));
  });
  it('takes lines from user space, as facility user unless they say', () => {
    const file = open(1) as File;
    const put = (line: string): unknown => opsOf(file).write?.(k, task, file, kernelBuf(bytesOf(line)), null);
    put('hello from user space\n');
    put('<3>an error\n');
    expect(k.printk.records.map((r) => [r.facility * 8 + r.level, r.text])).toEqual([
      [12, 'hello from user space'],
      [11, 'an error'],
    ]);
    for (let i = 0; i < 20; i++) expect(put('again\n')).toBe(6);
    expect(k.printk.records.length).toBe(10);
  });
  it('is closed to users while dmesg_restrict is set', () => {
    const student = bareTask(k);
    student.cred = userCred(1000, 1000);
    expect(open(0, student)).toBe(-1);
    k.printk.dmesgRestrict = false;
    expect(typeof open(0, student)).toBe('object');
  });
});

describe('syslog(2)', () => {
  it('reads on from where it was, a part of a line if need be', () => {
    printk(k, 5, 'hello');
    printk(k, 6, 'world');
    const take = (size: number): string => {
      const buf = kernelBuf(new Uint8Array(size));
      return text((buf.kernel as Uint8Array).subarray(0, syslogRead(k, task, buf) as number));
    };
    expect(take(10)).toBe('<5>[    0.');
    expect(take(100)).toBe('000000] hello\n<6>[    0.000000] world\n');
  });
  it('sets the console level, off and on', () => {
    expect(doSyslog(k, task, 8, 0, 9)).toBe(-22);
    doSyslog(k, task, 8, 0, 8);
    expect(k.printk.levels).toEqual([8, 4, 1, 7]);
    doSyslog(k, task, 6, 0, 0);
    expect(k.printk.levels[0]).toBe(1);
    doSyslog(k, task, 7, 0, 0);
    expect(k.printk.levels[0]).toBe(8);
  });
  it('is for the privileged', () => {
    const student = bareTask(k);
    student.cred = userCred(1000, 1000);
    expect(doSyslog(k, student, 3, 4096, 100)).toBe(-1);
    expect(doSyslog(k, student, 5, 0, 0)).toBe(-1);
  });
});
