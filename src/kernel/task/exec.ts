/**
 * execve(2) (fs/exec.c). Always true: the new address space is built completely before the old one is touched, so every error
 * finds the caller unchanged; from {@link commit} on nothing can fail.
 */
import { CONTEXT, PAGE_SIZE } from '../../cpu/machine.ts';
import { ElfType, Pf, Pt } from '../abi/elf.ts';
import { Errno } from '../abi/errno.ts';
import { randomBelow } from '../drivers/random.ts';
import { closeOnExec, putFile } from '../fs/file.ts';
import { At, May, Ms, S } from '../fs/flags.ts';
import { permission } from '../fs/inode.ts';
import { allowWrite, openExec } from '../fs/open.ts';
import type { File, Inode } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { readKernel } from '../mm/filemap.ts';
import {
  PIE_BASE,
  pageDown,
  pageUp,
  RANDOM_PAGES,
  STACK_GUARD_GAP,
  STACK_TOP,
  TASK_SIZE,
  VDSO_BASE,
} from '../mm/layout.ts';
import { activateMm, createMm, putMm, setExe } from '../mm/mm.ts';
import { mapRegion } from '../mm/mmap.ts';
import { makePte, PTE_SPECIAL, pteFlags, setPte } from '../mm/pagetable.ts';
import type { Mm } from '../mm/types.ts';
import { MapFlag, Prot } from '../mm/types.ts';
import { type Activation, defineStep, type Outcome, wait } from '../outcome.ts';
import { SIG_DFL, SIG_IGN, SIGCHLD, SIGSEGV, Si } from '../signal/bits.ts';
import { PtraceEvent, ptraceEvent } from '../signal/ptrace.ts';
import { forceSignal, hasFatal } from '../signal/send.ts';
import { cancelPosixTimers } from '../time/posix.ts';
import { CAP, capable } from './capability.ts';
import { commitCred, credForExec, type ExecPrivileges } from './cred.ts';
import { type ElfImage, type LoadedElf, mapElf, readElf } from './elf.ts';
import { buildStack } from './execstack.ts';
import { becomeLeader, killOtherThreads, mmRelease } from './exit.ts';
import { contextChanged, loadedContext, Reg, setPc, setReg } from './regs.ts';
import { Rlim, rlimit } from './rlimit.ts';
import type { Cred, Task } from './types.ts';

/** BINPRM_BUF_SIZE of 4.15: how much of a script's first line counts. */
const SCRIPT_LINE = 128;
const MAX_SCRIPTS = 4;
const ARG_MIN = 131072;
/** Three quarters of the default stack: what arguments and environment may take at most. */
const ARG_MAX = 6 * 1024 * 1024;
/** How much stack is mapped below the arguments at once (stack_expand). */
const STACK_EXTRA = 131072;
const ADDR_NO_RANDOMIZE = 0x0040000;
const COMM_LENGTH = 15;

/** A program to run. Strings are byte strings. */
export interface ExecRequest {
  dirfd: number;
  filename: string;
  argv: readonly string[];
  env: readonly string[];
  /** AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH. */
  flags?: number;
}

/** All that the point of no return needs; plain data, as it may wait for other threads to leave. */
interface Prepared {
  mm: Mm;
  entry: number;
  sp: number;
  comm: string;
  cred: Cred;
  secure: boolean;
  dumpable: boolean;
}

/** Closes what openExec opened. */
function putExec(k: Kernel, file: File): void {
  allowWrite(file);
  putFile(k, file);
}

const byteText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** The interpreter and its optional argument that a `#!` line names; null when it is no script (load_script). */
function parseScript(head: Uint8Array): { interpreter: string; argument: string | null } | number | null {
  if (head[0] !== 0x23 || head[1] !== 0x21) return null;
  const text = byteText(head.subarray(0, SCRIPT_LINE - 1));
  const newline = text.indexOf('\n');
  const nul = text.indexOf('\0');
  const line = text
    .slice(2, newline >= 0 ? newline : nul >= 0 ? nul : undefined)
    .replace(/^[ \t]+|[ \t]+$/g, '');
  if (line === '') return -Errno.ENOEXEC;
  const space = line.search(/[ \t]/);
  if (space < 0) return { interpreter: line, argument: null };
  return {
    interpreter: line.slice(0, space),
    argument: line.slice(space).replace(/^[ \t]+/, ''),
  };
}

