/** Files, inodes, their operation tables, /proc and seq_file as C sees them. */
import { kernelVersion } from '../../kapi/declarations/declare.ts';
import { randomizeLayout, struct, typedef, variant } from './declare.ts';

struct('qstr', 'linux/dcache.h', { hash: 'u32', len: 'u32', name: 'const unsigned char *' });
struct('dentry', 'linux/dcache.h', {
  d_flags: 'unsigned int',
  d_count: 'int',
  d_parent: 'struct dentry *',
  d_name: 'struct qstr',
  d_inode: 'struct inode *',
  d_iname: 'unsigned char[40]',
  d_op: 'const struct dentry_operations *',
  d_sb: 'struct super_block *',
  d_fsdata: 'void *',
  d_child: 'struct list_head',
  d_subdirs: 'struct list_head',
});
struct('path', 'linux/path.h', { mnt: 'struct vfsmount *', dentry: 'struct dentry *' });
struct('vfsmount', 'linux/mount.h', {
  mnt_root: 'struct dentry *',
  mnt_sb: 'struct super_block *',
  mnt_flags: 'int',
});

const fs = 'linux/fs.h';
struct('fown_struct', fs, { pid: 'struct pid *', uid: 'kuid_t', euid: 'kuid_t', signum: 'int' });
struct('address_space', fs, {
  host: 'struct inode *',
  a_ops: 'const struct address_space_operations *',
  nrpages: 'unsigned long',
  private_data: 'void *',
});
struct('inode', fs, {
  i_mode: 'umode_t',
  i_opflags: 'unsigned short',
  i_uid: 'kuid_t',
  i_gid: 'kgid_t',
  i_flags: 'unsigned int',
  i_op: 'const struct inode_operations *',
  i_sb: 'struct super_block *',
  i_mapping: 'struct address_space *',
  i_ino: 'unsigned long',
  i_nlink: 'unsigned int',
  i_rdev: 'dev_t',
  i_size: 'loff_t',
  i_atime: 'struct timespec64',
  i_mtime: 'struct timespec64',
  i_ctime: 'struct timespec64',
  i_lock: 'spinlock_t',
  i_bytes: 'unsigned short',
  i_blkbits: 'u8',
  i_blocks: 'blkcnt_t',
  i_state: 'unsigned long',
  i_rwsem: 'struct rw_semaphore',
  i_version: 'u64',
  i_count: 'atomic_t',
  i_writecount: 'atomic_t',
  i_fop: 'const struct file_operations *',
  i_data: 'struct address_space',
  i_cdev: 'struct cdev *',
  i_pipe: 'struct pipe_inode_info *',
  i_generation: 'u32',
  i_private: 'void *',
});
variant('inode', 'i_atime', kernelVersion(6, 7, 0), '\tstruct timespec64 __i_atime;');
variant('inode', 'i_mtime', kernelVersion(6, 7, 0), '\tstruct timespec64 __i_mtime;');
variant('inode', 'i_ctime', kernelVersion(6, 6, 0), '\tstruct timespec64 __i_ctime;');
struct('file', fs, {
  f_count: 'atomic_long_t',
  f_lock: 'spinlock_t',
  f_mode: 'fmode_t',
  f_flags: 'unsigned int',
  f_op: 'const struct file_operations *',
  f_mapping: 'struct address_space *',
  private_data: 'void *',
  f_inode: 'struct inode *',
  f_cred: 'const struct cred *',
  f_path: 'struct path',
  f_pos_lock: 'struct mutex',
  f_pos: 'loff_t',
  f_owner: 'struct fown_struct',
  f_version: 'u64',
  f_ep: 'void *',
});
const fops = {
  owner: 'struct module *',
  llseek: 'loff_t (*)(struct file *, loff_t, int)',
  read: 'ssize_t (*)(struct file *, char __user *, size_t, loff_t *)',
  write: 'ssize_t (*)(struct file *, const char __user *, size_t, loff_t *)',
  read_iter: 'ssize_t (*)(struct kiocb *, struct iov_iter *)',
  write_iter: 'ssize_t (*)(struct kiocb *, struct iov_iter *)',
  iterate_shared: 'int (*)(struct file *, struct dir_context *)',
  poll: '__poll_t (*)(struct file *, struct poll_table_struct *)',
  unlocked_ioctl: 'long (*)(struct file *, unsigned int, unsigned long)',
  compat_ioctl: 'long (*)(struct file *, unsigned int, unsigned long)',
  mmap: 'int (*)(struct file *, struct vm_area_struct *)',
  open: 'int (*)(struct inode *, struct file *)',
  flush: 'int (*)(struct file *, fl_owner_t id)',
  release: 'int (*)(struct inode *, struct file *)',
  fsync: 'int (*)(struct file *, loff_t, loff_t, int datasync)',
  fasync: 'int (*)(int, struct file *, int)',
  lock: 'int (*)(struct file *, int, struct file_lock *)',
  get_unmapped_area:
    'unsigned long (*)(struct file *, unsigned long, unsigned long, unsigned long, unsigned long)',
  check_flags: 'int (*)(int)',
  flock: 'int (*)(struct file *, int, struct file_lock *)',
  splice_write: 'ssize_t (*)(struct pipe_inode_info *, struct file *, loff_t *, size_t, unsigned int)',
  splice_read: 'ssize_t (*)(struct file *, loff_t *, struct pipe_inode_info *, size_t, unsigned int)',
  fallocate: 'long (*)(struct file *file, int mode, loff_t offset, loff_t len)',
  show_fdinfo: 'void (*)(struct seq_file *m, struct file *f)',
};
struct('file_operations', fs, fops);
randomizeLayout('file_operations');
variant('file_operations', 'poll', 0, '\tunsigned int (*poll)(struct file *, struct poll_table_struct *);');
variant(
  'file_operations',
  'poll',
  kernelVersion(4, 16, 0),
  '\t__poll_t (*poll)(struct file *, struct poll_table_struct *);',
);
struct('dir_context', fs, {
  actor: 'int (*)(struct dir_context *, const char *, int, loff_t, u64, unsigned)',
  pos: 'loff_t',
});
struct('super_block', fs, {
  s_dev: 'dev_t',
  s_blocksize_bits: 'unsigned char',
  s_blocksize: 'unsigned long',
  s_maxbytes: 'loff_t',
  s_type: 'struct file_system_type *',
  s_op: 'const struct super_operations *',
  s_flags: 'unsigned long',
  s_magic: 'unsigned long',
  s_root: 'struct dentry *',
  s_fs_info: 'void *',
  s_time_gran: 'u32',
  s_id: 'char[32]',
});
struct('fs_struct', 'linux/fs_struct.h', {
  users: 'int',
  lock: 'spinlock_t',
  umask: 'int',
  root: 'struct path',
  pwd: 'struct path',
});
struct('fdtable', 'linux/fdtable.h', {
  max_fds: 'unsigned int',
  fd: 'struct file **',
  close_on_exec: 'unsigned long *',
  open_fds: 'unsigned long *',
});
struct('files_struct', 'linux/fdtable.h', {
  count: 'atomic_t',
  fdt: 'struct fdtable *',
  fdtab: 'struct fdtable',
  file_lock: 'spinlock_t',
  next_fd: 'unsigned int',
});
struct('fasync_struct', fs, {
  fa_lock: 'rwlock_t',
  magic: 'int',
  fa_fd: 'int',
  fa_next: 'struct fasync_struct *',
  fa_file: 'struct file *',
});
struct('kiocb', fs, { ki_filp: 'struct file *', ki_pos: 'loff_t', private: 'void *', ki_flags: 'int' });
struct('kvec', 'linux/uio.h', { iov_base: 'void *', iov_len: 'size_t' });
struct('iov_iter', 'linux/uio.h', {
  iter_type: 'u8',
  iov_offset: 'size_t',
  iov: 'const void *',
  count: 'size_t',
  nr_segs: 'unsigned long',
});

