/**
 * What the maintainer scripts of the packages would have done on a real installation, as data and a few small steps.
 *
 * Always true: it works on the tree alone (no package script ever runs), after unpacking and before our own files are
 * laid over; each table names the script it stands for.
 */
import { KERNELS, STUDENT } from '../guest/manifest.ts';
import { kernelFiles } from './boot.ts';
import { ImageError } from './cache.ts';
import { kernelTree } from './kernel-tree.ts';
import { find, type Meta, put, type TreeNode, visit } from './tree.ts';
import type { ImageWriter } from './writer.ts';

/** base-files, login, sudo, openssh-server postinst: folders with their modes. */
const DIRECTORIES: readonly (readonly [path: string, perm: number, gid?: number])[] = [
  ['/mnt', 0o755],
  ['/srv', 0o755],
  ['/opt', 0o755],
  ['/media', 0o755],
  ['/etc/opt', 0o755],
  // Init says a line about it when it is missing.
  ['/etc/inittab.d', 0o755],
  ['/var/opt', 0o755],
  ['/var/mail', 0o2775, 8],
  ['/run', 0o755],
  ['/proc', 0o555],
  ['/sys', 0o555],
  ['/dev', 0o755],
  ['/tmp', 0o1777],
  ['/var/tmp', 0o1777],
  ['/usr/local/bin', 0o755],
  ['/usr/local/etc', 0o755],
  ['/usr/local/games', 0o755],
  ['/usr/local/include', 0o755],
  ['/usr/local/lib', 0o755],
  ['/usr/local/libexec', 0o755],
  ['/usr/local/sbin', 0o755],
  ['/usr/local/share/man', 0o755],
  ['/usr/local/src', 0o755],
  ['/var/lib/sudo', 0o700],
  ['/usr/lib/oopsbox/skeleton/dev', 0o755],
  ['/usr/lib/oopsbox/skeleton/run', 0o755],
  ['/usr/lib/oopsbox/skeleton/run/lock', 0o1777],
  ['/usr/lib/oopsbox/skeleton/run/sshd', 0o755],
  ['/root', 0o700],
];

/** Links that scripts make. The skeleton's are copied to /dev by the boot script. */
const LINKS: readonly (readonly [path: string, target: string])[] = [
  ['/var/run', '/run'],
  ['/var/lock', '/run/lock'],
  ['/var/spool/mail', '../mail'],
  ['/usr/local/man', 'share/man'],
  ['/etc/dpkg/origins/default', 'debian'],
  ['/etc/localtime', '/usr/share/zoneinfo/Etc/UTC'],
  ['/etc/mtab', '../proc/self/mounts'],
  ['/usr/lib/oopsbox/skeleton/dev/fd', '/proc/self/fd'],
  ['/usr/lib/oopsbox/skeleton/dev/stdin', 'fd/0'],
  ['/usr/lib/oopsbox/skeleton/dev/stdout', 'fd/1'],
  ['/usr/lib/oopsbox/skeleton/dev/stderr', 'fd/2'],
];

/** Empty files with owners: login records (base-files, group utmp is 43). */
const EMPTY_FILES: readonly (readonly [path: string, perm: number, gid: number])[] = [
  ['/var/log/wtmp', 0o664, 43],
  ['/var/log/btmp', 0o660, 43],
  ['/var/log/lastlog', 0o664, 43],
  ['/var/log/auth.log', 0o640, 4],
  ['/usr/lib/oopsbox/skeleton/run/utmp', 0o664, 43],
  ['/etc/machine-id', 0o444, 0],
  ['/etc/subuid', 0o644, 0],
  ['/etc/subgid', 0o644, 0],
];

/** Modes that postinst scripts set on files of packages. */
const PERMISSIONS: readonly (readonly [path: string, perm: number])[] = [['/etc/sudoers', 0o440]];

/** Files that start as copies of a package's example. */
const COPIES: readonly (readonly [from: string, to: string])[] = [
  ['/usr/share/base-files/dot.profile', '/root/.profile'],
  ['/usr/share/base-files/dot.bashrc', '/root/.bashrc'],
  ['/usr/share/libc-bin/nsswitch.conf', '/etc/nsswitch.conf'],
  ['/usr/share/openssh/sshd_config', '/etc/ssh/sshd_config'],
];

