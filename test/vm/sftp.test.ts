/** The SFTP server of a VM by its packets: what OpenSSH's client never asks, what no client should send, and who may do what. */
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { SftpServer } from '../../src/vm/sftp/server.ts';
import { Open, Reader, Status, Type, Writer } from '../../src/vm/sftp/wire.ts';
import { findUser, type User } from '../../src/vm/users.ts';
import { type Student, student } from './student.ts';

let vm: Student;
let server: SftpServer;
beforeAll(async () => {
  vm = await student();
});
beforeEach(() => {
  server = new SftpServer(vm.vm.kernel, findUser(vm.vm.kernel, 'student') as User);
});

let nextId = 1;
/** Sends one request; its answer's type and the reader behind the id. */
function ask(
  type: number,
  fill: (packet: Writer) => Writer = (packet) => packet,
): { type: number; reader: Reader } {
  const id = nextId++;
  const answers: Buffer[] = [];
  server.receive(fill(new Writer(type, id)).finish(), (packet) => answers.push(Buffer.from(packet)));
  expect(answers).toHaveLength(1);
  const reader = new Reader(answers[0].subarray(4));
  const got = reader.byte();
  expect(reader.u32()).toBe(id);
  return { type: got, reader };
}
const status = (...args: Parameters<typeof ask>): number => {
  const { type, reader } = ask(...args);
  expect(type).toBe(Type.STATUS);
  return reader.u32();
};
const open = (path: string, flags: number, mode?: number) =>
  ask(Type.OPEN, (packet) => packet.string(path).u32(flags).attributes({ mode }));
const handleOf = (answer: ReturnType<typeof ask>): string => {
  expect(answer.type).toBe(Type.HANDLE);
  return answer.reader.string();
};

it('offers what it serves', () => {
  const answers: Buffer[] = [];
  server.receive(Buffer.from([0, 0, 0, 5, Type.INIT, 0, 0, 0, 3]), (packet) => answers.push(packet));
  const text = answers[0].toString('latin1');
  expect(answers[0].readUInt32BE(5)).toBe(3);
  for (const name of ['posix-rename', 'statvfs', 'fsync', 'limits', 'expand-path', 'lsetstat'])
    expect(text).toContain(`${name}@openssh.com`);
});

it('writes, appends, reads and truncates at any offset', () => {
  const handle = handleOf(open('a', Open.READ | Open.WRITE | Open.CREAT | Open.TRUNC, 0o640));
  const write = (offset: number, text: string) =>
    status(Type.WRITE, (packet) => packet.string(handle).u64(offset).string(text));
  expect(write(0, 'hello world')).toBe(Status.OK);
  expect(write(6, 'there')).toBe(Status.OK);
  expect(write(100_000, '!')).toBe(Status.OK);
  const read = ask(Type.READ, (packet) => packet.string(handle).u64(0).u32(11));
  expect([read.type, read.reader.string()]).toEqual([Type.DATA, 'hello there']);
  expect(status(Type.READ, (packet) => packet.string(handle).u64(200_000).u32(5))).toBe(Status.EOF);
  expect(status(Type.FSETSTAT, (packet) => packet.string(handle).attributes({ size: 5 }))).toBe(Status.OK);
  expect(status(Type.CLOSE, (packet) => packet.string(handle))).toBe(Status.OK);
  expect(status(Type.CLOSE, (packet) => packet.string(handle))).toBe(Status.NO_SUCH_FILE);
  const more = handleOf(open('a', Open.WRITE | Open.APPEND));
  expect(status(Type.WRITE, (packet) => packet.string(more).u64(0).string('+'))).toBe(Status.OK);
  expect(vm.out('cat ~student/a; stat -c " %a %U" ~student/a')).toBe('hello+ 640 student\n');
});

it('has the rights of the user', () => {
  expect(status(Type.OPEN, (p) => p.string('/etc/shadow').u32(Open.READ).attributes({}))).toBe(
    Status.PERMISSION_DENIED,
  );
  expect(
    status(Type.OPEN, (p) =>
      p
        .string('/etc/new')
        .u32(Open.WRITE | Open.CREAT)
        .attributes({}),
    ),
  ).toBe(Status.PERMISSION_DENIED);
  expect(status(Type.OPENDIR, (p) => p.string('/root'))).toBe(Status.PERMISSION_DENIED);
  expect(status(Type.REMOVE, (p) => p.string('/etc/passwd'))).toBe(Status.PERMISSION_DENIED);
  expect(status(Type.SETSTAT, (p) => p.string('/etc/passwd').attributes({ mode: 0o666 }))).toBe(
    Status.PERMISSION_DENIED,
  );
  const own = { owner: { uid: 0, gid: 0 } };
  expect(status(Type.SETSTAT, (p) => p.string('/home/student').attributes(own))).toBe(
    Status.PERMISSION_DENIED,
  );
});

