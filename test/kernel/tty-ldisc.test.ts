/** The line discipline as a person at a keyboard meets it: editing, echo, signals, raw modes, limits. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { File } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import type { Task } from '../../src/kernel/task/types.ts';
import { portInput } from '../../src/kernel/tty/index.ts';
import { setControllingTty } from '../../src/kernel/tty/job.ts';
import { I, L, Out, V } from '../../src/kernel/tty/termbits.ts';
import { setTermios } from '../../src/kernel/tty/termios-ioctl.ts';
import type { Termios, Tty } from '../../src/kernel/tty/types.ts';
import { bareKernel, bareTask, bytesOf, read, seen, ttyFile, write } from './tty-fixture.ts';

let k: Kernel;
let task: Task;
let tty: Tty;
let file: File;

beforeEach(() => {
  k = bareKernel();
  task = bareTask(k);
  tty = k.tty.ports[0];
  file = ttyFile(tty);
});

const type = (text: string): number => portInput(k, tty, bytesOf(text));
const change = (edit: (t: Termios) => void): void => {
  const next = structuredClone(tty.termios);
  edit(next);
  setTermios(k, tty, next);
};

describe('canonical mode', () => {
  it('gives a line when it ends, echoed with CR LF', () => {
    type('hel');
    expect(read(k, task, file)).toBe('waits');
    type('lo\r');
    expect(read(k, task, file)).toBe('hello\n');
    expect(seen(k, tty)).toBe('hello\r\n');
  });
  it('gives one line a read and keeps the rest', () => {
    type('one\ntwo\n');
    expect(read(k, task, file)).toBe('one\n');
    expect(read(k, task, file, 2)).toBe('tw');
    expect(read(k, task, file)).toBe('o\n');
    expect(read(k, task, file)).toBe('waits');
  });
  it('erases characters, words and the line', () => {
    type('abd\x7fc foo_bar baz\x17\x17qux\r');
    expect(read(k, task, file)).toBe('abc qux\n');
    type('rubbish\x15clean\n');
    expect(read(k, task, file)).toBe('clean\n');
  });
  it('shows an erased control character as two', () => {
    type('a\x16\x01\x7f');
    expect(seen(k, tty)).toBe('a^\b^A\b \b\b \b');
  });
  it('goes back over a tab to where it began', () => {
    type('ab\t\x7f');
    expect(seen(k, tty)).toBe(`ab\t${'\b'.repeat(6)}`);
  });
  it('erases a UTF-8 character whole when the terminal says IUTF8', () => {
    change((t) => {
      t.iflag |= I.IUTF8;
    });
    type('x\xc3\xa9\x7fy\n');
    expect(read(k, task, file)).toBe('xy\n');
    expect(seen(k, tty)).toBe('x\xc3\xa9\b \by\r\n');
  });
  it('takes the next character literally after LNEXT', () => {
    type('\x16\x03\n');
    expect(read(k, task, file)).toBe('\x03\n');
  });
  it('ends input at EOF: a read of nothing once, a line without newline else', () => {
    type('\x04');
    expect(read(k, task, file)).toBe('');
    type('tail\x04');
    expect(read(k, task, file)).toBe('tail');
    expect(read(k, task, file)).toBe('waits');
  });
  it('takes an EOF along that comes just after a full read', () => {
    type('abc\x04');
    expect(read(k, task, file, 3)).toBe('abc');
    expect(read(k, task, file)).toBe('waits');
  });
  it('reprints the line', () => {
    type('abc\x12');
    expect(seen(k, tty)).toBe('abc^R\r\nabc');
  });
  it('keeps 4095 characters of a line, rings for more, and still finds its end', () => {
    let offered = 'x'.repeat(5000);
    while (offered.length > 0) offered = offered.slice(type(offered));
    expect(type('\n')).toBe(1);
    const line = read(k, task, file, 8192) as string;
    expect(line.length).toBe(4096);
    expect(line.endsWith('x\n')).toBe(true);
    expect(seen(k, tty)).toContain('\x07');
  });
  it('loses nothing of what it cannot hold: the wire waits', () => {
    const sent = Array.from({ length: 6000 }, (_, i) => `${i}\n`).join('');
    let rest = sent;
    let got = '';
    for (let round = 0; round < 100_000 && got.length < sent.length; round++) {
      rest = rest.slice(type(rest));
      const line = read(k, task, file);
      if (line !== 'waits') got += line;
      seen(k, tty);
    }
    expect(got).toBe(sent);
  });
});

describe('signals', () => {
  beforeEach(() => setControllingTty(tty, task.group));
  it('INTR interrupts the foreground group, echoes ^C and drops what was typed', () => {
    type('half\x03whole\n');
    expect(task.group.pending.set & 2n).toBe(2n);
    expect(seen(k, tty)).toBe('half^Cwhole\r\n');
    expect(read(k, task, file)).toBe('whole\n');
  });
  it('NOFLSH keeps the input', () => {
    change((t) => {
      t.lflag |= L.NOFLSH;
    });
    type('half\x03more\n');
    expect(read(k, task, file)).toBe('halfmore\n');
  });
  it('a changed window is told by SIGWINCH only when it changed', async () => {
    const { setWinsize } = await import('../../src/kernel/tty/index.ts');
    task.group.actions[28] = { handler: 4096, flags: 0, mask: 0n };
    setWinsize(k, tty, { rows: 24, cols: 80 });
    expect(task.group.pending.set & (1n << 27n)).not.toBe(0n);
  });
});

describe('raw mode', () => {
  const raw = (min: number, time: number): void =>
    change((t) => {
      t.lflag &= ~(L.ICANON | L.ECHO | L.ISIG | L.IEXTEN);
      t.iflag = 0;
      t.cc[V.MIN] = min;
      t.cc[V.TIME] = time;
    });
  it('gives every byte at once, control characters too', () => {
    raw(1, 0);
    type('a\x03\r\x04');
    expect(read(k, task, file)).toBe('a\x03\r\x04');
    expect(seen(k, tty)).toBe('');
  });
  it('VMIN 0 and VTIME 0 never wait', () => {
    raw(0, 0);
    expect(read(k, task, file)).toBe('');
    type('x');
    expect(read(k, task, file)).toBe('x');
  });
  it('VMIN waits for that many bytes', () => {
    raw(3, 0);
    type('ab');
    expect(read(k, task, file)).toBe('waits');
  });
  it('what was typed ahead in lines is there when lines end', () => {
    type('typed ahead');
    raw(1, 0);
    expect(read(k, task, file)).toBe('typed ahead');
  });
});

describe('output', () => {
  it('turns newlines into CR LF, and tabs into blanks when asked', () => {
    write(k, task, file, 'a\nb');
    change((t) => {
      t.oflag |= Out.XTABS;
    });
    write(k, task, file, '\tc');
    expect(seen(k, tty)).toBe('a\r\nb       c');
  });
  it('STOP holds it and START lets it go', () => {
    type('\x13');
    write(k, task, file, 'held');
    expect(seen(k, tty)).toBe('');
    type('\x11');
    expect(seen(k, tty)).toBe('held');
  });
  it('makes the writer wait when the host takes nothing', () => {
    expect(write(k, task, file, 'x'.repeat(200_000))).toMatchObject({
      kind: 'wait',
    });
    expect(seen(k, tty).length).toBe(65536);
  });
});

describe('job control', () => {
  it('stops a background reader with SIGTTIN, and answers EIO to an orphaned one that ignores it', () => {
    const shell = bareTask(k);
    setControllingTty(tty, shell.group);
    const child = bareTask(k, shell.group.pid);
    child.group.sid = shell.group.sid;
    child.group.tty = tty;
    expect(read(k, child, file)).toBe(-512);
    expect(child.group.pending.set & (1n << 20n)).not.toBe(0n);
    child.group.actions[21] = { handler: 1, flags: 0, mask: 0n };
    expect(read(k, child, file)).toBe(-5);
  });
});
