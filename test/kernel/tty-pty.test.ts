/** Pseudo terminals from both ends, sessions and hang-ups. */
import { beforeEach, describe, expect, it } from 'vitest';
import { opsOf } from '../../src/kernel/fs/ops.ts';
import type { File } from '../../src/kernel/fs/types.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { kernelBuf } from '../../src/kernel/mm/uio.ts';
import { SIGCONT, SIGHUP, sigBit } from '../../src/kernel/signal/bits.ts';
import type { Task } from '../../src/kernel/task/types.ts';
import { devptsInstance } from '../../src/kernel/tty/devpts.ts';
import { openHostPty, ptyHostRead, ptyHostWrite } from '../../src/kernel/tty/host.ts';
import { disassociateCtty, setControllingTty } from '../../src/kernel/tty/job.ts';
import type { Pty } from '../../src/kernel/tty/types.ts';
import { bareKernel, bareTask, bytesOf, read, text, write } from './tty-fixture.ts';

let k: Kernel;
let task: Task;
let master: File;
let slave: File;
let pty: Pty;

beforeEach(() => {
  k = bareKernel();
  task = bareTask(k);
  const ends = openHostPty(k, { rows: 24, cols: 80 });
  if (typeof ends === 'number') throw new Error(`no pty: ${ends}`);
  ({ master, slave } = ends);
  pty = master.data.pty;
});

const masterRead = (): string | number => {
  const buf = kernelBuf(new Uint8Array(4096));
  const got = opsOf(master).read?.(k, task, master, buf, null);
  if (typeof got !== 'number') return 'waits';
  return got < 0 ? got : text((buf.kernel as Uint8Array).subarray(0, got));
};
const pending = (who: Task, signo: number): boolean => (who.group.pending.set & sigBit(signo)) !== 0n;

describe('a pseudo terminal', () => {
  it('carries bytes both ways through the line discipline', () => {
    ptyHostWrite(k, master, bytesOf('ls\r'));
    expect(read(k, task, slave)).toBe('ls\n');
    write(k, task, slave, 'out\n');
    expect(text(ptyHostRead(k, master, 100))).toBe('ls\r\nout\r\n');
  });
  it('tells the master EIO after the last slave is closed and everything was read', () => {
    write(k, task, slave, 'bye');
    opsOf(slave).release?.(k, slave);
    expect(masterRead()).toBe('bye');
    expect(masterRead()).toBe(-5);
    expect(opsOf(master).poll?.(k, master, null).events).toBe(0x114);
  });
  it('hangs the session up when the master is closed', () => {
    task.group.actions[SIGHUP] = { handler: 4096, flags: 0, mask: 0n };
    task.group.actions[SIGCONT] = { handler: 4096, flags: 0, mask: 0n };
    setControllingTty(pty.slave, task.group);
    opsOf(master).release?.(k, master);
    expect(pending(task, SIGHUP)).toBe(true);
    expect(pending(task, SIGCONT)).toBe(true);
    expect(task.group.tty).toBe(null);
    expect(read(k, task, slave)).toBe('');
    expect(write(k, task, slave, 'x')).toBe(-5);
    expect(k.tty.ptys.size).toBe(1);
    opsOf(slave).release?.(k, slave);
    expect(k.tty.ptys.size).toBe(0);
  });
  it('reports flushes and flow in packet mode', () => {
    pty.packet = true;
    write(k, task, slave, 'data');
    expect(masterRead()).toBe('\0data');
    ptyHostWrite(k, master, bytesOf('\x13'));
    expect(masterRead()).toBe('\x04');
    ptyHostWrite(k, master, bytesOf('\x11'));
    expect(masterRead()).toBe('\x08');
  });
  it('shows in devpts while it is open', async () => {
    const { findFsType } = await import('../../src/kernel/fs/ops.ts');
    const root = devptsInstance(k).root;
    const names = (): string[] | undefined =>
      findFsType('devpts')
        ?.readdir(k, null, root)
        .map((e) => e.name);
    expect(names()).toEqual(['ptmx', '0']);
    opsOf(master).release?.(k, master);
    expect(names()).toEqual(['ptmx']);
  });
});

describe('a session leader that exits', () => {
  it('hangs up the foreground group and leaves the terminal free', () => {
    const child = bareTask(k, task.group.pid);
    child.group.sid = task.group.sid;
    setControllingTty(pty.slave, task.group);
    child.group.tty = pty.slave;
    pty.slave.pgrp = child.group.pgid;
    child.group.actions[SIGHUP] = { handler: 4096, flags: 0, mask: 0n };
    disassociateCtty(k, task.group, true);
    expect(pending(child, SIGHUP)).toBe(true);
    expect(child.group.tty).toBe(null);
    expect(pty.slave.sid).toBe(0);
  });
});

describe('state', () => {
  it('is plain data: a clone goes on by itself', () => {
    ptyHostWrite(k, master, bytesOf('half a li'));
    const copy = structuredClone({ tty: k.tty, master });
    const other = { ...k, tty: copy.tty };
    ptyHostWrite(other, copy.master, bytesOf('ne\r'));
    expect(text(ptyHostRead(other, copy.master, 100))).toBe('half a line\r\n');
    expect(text(ptyHostRead(k, master, 100))).toBe('half a li');
  });
});
