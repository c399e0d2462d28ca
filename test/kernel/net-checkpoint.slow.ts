/** Connections survive checkpoints: an ssh session and an answered ping, cut every few hundred thousand instructions. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { story, type Work } from '../vm/torture.ts';

const work: Work = {
  process: {
    argv: [
      '/bin/bash',
      '-c',
      `ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; /usr/sbin/sshd; mkdir -p -m 700 /root/.ssh; cd /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f id_ed25519
       cp id_ed25519.pub authorized_keys
       head -c 100000 /dev/zero | ssh -q -o StrictHostKeyChecking=no 127.0.0.1 'md5sum; ss -Htn | wc -l'
       ping -c2 -i0.2 localhost | tail -2; ss -Htna state time-wait | wc -l`,
    ],
  },
};

test('what is printed is the same', async () => {
  const undisturbed = await story(work, 0);
  const sum = createHash('md5').update(Buffer.alloc(100_000)).digest('hex');
  expect(undisturbed.output).toContain(`${sum}  -`);
  expect(undisturbed.output).toContain('0% packet loss');
  const cut = await story(work, 3_000_000);
  expect(cut.checkpoints).toBeGreaterThan(20);
  expect(cut.output).toBe(undisturbed.output);
  expect(cut.status).toBe(0);
}, 300_000);