it('never opens what could wait for somebody', () => {
  vm.out('mkfifo ~student/fifo; chown student ~student/fifo');
  for (const path of ['fifo', '/dev/null', '/dev/random', '/tmp'])
    expect(open(path, Open.READ).type, path).toBe(Type.STATUS);
});

it('lists, follows, renames and links', () => {
  vm.out('rm -rf ~student/d; mkdir ~student/d; cd ~student/d; touch b; ln -s b link; chown -R student .');
  const handle = handleOf(ask(Type.OPENDIR, (p) => p.string('d')));
  const { reader } = ask(Type.READDIR, (p) => p.string(handle));
  const names = Array.from({ length: reader.u32() }, () => {
    const [name, long] = [reader.string(), reader.string()];
    reader.attributes();
    return [name, long[0]];
  });
  expect(names.sort()).toEqual([
    ['.', 'd'],
    ['..', 'd'],
    ['b', '-'],
    ['link', 'l'],
  ]);
  expect(status(Type.READDIR, (p) => p.string(handle))).toBe(Status.EOF);
  const name = (type: number, path: string): string => {
    const { reader: answer } = ask(type, (p) => p.string(path));
    expect(answer.u32()).toBe(1);
    return answer.string();
  };
  expect(name(Type.READLINK, 'd/link')).toBe('b');
  expect(name(Type.REALPATH, 'd/../d/link')).toBe('/home/student/d/b');
  expect(name(Type.REALPATH, 'd/not-there')).toBe('/home/student/d/not-there');
  expect(status(Type.RENAME, (p) => p.string('d/b').string('d/link'))).toBe(Status.FAILURE);
  expect(status(Type.EXTENDED, (p) => p.string('posix-rename@openssh.com').string('d/b').string('d/c'))).toBe(
    Status.OK,
  );
  expect(status(Type.EXTENDED, (p) => p.string('hardlink@openssh.com').string('d/c').string('d/e'))).toBe(
    Status.OK,
  );
  expect(status(Type.RMDIR, (p) => p.string('d'))).toBe(Status.FAILURE);
  expect(vm.out('ls ~student/d')).toBe('c\ne\nlink\n');
  const who = ask(Type.EXTENDED, (p) =>
    p
      .string('users-groups-by-id@openssh.com')
      .bytes(Buffer.from([0, 0, 3, 0xe8, 0, 0, 0, 0]))
      .bytes(Buffer.alloc(0)),
  );
  expect(new Reader(who.reader.bytes()).string()).toBe('student');
});

it('answers nonsense with an error, and ends where the stream makes no sense', () => {
  expect(status(99)).toBe(Status.OP_UNSUPPORTED);
  expect(status(Type.OPEN)).toBe(Status.BAD_MESSAGE);
  expect(status(Type.WRITE, (p) => p.string('0').u64(0).u32(0xffffffff))).toBe(Status.BAD_MESSAGE);
  expect(status(Type.READ, (p) => p.string('nothing').u64(0).u32(1))).toBe(Status.NO_SUCH_FILE);
  expect(status(Type.STAT, (p) => p.string('a\0b'))).toBe(Status.BAD_MESSAGE);
  expect(status(Type.EXTENDED, (p) => p.string('constructor'))).toBe(Status.OP_UNSUPPORTED);
  expect(status(Type.STAT, (p) => p.string('x'.repeat(5000)))).toBe(Status.BAD_MESSAGE);
  const big = Buffer.alloc(8, 0xff);
  server.receive(big, () => expect.unreachable());
  expect(server.broken).toBe(true);
});

it('random packets do no harm', () => {
  let seed = 12345;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };
  const words = [
    'a',
    'd/c',
    '/etc/passwd',
    '',
    '0',
    '1',
    '/proc/self',
    '/dev/tty',
    '~',
    'statvfs@openssh.com',
  ];
  const files = vm.vm.kernel.fs.openFiles;
  for (let round = 0; round < 3000; round++) {
    const packet = new Writer(3 + random(19) + (random(20) === 0 ? 180 : 0), round);
    for (let field = random(5); field > 0; field--)
      if (random(2) === 0) packet.string(words[random(words.length)]);
      else packet.u32(random(2) === 0 ? random(64) : random(0x7fffffff));
    let answers = 0;
    server.receive(packet.finish(), () => answers++);
    expect(answers).toBe(1);
  }
  server.close();
  expect(vm.vm.kernel.fs.openFiles).toBe(files);
  expect(vm.out('echo fine')).toBe('fine\n');
});