/** What `security.capability` of a file grants (linux/capability.h, VFS_CAP_REVISION_2 and _3). */
function fileCapabilities(inode: Inode): ExecPrivileges['fileCaps'] {
  const raw = inode.xattrs?.get('security.capability');
  if (!raw || raw.length < 20) return null;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const word = (i: number): bigint => BigInt(view.getUint32(4 * i, true));
  const revision = view.getUint32(0, true) & 0xff000000;
  if (revision !== 0x02000000 && revision !== 0x03000000) return null;
  return {
    permitted: word(1) | (word(3) << 32n),
    inheritable: word(2) | (word(4) << 32n),
    effective: (view.getUint32(0, true) & 1) !== 0,
  };
}

/** What the file's set-id bits and capabilities may grant to whoever runs it (bprm_fill_uid). */
function privilegesOf(file: File): ExecPrivileges {
  const none = { setuid: null, setgid: null, fileCaps: null };
  if (!file.path || (file.path.mnt.flags & Ms.NOSUID) !== 0) return none;
  const { inode } = file;
  const setgidBits = S.ISGID | S.IXGRP;
  return {
    setuid: (inode.mode & S.ISUID) !== 0 ? inode.uid : null,
    setgid: (inode.mode & setgidBits) === setgidBits ? inode.gid : null,
    fileCaps: fileCapabilities(inode),
  };
}

/** Follows `#!` lines to a binary. On success the caller owns the file of the image. */
function findBinary(
  k: Kernel,
  task: Task,
  request: ExecRequest,
): { image: ElfImage; argv: string[] } | number {
  let file = openExec(k, task, request.dirfd, request.filename, request.flags);
  let argv = [...request.argv];
  let script = request.filename;
  if (request.dirfd !== At.FDCWD && request.filename.charCodeAt(0) !== 47)
    script =
      request.filename === '' ? `/dev/fd/${request.dirfd}` : `/dev/fd/${request.dirfd}/${request.filename}`;
  for (let depth = 0; ; depth++) {
    if (typeof file === 'number') return file;
    const parsed = parseScript(readKernel(k, file.inode, 0, SCRIPT_LINE));
    if (parsed === null) {
      const image = readElf(k, file);
      if (typeof image !== 'number') return { image, argv };
      putExec(k, file);
      return image;
    }
    putExec(k, file);
    if (typeof parsed === 'number') return parsed;
    if (depth > MAX_SCRIPTS) return -Errno.ELOOP;
    argv = [
      parsed.interpreter,
      ...(parsed.argument === null ? [] : [parsed.argument]),
      script,
      ...argv.slice(1),
    ];
    script = parsed.interpreter;
    file = openExec(k, task, At.FDCWD, parsed.interpreter);
  }
}

const isRandomized = (k: Kernel, task: Task): boolean =>
  (k.sysctl['kernel.randomize_va_space'] ?? '2') !== '0' &&
  (task.group.personality & ADDR_NO_RANDOMIZE) === 0;

/** Chooses the stack's top and where mappings go (arch_pick_mmap_layout). */
function chooseLayout(k: Kernel, task: Task, mm: Mm, randomize: boolean): void {
  const random = (): number => (randomize ? randomBelow(k, RANDOM_PAGES + 1) * PAGE_SIZE : 0);
  mm.stackTop = STACK_TOP - random();
  const gap = Math.min(Math.max(rlimit(task, Rlim.STACK), 128 * 2 ** 20), Math.floor(TASK_SIZE / 6) * 5);
  const spread = (RANDOM_PAGES + 1) * PAGE_SIZE;
  mm.mmapBase = pageDown(STACK_TOP - gap - spread - STACK_GUARD_GAP - random());
}

