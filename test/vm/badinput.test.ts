/**
 * Bad input, from outside: damaged programs, spent quotas, damaged files. Always expected: the one process gets the error a Linux
 * gives it, or the signal; the VM stays usable and no exception of the simulator's own is ever seen.
 */
import { describe, expect, test } from 'vitest';
import { checkpointVm, decodeCheckpoint, encodeCheckpoint } from '../../src/vm/index.ts';
import { type Student, student } from './student.ts';

/** The VM still starts processes, reads and writes files, and halts for no reason. */
function expectUsable(vm: Student): void {
  expect(vm.out('echo still | tr a-z A-Z > /tmp/usable && cat /tmp/usable && rm /tmp/usable')).toBe(
    'STILL\n',
  );
  expect(vm.vm.kernel.halted).toBeNull();
}

describe('spent quotas', () => {
  test('a full disk: ENOSPC, and room again after rm', async () => {
    const vm = await student({ diskMiB: 32 });
    const full = vm.sh('dd if=/dev/zero of=/root/big bs=1M');
    expect(full.stderr).toContain("dd: error writing '/root/big': No space left on device\n");
    expect(full.status).toBe(1);
    expect(vm.sh('echo word > /root/small').stderr).toMatch(/No space left on device/);
    vm.out('rm /root/big');
    expect(vm.out('echo word > /root/small; cat /root/small')).toBe('word\n');
    expectUsable(vm);
  });

  test('too many processes: EAGAIN', async () => {
    const vm = await student({ maxTasks: 100 });
    const bomb = vm.sh('for i in {1..200}; do sleep 1 & done; wait', { user: 'student' });
    expect(bomb.stderr).toContain('fork: retry: Resource temporarily unavailable');
    expectUsable(vm);
  });
});

describe('damaged checkpoint files', () => {
  test('are refused with a sentence that names the file', async () => {
    const vm = await student();
    const good = encodeCheckpoint(checkpointVm(vm.vm));
    const refused = (bytes: Buffer) => expect(() => decodeCheckpoint(bytes, 'lesson.oops'));
    refused(Buffer.alloc(0)).toThrow(/^lesson\.oops cannot be restored: it is not a checkpoint; /);
    refused(good.subarray(0, good.length - 1)).toThrow(/^lesson\.oops cannot be restored: it is cut short; /);
    const flipped = Buffer.from(good);
    flipped[good.length >> 1]! ^= 4;
    refused(flipped).toThrow(/^lesson\.oops cannot be restored: its bytes are damaged; /);
    const later = Buffer.from(good);
    later.writeUInt32LE(99, 8);
    refused(later).toThrow(/^lesson\.oops cannot be restored: it has format 99, /);
  });
});
