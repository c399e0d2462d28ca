/**
 * Where a VM differs from the recordings, and why. A line that differs (`- ` recorded, `+ ` here, behind it the stream) and that no entry
 * explains fails the test, and so does an entry that explains nothing.
 */
export interface Difference {
  /** A section, or how the names of several begin. */
  section: string;
  /** How the command begins (`console` for the serial console); any when left out. */
  command?: string;
  lines: RegExp;
  reason: string;
}

const ALL = /^/;
const PING =
  'the recording guest lacked ping_group_range (INDEX.md, recorder artefacts); system.15 has what students see';
const ONE_CPU =
  'the VM has one processor, which the loop keeps for ever: oops.70 has what a machine with one processor prints';
const HARDWARE = 'drivers of hardware, file systems and subsystems that the VM does not have';
const SMALLER_CODE =
  'gcc makes other code of our headers (the canary of the stack, put_user), so places are some bytes off';
const TIMES = 'how often something happens while a person or a slow emulator types';
const DEAD_STACK =
  'the next loader follows a pointer into the stack of the dead one: what it finds there is chance (INDEX.md: hangs or oopses)';
const STOCK = 'the image has stock modules of its own; ext4 is built in, dummy is not among them';
const OWN_CHECKSUM = 'srcversion is a checksum of our own over the same text';
const NO_UTS = 'there is one UTS namespace: unshare -u is refused';

/** Loading, devices, the log. */
const MODULES: readonly Difference[] = [
  { section: 'load.', lines: /srcversion:|O\| [0-9A-F]{23}$/, reason: OWN_CHECKSUM },
  {
    section: 'load.10',
    command: 'grep simple /proc/kallsyms',
    lines: /ADDRESS [a-zA-Z] \S*simple\S*$|\[ext4\]$/,
    reason: 'kallsyms lists what our kernel has: functions that modules may call',
  },
  { section: 'load.10', command: 'grep -w -E', lines: /O\| \d+$/, reason: 'the same: their number' },
  { section: 'load.10', command: 'modinfo -F vermagic', lines: /O\| (?!6\.12|GPL)/, reason: STOCK },
  { section: 'load.20', command: 'modprobe -n -v expb', lines: /O\| (insmod|builtin)/, reason: STOCK },
  { section: 'load.20', command: 'ls /lib/modules', lines: /[-+] O\|/, reason: `${STOCK}; two kernels` },
  { section: 'load.20', command: 'modprobe dummy', lines: ALL, reason: STOCK },
  { section: 'load.35', command: 'xz -dc', lines: ALL, reason: STOCK },
  {
    section: 'load.50',
    lines: /__ex_table|directories, \d files/,
    reason: 'put_user is a function of the kernel here, so the module needs no exception table',
  },
  { section: 'load.50', command: 'cat /proc/devices', lines: /^- O\| +\d+ /, reason: HARDWARE },
  { section: 'load.50', command: 'ls /sys /sys/module', lines: /O\| \w/, reason: HARDWARE },
  { section: 'load.50', command: 'sysctl', lines: /watchdog_cpumask/, reason: 'the VM has one processor' },
  {
    section: 'load.50',
    command: 'cat /dev/newgetpid; cat',
    lines: /O\| \d+$/,
    reason: "volatile: the shell's pid",
  },
  {
    section: 'devs.50',
    lines: /__ksymtab_expa|__crc_expa|__kstrtab|expa_add/,
    reason: "the order of an export's tables, and its capital letter",
  },
  { section: 'devs.30', lines: /kthread (turn|returned) \d+|: (timer|work|delayed)/, reason: TIMES },
  { section: 'devs.30', lines: /taskinfo: /, reason: 'other processes run here' },
  {
    section: 'devs.30',
    lines: /kmalloc-(cg|rcl)|vmalloc N0|O\| kmalloc-/,
    reason: 'numbers of objects; no memory groups',
  },
];

