/** A student at a terminal: the keys that every shell user knows. */
import { expect, it } from 'vitest';
import { closeInput, runVm } from '../../src/vm/index.ts';
import { student } from '../vm/student.ts';

it('interrupts, stops, resumes and quits jobs', async () => {
  const vm = await student();
  const screen = vm.terminal();
  await screen.until('$');
  await screen.type('sleep infinity\r');
  await screen.settle();
  await screen.type('\x03');
  await screen.until(/infinity\n\^C\n.*\$$/);
  await screen.type('sleep infinity\r');
  await screen.settle();
  await screen.type('\x1a');
  await screen.until('[1]+  Stopped                 sleep infinity');
  await screen.type('bg; jobs\r');
  await screen.until('[1]+  Running                 sleep infinity &');
  await screen.type('fg\r');
  await screen.settle();
  await screen.type('\x1c');
  await screen.until('Quit');
  await screen.type('cat; echo status $?\r');
  await screen.settle();
  await screen.type('typed\r\x04');
  await screen.until(/typed\ntyped\nstatus 0/);
});

it('tells programs the size of the window and its changes', async () => {
  const vm = await student();
  const screen = vm.terminal({ rows: 30, cols: 100 });
  await screen.until('$');
  await screen.type('stty size; trap "stty size" WINCH\r');
  await screen.until('30 100');
  screen.resize(20, 60);
  await screen.type('\r');
  await screen.until('20 60');
});

it('hangs up what runs on a terminal that goes away', async () => {
  const vm = await student();
  const screen = vm.terminal();
  await screen.until('$');
  await screen.type('sleep infinity & cat\r');
  await screen.settle();
  expect(vm.sh('pgrep -c -x "cat|sleep"').stdout).toBe('2\n');
  closeInput(vm.vm, screen.pid);
  for (let i = 0; i < 20; i++) runVm(vm.vm, 1_000_000);
  expect(vm.sh('pgrep -c -x "cat|sleep|bash"').stdout).toBe('0\n');
});
