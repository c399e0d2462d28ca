/**
 * What the VM's disk is made of: Debian packages by name, and what of them is left out.
 *
 * Always true: this file is data. Dependencies are resolved by apt; recommended packages are not taken. Changing
 * anything here changes the recipe, so the next start builds a new image.
 */

/** The suite and architecture of every package. */
export const SUITE = 'trixie';
export const COMPONENT = 'main';
export const ARCHITECTURE = 'riscv64';

/** Packages asked for by name, by what they are there for. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  base: [
    ...['base-files', 'base-passwd', 'libc-bin', 'netbase', 'debianutils', 'tzdata', 'login.defs'],
    ...['ncurses-base', 'ncurses-bin', 'ncurses-term', 'linux-sysctl-defaults'],
  ],
  boot: ['sysvinit-core', 'sysvinit-utils'],
  /** Named so that apt takes it where it would else take all of systemd; nothing of it is unpacked. */
  choice: ['systemd-standalone-sysusers'],
  users: ['login', 'passwd', 'sudo', 'adduser', 'libpam-modules', 'libpam-runtime'],
  shell: [
    'bash',
    'dash',
    'coreutils',
    'grep',
    'sed',
    'mawk',
    'findutils',
    'diffutils',
    'bc',
    'time',
    'tree',
    'file',
  ],
  archives: ['tar', 'gzip', 'bzip2', 'xz-utils'],
  editors: ['less', 'nano', 'vim-tiny'],
  system: [
    ...['util-linux', 'util-linux-extra', 'bsdutils', 'bsdextrautils', 'mount', 'procps', 'psmisc'],
    ...['kmod', 'strace', 'hostname'],
  ],
  network: ['iproute2', 'iputils-ping', 'openssh-client', 'openssh-server', 'rsync'],
  develop: ['gcc', 'libc6-dev', 'linux-libc-dev', 'make', 'binutils', 'gdb'],
};

/** All packages asked for by name, sorted. */
export function packageNames(): string[] {
  return Object.values(PACKAGES).flat().sort();
}

/** Packages that apt needs to satisfy dependencies and of which nothing is unpacked. */
export const DROPPED_PACKAGES: Readonly<Record<string, string>> = {
  debconf: 'asks questions while a package is installed; nothing is installed in a VM',
  insserv: 'orders boot scripts; we have one',
  initscripts: 'replaced by our boot script, which takes a tenth of the time',
  'libdebuginfod-common': 'points debuggers at a server on the Internet, which a VM cannot reach',
  libasan8: 'address sanitizer: wants terabytes of address space',
  liblsan0: 'leak sanitizer, as libasan8',
  libtsan2: 'thread sanitizer, as libasan8',
  libubsan1: 'sanitizer run-time, as libasan8',
  libgprofng0: 'profiler that needs performance counters',
  'libtext-charwidth-perl': 'used by debconf',
  'libtext-wrapi18n-perl': 'used by debconf',
  'media-types': 'for mail and web programs',
  'openssl-provider-legacy': 'ciphers nothing here uses',
  'rpcsvc-proto': 'RPC protocol files',
  'runit-helper': 'for another init',
  startpar: 'starts boot scripts in parallel; we have one',
  'systemd-standalone-sysusers': 'makes users while a package is installed',
  'sysv-rc': 'runs boot scripts by directory; we have one',
  ucf: 'merges configuration while a package is installed',
};

/** One rule of what is left out of the packages that are unpacked: a path from the root, and why. */
export interface Exclusion {
  readonly path: RegExp;
  readonly why: string;
}

export const EXCLUSIONS: readonly Exclusion[] = [
  { path: /^\/usr\/share\/doc(-base)?\//, why: 'documentation is read elsewhere' },
  { path: /^\/usr\/share\/(man|info)\//, why: 'man and info pages: no man program yet' },
  { path: /^\/usr\/share\/locale\//, why: 'translations: VMs speak C.UTF-8' },
  { path: /^\/usr\/share\/i18n\//, why: 'sources of locales, only used to make more of them' },
  {
    path: /^\/usr\/share\/(lintian|bug|reportbug|doc-rfc)\//,
    why: 'packaging checks and bug report helpers',
  },
  {
    path: /^\/usr\/share\/(bash-completion\/completions|zsh|fish)\//,
    why: 'completions of single programs need bash-completion, which is not here',
  },
  { path: /^\/usr\/share\/(applications|icons|pixmaps|metainfo|gnome|apport)\//, why: 'for desktops' },
  { path: /^\/usr\/share\/vim\/vim91\/(doc|lang|tutor)\//, why: 'vim.tiny has no help command' },
  { path: /^\/usr\/share\/zoneinfo\/(?!(UTC|Etc(\/UTC)?)$)/, why: 'VMs keep UTC' },
  {
    path: /^\/etc\/(update-motd\.d|gprofng\.rc)/,
    why: 'starts three programs at each login to print uname; profiler',
  },
  { path: /^\/usr\/lib\/gcc\/.*\/lib(asan|hwasan|lsan|tsan|ubsan)[._]/, why: 'static sanitizer libraries' },
  {
    path: /^\/usr\/libexec\/gcc\/.*\/(lto1|g\+\+-mapper-server)$/,
    why: 'link-time optimiser: 55 MB that no exercise uses',
  },
  { path: /^\/usr\/bin\/.*lto-dump/, why: 'debugging aid for gcc itself, 55 MB' },
  {
    path: /^\/usr\/bin\/(riscv64-linux-gnu-)?(gprofng|gp-)/,
    why: 'profiler that needs performance counters',
  },
  { path: /^\/usr\/bin\/riscv64-linux-gnu-run$/, why: "gdb's own simulator" },
  {
    path: /^\/usr\/lib\/.*\/(gprofng|bfd-plugins\/libdep\.so)/,
    why: 'profiler and linker plug-ins nothing uses',
  },
  {
    path: /^\/usr\/lib\/linux\/uapi\/(?!riscv|generic|$)[^/]+/,
    why: 'kernel headers of other architectures',
  },
  {
    path: /^\/usr\/include\/(?!riscv64)[a-z0-9_]+-linux-[a-z0-9]+(\/|$)/,
    why: 'headers of other architectures',
  },
  {
    path: /^\/usr\/lib\/python3\.13\/(test|idlelib|ensurepip|pydoc_data|turtledemo|lib2to3)\//,
    why: 'parts of Python that gdb never loads',
  },
  {
    path: /^\/usr\/lib\/(systemd|udev|tmpfiles\.d|sysusers\.d|pcrlock\.d)\//,
    why: 'there is no systemd and no udev',
  },
  {
    path: /^\/etc\/(logrotate\.d|ufw|runit|sv|systemd|apt|init\.d\/(procps|sudo|rsync|README)|rc[0-6S]\.d\/.)/,
    why: 'for programs that are not here',
  },
  {
    path: /^\/usr\/share\/(systemd|initramfs-tools|insserv|runit|ufw|apparmor)/,
    why: 'for programs that are not here',
  },
];

/** Why a path of a package is left out; undefined when it is kept. `path` begins with a slash. */
export function whyExcluded(path: string): string | undefined {
  return EXCLUSIONS.find((rule) => rule.path.test(path))?.why;
}
