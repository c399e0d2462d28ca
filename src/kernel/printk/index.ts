/** The door of the log room: printk and its levels, the ring, syslog(2), /dev/kmsg, the console's filter, boot messages. */
import '../syscalls/printk.ts';
import './kmsg.ts';
import type { Kernel } from '../kernel.ts';
import { consoleSetup } from './console.ts';

export { bootMessages, linuxBanner } from './boot.ts';
export { bytesOf, recordText } from './format.ts';
export {
  consoleVerbose,
  createPrintkRoom,
  flushPartial,
  Level,
  newRatelimit,
  printk,
  printkRatelimit,
  printkText,
  ratelimit,
} from './printk.ts';
export { mayOpenProcKmsg } from './syslog.ts';

/** Takes what the command line says about logging; before the first message. */
export function initPrintk(k: Kernel): void {
  consoleSetup(k);
}
