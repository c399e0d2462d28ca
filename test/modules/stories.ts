/**
 * What courses and guides have students write, as stories: the commands of somebody who loads the module, what they print, and what the
 * log says. Always true: sources are in src/, in our own words; each story ends with its module unloaded.
 */

export interface Story {
  /** Source below src/, and the module's name. */
  readonly module: string;
  readonly tells: string;
  /** Run as root in the directory of the built modules. */
  readonly run: string;
  /** What the commands print. */
  readonly out?: string;
  /** Lines of the log, without levels and times. */
  readonly log?: readonly string[];
  /** Part of the quick suite too. */
  readonly quick?: boolean;
}

/** Modules of several sources: the objects of each. */
export const COMPOSED: Readonly<Record<string, readonly string[]>> = {
  twofiles: ['twofiles_start', 'twofiles_stop'],
};

export const STORIES: readonly Story[] = [
  {
    module: 'hashgcd',
    tells: 'a constant of the hash functions and a gcd',
    run: 'insmod hashgcd.ko; rmmod hashgcd',
    log: ['hashgcd: golden ratio 61c8864680b583eb, HZ 250', 'hashgcd: gcd(3300, 24) = 12, time went on'],
  },
  {
    module: 'procclock',
    tells: '/proc files of jiffies, seconds and the command of a pid',
    run: `insmod procclock.ko; a=$(cat /proc/tick); sleep 1; b=$(cat /proc/tick); test $((b - a)) -ge 250 && test $((b - a)) -lt 300 && echo ticks
sleep 1; cat /proc/seconds; echo 1 > /proc/pid; cat /proc/pid; echo 99999 > /proc/pid; cat /proc/pid; echo abc > /proc/pid; rmmod procclock; ls /proc/pid`,
    out: `ticks
2 s
command = [init] pid = [1] state = [S]
99999 is nobody
/bin/bash: line 2: echo: write error: Invalid argument
ls: cannot access '/proc/pid': No such file or directory
`,
    quick: true,
  },
  {
    module: 'birthdays',
    tells: 'a list that is built, sorted and freed',
    run: 'insmod birthdays.ko; rmmod birthdays',
    log: [
      'birthdays: 01.01.2001',
      'birthdays: 30.06.1988',
      'birthdays: 02.08.1995',
      'birthdays: 02.08.1977',
      'birthdays: 24.12.1990',
      'birthdays: first 2001 last 1990 compared enough',
      'birthdays: freed 5, empty 1',
    ],
  },
  {
    module: 'tasks',
    tells: 'tasks in a line and depth first',
    run: 'su student -c "sleep 100 & echo" >/dev/null; insmod tasks.ko; rmmod tasks; pkill sleep',
    log: [
      'tasks: init 1 user',
      'tasks: kthreadd 2 kernel',
      'tasks: dfs sleep depth deep parent init uid 1000',
      'tasks: linear == dfs, threads enough',
      'tasks: current insmod, init right, parent of insmod runs 1',
      'tasks: bye from rmmod',
    ],
    quick: true,
  },
  {
    module: 'allparams',
    tells: 'parameters of every type',
    run: `modinfo -F parm allparams.ko | sort | head -4; modinfo -F version allparams.ko
insmod allparams.ko p_byte=200 p_short=-7 p_int=0x10 p_ullong=18446744073709551615 p_charp='"two words"' p_bool p_invbool=1 numbers=9,8 words=a,b text=given outer=1 level=7
cd /sys/module/allparams/parameters; ls | tr '\\n' ' '; echo; grep . p_byte p_int p_charp p_bool p_invbool numbers words text outer level
echo 99 > p_int; echo 300 > p_byte; echo newer > p_charp; echo N > p_bool; echo 5,6,7,8,9 > numbers; echo 11 > level; echo 4 > level; cat level; stat -c '%a %n' p_int p_short p_long
cd /root/t; rmmod allparams; insmod allparams.ko p_int=abc; insmod allparams.ko nothing=1 && rmmod allparams; insmod allparams.ko numbers=1,2,3,4,5`,
    out: '',
    quick: true,
  },
  {
    module: 'ioctldev',
    tells: 'a character device with ioctls of every direction',
    run: './u_ioctldev; insmod ioctldev.ko; ./u_ioctldev; echo -n "by write" > /dev/char_dev; cat /dev/char_dev; echo; ls -l /dev/char_dev | cut -c1-10; grep char_dev /proc/devices; rmmod ioctldev; ls /dev/char_dev',
    out: `open: No such file or directory
second open: Device or resource busy
set 0
get 0 Message passed by ioctl
Message passed by ioctl
exchange 0: 23 3247
bad pointer: Bad address
range: Numerical result out of range
unknown: Inappropriate ioctl for device
by write
crw-------
100 char_dev
ls: cannot access '/dev/char_dev': No such file or directory
`,
    log: ['Device created on /dev/char_dev'],
    quick: true,
  },
  {
    module: 'seqlist',
    tells: 'sequence files of many pages and of one record',
    run: `insmod seqlist.ko; cat /proc/seqdemo/numbers | wc -l; head -5 /proc/seqdemo/numbers; tail -1 /proc/seqdemo/numbers; dd if=/proc/seqdemo/numbers bs=1 skip=2000 count=10 2>/dev/null; cat /proc/seqdemo/state; ls -l /proc/seqdemo/again | sed 's/.*again/again/'; cat /proc/seqdemo/again | head -1; rmmod seqlist; ls /proc/seqdemo`,
    out: '',
    quick: true,
  },
  {
    module: 'kobj',
    tells: 'kobjects, a kset, a type of its own and a binary attribute',
    run: `insmod kobj.ko; cd /sys/kernel/mymodule; ls | tr '\\n' ' '; echo; echo 17 > myvariable; cat myvariable; echo x > myvariable; echo 5 > group/baz; cat group/bar; cd ../kset_example; ls | tr '\\n' ' '; cat two/value; echo 0x20 > one/value; cat /sys/kernel/mymodule/first/value
stat -c %s ../mymodule/blob; head -c 11 ../mymodule/blob | od -c | head -2; printf XY | dd of=/sys/kernel/mymodule/blob bs=1 seek=3 conv=notrunc 2>/dev/null; head -c 6 ../mymodule/blob; echo; cd /root/t; rmmod kobj; ls /sys/kernel | grep -c 'mymodule\\|kset'`,
    out: '',
    log: [],
    quick: true,
  },
  {
    module: 'dbg',
    tells: 'debugfs',
    run: `insmod dbg.ko; cd /sys/kernel/debug/dbg; ls | tr '\\n' ' '; echo; grep . u8 u16 x32 u64 bool atomic blob text square; cat link; echo 17 > u8; echo 0x1F > x32; echo n > bool; echo -8 > atomic; echo hello > text; echo 20 > square; echo 2000 > square; cat u8 x32 bool atomic text square; cd /; rmmod dbg; ls /sys/kernel/debug | grep -c dbg`,
    out: '',
    log: [],
  },
  {
    module: 'sleeper',
    tells: 'a file that one may hold, others sleep for',
    run: `insmod sleeper.ko; echo -n first > /proc/sleep; cat /proc/sleep; exec 3</proc/sleep; dd if=/proc/sleep iflag=nonblock 2>&1 | head -1; (exec 3<&-; cat /proc/sleep | sed 's/^/waited: /') & sleep 0.2; (exec 3<&-; timeout 0.1 cat /proc/sleep; echo interrupted $?); rmmod sleeper; exec 3<&-; wait; stat -c %s /proc/sleep; rmmod sleeper`,
    out: '',
  },
  {
    module: 'threads2',
    tells: 'completions, and locks of every kind',
    run: 'insmod threads2.ko; sleep 1; ps -e -o comm | grep -c count; rmmod threads2',
    out: '3\n',
    log: [],
  },
  {
    module: 'deferred',
    tells: 'interrupts, tasklets, work',
    run: 'insmod deferred.ko; sleep 0.2; grep deferred /proc/interrupts | tr -s " "; rmmod deferred',
    log: [],
  },
  {
    module: 'caches',
    tells: 'caches, pools, pages, vmalloc and per-cpu memory',
    run: 'insmod caches.ko && rmmod caches',
    log: [],
  },
  {
    module: 'containers',
    tells: 'trees, tables, arrays and queues',
    run: 'insmod containers.ko && rmmod containers',
    log: [],
  },
  { module: 'texts', tells: 'strings, numbers and formats', run: 'insmod texts.ko && rmmod texts', log: [] },
  {
    module: 'staticdev',
    tells: 'static keys',
    run: 'insmod staticdev.ko; cat /dev/key_state; echo enable > /dev/key_state; cat /dev/key_state; echo disable > /dev/key_state; cat /dev/key_state; echo other > /dev/key_state; rmmod staticdev',
    out: `fastpath 2 usual
fastpath 1 do unlikely thing
fastpath 2 usual
/bin/bash: line 1: echo: write error: Invalid argument
`,
  },
  {
    module: 'platdev',
    tells: 'platform devices, a bus of its own, attributes of each',
    run: `insmod platdev.ko; cat /sys/bus/lddbus/version; ls /sys/bus/lddbus/devices /sys/bus/lddbus/drivers; cat /sys/bus/lddbus/drivers/sculld/debug; readlink /sys/bus/lddbus/devices/sculld0/driver
cd /sys/bus/platform/devices/devicemodel_example.3; cat number; readlink driver subsystem; cd ..; echo devicemodel_example.3 > ../drivers/devicemodel_example/unbind; ls devicemodel_example.3 | grep -c number; echo devicemodel_example.3 > ../drivers/devicemodel_example/bind; cat devicemodel_example.3/number; echo nobody > ../drivers/devicemodel_example/bind; cd /root/t; rmmod platdev; ls /sys/bus | grep -c lddbus`,
    out: '',
    log: [],
  },
  {
    module: 'hook',
    tells: 'a hooked system call',
    run: 'insmod hook.ko uid=1000; su student -c "cat /etc/hosts >/dev/null; ls / >/dev/null"; cat /etc/hosts > /dev/null; rmmod hook; su student -c "cat /etc/hosts | wc -l | grep -c ."',
    out: '1\n',
    log: [],
  },
  {
    module: 'probes',
    tells: 'kprobes, kretprobes, notifiers',
    run: 'insmod probes.ko && insmod hashgcd.ko && rmmod hashgcd; rmmod probes',
    log: [],
  },
  {
    module: 'files',
    tells: 'files, helpers and modules from kernel code',
    run: 'insmod files.ko; cat /tmp/from-kernel /tmp/helped; ls -l /tmp/from-kernel | cut -c1-10; lsmod | grep -c crc7; rmmod files crc7; rm -f /tmp/from-kernel /tmp/helped',
    out: '',
    log: [],
  },
  {
    module: 'scull',
    tells: 'the memory device with four minors',
    run: `insmod scull.ko scull_quantum=100; major=$(awk '$2=="scull" {print $1}' /proc/devices); for i in 0 1 2 3; do mknod /dev/scull$i c $major $i; done
seq 1 2000 > /dev/scull0; cksum < /dev/scull0; seq 1 2000 | cksum; echo one > /dev/scull1; echo two >> /dev/scull1; cat /dev/scull1; dd if=/dev/scull0 bs=1 skip=1000 count=10 2>/dev/null; cat /proc/scullseq; tail -c 5 /dev/scull0; : > /dev/scull0; wc -c < /dev/scull0; rmmod scull; rm /dev/scull?`,
    out: '',
  },
  {
    module: 'pipedev',
    tells: 'the pipe device that blocks and polls, and a device of one owner',
    run: `insmod pipedev.ko; cat /dev/scullpipe > /tmp/got & sleep 0.1; seq 1 500 > /dev/scullpipe; sleep 0.1; kill %1; seq 1 500 | cmp - /tmp/got && echo whole; dd if=/dev/scullpipe iflag=nonblock 2>&1 | head -1
timeout 1 bash -c 'exec 3<>/dev/scullpipe; read -t 0.1 -u 3 x; echo status $?; echo line >&3; read -t 1 -u 3 x; echo got $x'
exec 4</dev/sculluid; su student -c 'cat /dev/sculluid'; cat <&4; exec 4<&-; su student -c 'cat /dev/sculluid'; rmmod pipedev; rm -f /tmp/got`,
    out: '',
  },
  {
    module: 'jit',
    tells: 'ways to wait, timers',
    run: 'insmod jit.ko; cat /proc/jitbusy /proc/jitsched /proc/jitqueue /proc/jitschedto /proc/jitimer; cat /proc/currentime; rmmod jit',
    out: '',
  },
  {
    module: 'mp1',
    tells: 'CPU-time bookkeeping',
    run: `insmod mp1.ko; sh -c 'i=0; while :; do i=$((i+1)); done' & busy=$!; sleep 100 & idle=$!; echo $busy > /proc/mp1/status; echo $idle > /proc/mp1/status; sleep 1.2; sed "s/$busy/BUSY/; s/$idle/IDLE/" /proc/mp1/status; kill $busy; sleep 1.2; sed "s/$idle/IDLE/" /proc/mp1/status; kill $idle; echo abc > /proc/mp1/status; rmmod mp1`,
    out: '',
    log: [],
  },
  {
    module: 'mp2',
    tells: 'a rate-monotonic scheduler',
    run: 'insmod mp2.ko; ./u_mp2 50 5 6 > /tmp/a & ./u_mp2 100 10 4 > /tmp/b & sleep 0.1; cat /proc/mp2/status | sed "s/^[0-9]*/PID/" | sort; ./u_mp2 10 9 1; wait; cat /tmp/a /tmp/b; cat /proc/mp2/status; rmmod mp2; rm /tmp/a /tmp/b',
    out: '',
    log: [],
  },
  {
    module: 'mp3',
    tells: 'a page-fault profiler with mmap',
    run: 'insmod mp3.ko; mknod /dev/mp3 c 423 0; ./u_mp3; rmmod mp3; rm /dev/mp3',
    out: 'samples enough faults enough\n',
  },
  {
    module: 'mmapdev',
    tells: 'mmap in three ways',
    run: 'insmod mmapdev.ko; ./u_mmapdev; rmmod mmapdev',
    out: '',
    log: [],
  },
  {
    module: 'twofiles',
    tells: 'two source files',
    run: 'insmod twofiles.ko; rmmod twofiles',
    log: ['Hello, world - this is the kernel speaking, twofiles', 'Short is the life of a kernel module'],
  },
  {
    module: 'importer',
    tells: 'symbols of another module',
    run: `insmod importer.ko; insmod exporter.ko; insmod importer.ko; lsmod | awk '/porter/ {print $1, $3, $4}'; rmmod exporter; rmmod importer exporter`,
    out: '',
    log: [],
  },
];
