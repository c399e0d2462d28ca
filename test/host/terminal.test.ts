/** Terminals by themselves: who sees what, and who waits for whom. */
import { describe, expect, it } from 'vitest';
import type { FromWorker } from '../../src/host/wire.ts';
import { ByteRing } from '../../src/host/worker/ring.ts';
import { Terminal, type TerminalWire } from '../../src/host/worker/terminal.ts';

const START = { id: 't1', pid: 7, user: 'student', size: { rows: 4, cols: 20 }, createdSec: 0 };
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** A guest that has so much to print, and what was sent to whom. */
function bench(saved?: ReturnType<Terminal['save']>) {
  const sent: FromWorker[] = [];
  const terminal = new Terminal((message) => sent.push(message), saved ?? START, saved);
  let pending = Buffer.alloc(0);
  const typed: Buffer[] = [];
  const wire: TerminalWire = {
    read: (max) => {
      const out = pending.subarray(0, max);
      pending = pending.subarray(out.length);
      return new Uint8Array(out);
    },
    write: (input) => typed.push(Buffer.from(input)) && input.length,
    resize: () => {},
    exit: () => null,
    begun: () => true,
  };
  const print = (text: string | Buffer): number => {
    pending = Buffer.concat([pending, Buffer.from(text)]);
    return terminal.pump(wire, 1e9).printed;
  };
  const got = (handle: number): string =>
    Buffer.concat(
      sent.flatMap((message) => (message[0] === 'data' && message[1] === handle ? [message[3]] : [])),
    ).toString();
  return { terminal, wire, print, got, sent, typed, left: () => pending.length };
}

/** A screen as its rows. */
async function rows(screen: Uint8Array): Promise<string[]> {
  const { default: xterm } = await import('@xterm/headless');
  const term = new xterm.Terminal({ rows: 4, cols: 20, allowProposedApi: true });
  await new Promise<void>((resolve) => term.write(screen, resolve));
  const { active } = term.buffer;
  return Array.from({ length: 4 }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '');
}

describe('the ring', () => {
  it('keeps the last bytes under their positions', () => {
    const ring = new ByteRing(4096);
    let all = '';
    for (let i = 0; all.length < 20000; i++) {
      const piece = `${i},`.repeat((i % 90) + 1);
      ring.append(bytes(piece));
      all += piece;
      expect(ring.end).toBe(all.length);
      const from = Math.max(ring.start, ring.end - 1 - ((i * 37) % 3000));
      expect(Buffer.from(ring.slice(from)).toString()).toBe(all.slice(from));
    }
    expect(ring.start).toBe(all.length - 4096);
    ring.append(bytes('x'.repeat(10000)));
    expect([ring.start, ring.end]).toEqual([all.length + 10000 - 4096, all.length + 10000]);
  });
});

