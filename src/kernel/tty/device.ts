/** Making terminals: every {@link Tty} is born here. */
import { makedev } from '../fs/flags.ts';
import type { Kernel } from '../kernel.ts';
import { newWaitQueue } from '../outcome.ts';
import { newLdisc } from './ldisc.ts';
import { C } from './termbits.ts';
import { ptyTermios, standardTermios } from './termios.ts';
import type { Termios, Tty, TtyRoom } from './types.ts';

/** Device numbers of terminals (Documentation/admin-guide/devices.txt). */
export const TTY_MAJOR = 4;
export const TTYAUX_MAJOR = 5;
export const SERIAL_MINOR = 64;
export const PTS_MAJOR = 136;

/** B115200 in CBAUD: what the console's port is set to. */
const B115200 = 0o10002;

function newTty(name: string, index: number, rdev: number, driver: Tty['driver'], termios: Termios): Tty {
  return {
    name,
    index,
    rdev,
    driver,
    termios,
    locked: null,
    winsize: { rows: 0, cols: 0, xpixel: 0, ypixel: 0 },
    sid: 0,
    pgrp: 0,
    wire: new Uint8Array(0),
    output: [],
    outputBytes: 0,
    echo: [],
    stopped: false,
    flowStopped: false,
    throttled: false,
    exclusive: false,
    opens: 0,
    hangups: 0,
    readWait: newWaitQueue(),
    writeWait: newWaitQueue(),
    ldisc: newLdisc(termios),
  };
}

/** A serial port whose wire is the host: ttyS0, ttyS1 … */
export function newPort(index: number): Tty {
  const termios = standardTermios(C.CS8 | C.CREAD | C.HUPCL | C.CLOCAL | B115200);
  return newTty(`ttyS${index}`, index, makedev(TTY_MAJOR, SERIAL_MINOR + index), 'serial', termios);
}

/** The slave end of pseudo terminal `index`. */
export const newSlave = (index: number): Tty =>
  newTty(`pts/${index}`, index, makedev(PTS_MAJOR, index), 'pty', ptyTermios());

/** The terminals of a new VM: one serial port, no pseudo terminals. */
export function createTtyRoom(): TtyRoom {
  return { ports: [newPort(0)], ptys: new Map(), maxPtys: 4096, devpts: null, oldPgrp: new Map() };
}

/** The port of that minor number, if there is one. */
export const portOf = (k: Kernel, index: number): Tty | undefined => k.tty.ports[index];
