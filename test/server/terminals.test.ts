/** Terminals, the console and events of real machines over WebSocket, as clients use them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type TestLab } from './lab-fixture.ts';

let lab: TestLab;
let vm: string;
beforeAll(async () => {
  lab = await startLab();
  vm = lab.demo.vm.id;
});
afterAll(() => lab?.close());

describe('a terminal', () => {
  it('is a login session: a shell, its window size, its exit status', async () => {
    const term = lab.terminal('student', `/vms/${vm}/terminal?rows=30&cols=100`);
    expect(await term.message('ready')).toMatchObject({ writer: true, terminal: { user: 'student' } });
    await term.shows('student@anil-vm');
    term.type('stty size; tty; echo $TERM; id -un; echo in $PWD with $HOME and $SHELL\r');
    await term.shows('30 100');
    await term.shows('/dev/pts/');
    await term.shows('xterm-256color');
    await term.shows('in /home/student with /home/student and /bin/bash');
    expect(term.text).not.toContain('Permission denied');
    term.say({ type: 'resize', rows: 41, cols: 133 });
    await term.until('the new size', () => {
      if (term.text.includes('41 133')) return true;
      term.type('stty size\r');
      return false;
    });
    term.type('exit 7\r');
    expect(await term.message('exit')).toMatchObject({ exitCode: 7, signal: null });
    expect(await term.closed).toBe(1000);
  });

  it('what is typed before the shell is there is not lost', async () => {
    const term = lab.terminal('student', `/vms/${vm}/terminal`);
    await term.message('ready');
    term.type('echo early-$((3*3)); exit 4\r');
    await term.shows('early-9');
    expect(await term.message('exit')).toMatchObject({ exitCode: 4 });
    await term.closed;
  });

  it('goes on after a dropped connection, with nothing missed and nothing twice', async () => {
    const first = lab.terminal('student', `/vms/${vm}/terminal`);
    const { terminal } = (await first.message('ready')) as { terminal: { id: string } };
    await first.shows('$ ');
    first.type('for i in $(seq 1 20); do echo line-$i; sleep 0.1; done; echo all-$((2+3))\r');
    await first.shows('line-3\r\n');
    first.socket.terminate();
    await first.closed;
    const second = lab.terminal(
      'student',
      `/vms/${vm}/terminal?terminal=${terminal.id}&offset=${first.offset}`,
    );
    expect(await second.message('ready')).toMatchObject({ screen: 0, offset: first.offset });
    await second.shows('all-5');
    const whole = first.text + second.text;
    for (let i = 1; i <= 20; i++) expect(whole.split(`line-${i}\r\n`)).toHaveLength(2);
    second.type('exit\r');
    await second.closed;
  });

  it('whoever joins sees the screen as it is, and who is there; an assistant watches only', async () => {
    const student = lab.terminal('student', `/vms/${vm}/terminal`);
    const { terminal } = (await student.message('ready')) as { terminal: { id: string } };
    await student.shows('$ ');
    student.type('echo before-$((40+2))\r');
    await student.shows('before-42');
    const ta = lab.terminal('ta', `/vms/${vm}/terminal?terminal=${terminal.id}`);
    expect(await ta.message('ready')).toMatchObject({ writer: false });
    await ta.shows('before-42');
    await student.until('two viewers', () =>
      student.messages.some(
        (one) =>
          one.type === 'viewers' &&
          JSON.stringify(one.viewers).includes('"tara"') &&
          JSON.stringify(one.viewers).includes('"writer":false'),
      ),
    );
    ta.type('echo intruder\r');
    await ta.message('notice');
    student.type('echo after-$((40+3))\r');
    await ta.shows('after-43');
    expect(student.text).not.toContain('intruder');
    const list = await lab.call<{ items: { id: string; viewers: { label: string }[] }[] }>(
      'ta',
      'GET',
      `/vms/${vm}/terminals`,
    );
    expect(list.body.items.find((one) => one.id === terminal.id)?.viewers.map((one) => one.label)).toEqual([
      'anil',
      'tara',
    ]);
    ta.socket.close();
    expect((await lab.call('student', 'DELETE', `/vms/${vm}/terminals/${terminal.id}`)).status).toBe(204);
    expect(await student.message('exit')).toBeTruthy();
    await student.closed;
    const sessions = await lab.call<{ items: { terminal: string }[] }>('ta', 'GET', `/vms/${vm}/sessions`);
    expect(sessions.body.items.filter((one) => one.terminal === terminal.id)).toHaveLength(2);
  });

  it('a course may let assistants write', async () => {
    const change = (taMayWrite: boolean) =>
      lab.call('instructor', 'PATCH', '/courses/demo', { settings: { taMayWrite } });
    expect((await change(true)).status).toBe(200);
    const ta = lab.terminal('ta', `/vms/${vm}/terminal`);
    await ta.shows('$ ');
    ta.type('echo helped-$((1+1)); exit\r');
    await ta.shows('helped-2');
    await ta.closed;
    expect((await change(false)).status).toBe(200);
  });

  it('a flood that nobody reads waits in the VM, and other VMs do not notice', async () => {
    const other = await lab.makeVm('quiet');
    const term = lab.terminal('student', `/vms/${vm}/terminal`);
    await term.shows('$ ');
    term.type("yes '1111111111111111111111111111111111111111111111111111111111'\r");
    await term.shows('1111111');
    term.socket.pause();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 10; i++) expect(await lab.run(other, 'echo fine')).toBe('fine\n');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    term.socket.resume();
    // ^C is seen through all of it.
    term.type('\x03');
    await term.until('a prompt after ^C', () => /\^C[\s\S]*\$ $/.test(term.text));
    term.type('exit\r');
    await term.closed;
    await lab.call('instructor', 'DELETE', `/vms/${other}`);
  });

  it('many connections that come and go leave nobody behind', async () => {
    const first = lab.terminal('student', `/vms/${vm}/terminal`);
    const { terminal } = (await first.message('ready')) as { terminal: { id: string } };
    const crowd = Array.from({ length: 40 }, () =>
      lab.terminal('student', `/vms/${vm}/terminal?terminal=${terminal.id}`),
    );
    await Promise.all(crowd.map((one) => one.message('ready')));
    for (const [index, one] of crowd.entries())
      if (index % 2 === 0) one.socket.terminate();
      else one.socket.close();
    await Promise.all(crowd.map((one) => one.closed));
    await first.until('to be alone', () => {
      const last = first.messages.filter((one) => one.type === 'viewers').at(-1);
      return (last?.viewers as unknown[] | undefined)?.length === 1;
    });
    first.type('exit\r');
    await first.closed;
  });
});

describe('the console', () => {
  it('is text since boot, its tail, and a stream of events', async () => {
    const whole = (await lab.call('ta', 'GET', `/vms/${vm}/console`)).text;
    expect(whole).toContain('Linux version 4.15.0');
    const tail = (await lab.call('ta', 'GET', `/vms/${vm}/console?tail=2`)).text;
    expect(whole.endsWith(tail)).toBe(true);
    expect(tail.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    const stop = new AbortController();
    const response = await fetch(`${lab.server.url}/api/v1/vms/${vm}/console?follow=true&tail=1`, {
      headers: { authorization: `Bearer ${lab.demo.tokens.student}` },
      signal: stop.signal,
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    await lab.run(vm, 'echo followed-$((5*5)) > /dev/console', 'root');
    let seen = '';
    for await (const chunk of response.body!) {
      seen += Buffer.from(chunk).toString();
      if (seen.includes('followed-25')) break;
    }
    expect(seen).toMatch(/id: \d+\nevent: text\ndata: "/);
    stop.abort();
  });

  it('takes a login on it over WebSocket, and keeps what it said', async () => {
    const term = lab.terminal('student', `/vms/${vm}/console`);
    expect(await term.message('ready')).toMatchObject({ terminal: { id: 'console' } });
    term.type('\r');
    await term.shows('login: ');
    term.socket.close();
    await term.closed;
  });
});

describe('events', () => {
  it('tell what happens in a VM: a session, a panic, the state', async () => {
    const id = await lab.makeVm('doomed');
    const events = lab.terminal('ta', `/vms/${id}/events`);
    await new Promise((resolve) => events.socket.once('open', resolve));
    const kinds = () => events.messages.map((one) => one.kind);
    const term = lab.terminal('student', `/vms/${id}/terminal`);
    await term.shows('$ ');
    await events.until('terminal.opened', () => kinds().includes('terminal.opened'));
    term.type('echo c | sudo tee /proc/sysrq-trigger\r');
    await events.until('panic', () => kinds().includes('panic'));
    const view = await lab.call<{ kernel: { health: string }; state: string }>(
      'student',
      'GET',
      `/vms/${id}`,
    );
    expect(view.body.kernel.health).toBe('panicked');
    expect((await lab.call('student', 'GET', `/vms/${id}/console`)).text).toContain(
      'Kernel panic - not syncing',
    );
    const again = await lab.call<{ kernel: { health: string } }>('student', 'POST', `/vms/${id}/reboot`, {
      type: 'hard',
    });
    expect(again.body.kernel.health).toBe('running');
    expect(await lab.run(id, 'echo up again')).toBe('up again\n');
    events.socket.close();
    term.socket.close();
    await lab.call('instructor', 'DELETE', `/vms/${id}`);
  });
});