function mapStack(k: Kernel, mm: Mm, bytes: number, prot: number): number {
  const length = pageUp(bytes) + STACK_EXTRA;
  return mapRegion(k, null, mm, {
    start: pageDown(mm.stackTop - length),
    length: mm.stackTop - pageDown(mm.stackTop - length),
    prot,
    flags: MapFlag.PRIVATE | MapFlag.GROWSDOWN,
    file: null,
    offset: 0,
    name: '[stack]',
  });
}

function mapVdso(k: Kernel, mm: Mm): number {
  const prot = Prot.READ | Prot.EXEC;
  const failed = mapRegion(k, null, mm, {
    start: VDSO_BASE,
    length: PAGE_SIZE,
    prot,
    flags: MapFlag.PRIVATE,
    file: null,
    offset: 0,
    name: '[vdso]',
  });
  const at = failed < 0 ? -1 : makePte(k, mm, mm.root, VDSO_BASE);
  if (at < 0) return -Errno.ENOMEM;
  setPte(k, at, k.mm.sigreturnPage, pteFlags(prot, false) | PTE_SPECIAL);
  return 0;
}

function argumentBytes(request: ExecRequest, argv: readonly string[]): number {
  let bytes = request.filename.length + 1;
  for (const list of [argv, request.env]) for (const text of list) bytes += text.length + 1 + 8;
  return bytes;
}

/** Maps the interpreter of a program; answers where it went, or null when the program has none. */
function loadInterpreter(
  k: Kernel,
  task: Task,
  mm: Mm,
  image: ElfImage,
  randomize: boolean,
): LoadedElf | number | null {
  if (image.interpreter === null) return null;
  const file = openExec(k, task, At.FDCWD, image.interpreter);
  if (typeof file === 'number') return file;
  const interpreter = readElf(k, file);
  const loaded =
    typeof interpreter === 'number' ? -Errno.ELIBBAD : mapElf(k, mm, interpreter, false, randomize);
  putExec(k, file);
  return loaded;
}

/** Builds the new address space. On failure everything taken here is given back. */
function prepare(k: Kernel, task: Task, request: ExecRequest): Prepared | number {
  const found = findBinary(k, task, request);
  if (typeof found === 'number') return found;
  const { image, argv } = found;
  const bytes = argumentBytes(request, argv);
  const mm =
    bytes > Math.max(ARG_MIN, Math.min(ARG_MAX, rlimit(task, Rlim.STACK) / 4)) ? -Errno.E2BIG : createMm(k);
  if (typeof mm === 'number' || !mm) {
    putExec(k, image.file);
    return mm ?? -Errno.ENOMEM;
  }
  const failed = fill(k, task, mm, request, image, argv, bytes);
  if (typeof failed !== 'number') return failed;
  putMm(k, mm);
  putExec(k, image.file);
  if (failed === -Errno.EFAULT || failed === -Errno.EPERM) killByExec(k, task);
  return failed;
}

/** A file that cannot be mapped as its headers say is found out behind Linux's point of no return: the caller dies of it. */
function killByExec(k: Kernel, task: Task): void {
  if (!task.mm) return;
  task.group.actions[SIGSEGV] = { handler: SIG_DFL, flags: 0, mask: 0n };
  forceSignal(k, task, SIGSEGV, Si.KERNEL);
}

