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

/** Modules that need only compile: headers that are included for little. */
export const ONLY_COMPILED: readonly string[] = ['compileonly', 'exporter'];

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
    out: `numbers:An array of integers (array of int)
outer: (int)
p_bint: (bint)
p_bool: (bool)
1.2
level numbers outer p_bint p_bool p_byte p_charp p_int p_invbool p_long p_short p_uint p_ullong p_ulong p_ushort text words 
p_byte:200
p_int:16
p_charp:two words
p_bool:Y
p_invbool:Y
numbers:9,8
words:a,b
text:given
outer:1
level:7
/bin/bash: line 4: echo: write error: Numerical result out of range
/bin/bash: line 4: echo: write error: Invalid argument
/bin/bash: line 4: echo: write error: Invalid argument
4
644 p_int
660 p_short
400 p_long
insmod: ERROR: could not insert module allparams.ko: Invalid parameters
insmod: ERROR: could not insert module allparams.ko: Invalid parameters
`,
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
exchange 0: 23 3203
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
    out: `1499
0 even
1 odd
2 even
4 even
5 odd
1499 odd

249 odd
2limit 1500 data hello
left    |   right|    42
again -> state
limit 1500 data hello
ls: cannot access '/proc/seqdemo': No such file or directory
`,
    quick: true,
  },
  {
    module: 'kobj',
    tells: 'kobjects, a kset, a type of its own and a binary attribute',
    run: `insmod kobj.ko; cd /sys/kernel/mymodule; ls | tr '\\n' ' '; echo; echo 17 > myvariable; cat myvariable; echo x > myvariable; echo 5 > group/baz; cat group/bar; cd ../kset_example; ls | tr '\\n' ' '; cat two/value; echo 0x20 > one/value; cat /sys/kernel/mymodule/first/value
stat -c %s ../mymodule/blob; head -c 11 ../mymodule/blob | od -c | head -2; printf XY | dd of=/sys/kernel/mymodule/blob bs=1 seek=3 conv=notrunc 2>/dev/null; head -c 6 ../mymodule/blob; echo; cd /root/t; rmmod kobj; ls /sys/kernel | grep -c 'mymodule\\|kset'`,
    out: `blob first group myvariable 
17
/bin/bash: line 1: echo: write error: Invalid argument
bar=5
one two 2
32
64
0000000   b   i   n   a   r   y  \\0   d   a   t   a
0000013
binXYy
0
`,
    log: [
      'kobj: 2 in the set, path /kernel/kset_example/two',
      'kobj: one released',
      'kobj: two released',
      'kobj: myvariable was 17',
    ],
    quick: true,
  },
  {
    module: 'dbg',
    tells: 'debugfs',
    run: `insmod dbg.ko; cd /sys/kernel/debug/dbg; ls | tr '\\n' ' '; echo; grep . u8 u16 x32 u64 bool atomic blob text square; cat link; echo 17 > u8; echo 0x1F > x32; echo n > bool; echo -8 > atomic; echo hello > text; echo 20 > square; echo 2000 > square; cat u8 x32 bool atomic text square; cd /; rmmod dbg; ls /sys/kernel/debug | grep -c dbg`,
    out: `atomic below blob bool link square text u16 u64 u8 x32 
u8:200
u16:1000
x32:0x0000beef
u64:1099511627776
bool:Y
atomic:-3
blob:blob of bytes
text:initial
square:144
0 1 4 9 16 
/bin/bash: line 1: echo: write error: Numerical result out of range
17
0x0000001f
N
-8
hello
400
0
`,
    log: ['dbg: u8 17 bool 0 atomic -8 root 20'],
  },
  {
    module: 'sleeper',
    tells: 'a file that one may hold, others sleep for',
    run: `insmod sleeper.ko; echo -n first > /proc/sleep; cat /proc/sleep; exec 3</proc/sleep; dd if=/proc/sleep iflag=nonblock 2>&1 | head -1; (exec 3<&-; cat /proc/sleep | sed 's/^/waited: /') & sleep 0.2; (exec 3<&-; timeout 0.1 cat /proc/sleep; echo interrupted $?); rmmod sleeper; exec 3<&-; wait; stat -c %s /proc/sleep; rmmod sleeper`,
    out: `Last input:first
dd: failed to open '/proc/sleep': Resource temporarily unavailable
interrupted 124
rmmod: ERROR: Module sleeper is in use
waited: Last input:first
80
`,
  },
  {
    module: 'threads2',
    tells: 'completions, and locks of every kind',
    run: 'insmod threads2.ko; sleep 1; ps -e -o comm | grep -c count; rmmod threads2',
    out: '3\n',
    log: [
      'threads2: scheduler 0',
      'threads2: Turn the crank',
      'threads2: Flywheel spins up, KThread Flywhee now',
      'threads2: shared 60 writes 60 sum 570 done 60 mutex free 1',
    ],
  },
  {
    module: 'deferred',
    tells: 'interrupts, tasklets, work',
    run: 'insmod deferred.ko; sleep 0.2; grep deferred /proc/interrupts | tr -s " "; rmmod deferred',
    out: ' 11: 1 dummy 11 Edge deferred\n',
    log: [
      'genirq: Flags mismatch irq 11. 00000000 (another) vs. 00000080 (deferred)',
      'deferred: the line again: -16',
      'deferred: irq 11 dev 5 hardirq 1',
      'deferred: tasklet, softirq 1',
      'deferred: work in task in a kernel thread',
      'deferred: kthread work in kwork',
      'deferred: thread of irq 12 runs as irq/12-threaded',
      'deferred: delayed work, pending 0',
      'deferred: handled 1 softly 1',
    ],
  },
  {
    module: 'caches',
    tells: 'caches, pools, pages, vmalloc and per-cpu memory',
    run: 'insmod caches.ko && rmmod caches',
    log: [
      'caches: made 77 77 size 64 apart 1',
      'caches: pool gave 77',
      'caches: order 2 count 1 same page 1 pfn 1 phys 1',
      'caches: held 2 reserved 1',
      'caches: vmap abc seen Z vmalloc address 1',
      'caches: vmalloc page q pfn 1',
      'caches: grown larger 256',
      'caches: per cpu 7 7 dynamic 100 cpus 1 online 1',
    ],
  },
  {
    module: 'containers',
    tells: 'trees, tables, arrays and queues',
    run: 'insmod containers.ko && rmmod containers',
    log: [
      'containers: tree 10 20 30 60 70 80 90 first 10 last 90',
      'containers: hash found 70',
      'containers: sum 770 hashed 0',
      'containers: llist 8 empty 1',
      'containers: sorted 10 20 30 .. 90, 70 at 5',
      'containers: idr 5 6 7 again 6 full -28 find 80 missing 1',
      'containers: ids 1818',
      'containers: ida 1 2',
      'containers: radix 20 again -17 gone 1',
      'containers: xarray 33 80 alloc 0 0 sum 12',
      'containers: fifo took 8 gave 1 0 holds 7',
      'containers: bytes size 128 out 7 hello w left 4 avail 124',
      'containers: bits first 3 next 64 zero 0 weight 5 tested 1',
      'containers: bits 0d,00000000,00000008 list 3,64,66-67',
      'containers: counted ffs 5 fls 7 low 4 high 6 log 6 order 7 weight 2',
      'containers: ffs 5 fls 7 ilog2 9 pow2 128 hweight 12 swab 44332211',
      'containers: released 50',
    ],
  },
  {
    module: 'texts',
    tells: 'strings, numbers and formats',
    run: 'insmod texts.ko && rmmod texts',
    log: [
      'texts: scan 6: 12 -7 ff word abc z',
      'texts: scan 2: 3 4 4',
      '[one][two][][four]',
      'texts: kstrto 0 0 -22 -34 0',
      'texts: values 123 -16 1 simple 63',
      'texts: rest rest',
      'texts: strscpy trunc',
      'texts: strlcat 10',
      'texts: now trunc+more',
      "texts: 'trim me' 'x' 0 1",
      'texts: chr /b/c rchr /c str in hay pbrk =value span 2',
      'texts: match 2 none -22',
      'texts: options ; 3: 3 5 6',
      'texts: memparse 65536 hex 0 beef bin beef',
      'texts: upper Q digit 1 xdigit 0 space 1',
      'texts:    42|42   |00042|+42|ff|0XFF|10|c|%|   ab|ab    |',
      'texts: -1 -2 -3 -4 4 -5 1122334455667788',
      'texts: -ENOENT',
      'texts: 01:02:03:04:05:06 127.0.0.1 30313233-3435-3637-3839-616263646566 61:62:63 7879',
      'texts: kfree kfree+0x0/0x40',
      'texts: null (null)',
      'texts: div 1000000000 rem 7 142 -142 mul 10000000000',
      'texts: min 3 max 5 clamp 10 abs 4 round 4 15 align 8192 swap-free',
      'texts: made-5 6 jhash 1 crc 1',
      'dump: 00000000: 73 69 78 74 65 65 6e 20 62 79 74 65 73 20 6f 6b  sixteen bytes ok',
      'dump: 00000010: 21 6d 6f 72                                      !mor',
    ],
  },
  {
    module: 'staticdev',
    tells: 'static keys',
    run: './u_staticdev > /tmp/events & sleep 0.2; insmod staticdev.ko; cat /dev/key_state; echo enable > /dev/key_state; cat /dev/key_state; echo disable > /dev/key_state; cat /dev/key_state; echo other > /dev/key_state; rmmod staticdev; wait; sort /tmp/events; rm /tmp/events',
    out: `fastpath 2 usual
fastpath 1 do unlikely thing
fastpath 2 usual
/bin/bash: line 1: echo: write error: Invalid argument
add@/devices/virtual/misc/key_state SUBSYSTEM=misc DEVNAME=key_state
add@/module/staticdev SUBSYSTEM=module
remove@/devices/virtual/misc/key_state SUBSYSTEM=misc DEVNAME=key_state
remove@/module/staticdev SUBSYSTEM=module
`,
  },
  {
    module: 'platdev',
    tells: 'platform devices, a bus of its own, attributes of each',
    run: `insmod platdev.ko; cat /sys/bus/lddbus/version; ls /sys/bus/lddbus/devices /sys/bus/lddbus/drivers; cat /sys/bus/lddbus/drivers/sculld/debug; readlink /sys/bus/lddbus/devices/sculld0/driver
cd /sys/bus/platform/devices/devicemodel_example.3; cat number; readlink driver subsystem; cd ..; echo devicemodel_example.3 > ../drivers/devicemodel_example/unbind; ls devicemodel_example.3 | grep -c number; echo devicemodel_example.3 > ../drivers/devicemodel_example/bind; cat devicemodel_example.3/number; echo nobody > ../drivers/devicemodel_example/bind; cd /root/t; rmmod platdev; ls /sys/bus | grep -c lddbus`,
    out: `1.9
/sys/bus/lddbus/devices:
sculld0

/sys/bus/lddbus/drivers:
sculld
driver sculld
../../bus/lddbus/drivers/sculld
7
../../../bus/platform/drivers/devicemodel_example
../../../bus/platform
0
7
/bin/bash: line 2: echo: write error: No such device
0
`,
    log: [
      'platdev: devicemodel probe: Hello; 7 id 3 res 10001000 irq 9',
      'devicemodel_example devicemodel_example.3: hello from devicemodel_example.3',
      'platdev: probe of sculld0 by sculld',
      'platdev: bus 0 devices 1 bound 1',
      'platdev: devicemodel remove: 99',
      'platdev: devicemodel probe: Hello; 7 id 3 res 10001000 irq 9',
      'devicemodel_example devicemodel_example.3: hello from devicemodel_example.3',
      'platdev: remove of sculld0',
      'platdev: sculld0 released',
      'platdev: devicemodel remove: 99',
      'platdev: devicemodel_example.3 released',
    ],
  },
  {
    module: 'hook',
    tells: 'a hooked system call',
    run: 'insmod hook.ko uid=1000; su student -c "cat /etc/hosts >/dev/null; ls / >/dev/null"; cat /etc/hosts > /dev/null; rmmod hook; su student -c "cat /etc/hosts | wc -l | grep -c ."',
    out: '1\n',
    log: ['hook: Spying on UID:1000, SYSCALL', 'hook: Opened file by 1000: /etc/hosts'],
  },
  {
    module: 'probes',
    tells: 'kprobes, kretprobes, notifiers',
    run: 'insmod probes.ko && insmod hashgcd.ko && rmmod hashgcd; rmmod probes',
    log: [
      'probes: kmalloc-like returned memory in time',
      'probes: probed 1 size 12288 returned 1 at vmalloc+0x0/0x40',
      'probes: probed 1',
      'probes: chain 9 data priority 5',
      'probes: chain 9 data priority 1',
      'probes: chain said 8001 stop 1',
      'probes: module probes is live',
      'probes: module hashgcd is coming',
      'hashgcd: golden ratio 61c8864680b583eb, HZ 250',
      'probes: module hashgcd is live',
      'hashgcd: gcd(3300, 24) = 12, time went on',
      'probes: module hashgcd is going',
    ],
  },
  {
    module: 'files',
    tells: 'files, helpers and modules from kernel code',
    run: 'insmod files.ko; cat /tmp/from-kernel /tmp/helped; ls -l /tmp/from-kernel | cut -c1-10; lsmod | grep -c crc7; rmmod files crc7; rm -f /tmp/from-kernel /tmp/helped',
    out: `first line
second line
helped by /
-rw-r-----
1
`,
    log: [
      'files: read 8 oopsbox at 8 path /etc/hostname',
      'files: wrote 23 at 23 size 23',
      'files: missing -2',
      'files: helper 768',
      'files: no helper -2',
      'files: asked 0',
    ],
  },
  {
    module: 'scull',
    tells: 'the memory device with four minors',
    run: `insmod scull.ko scull_quantum=100; major=$(awk '$2=="scull" {print $1}' /proc/devices); for i in 0 1 2 3; do mknod /dev/scull$i c $major $i; done
seq 1 2000 > /dev/scull0; cksum < /dev/scull0; seq 1 2000 | cksum; echo one > /dev/scull1; echo two >> /dev/scull1; cat /dev/scull1; dd if=/dev/scull0 bs=1 skip=1000 count=10 2>/dev/null; cat /proc/scullseq; tail -c 5 /dev/scull0; : > /dev/scull0; wc -c < /dev/scull0; rmmod scull; rm /dev/scull?`,
    out: `852505425 8893
852505425 8893
two
278
279
28Device 0: qset 10, q 100, sz 8893
Device 1: qset 10, q 100, sz 4
Device 2: qset 10, q 100, sz 0
Device 3: qset 10, q 100, sz 0
2000
0
`,
  },
  {
    module: 'pipedev',
    tells: 'the pipe device that blocks and polls, and a device of one owner',
    run: `insmod pipedev.ko; cat /dev/scullpipe > /tmp/got & sleep 0.1; seq 1 500 > /dev/scullpipe; sleep 0.1; kill %1; seq 1 500 | cmp - /tmp/got && echo whole; dd if=/dev/scullpipe iflag=nonblock 2>&1 | head -1
timeout 1 bash -c 'exec 3<>/dev/scullpipe; read -t 0.1 -u 3 x; echo status $?; echo line >&3; read -t 1 -u 3 x; echo got $x'
exec 4</dev/sculluid; su student -c 'cat /dev/sculluid'; cat <&4; exec 4<&-; su student -c 'cat /dev/sculluid'; rmmod pipedev; rm -f /tmp/got`,
    out: `whole
dd: error reading '/dev/scullpipe': Resource temporarily unavailable
status 142
got line
cat: /dev/sculluid: Device or resource busy
owner 0 users 1
owner 1000 users 1
`,
  },
  {
    module: 'jit',
    tells: 'ways to wait, timers',
    run: 'insmod jit.ko; cat /proc/jitbusy /proc/jitsched /proc/jitqueue /proc/jitschedto /proc/jitimer; sed "s/$(date +%Y)/YEAR/" /proc/currentime; rmmod jit',
    out: `0 in time
1 in time
2 in time
3 in time
pending 1
timer in time in_interrupt 0
hrtimer 4 in time
tasklet 6
year YEAR jiffies 1 j64 1 raw 1
`,
  },
  {
    module: 'mp1',
    tells: 'CPU-time bookkeeping',
    run: `insmod mp1.ko; sh -c 'i=0; while :; do i=$((i+1)); done' & busy=$!; sleep 100 & idle=$!; echo $busy > /proc/mp1/status; echo $idle > /proc/mp1/status; sleep 1.2; sed "s/$busy/BUSY/; s/$idle/IDLE/" /proc/mp1/status; kill $busy; sleep 1.2; sed "s/$idle/IDLE/" /proc/mp1/status; kill $idle; echo abc > /proc/mp1/status; rmmod mp1`,
    out: `IDLE: fresh
BUSY: busy
IDLE: fresh
/bin/bash: line 1: echo: write error: Invalid argument
`,
    log: ['MP1 MODULE LOADED', 'mp1: a process went', 'MP1 MODULE UNLOADED'],
  },
  {
    module: 'mp2',
    tells: 'a rate-monotonic scheduler',
    run: 'insmod mp2.ko; ./u_mp2 50 5 6 > /tmp/a & ./u_mp2 100 10 4 > /tmp/b & sleep 0.1; cat /proc/mp2/status | sed "s/^[0-9]*/PID/" | sort; ./u_mp2 10 9 1; wait; cat /tmp/a /tmp/b; cat /proc/mp2/status; rmmod mp2; rm /tmp/a /tmp/b',
    out: `PID: 100, 10
PID: 50, 5
refused: Device or resource busy
period 50 did 6 jobs, 6 in real time
period 100 did 4 jobs, 4 in real time
`,
    log: ['mp2: switched'],
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
    out: `/dev/map_remap: BLOCK SECOND
block user page1 PAGE1 opens 1 closes 0 faults 0
/dev/map_insert: PAGE0 PAGE1
block user page1 INS-U opens 1 closes 1 faults 0
/dev/map_fault: PAGE0 INS-U
block user page1 FLT-U opens 2 closes 1 faults 2
too large: refused
block user page1 FLT-U opens 2 closes 2 faults 2
`,
    log: [
      'mmapdev: page 0 count 1',
      'mmapdev: page 1 count 1',
      'mmapdev: page 2 count 1',
      'mmapdev: page 3 count 1',
    ],
  },
  {
    module: 'maps',
    tells: 'the mappings of a process',
    run: `sleep 100 & pid=$!; sleep 0.1; insmod maps.ko pid=$pid; rmmod maps; dmesg -t | sed -n 's/^maps: \\([0-9a-f]*-.*\\) \\([^ ]*\\)$/\\1 \\2/p' | awk '{print $1, $2, $3}' > /tmp/seen; awk '{print $1, $2, $3}' /proc/$pid/maps | diff - /tmp/seen && echo same; dmesg -t | grep -c ' libc.so.6$'; dmesg -t | tail -1; dmesg -C; kill $pid; rm /tmp/seen`,
    out: 'same\n3\nmaps: count right code 1 rss 1 read 4 ELF\n',
    log: [],
  },
  {
    module: 'sysctls',
    tells: 'entries of /proc/sys',
    run: `insmod sysctls.ko; cd /proc/sys/dev/course; ls | tr '\\n' ' '; echo; cat level several name; echo 7 > level; echo 11 > level; echo 7 8 > several; sysctl -w dev.course.name=somebody; echo 42 > told; cat level several told; cd /root/t; rmmod sysctls; ls /proc/sys/dev | grep -c course`,
    out: `level name several told 
3
1\t2\t3
nobody
/bin/bash: line 1: echo: write error: Invalid argument
dev.course.name = somebody
7
7\t8\t3
42
0
`,
    log: ['sysctls: told 42'],
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
    out: `insmod: ERROR: could not insert module importer.ko: Unknown symbol in module
importer 0 
exporter 1 importer
rmmod: ERROR: Module exporter is in use by: importer
`,
    log: [
      'importer: Unknown symbol exported_value (err -2)',
      'importer: Unknown symbol exported_sum (err -2)',
      'importer: 42 41 by name 3, missing 0',
    ],
  },
];