/** update-alternatives(1): name, link and what it stands for. Highest priority of what is installed. */
const ALTERNATIVES: readonly (readonly [name: string, target: string])[] = [
  ['awk', '/usr/bin/mawk'],
  ['nawk', '/usr/bin/mawk'],
  ['editor', '/bin/nano'],
  ['pico', '/bin/nano'],
  ['pager', '/usr/bin/less'],
  ['which', '/usr/bin/which.debianutils'],
  ['vi', '/usr/bin/vim.tiny'],
  ['view', '/usr/bin/vim.tiny'],
  ['ex', '/usr/bin/vim.tiny'],
  ['rview', '/usr/bin/vim.tiny'],
  ['cc', '/usr/bin/gcc'],
  ['c89', '/usr/bin/c89-gcc'],
  ['c99', '/usr/bin/c99-gcc'],
  ['lzma', '/usr/bin/xz'],
  ['unlzma', '/usr/bin/unxz'],
  ...['cat', 'more', 'less', 'diff', 'cmp', 'grep', 'egrep', 'fgrep'].map(
    (tool) => [`lz${tool}`, `/usr/bin/xz${tool}`] as const,
  ),
];

/** pam-auth-update(8) with its one profile, "Unix authentication": what its templates are filled in with. */
const PAM: Readonly<Record<string, string>> = {
  auth_primary: 'auth\t[success=1 default=ignore]\tpam_unix.so nullok',
  auth_additional: '',
  account_primary: 'account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so',
  account_additional: '',
  session_primary: 'session\t[default=1]\t\t\tpam_permit.so',
  session_additional: 'session\trequired\tpam_unix.so',
  session_nonint_primary: 'session\t[default=1]\t\t\tpam_permit.so',
  session_nonint_additional: 'session\trequired\tpam_unix.so',
  password_primary: 'password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt',
  password_additional: '',
};

/** What login(1) and su(1) set PATH to, as on Ubuntu. */
const USER_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Does everything above to an unpacked tree. `stampSec` is the time of what has none of its own. */
export function install(root: TreeNode, writer: ImageWriter, stampSec: number): void {
  const meta = (perm: number, gid = 0, uid = 0): Meta => ({ perm, uid, gid, mtimeSec: stampSec });
  const write = (path: string, text: string | Uint8Array, m: Meta = meta(0o644)) => {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    put(root, path, { ...m, kind: 'file', content: writer.add(bytes) });
  };
  const read = (path: string): string => {
    const node = find(root, path, true);
    if (!node?.content) throw new ImageError(`The packages hold no file ${path}, which the image needs.`);
    return Buffer.from(writer.read(node.content)).toString('latin1');
  };

  for (const [path, perm, gid] of DIRECTORIES) put(root, path, { ...meta(perm, gid), kind: 'dir' });
  for (const [path, target] of LINKS) put(root, path, { ...meta(0o777), kind: 'symlink', target });
  for (const [path, perm, gid] of EMPTY_FILES) write(path, '', meta(perm, gid));
  for (const [from, to] of COPIES) write(to, Buffer.from(read(from), 'latin1'));
  for (const [path, perm] of PERMISSIONS) {
    const node = find(root, path);
    if (node) node.mode = (node.mode & ~0o7777) | perm;
  }
  for (const [name, target] of ALTERNATIVES) {
    if (!find(root, target, true)) throw new ImageError(`${target} is missing, which ${name} stands for.`);
    put(root, `/etc/alternatives/${name}`, { ...meta(0o777), kind: 'symlink', target });
    put(root, `/usr/bin/${name}`, { ...meta(0o777), kind: 'symlink', target: `/etc/alternatives/${name}` });
  }
  put(root, '/etc/alternatives/rmt', { ...meta(0o777), kind: 'symlink', target: '/usr/sbin/rmt-tar' });
  put(root, '/usr/sbin/rmt', { ...meta(0o777), kind: 'symlink', target: '/etc/alternatives/rmt' });

  for (const part of ['auth', 'account', 'session', 'session-noninteractive', 'password']) {
    const text = read(`/usr/share/pam/common-${part}`);
    write(
      `/etc/pam.d/common-${part}`,
      text.replaceAll(/^\$(\w+)\n/gm, (_, name: string) => (PAM[name] ? `${PAM[name]}\n` : '')),
    );
  }
  const defs = read('/etc/login.defs');
  write('/etc/login.defs', defs.replace(/^(ENV_PATH\s+PATH=).*/m, `$1${USER_PATH}`));
  installAccounts(root, read, write, meta);
  installKernels(write, meta, (path) => put(root, path, { ...meta(0o755), kind: 'dir' }));
  installBuildTrees(root, write, meta);
}

