/** A student at a terminal: the shell's line editor, job control, full-screen programs, and bytes nobody should type. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { forgetProcess } from '../../src/vm/index.ts';
import { type Screen, type Student, student } from './student.ts';

let vm: Student;
let screen: Screen;
const PROMPT = 'student@oopsbox:~$';

beforeAll(async () => {
  vm = await student();
});

beforeEach(async () => {
  vm.sh('rm -rf ~/* ~/.[a-z]*history ~/.viminfo', { user: 'student' });
  screen = vm.terminal();
  await screen.until(PROMPT);
});

/** The lines after the last prompt with a command, without the prompt that follows. */
const answer = (text: string): string => {
  const lines = text.split('\n');
  if (lines.at(-1)?.startsWith(PROMPT)) lines.pop();
  const command = lines.findLastIndex((line) => line.startsWith(PROMPT));
  return lines.slice(command + 1).join('\n');
};

const run = async (command: string): Promise<string> => answer(await screen.press(`${command}\r`));

describe('line editing', () => {
  test('moves, erases, kills and yanks', async () => {
    await screen.press('echo wurld');
    await screen.press('\x1b[D\x1b[D\x1b[D\x7fo\x05');
    await screen.press(' end\x01\x1b[C\x1b[C\x1b[C\x1b[C -n\x05');
    expect(await screen.press(';echo\r')).toContain(`${PROMPT} echo -n world end;echo\nworld end\n`);
    await screen.press('echo one two three\x17\x17');
    expect(answer(await screen.press('\x19\r'))).toBe('one two three');
    await screen.press('never run\x15');
    expect(answer(await screen.press('echo clean\r'))).toBe('clean');
  });

  test('recalls history and searches it', async () => {
    await run('echo first');
    await run('echo second');
    expect(answer(await screen.press('\x1b[A\x1b[A\r'))).toBe('first');
    await screen.press('\x12sec');
    expect(screen.screen()).toContain("(reverse-i-search)`sec': echo second");
    expect(answer(await screen.press('\r'))).toBe('second');
    expect(await run('!echo')).toContain('second');
    expect(await run('history | tail -2 | cut -c8-')).toBe('echo second\nhistory | tail -2 | cut -c8-');
  });

  test('completes commands, files and variables', async () => {
    await run('mkdir directory; touch directory/file-one');
    expect(answer(await screen.press('ls dire\tfil\t\r'))).toBe('directory/file-one');
    await screen.press('echo /etc/hostn\t');
    expect(screen.screen()).toMatch(/echo \/etc\/hostname $|echo \/etc\/hostname$/);
    await screen.press('\x15printen\t');
    expect(screen.screen()).toContain(`${PROMPT} printenv`);
    await screen.press('\x15echo /etc/host\t\t');
    expect(screen.screen()).toMatch(/host.conf +hostname +hosts/);
  });

  test('breaks a line longer than the window and clears the screen', async () => {
    const word = 'x'.repeat(150);
    await screen.press(`echo ${word}`);
    expect(screen.screen().split('\n')).toHaveLength(3);
    await screen.press('\x7f'.repeat(140));
    expect(answer(await screen.press('\r'))).toBe('x'.repeat(10));
    expect(await screen.press('\x0c')).toBe(PROMPT);
  });

  test('Ctrl-C gives a new line, Ctrl-D on an empty one ends the shell', async () => {
    await screen.press('half a comm');
    expect(await screen.press('\x03')).toBe(`${PROMPT} half a comm^C\n${PROMPT}`);
    expect(await run('echo $?')).toBe('130');
    await screen.press('\x04');
    expect(screen.screen()).toContain('logout');
    expect(vm.sh(`kill -0 ${screen.pid}`).status).toBe(1);
    forgetProcess(vm.vm, screen.pid);
  });

  test('a pasted text of many lines runs as typed', async () => {
    const text = '\x1b[200~echo a\necho b\x1b[201~';
    expect(answer(await screen.press(`${text}\r`))).toContain('a\nb');
  });
});