/** What strace shows of the machine rather than of the calls. */
const STRACE: readonly Difference[] = [
  {
    section: 'strace.',
    lines:
      /^- [OE]\| (openat\(.*\/sys\/module\/(ext4|libcrc32c|jbd2|mbcache|crc32c_generic|crc16|virtio_blk)|read\(\d, "(\d+\\n)?", \d+\)|close\(|openat\(3, "coresize"|fstat\(3, \{st_mode=S_IFDIR|getdents64\(3, |write\(1, "(ext4|libcrc32c|jbd2|mbcache|crc32c_generic|crc16|virtio_blk))/,
    reason: 'the recording guest had seven modules loaded, and lsmod looks at each',
  },
  {
    section: 'strace.',
    lines: /read\(3, "(ext4 |", (1024|4096))|write\(1, "Module +Size|^- [OE]\| \) = 3\d/,
    reason: 'the same',
  },
  {
    section: 'strace.',
    lines: /root=\/dev\/vda|BOOT_IMAGE|read\(3, "", 40\d\d\)/,
    reason: 'the command line of the kernel',
  },
  {
    section: 'strace.',
    lines: /mmap\(NULL, \d+, PROT_READ, MAP_PRIVATE, 3, 0\)|munmap\(ADDRESS, \d+\)/,
    reason: 'files of other sizes: ld.so.cache, modules.*.bin, the module itself',
  },
  {
    section: 'strace.',
    lines: /read\(3, "(\\260|\\0)|lseek\(3, \d+/,
    reason: 'modules.builtin.bin of another kernel tree',
  },
  {
    section: 'strace.10',
    lines: /clock_gettime|write\(2, "8 bytes/,
    reason: 'the vDSO has no clocks; another speed',
  },
  {
    section: 'strace.10',
    command: 'strace cat /dev/ones',
    lines: /SIGPIPE|EPIPE/,
    reason: 'open: a write that is cut short by the reader leaving gets its signal at the next write',
  },
  {
    section: 'strace.10',
    command: 'strace -c',
    lines: /D\|/,
    reason: 'open: the report of a user fault has no registers and no offset in the library',
  },
  { section: 'strace.10', command: 'strace -o', lines: /O\| \d+/, reason: 'the seven modules again' },
  { section: 'strace.10', command: 'ltrace', lines: ALL, reason: 'ltrace is not installed' },
  { section: 'strace.10', command: 'strace -f modprobe', lines: ALL, reason: STOCK },
  { section: 'strace.10', command: 'strace rmmod ext4', lines: ALL, reason: STOCK },
  { section: 'strace.10', command: 'insmod newgetpid', lines: /O\| \d+$|= 1[67]$/, reason: 'volatile: pids' },
  { section: 'strace.', lines: /Soft dependencies/, reason: 'modules.softdep of another kernel tree' },
];

/** The log and what reads it. */
const LOG: readonly Difference[] = [
  { section: 'printk.10', command: 'logger', lines: /O\| \d+$/, reason: 'a shorter boot log' },
  { section: 'printk.10', command: 'head -c 300', lines: /O\| /, reason: 'another board: other first lines' },
  {
    section: 'printk.10',
    command: 'dmesg -c',
    lines: /prfmt: exit/,
    reason: 'open: after dmesg -c the last record is shown once more',
  },
  {
    section: 'printk.10',
    lines: /dynamic_debug|pr_debug|^- O\| control/,
    reason: 'open: there is no dynamic debug; pr_debug says nothing unless DEBUG is defined',
  },
  {
    section: 'printk.30',
    command: 'timeout --foreground 2 cat',
    lines: /O\| (\d,SEQ| {1,2}(SUBSYSTEM|DEVICE))/,
    reason: 'another board: other lines before',
  },
  {
    section: 'printk.30',
    command: 'tail -f',
    lines: ALL,
    reason: 'other log files; journalctl is not there',
  },
  {
    section: 'printk.30',
    command: 'dmesg --color',
    lines: /jiffies-HZ/,
    reason: 'a pid of other length is cut elsewhere',
  },
  {
    section: 'printk.30',
    command: 'for i in',
    lines: /spam 27/,
    reason: 'noise of the emulation took its line',
  },
];

/** Another machine: one processor, other drivers, another init. */
const MACHINE: readonly Difference[] = [
  ...[
    ['cat /proc/cpuinfo', 'one processor, of another kind'],
    ['cat /proc/meminfo', 'other memory in other use; no huge pages, no swap compression'],
    ['mount', 'the boot script mounts otherwise'],
    ['cat /proc/cmdline', 'another boot loader, uptime, load, file systems'],
    ['ps aux', 'other kernel threads, another init'],
    ['ps --ppid 2', 'other kernel threads'],
    ['find / -xdev', 'the examples lie in another folder'],
    ['insmod /home/student/m/ones.ko; find', 'the same; no BTF, no block devices'],
    ['ls /lib/modules', 'two kernels, with few stock modules'],
    ['cat /proc/devices', HARDWARE],
    ['cat /proc/iomem', HARDWARE],
    ['free', 'sizes of memory and disk; one processor'],
    ['ls -l /dev', HARDWARE],
    ['cat /proc/kcore', 'there is no /proc/kcore; which(1) is installed'],
    ['dmesg -k', HARDWARE],
  ].map(([command, reason]) => ({ section: 'system.30', command, lines: ALL, reason })),
];

/** Builds. They are run by build.slow.ts. */
export const BUILDS: readonly Difference[] = [
  {
    section: '',
    lines: /srcversion|0x[0-9a-f]{8}|simple\.o$|ld -r/,
    reason: 'checksums of our own; a native linker, by its name',
  },
  {
    section: 'a good build',
    command: 'make V=1',
    lines: /O\| (\/usr\/bin\/)?make /,
    reason: 'make goes by its name',
  },
  { section: 'what modpost says', lines: /"expa_add"/, reason: 'undefined symbols in another order' },
  {
    section: 'compiler',
    lines:
      /(In file included | {2,})from \/usr\/src\/linux-headers|\/usr\/src\/linux-headers\S+(uaccess|printk)\.h:\d+:\d+: note: /,
    reason: 'our headers are our own: they include one another otherwise and have other lines',
  },
  {
    section: 'compiler',
    command: 'cat -n args.c',
    lines:
      /E\| +\d* \| .*(put_user|copy_to_user|_printk|~\^~|\^~+$|pud_user)|did you mean .pud_user|: error: .put_user. undeclared/,
    reason:
      'the lines of our headers that gcc quotes; page tables of four levels, whose pud_user it guesses, are not ours',
  },
  {
    section: 'Makefile trouble',
    command: 'rm Makefile',
    lines: /^[-+] E\|/,
    reason: 'a native compiler goes by the name of cc here, and tries',
  },
];

export const DIFFERENCES: readonly Difference[] = [
  {
    section: 'system.20',
    command: 'ls -la',
    lines: /comp3000|examples/,
    reason: 'another folder of examples',
  },
  {
    section: 'system.20',
    command: 'chmod 600',
    lines: /O\| (Authentication refused|srclimit_penalise)/,
    reason: 'which of the last lines of sshd is the third from the end: a race of its processes',
  },
  { section: 'devs.30', lines: /O\| +\d+ +2 S +msleep_interruptible/, reason: 'volatile: a pid' },
  { section: 'devs.30', lines: /loop\+0x/, reason: SMALLER_CODE },
  { section: 'load.10', command: 'grep -w -E', lines: /commit_creds/, reason: 'functions in another order' },
  {
    section: '',
    lines: /xxd: command not found|^- O\| [0-9a-f]{8}: /,
    reason: 'xxd is not installed',
  },
  {
    section: 'ones.10',
    lines: /ones: closed by pid/,
    reason: 'when a process that was killed closes its files',
  },
  { section: 'ones.40', lines: /read\(3, "Your PID/, reason: 'volatile: the length of a pid' },
  { section: 'oops.20-stksmash', command: 'console', lines: /wrote 200 bytes/, reason: SMALLER_CODE },
  ...MODULES,
  ...STRACE,
  ...LOG,
  ...MACHINE,
  { section: 'ones.30', command: 'ls -l /dev/ones; grep -c', lines: /O\| \d+$/, reason: HARDWARE },
  { section: 'ones.31', command: 'cat /proc/devices', lines: /O\| +\d+ /, reason: HARDWARE },
  {
    section: 'ones.31',
    lines: ALL,
    reason:
      'only devices of modules wait for the lock that is never given back: terminals go on, so that the lab can be used',
  },
  { section: 'ones.40', lines: /O\| shell \d+/, reason: "volatile: the shell's pid" },
  {
    section: 'ones.40',
    command: 'tail -f',
    lines: /Terminated/,
    reason: 'bash tells of it or not, by chance, on a real Linux too (tried with the recorder)',
  },
  { section: 'ones.40', lines: /write\(1|^[-+] O\| \) +=/, reason: 'volatile: the length of a pid' },
  { section: 'oops.20-jumpnull', lines: ALL, reason: DEAD_STACK },
  {
    section: 'oops.20-oops_',
    command: 'console',
    lines: /^- C\|/,
    reason: 'who waits for the lock of the dead does not spin here, so no stall of RCU is told of',
  },
  { section: 'oops.20-oops_init', lines: /Unable to handle kernel/, reason: DEAD_STACK },
  { section: 'oops.', lines: /(m_init|or_read|stk_rec|smash\.constprop\.0)\+0x/, reason: SMALLER_CODE },
  { section: 'oops.43', lines: ALL, reason: ONE_CPU },
  { section: 'oops.44', lines: /O\| +\d+ R +00:00:\d+/, reason: TIMES },
  { section: 'oops.49', lines: /timerleak: fired/, reason: TIMES },
  { section: 'oops.50', lines: /kthreadleak: alive/, reason: TIMES },
  { section: 'oops.68', command: 'kill -9 1', lines: /orinit|init$/, reason: 'another init' },
  {
    section: 'oops.68',
    command: 'sysctl -w kernel.yama',
    lines: ALL,
    reason: 'gdb is installed here',
  },
  {
    section: 'oops.68',
    command: 'console',
    lines: /INIT: PANIC/,
    reason: 'kill -11 1 is heard by the init of sysvinit, which says so',
  },
  { section: 'system.10-host', command: 'ping', lines: ALL, reason: PING },
  {
    section: 'system.10-host',
    command: 'ip addr',
    lines: ALL,
    reason: `${PING}; loopback addresses have no protocol tag`,
  },
  {
    section: 'system.10-host',
    command: 'echo abc > /proc/sys',
    lines: ALL,
    reason: 'systemd is not installed in our image, so hostnamectl is not there',
  },
  {
    section: 'system.15-ping',
    command: 'ip link set lo down',
    lines: ALL,
    reason: 'with lo down we have no route to 127/8; Linux keeps the local route and the packets get lost',
  },
  {
    section: 'system.15-ping',
    command: 'ping -c1 -W1 127.0.0.1; ip link set lo up',
    lines: ALL,
    reason: 'the same, and loopback addresses have no protocol tag',
  },
  { section: 'system.15-ping', command: 'mount --bind / /mnt', lines: ALL, reason: NO_UTS },
];
