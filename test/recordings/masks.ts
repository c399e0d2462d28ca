/**
 * What is volatile in the recordings, as their INDEX names it: times, dates, pids, addresses, registers and code bytes, sizes that
 * follow from debug information, majors, inode numbers, speeds, keys. Both sides are masked alike before they are compared.
 */

/** Lines that are left out: noise of the emulation, modules of the recording guest's own disk, labels of debug information. */
const DROPPED: readonly RegExp[] = [
  /hrtimer: interrupt took|clocksource:|sched_clock:/,
  /^[OE]\| (?:ext4|libcrc32c|jbd2|mbcache|crc32c_generic|crc16|virtio_blk) +\d+/,
  /^O\| [0-9a-f]{16} [tdr] \.L/,
];

type Mask = readonly [pattern: RegExp, name: string];

/** Lines of `ls -l`, of `ps`, of strace and of kmsg have masks of their own. */
const SHAPES: readonly (readonly [line: RegExp, masks: readonly Mask[]])[] = [
  [
    /^[OE][|\\] [-dlcbps][-rwxsStT]{9} /,
    [
      [/ +/g, ' '],
      [/ \d+( DATE \S*\.(?:ko|gz|xz)$)/, ' SIZE$1'],
    ],
  ],
  [
    /^[OE][|\\] (?:\w+\(|<\.\.\. )/,
    [
      [/ +=/g, ' ='],
      [/(set_tid_address\(.*|getpid\(\)) = \d+$/, '$1 = N'],
      [/\bst_size=\d+/, 'st_size=N'],
      [/tv_sec=\d+, tv_nsec=\d+/, 'tv_sec=N, tv_nsec=N'],
    ],
  ],
  // What the log shows of free memory.
  [
    /_anon:|_file:|free_pcp:|slab_|mapped:|unevictable:|pages (?:RAM|reserved)|pagecache pages|Node 0 DMA32:/,
    [
      [/\d+\*(\d+kB)(?: \(\w+\))?/g, 'N*$1'],
      [/:\d+/g, ':N'],
      [/(?<=(?:\] |= ))\d+(?= |kB)/g, 'N'],
    ],
  ],
  [/^O\| Mem: /, [[/ +\S+/g, ' N']]],
  [/^O\| \w+ +\d{4,} +-?\d+\b/, [[/ +\d{4,} +/, ' SIZE ']]],
  [/^O\| \w+ \d+ -?\d+ \S+ (?:Live|Loading|Unloading)/, [[/ \d+ /, ' SIZE ']]],
  [/^O\| +\d+ (?:\?|pts\/\d+) /, [[/ +\d+ /, ' PID ']]],
  [
    /^O\| (?:root|student) +\d+ +\d/,
    [
      [/\b\d\d:\d\d /, 'TIME '],
      [/ +\d+(?: +[\d.]+){1,5}(?= )/, ' PID'],
    ],
  ],
];

const MASKS: readonly Mask[] = [
  [/\[\s*\d+\.\d{6}\]/g, '[TIME]'],
  [/\[\s*\+?\d*\.?\d*\s*<?\s*\+?\d+\.\d{6}>?\]/g, '[TIME]'],
  [/"time": +[\d.]+/, '"time": T'],
  [/\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d[,.]\d+(?: ?\+[\d:]+)?/g, 'DATE'],
  [/^O\| (\d+),\d+,\d+,/, 'O| $1,SEQ,TIME,'],
  [/ ext4 libcrc32c jbd2 mbcache crc32c_generic crc16 virtio_blk/, ''],
  // Registers, stack and code bytes of an oops.
  [/((?:^|[ (])(?:epc|ra|sp|gp|tp|t\d|s\d+|a\d|orig_a0|status|badaddr|cause) *): [0-9a-f]{16}/g, '$1: R'],
  [/Code: .*/, 'Code: BYTES'],
  [/\[<[0-9a-f]{16}>\]/g, '[<ADDRESS>]'],
  [/\b(?:0x)?[0-9a-f]{16}\b/g, 'ADDRESS'],
  [/\b0x[0-9a-f]{9,12}\b/g, 'ADDRESS'],
  [/(after kfree bytes 24\.\.48:) .*/, '$1 BYTES'],
  [/\b(?:PID|pid)[ =:]+\d+/g, 'pid N'],
  [/\btgid=\d+/, 'tgid=N'],
  [/Your PID is \d+!/g, 'Your PID is N!'],
  [/^(O\| (?:Tgid|Pid)):\t\d+/, '$1:\tN'],
  [/\((\d+)\) - No such process/, '(N) - No such process'],
  [/\/proc\/\d+\//g, '/proc/N/'],
  [/reader: cat \(\d+\)/, 'reader: cat (N)'],
  [/(stuck for \d+s! \[\w+):\d+\]/, '$1:N]'],
  [/CPU: \d+/g, 'CPU: N'],
  [/CPU#\d+/g, 'CPU#N'],
  [/\b(swapper\/|kworker\/)\d+(?::\d+)?/g, '$1N'],
  [/\[\d+\](?: \d+$|(?=[ +-]))/g, '[JOB]'],
  [/(?:socket|pipe):\[\d+\]/g, 'SOCKET'],
  [/(?:Device: \d+,\d+|Inode: \d+ *)\t?/g, ''],
  [/modules\.([a-z.]+)\.\d+\.\d+\.\d+/g, 'modules.$1.T'],
  [/^(E\| (?:real|user|sys))\t.*/, '$1 T'],
  [/\d\d:\d\d:\d\d up \d+ min, .*/, 'UPTIME'],
  [/__UNIQUE_ID___addressable_(\w+?)\d+/, '__UNIQUE_ID___addressable_$1N'],
  [/getrandom\("[^"]*"/, 'getrandom("BYTES"'],
  [/\|1\|[\w+/]{27}=\|[\w+/]{27}=/, 'HASHED'],
  [/time=[\d.]+ ms/g, 'time=T ms'],
  [/= [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms/g, '= RTT ms'],
  [/time \d+ms/g, 'time Tms'],
  [
    /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b[^|\]]*/g,
    'DATE ',
  ],
  [/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ +(?:\d\d:\d\d|\d{4})/g, 'DATE'],
  [/\d+(?:\.\d+)?(?:e-\d+)? s, [\d.]+ (?:[kMG]?B|bytes)\/s/g, 'T s, SPEED'],
  [/SHA256:[\w+/]{43}/g, 'FINGERPRINT'],
  [/AAAA[\w+/=]{30,}/g, 'KEY'],
  [/\bport \d+/g, 'port N'],
  [/^O\| \|.{17}\|$/, 'O| ART'],
  [/^O\| \d+ sshd:/, 'O| PID sshd:'],
];

const apply = (line: string, masks: readonly Mask[]): string =>
  masks.reduce((text, [pattern, name]) => text.replace(pattern, name), line);

/** A line without its volatile parts; none for a line that is noise. */
export function mask(line: string): string[] {
  if (DROPPED.some((noise) => noise.test(line))) return [];
  let text = apply(line.trimEnd(), MASKS);
  for (const [shape, masks] of SHAPES) if (shape.test(text)) text = apply(text, masks);
  return [text.trimEnd()];
}