describe('jobs', () => {
  test('Ctrl-Z, jobs, bg, fg, Ctrl-C, and the notice of an end', async () => {
    await screen.press('sleep 1000\r');
    expect(answer(await screen.press('\x1a'))).toBe('^Z\n[1]+  Stopped                 sleep 1000');
    await screen.press('sleep 2000 | cat &\r');
    expect(await run('jobs')).toBe(
      '[1]+  Stopped                 sleep 1000\n[2]-  Running                 sleep 2000 | cat &',
    );
    expect(await run('bg')).toBe('[1]+ sleep 1000 &');
    await screen.press('kill %1\r');
    expect(await screen.press('\r')).toContain('[1]-  Terminated              sleep 1000');
    await screen.press('fg\r');
    expect(answer(screen.screen())).toBe('sleep 2000 | cat');
    expect(answer(await screen.press('\x03'))).toBe('sleep 2000 | cat\n^C');
    expect(await run('jobs; echo $?')).toBe('0');
  });

  test('Ctrl-\\ quits, a trap catches, stty takes the keys away', async () => {
    await screen.press('sleep 1000\r');
    expect(answer(await screen.press('\x1c'))).toBe('^\\Quit');
    expect(await run('echo $?')).toBe('131');
    await screen.press('bash -c \'trap "echo caught" INT; for i in 1 2 3; do sleep 1; done; echo over\'\r');
    await screen.type('\x03');
    await screen.until(/caught\nover\n/);
    await screen.press('stty -isig; cat -v\r');
    await screen.press('\x03\x1a\r');
    expect(screen.screen()).toContain('^C^Z\n^C^Z');
    await screen.press('\x04');
    expect(await run('stty isig; echo back')).toBe('back');
  });

  test('a background job that reads stops; with tostop one that writes, too', async () => {
    await screen.press('cat &\r');
    expect(await run('')).toContain('[1]+  Stopped                 cat');
    await run('kill -9 %1; wait; stty tostop');
    await screen.press('echo background &\r');
    expect(await run('')).toContain('[1]+  Stopped                 echo background');
    await screen.press('fg\r');
    expect(answer(screen.screen())).toBe('echo background\nbackground');
    await run('stty -tostop');
  });

  test('the shell warns of stopped jobs once', async () => {
    await screen.press('sleep 1234\r');
    await screen.press('\x1a');
    expect(await run('exit')).toContain('There are stopped jobs.');
    await screen.press('exit\r');
    expect(vm.sh(`kill -0 ${screen.pid}`).status).toBe(1);
    expect(vm.sh("pgrep -f 'sleep [1]234'").status).toBe(1);
  });

  test('suspended shells and their children: su, su again, exit', async () => {
    await screen.press('bash --norc\r');
    await screen.press('PS1="inner> "\r');
    expect(await screen.press('suspend\r')).toContain('[1]+  Stopped                 bash --norc');
    await screen.press('fg\r');
    expect(await screen.press('tty; exit\r')).toMatch(/inner> tty; exit\n\/dev\/pts\/\d+\nexit/);
  });
});

describe('the terminal itself', () => {
  test('stty shows and sets', async () => {
    const all = await run('stty -a');
    expect(all).toMatch(
      /^speed 38400 baud; rows 24; columns 80; line = 0;\nintr = \^C; quit = \^\\; erase = \^\?; kill = \^U; eof = \^D;/,
    );
    expect(all).toContain(
      'isig icanon iexten echo echoe echok -echonl -noflsh -xcase -tostop -echoprt\nechoctl echoke',
    );
    expect(await run('stty size')).toBe('24 80');
    expect(await run('stty rows 30 cols 99; stty size; stty rows 24 cols 80')).toBe('30 99');
    expect(await run('stty speed; stty -g | tr -dc : | wc -c')).toBe('38400\n35');
    expect(await run('stty erase x; stty -a | grep -o "erase = x"; stty sane; tty')).toMatch(
      /erase = x\n\/dev\/pts\/\d+/,
    );
  });

  test('canonical input: erase, word erase, kill, reprint, literal next', async () => {
    await screen.press('cat -A > typed\r');
    await screen.press('abc\x7f\x7fx def\x17ghi\r');
    await screen.press('gone\x15kept\x12\r');
    await screen.press('a\x16\x03b\x16\x7fc\r');
    await screen.press('no newline\x04\x04');
    expect(vm.out('cat ~student/typed')).toBe('ax ghi$\nkept$\na^Cb^?c$\nno newline');
  });

  test('no echo for passwords, raw mode for keys', async () => {
    await screen.press('read -s -p "Password: " p; echo; echo "got $p"\r');
    expect(await screen.press('secret')).toMatch(/Password:$/);
    expect(answer(await screen.press('\r'))).toMatch(/Password: *\ngot secret/);
    await screen.press('read -n 1 -p "Sure? " k; echo " key=$k"\r');
    expect(answer(await screen.press('y'))).toBe('Sure? y key=y');
    await screen.press('stty raw -echo; dd bs=1 count=3 2>/dev/null | od -c; stty sane\r');
    expect(await screen.press('\r\x03\x04')).toMatch(/0000000 +\\r 003 004/);
  });

  test('a new size of the window reaches programs as SIGWINCH', async () => {
    await screen.press("trap 'echo now $(stty size)' WINCH\r");
    screen.resize(40, 120);
    await screen.press('\r');
    expect(screen.screen()).toContain('now 40 120');
    expect(await run('tput cols; tput lines; echo $COLUMNS')).toBe('120\n40\n120');
    screen.resize(24, 80);
    await screen.press('\r');
  });

  test('Ctrl-S holds the output, Ctrl-Q lets it go', async () => {
    await screen.press('for i in 1 2 3 4 5; do echo $i; sleep 1; done\r');
    await screen.until(/\n2$/);
    await screen.type('\x13');
    for (let i = 0; i < 50; i++) vm.sh('sleep 0.1');
    expect(await screen.settle()).toMatch(/\n[23]$/);
    await screen.type('\x11');
    await screen.until(/4\n5\n/);
  });

  test('a paste of 64 KiB arrives whole', async () => {
    const line = `${'0123456789abcdef'.repeat(60)}\n`;
    const text = line.repeat(Math.ceil(65_536 / line.length));
    await screen.press('stty -echo; cat > pasted; stty echo\r');
    await screen.press(text);
    await screen.press('\x04');
    expect(vm.out('cat ~student/pasted')).toBe(text);
  });

  test('100 KB of garbage at any rate breaks nothing', async () => {
    let seed = 12345;
    const garbage = new Uint8Array(100_000).map(() => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed >>> 16;
    });
    await screen.press('stty raw -echo -ixon; head -c 100000 | md5sum > sum; stty sane\r');
    await screen.press(garbage);
    expect(vm.out('cat ~student/sum')).toContain(vm.out('md5sum', { input: garbage }).split(' ')[0]);
    const victim = vm.terminal({
      argv: ['/bin/bash', '--norc', '-c', 'while :; do cat -v; done'],
    });
    for (let at = 0; at < garbage.length; ) {
      const chunk = 1 + (garbage[at] % 97);
      await victim.type(garbage.subarray(at, at + chunk));
      if (garbage[at] % 5 === 0) await victim.settle();
      at += chunk;
    }
    await victim.settle();
    expect(vm.out('echo alive')).toBe('alive\n');
    expect(await run('echo alive')).toContain('alive');
  });
});