typedef('poll_table', 'poll_table_struct');
struct('poll_table_struct', 'linux/poll.h', { _qproc: 'poll_queue_proc', _key: '__poll_t' });

struct('seq_operations', 'linux/seq_file.h', {
  start: 'void * (*)(struct seq_file *m, loff_t *pos)',
  stop: 'void (*)(struct seq_file *m, void *v)',
  next: 'void * (*)(struct seq_file *m, void *v, loff_t *pos)',
  show: 'int (*)(struct seq_file *m, void *v)',
});
struct('seq_file', 'linux/seq_file.h', {
  buf: 'char *',
  size: 'size_t',
  from: 'size_t',
  count: 'size_t',
  pad_until: 'size_t',
  index: 'loff_t',
  read_pos: 'loff_t',
  lock: 'struct mutex',
  op: 'const struct seq_operations *',
  poll_event: 'int',
  file: 'const struct file *',
  private: 'void *',
});
struct('proc_ops', 'linux/proc_fs.h', {
  proc_flags: 'unsigned int',
  proc_open: 'int (*)(struct inode *, struct file *)',
  proc_read: 'ssize_t (*)(struct file *, char __user *, size_t, loff_t *)',
  proc_read_iter: 'ssize_t (*)(struct kiocb *, struct iov_iter *)',
  proc_write: 'ssize_t (*)(struct file *, const char __user *, size_t, loff_t *)',
  proc_lseek: 'loff_t (*)(struct file *, loff_t, int)',
  proc_release: 'int (*)(struct inode *, struct file *)',
  proc_poll: '__poll_t (*)(struct file *, struct poll_table_struct *)',
  proc_ioctl: 'long (*)(struct file *, unsigned int, unsigned long)',
  proc_compat_ioctl: 'long (*)(struct file *, unsigned int, unsigned long)',
  proc_mmap: 'int (*)(struct file *, struct vm_area_struct *)',
  proc_get_unmapped_area:
    'unsigned long (*)(struct file *, unsigned long, unsigned long, unsigned long, unsigned long)',
});
randomizeLayout('proc_ops');
