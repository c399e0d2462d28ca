/** Numbers of the terminal ABI on riscv64 (asm-generic/termbits.h, ioctls.h). Each is declared here and nowhere else. */

/** Indices into c_cc. */
export const V = {
  INTR: 0,
  QUIT: 1,
  ERASE: 2,
  KILL: 3,
  EOF: 4,
  TIME: 5,
  MIN: 6,
  SWTC: 7,
  START: 8,
  STOP: 9,
  SUSP: 10,
  EOL: 11,
  REPRINT: 12,
  DISCARD: 13,
  WERASE: 14,
  LNEXT: 15,
  EOL2: 16,
} as const;
export const NCCS = 19;

/** c_iflag. */
export const I = {
  IGNBRK: 0o1,
  BRKINT: 0o2,
  IGNPAR: 0o4,
  PARMRK: 0o10,
  INPCK: 0o20,
  ISTRIP: 0o40,
  INLCR: 0o100,
  IGNCR: 0o200,
  ICRNL: 0o400,
  IUCLC: 0o1000,
  IXON: 0o2000,
  IXANY: 0o4000,
  IXOFF: 0o10000,
  IMAXBEL: 0o20000,
  IUTF8: 0o40000,
} as const;

/** c_oflag. */
export const Out = {
  OPOST: 0o1,
  OLCUC: 0o2,
  ONLCR: 0o4,
  OCRNL: 0o10,
  ONOCR: 0o20,
  ONLRET: 0o40,
  TABDLY: 0o14000,
  XTABS: 0o14000,
} as const;

/** c_cflag. */
export const C = {
  CBAUD: 0o10017,
  CSIZE: 0o60,
  CS8: 0o60,
  CSTOPB: 0o100,
  CREAD: 0o200,
  PARENB: 0o400,
  HUPCL: 0o2000,
  CLOCAL: 0o4000,
  BOTHER: 0o10000,
} as const;

/** c_lflag. */
export const L = {
  ISIG: 0o1,
  ICANON: 0o2,
  XCASE: 0o4,
  ECHO: 0o10,
  ECHOE: 0o20,
  ECHOK: 0o40,
  ECHONL: 0o100,
  NOFLSH: 0o200,
  TOSTOP: 0o400,
  ECHOCTL: 0o1000,
  ECHOPRT: 0o2000,
  ECHOKE: 0o4000,
  FLUSHO: 0o10000,
  PENDIN: 0o40000,
  IEXTEN: 0o100000,
  EXTPROC: 0o200000,
} as const;

/** Baud rates by their code in CBAUD. */
export const BAUD: Readonly<Record<number, number>> = {
  0: 0,
  1: 50,
  2: 75,
  3: 110,
  4: 134,
  5: 150,
  6: 200,
  7: 300,
  8: 600,
  9: 1200,
  10: 1800,
  11: 2400,
  12: 4800,
  13: 9600,
  14: 19200,
  15: 38400,
  4097: 57600,
  4098: 115200,
  4099: 230400,
  4100: 460800,
  4101: 500000,
  4102: 576000,
  4103: 921600,
  4104: 1000000,
  4105: 1152000,
  4106: 1500000,
  4107: 2000000,
  4108: 2500000,
  4109: 3000000,
  4110: 3500000,
  4111: 4000000,
};

/** ioctl commands. */
export const Ioctl = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TCGETA: 0x5405,
  TCSETA: 0x5406,
  TCSETAW: 0x5407,
  TCSETAF: 0x5408,
  TCSBRK: 0x5409,
  TCXONC: 0x540a,
  TCFLSH: 0x540b,
  TIOCEXCL: 0x540c,
  TIOCNXCL: 0x540d,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCOUTQ: 0x5411,
  TIOCSTI: 0x5412,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TIOCMGET: 0x5415,
  TIOCMBIS: 0x5416,
  TIOCMBIC: 0x5417,
  TIOCMSET: 0x5418,
  TIOCGSOFTCAR: 0x5419,
  TIOCSSOFTCAR: 0x541a,
  FIONREAD: 0x541b,
  TIOCCONS: 0x541d,
  TIOCPKT: 0x5420,
  TIOCNOTTY: 0x5422,
  TIOCSETD: 0x5423,
  TIOCGETD: 0x5424,
  TCSBRKP: 0x5425,
  TIOCSBRK: 0x5427,
  TIOCCBRK: 0x5428,
  TIOCGSID: 0x5429,
  TCGETS2: 0x802c542a,
  TCSETS2: 0x402c542b,
  TCSETSW2: 0x402c542c,
  TCSETSF2: 0x402c542d,
  TIOCGLCKTRMIOS: 0x5456,
  TIOCSLCKTRMIOS: 0x5457,
  TIOCGPTN: 0x80045430,
  TIOCSPTLCK: 0x40045431,
  TIOCGDEV: 0x80045432,
  TIOCSIG: 0x40045436,
  TIOCVHANGUP: 0x5437,
  TIOCGPKT: 0x80045438,
  TIOCGPTLCK: 0x80045439,
  TIOCGEXCL: 0x80045440,
  TIOCGPTPEER: 0x5441,
} as const;

/** Commands that only virtual consoles and serial drivers know are refused silently: KD*, VT_*, TIOCLINUX, TIOCGSERIAL. */
export const isConsoleCommand = (cmd: number): boolean =>
  (cmd & 0xff00) === 0x4b00 ||
  (cmd & 0xff00) === 0x5600 ||
  cmd === 0x541c ||
  cmd === 0x541e ||
  cmd === 0x541f;

/** Status bits of packet mode (man 2 TIOCPKT). */
export const Pkt = {
  DATA: 0,
  FLUSHREAD: 1,
  FLUSHWRITE: 2,
  STOP: 4,
  START: 8,
  NOSTOP: 16,
  DOSTOP: 32,
  IOCTL: 64,
} as const;

/** tcflush queues and tcflow actions. */
export const Flush = { INPUT: 0, OUTPUT: 1, BOTH: 2 } as const;
export const Flow = { OFF: 0, ON: 1, SEND_STOP: 2, SEND_START: 3 } as const;