describe('a terminal', () => {
  it('sends everybody all output, and late comers the screen first', async () => {
    const { terminal, print, got, sent } = bench();
    expect(terminal.attach(1, { label: 'a', writer: true })).toEqual({
      screen: new Uint8Array(0),
      offset: 0,
    });
    print('one\r\ntwo');
    const { screen, offset } = terminal.attach(2, { label: 'b', writer: false });
    expect(offset).toBe(8);
    expect(await rows(screen)).toEqual(['one', 'two', '', '']);
    print(' three');
    expect(got(1)).toBe('one\r\ntwo three');
    expect(got(2)).toBe(' three');
    expect(sent.filter(([kind]) => kind === 'viewers')).toHaveLength(3);
    expect(terminal.info().viewers).toEqual([
      { label: 'a', writer: true },
      { label: 'b', writer: false },
    ]);
  });

  it('goes on from a position that is still kept', () => {
    const { terminal, print, got } = bench();
    print('0123456789');
    const resumed = terminal.attach(1, { label: 'a', writer: true, fromOffset: 4 });
    expect(resumed).toEqual({ screen: new Uint8Array(0), offset: 4 });
    print('');
    expect(got(1)).toBe('456789');
    // A position of another life of the terminal is worth nothing.
    expect(terminal.attach(2, { label: 'b', writer: true, fromOffset: 11 }).offset).toBe(10);
  });

  it('makes the guest wait for a writer, and gives a watcher the screen in place of what it missed', async () => {
    const { terminal, print, got, sent, left, wire } = bench();
    terminal.attach(1, { label: 'writer', writer: true });
    terminal.attach(2, { label: 'watcher', writer: false });
    const flood = Buffer.alloc(500_000, 'spam ');
    print(flood);
    // Window and ring are full: the rest stays with the guest.
    expect(got(1)).toHaveLength(65536);
    expect(left()).toBe(500_000 - 2 * 65536);
    const writer = terminal.viewers.get(1);
    for (let i = 0; i < 20 && writer; i++) {
      writer.credit += 65536;
      terminal.pump(wire, 1e9);
    }
    print('\r\nthe end');
    expect(got(1)).toBe(`${flood}\r\nthe end`);
    expect(got(2)).toHaveLength(65536);
    const watcher = terminal.viewers.get(2);
    if (watcher) watcher.credit += 65536;
    print('!');
    const screens = sent.filter((message) => message[0] === 'screen');
    expect(screens).toHaveLength(1);
    const [, , position, screen] = screens[0] as ['screen', number, number, Uint8Array];
    expect(position).toBe(500_010);
    expect((await rows(screen)).at(-1)).toBe('the end!');
    expect(screen.length).toBeLessThan(65536);
  });

  it('keeps no more than its ring when nobody looks', () => {
    const { terminal, print, left } = bench();
    print(Buffer.alloc(1_000_000, 'x'));
    expect(left()).toBe(0);
    expect(terminal.offset).toBe(1_000_000);
    expect(terminal.save().ring.length + terminal.save().screen.length).toBeLessThan(70_000);
  });

  it('sleeps as data and comes back with screen, modes and size', async () => {
    const { terminal, print } = bench();
    print('\x1b[?1049h\x1b[2J\x1b[Hin an editor\x1b[?2004h');
    terminal.resize({ rows: 5, cols: 30 });
    print('\x1b[3;1Hafter the resize');
    const again = bench(terminal.save());
    const { screen, offset } = again.terminal.attach(3, { label: 'c', writer: true });
    expect(offset).toBe(terminal.offset);
    expect(again.terminal.size).toEqual({ rows: 5, cols: 30 });
    const shown = Buffer.from(screen).toString();
    expect(shown).toContain('\x1b[?1049h');
    expect(shown).toContain('\x1b[?2004h');
    expect(await rows(screen)).toEqual(['in an editor', '', 'after the resize', '']);
    again.print(' more');
    expect(again.got(3)).toBe(' more');
  });

  it('hands typed bytes on in order, and says how much', () => {
    const { terminal, print, typed, sent } = bench();
    terminal.attach(1, { label: 'a', writer: true });
    terminal.viewers.get(1)?.inlet.push(bytes('abc'));
    terminal.viewers.get(1)?.inlet.push(bytes('def'));
    expect(terminal.hasInput()).toBe(true);
    print('');
    expect(Buffer.concat(typed).toString()).toBe('abcdef');
    expect(sent).toContainEqual(['taken', 1, 6]);
  });

  it('tells the exit after all output', () => {
    const { terminal, print, sent } = bench();
    terminal.attach(1, { label: 'a', writer: true });
    print(Buffer.alloc(100_000, 'y'));
    terminal.finish({ exitCode: 0, signal: null }, 1);
    expect(sent.some(([kind]) => kind === 'exit')).toBe(false);
    const viewer = terminal.viewers.get(1);
    if (viewer) viewer.credit += 65536;
    print('');
    expect(sent.slice(-2)).toEqual([
      ['end', 1, 0],
      ['exit', 1, { exitCode: 0, signal: null }],
    ]);
  });
});
