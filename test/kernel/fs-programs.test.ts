/** Files as a student meets them: Debian's own programs on a booted VM. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';

let vm: Student;
beforeAll(async () => {
  vm = await student();
});
const out = (command: string, user = 'root'): string => {
  const { stdout, stderr } = vm.sh(`cd /tmp; ${command}`, { user });
  return stdout + stderr;
};

describe('copies, archives and trees', () => {
  test('tar, cp -a and diff agree about a real tree', () => {
    expect(
      out(
        'tar cf t.tar -C /etc . && mkdir x && tar xf t.tar -C x && diff -r --no-dereference /etc x && echo same',
      ),
    ).toBe('same\n');
    expect(
      out('cp -a x y && diff -r --no-dereference x y && rm -r x t.tar && find y -type f | wc -l'),
    ).toMatch(/^\d{2,}\n$/);
    expect(out('find y -depth -delete; ls -d y')).toBe("ls: cannot access 'y': No such file or directory\n");
  });
  test('sparse files stay sparse', () => {
    expect(out('truncate -s 1G sp; cp sp sp2; stat -c "%s %b" sp2; rm sp sp2')).toBe('1073741824 0\n');
  });
  test('a file removed while it is open lives on', () => {
    expect(out('exec 3> un; rm un; echo text >&3; cat /proc/self/fd/3; readlink /proc/self/fd/3')).toBe(
      'text\n/tmp/un (deleted)\n',
    );
  });
});

describe('names', () => {
  test('mv knows what it may not do', () => {
    expect(out('mkdir -p a/b/c; mv a a/b/c/d')).toBe(
      "mv: cannot move 'a' to a subdirectory of itself, 'a/b/c/d'\n",
    );
    expect(out('cd a/b; mv /tmp/a /tmp/A; /bin/pwd')).toBe('/tmp/A/b\n');
    expect(out('mv /proc /p')).toBe("mv: cannot move '/proc' to '/p': Device or resource busy\n");
  });
  test('links loop, dangle and are followed', () => {
    expect(out('ln -s loop loop; cat loop')).toBe('cat: loop: Too many levels of symbolic links\n');
    expect(out('ln -s target dangling; echo made > dangling; cat target')).toBe('made\n');
  });
  test('a shell in a removed directory', () => {
    expect(
      out(
        'mkdir gone; cd gone; rmdir ../gone; touch x; ls -a; ls -d ..; cd ..; pwd 2> /dev/null; cd /tmp; pwd',
      ),
    ).toBe("..\n/tmp\n/tmp\ntouch: cannot touch 'x': No such file or directory\n");
  });
});

describe('who may', () => {
  test('root makes, the student cannot', () => {
    out('echo root > of-root');
    expect(out('touch /etc/x; rm -f of-root; echo >> of-root', 'student')).toBe(
      "touch: cannot touch '/etc/x': Permission denied\nrm: cannot remove 'of-root': Operation not permitted\n/bin/bash: line 1: of-root: Permission denied\n",
    );
  });
  test('set-user-ID works, but not from a nosuid mount', () => {
    out('cp /bin/id sid; chmod 4755 sid');
    expect(out('./sid -u', 'student')).toBe('0\n');
    out('mount -t tmpfs -o nosuid none /mnt; cp -p sid /mnt');
    expect(out('/mnt/sid -u', 'student')).toBe('1000\n');
    expect(out('mount -o remount,noexec /mnt; /mnt/sid')).toBe(
      '/bin/bash: line 1: /mnt/sid: Permission denied\n',
    );
    expect(out('umount /mnt; ls /mnt')).toBe('');
  });
  test('a running program is busy', () => {
    expect(out('cp /bin/sleep sl; ./sl 1 & sleep 0.1; echo x > sl; wait')).toBe(
      '/bin/bash: line 1: sl: Text file busy\n',
    );
  });
});

describe('waiting', () => {
  test('FIFOs join two programs, and a time limit ends a lonely one', () => {
    expect(out('mkfifo p; (echo through > p &); cat p; timeout 0.2 cat p; echo $?')).toBe('through\n124\n');
  });
  test('tail follows a file, through inotify', () => {
    expect(out('echo one > log; tail -f log & sleep 0.5; echo two >> log; sleep 0.5; kill %1')).toBe(
      'one\ntwo\n',
    );
  });
  test('flock keeps others out', () => {
    expect(out('(flock 9; sleep 0.3; echo first) 9> lk & sleep 0.1; flock lk echo second; wait')).toBe(
      'first\nsecond\n',
    );
  });
});

test('a full disk says so and recovers', async () => {
  const small = await student({ diskMiB: 32 });
  expect(
    small.out('cd /tmp; dd if=/dev/zero of=big bs=1M count=40 2>&1 | head -1; rm big; echo ok > f; cat f'),
  ).toBe("dd: error writing 'big': No space left on device\nok\n");
});
