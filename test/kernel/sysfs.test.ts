/** /sys: the device model as a tree, with Linux's links between its parts. */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Student, student } from '../vm/student.ts';

let vm: Student;
beforeAll(async () => {
  vm = await student();
});

describe('devices', () => {
  it('link to their class and number, and back', () => {
    expect(vm.out('readlink /sys/class/mem/null')).toBe('../../devices/virtual/mem/null\n');
    expect(vm.out('readlink /sys/dev/char/1:3')).toBe('../../devices/virtual/mem/null\n');
    expect(vm.out('readlink /sys/devices/virtual/mem/null/subsystem')).toBe('../../../../class/mem\n');
    expect(vm.out('cd -P /sys/class/mem/null && pwd -P')).toBe('/sys/devices/virtual/mem/null\n');
  });
  it('tell their number and event', () => {
    expect(vm.out('cat /sys/class/mem/null/dev /sys/class/mem/null/uevent')).toBe(
      '1:3\nMAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666\n',
    );
    expect(vm.out('ls -l /sys/class/mem/null/dev')).toMatch(/^-r--r--r-- 1 root root 4096 /);
  });
  it('take events from root', () => {
    expect(
      vm.out(
        'a=$(cat /sys/kernel/uevent_seqnum); echo change > /sys/class/mem/null/uevent; echo $(($(cat /sys/kernel/uevent_seqnum) - a))',
      ),
    ).toBe('1\n');
    expect(vm.sh('echo nonsense > /sys/class/mem/null/uevent').stderr).toContain('Invalid argument');
    expect(vm.sh('echo change > /sys/class/mem/null/uevent', { user: 'student' }).stderr).toContain(
      'Permission denied',
    );
  });
});

describe('the tree', () => {
  it('has the directories of Linux', () => {
    expect(vm.out('ls /sys')).toBe('block\nbus\nclass\ndev\ndevices\nfirmware\nfs\nkernel\nmodule\npower\n');
    expect(vm.out('cat /sys/devices/system/cpu/{online,possible,present}')).toBe('0\n0\n0\n');
    expect(vm.out('cat /sys/module/printk/parameters/time')).toBe('Y\n');
  });
  it('can be read to the last file', () => {
    const { stderr } = vm.sh('find /sys -type f | while read f; do cat $f > /dev/null; done');
    const refused = stderr
      .split('\n')
      .filter((line) => !/uevent: Permission denied|drivers_probe: Permission|^$/.test(line));
    for (const line of refused) expect(line).toMatch(/autosuspend_delay_ms: Input\/output error$/);
  });
  it('carries debugfs for root alone', () => {
    expect(vm.out('findmnt -n -o FSTYPE /sys/kernel/debug')).toBe('debugfs\n');
    expect(vm.sh('ls /sys/kernel/debug', { user: 'student' }).stderr).toContain('Permission denied');
  });
});