describe('full-screen programs', () => {
  test('less pages, searches and leaves the screen as it was', async () => {
    await run('seq 1 300 > numbers');
    expect(await screen.press('less numbers\r')).toMatch(/^1\n2\n3\n[\s\S]*\n23\nnumbers$/);
    expect(await screen.press(' ')).toMatch(/^24\n/);
    expect(await screen.press('b')).toMatch(/^1\n/);
    expect(await screen.press('G')).toMatch(/\n300\n\(END\)$/);
    expect(await screen.press('g/142\r')).toMatch(/^142\n143\n/);
    expect(await screen.press('q')).toMatch(/less numbers\nstudent@oopsbox:~\$$/);
    expect(await screen.press('seq 100 | less\r')).toMatch(/^1\n2\n[\s\S]*\n:$/);
    await screen.press('q');
  });

  test('vi edits and saves', async () => {
    expect(await screen.press('vi note.txt\r')).toContain('"note.txt" [New File]');
    await screen.press('ihello world\rsecond line\x1b');
    expect(await screen.press('ggyypcwHELLO\x1b')).toMatch(/^hello world\nHELLO world\nsecond line\n~/);
    await screen.press('ddu:%s/o/0/g\r');
    expect(screen.screen()).toMatch(/^hell0 w0rld\nHELLO w0rld\nsec0nd line\n~/);
    expect(await screen.press('/sec\rAx\x1b:w\r')).toContain('3 lines, 37 bytes written');
    await screen.type(':!wc -l %\r');
    await screen.until(/3 note.txt\n[\s\S]*Press ENTER/);
    await screen.press('\r:q\r');
    expect(await run('cat note.txt')).toBe('hell0 w0rld\nHELLO w0rld\nsec0nd linex');
    await screen.press('vi note.txt\r');
    await screen.press('x\x1a');
    expect(screen.screen()).toContain('[1]+  Stopped                 vi note.txt');
    await screen.press('fg\r');
    expect(screen.screen()).toMatch(/ell0 w0rld/);
    expect(await screen.press(':q\r')).toContain('E37: No write since last change');
    await screen.press('\r:q!\r');
    expect(await run('head -c 5 note.txt; ls -A | grep swp')).toContain('hell0');
  });

  test('nano edits and saves', async () => {
    expect(await screen.press('nano list\r')).toContain('[ New File ]');
    await screen.press('milk\rbread\rapples');
    await screen.press('\x1b[A\x0b');
    expect(screen.screen()).toMatch(/milk\napples/);
    await screen.press('\x15');
    expect(await screen.press('\x0f\r')).toContain('[ Wrote 3 lines ]');
    await screen.press('\x17milk\r');
    await screen.press('\x18');
    expect(await run('cat list')).toBe('milk\nbread\napples');
  });

  test('top shows the processes and quits', async () => {
    await screen.type('top\r');
    await screen.until(/top - [\s\S]*load average[\s\S]*PID USER +PR +NI[\s\S]* init/);
    await screen.press('q');
    expect(await run('echo after')).toBe('after');
    await screen.type('top -b -n 1 | sed -n 7p\r');
    await screen.until(/\n +PID USER +PR +NI +VIRT +RES +SHR S +%CPU +%MEM +TIME\+ COMMAND/);
  });

  test('script records what a terminal of its own shows', async () => {
    await screen.type('script -q -c "tty; stty size" log\r');
    await screen.until(/\/dev\/pts\/\d+\n24 80\nstudent/);
    expect(await run('grep -c ^/dev/pts log')).toBe('1');
  });
});
