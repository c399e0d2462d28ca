/**
 * What of `src/guest` lies where on the VM's disk, and with which owner and mode. Data only: `src/image` lays it over
 * the unpacked packages.
 *
 * Always true: a file is root's with mode 0644, and a folder 0755, unless {@link MODES} says otherwise (the modes of a
 * checkout are not to be trusted); later overlays win over earlier ones.
 */

/** A folder of `src/guest` and the folder of the disk it is copied to. */
export interface Overlay {
  readonly from: string;
  readonly to: string;
}

export const OVERLAYS: readonly Overlay[] = [
  { from: 'rootfs', to: '/' },
  { from: 'kernel/examples', to: '/home/student/examples' },
  { from: 'ssh', to: '/usr/lib/oopsbox/ssh' },
];

/** Owner and mode of files that differ from root's 0644. */
export const MODES: Readonly<Record<string, { perm: number; uid?: number; gid?: number }>> = {
  '/etc/init.d/rcS': { perm: 0o755 },
  '/etc/init.d/rc': { perm: 0o755 },
  '/etc/init.d/ssh': { perm: 0o755 },
  '/usr/lib/oopsbox/console': { perm: 0o755 },
  '/etc/sudoers.d/90-lab': { perm: 0o440 },
};

/** The kernel versions an image carries; the first is the one a VM says it runs. */
export const KERNELS = [
  {
    version: '4.15.0-33-generic',
    /** Ubuntu keeps kernel images from users, Debian does not. */
    imageMode: 0o600,
  },
  { version: '6.12.107+deb13-riscv64', imageMode: 0o644 },
] as const;

/** The user a student works as. */
export const STUDENT = { name: 'student', uid: 1000, gid: 1000, gecos: 'Student', groups: ['sudo'] } as const;