type Write = (path: string, text: string | Uint8Array, meta?: Meta) => void;

/** base-passwd's masters, shadowconfig(8), `adduser student` and openssh-server's user. */
function installAccounts(
  root: TreeNode,
  read: (path: string) => string,
  write: Write,
  meta: (perm: number, gid?: number, uid?: number) => Meta,
): void {
  const { name, uid, gid, gecos, groups } = STUDENT;
  const home = `/home/${name}`;
  const users = `${read('/usr/share/base-passwd/passwd.master').replaceAll(':*:', ':x:')}sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n${name}:x:${uid}:${gid}:${gecos},,,:${home}:/bin/bash\n`;
  const members = (line: string) => {
    const group = line.split(':')[0];
    return (groups as readonly string[]).includes(group) ? line + name : line;
  };
  const master = read('/usr/share/base-passwd/group.master').trimEnd().split('\n');
  const group = [...master.map((line) => members(line.replace(':*:', ':x:'))), `${name}:x:${gid}:`];
  const lines = (rows: string[]) => `${rows.join('\n')}\n`;
  write('/etc/passwd', users);
  write('/etc/group', lines(group));
  write(
    '/etc/shadow',
    lines(
      users
        .trimEnd()
        .split('\n')
        .map((line) => line.split(':')[0])
        .map((user) => `${user}:${user === name ? '!' : '*'}:20000:0:99999:7:::`),
    ),
    meta(0o640, 42),
  );
  write(
    '/etc/gshadow',
    lines(group.map((line) => line.split(':')).map(([grp, , , list]) => `${grp}:*::${list}`)),
    meta(0o640, 42),
  );
  put(root, home, { ...meta(0o755, gid, uid), kind: 'dir' });
  visit(find(root, '/etc/skel')!, (path, node) => {
    if (node.content)
      put(root, home + path, { ...meta(0o644, gid, uid), kind: 'file', content: node.content });
  });
}

/** What linux-headers packages would bring: headers and makefiles below /usr/src, and the `build` links. */
function installBuildTrees(root: TreeNode, write: Write, meta: (perm: number) => Meta): void {
  const makeFolders = (path: string) => {
    const names = path.split('/').slice(1, -1);
    for (let i = 1; i <= names.length; i++) {
      const folder = `/${names.slice(0, i).join('/')}`;
      if (!find(root, folder, true)) put(root, folder, { ...meta(0o755), kind: 'dir' });
    }
  };
  for (const { version } of KERNELS) {
    for (const { path, text, target } of kernelTree(version)) {
      makeFolders(path);
      if (target) put(root, path, { ...meta(0o777), kind: 'symlink', target });
      else write(path, text ?? '', meta(0o644));
    }
  }
}

/** What linux-image packages would bring: /boot and /lib/modules of each version. */
function installKernels(
  write: Write,
  meta: (perm: number) => Meta,
  makeDirectory: (path: string) => void,
): void {
  for (const kernel of KERNELS) {
    const { vmlinuz, config, systemMap, modulesBuiltin, modulesInfo } = kernelFiles(kernel.version);
    write(`/boot/vmlinuz-${kernel.version}`, vmlinuz, meta(kernel.imageMode));
    write(`/boot/config-${kernel.version}`, config);
    write(`/boot/System.map-${kernel.version}`, systemMap, meta(kernel.imageMode));
    const modules = `/usr/lib/modules/${kernel.version}`;
    makeDirectory(`${modules}/kernel`);
    write(`${modules}/modules.order`, '');
    write(`${modules}/modules.builtin`, modulesBuiltin);
    write(`${modules}/modules.builtin.modinfo`, modulesInfo);
  }
}
