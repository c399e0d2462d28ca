/** System calls of terminals: decode, then delegate to tty/. */
import { vhangup } from '../tty/hangup.ts';
import { syscall } from './table.ts';

/** vhangup(2). */
syscall(58, 'vhangup', [], (k, task) => vhangup(k, task));