/** Fills the new address space; takes over the program's file only when all went well. */
function fill(
  k: Kernel,
  task: Task,
  mm: Mm,
  request: ExecRequest,
  image: ElfImage,
  argv: readonly string[],
  bytes: number,
): Prepared | number {
  const randomize = isRandomized(k, task);
  chooseLayout(k, task, mm, randomize);
  const stackFlags = image.phdrs.find(({ type }) => type === Pt.GNU_STACK)?.flags ?? 0;
  const stackProt = Prot.READ | Prot.WRITE | ((stackFlags & Pf.X) !== 0 ? Prot.EXEC : 0);
  let failed = mapVdso(k, mm);
  if (failed === 0) failed = mapStack(k, mm, bytes + 1024, stackProt);
  if (failed < 0) return failed;
  const program = mapElf(k, mm, image, true, randomize);
  if (typeof program === 'number') return program;
  const interpreter = loadInterpreter(k, task, mm, image, randomize);
  if (typeof interpreter === 'number') return interpreter;
  const brkRandom = randomize ? randomBelow(k, 0x2000) * PAGE_SIZE : 0;
  const loose = image.header.type === ElfType.DYN && image.interpreter === null;
  mm.brkStart = pageUp(loose ? PIE_BASE : program.end) + brkRandom;
  mm.brk = mm.brkStart;
  const tracer = task.ptrace ? k.task.tasks.get(task.ptrace.tracer) : undefined;
  const untrusted = tracer !== undefined && !capable(tracer.cred, CAP.SYS_PTRACE);
  const { cred, secure } = credForExec(task.cred, privilegesOf(image.file), untrusted);
  const sp = buildStack(k, mm, {
    filename: request.filename,
    argv,
    env: request.env,
    program,
    interpreterBase: interpreter ? interpreter.bias : 0,
    cred,
    secure,
  });
  if (sp < 0) return sp;
  const dumpable = permission(k, task, image.file.inode, May.READ) === 0;
  setExe(k, mm, image.file);
  allowWrite(image.file);
  const base = request.filename.slice(request.filename.lastIndexOf('/') + 1);
  return {
    mm,
    entry: interpreter ? interpreter.entry : program.entry,
    sp,
    comm: base.slice(0, COMM_LENGTH),
    cred,
    secure,
    dumpable,
  };
}

const commitStep = defineStep('exec.commit', (k, task, prepared: Prepared): Outcome => {
  if (hasFatal(task)) {
    task.group.execing = 0;
    putMm(k, prepared.mm);
    return -Errno.EINTR;
  }
  if (!killOtherThreads(k, task)) return waitForThreads(task, { step: commitStep, state: prepared });
  commit(k, task, prepared);
  return 0;
});

const waitForThreads = (task: Task, then: Activation): Outcome =>
  wait([task.group.exitWait], { interruptible: 'killable', then: [then] });

/** Runs a program in the task: 0 when it has become that program, else -errno and nothing has changed. */
export function execProgram(k: Kernel, task: Task, request: ExecRequest): Outcome {
  const prepared = prepare(k, task, request);
  if (typeof prepared === 'number') return prepared;
  if (task.group.threads.length > 1 && !killOtherThreads(k, task))
    return waitForThreads(task, { step: commitStep, state: prepared });
  commit(k, task, prepared);
  return 0;
}

/** The point of no return (begin_new_exec and setup_new_exec). */
function commit(k: Kernel, task: Task, prepared: Prepared): void {
  const { group } = task;
  const oldTid = task.tid;
  becomeLeader(k, task);
  cancelPosixTimers(k, group);
  mmRelease(k, task);
  const old = task.mm;
  task.mm = prepared.mm;
  if (k.sched.loaded === task.tid) activateMm(k, task.mm);
  if (old) {
    group.maxRssPages = Math.max(group.maxRssPages, old.hiwaterRss);
    putMm(k, old);
  }
  task.comm = prepared.comm;
  group.actions = group.actions.map(({ handler }) => ({
    handler: handler === SIG_IGN ? SIG_IGN : SIG_DFL,
    flags: 0,
    mask: 0n,
  }));
  task.altStack = { sp: 0, size: 0, flags: 2 };
  task.restart = null;
  group.execed = true;
  group.exitSignal = SIGCHLD;
  group.dumpable = true;
  commitCred(task, prepared.cred);
  if (prepared.secure) task.pdeathSignal = 0;
  if (!prepared.dumpable) group.dumpable = false;
  closeOnExec(k, task);
  loadedContext(k, task).fill(0, 0, CONTEXT.size);
  contextChanged(k, task);
  setPc(k, task, prepared.entry);
  setReg(k, task, Reg.sp, prepared.sp);
  ptraceEvent(k, task, PtraceEvent.EXEC, oldTid);
}
