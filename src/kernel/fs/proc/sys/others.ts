/** Sysctls below vm.*, fs.*, net.*, debug.*, dev.* and user.* (kernel/sysctl.c, fs, net of 4.15). */
import { MAX_MAP_COUNT } from '../../../mm/layout.ts';
import { reclaim } from '../../../mm/reclaim.ts';
import { NR_OPEN } from '../../../task/rlimit.ts';
import { integer, integers, owned, readOnly, text } from './sysctl.ts';

const MAX_INT = 2147483647;

owned(
  'vm.overcommit_memory',
  (k) => k.mm.overcommit,
  (k, value) => {
    k.mm.overcommit = value;
  },
  0,
  2,
);
integer('vm.overcommit_ratio', 50, 0);
integer('vm.overcommit_kbytes', 0, 0);
integer('vm.swappiness', 60, 0, 100);
integer('vm.max_map_count', MAX_MAP_COUNT, 0);
integer('vm.mmap_min_addr', 65536, 0);
integers('vm.drop_caches', [0], 1, 4, 0o644, (k, [what]) => {
  if (what & 1) reclaim(k, Number.POSITIVE_INFINITY);
});
integer('vm.compact_memory', 0, 0, MAX_INT, 0o200);
integer('vm.dirty_ratio', 20, 0, 100);
integer('vm.dirty_background_ratio', 10, 0, 100);
integer('vm.dirty_bytes', 0, 0);
integer('vm.dirty_background_bytes', 0, 0);
integer('vm.dirty_expire_centisecs', 3000, 0);
integer('vm.dirty_writeback_centisecs', 500, 0);
integer('vm.dirtytime_expire_seconds', 43200, 0);
integer('vm.laptop_mode', 0, 0);
integer('vm.min_free_kbytes', 2048, 0);
integer('vm.watermark_scale_factor', 10, 1, 1000);
integer('vm.vfs_cache_pressure', 100, 0);
integer('vm.oom_dump_tasks', 1);
integer('vm.oom_kill_allocating_task', 0);
integer('vm.panic_on_oom', 0, 0, 2);
integer('vm.page-cluster', 3, 0);
integer('vm.block_dump', 0, 0);
integer('vm.stat_interval', 1, 0);
integer('vm.admin_reserve_kbytes', 8192, 0);
integer('vm.user_reserve_kbytes', 31036, 0);
integer('vm.extfrag_threshold', 500, 0, 1000);
integer('vm.legacy_va_layout', 0);
integers('vm.lowmem_reserve_ratio', [256, 32], 0);

owned(
  'fs.file-max',
  (k) => k.fs.maxFiles,
  (k, value) => {
    k.fs.maxFiles = Math.min(value, k.quotas.maxOpenFiles);
  },
  0,
  Number.MAX_SAFE_INTEGER,
);
readOnly('fs.file-nr', (k) => `${k.fs.openFiles}\t0\t${k.fs.maxFiles}`);
integer('fs.nr_open', NR_OPEN, 8, MAX_INT);
readOnly('fs.inode-nr', (k) => `${k.fs.dentries}\t0`);
readOnly('fs.inode-state', (k) => `${k.fs.dentries}\t0\t0\t0\t0\t0\t0`);
readOnly('fs.dentry-state', (k) => `${k.fs.dentries}\t${k.fs.dentries}\t45\t0\t0\t0`);
integer('fs.pipe-max-size', 1048576, 4096, MAX_INT);
integer('fs.pipe-user-pages-soft', 16384, 0);
integer('fs.pipe-user-pages-hard', 0, 0);
integer('fs.protected_hardlinks', 1, 0, 1, 0o600);
integer('fs.protected_symlinks', 1, 0, 1, 0o600);
integer('fs.suid_dumpable', 0, 0, 2);
integer('fs.leases-enable', 1);
integer('fs.lease-break-time', 45, 0);
integer('fs.dir-notify-enable', 1);
integer('fs.overflowuid', 65534, 0, 65535);
integer('fs.overflowgid', 65534, 0, 65535);
integer('fs.mount-max', 100000, 1);
readOnly('fs.aio-nr', () => 0);
integer('fs.aio-max-nr', 65536, 0);
integer('fs.epoll.max_user_watches', 202138, 0);
integer('fs.inotify.max_queued_events', 16384, 0);
integer('fs.inotify.max_user_instances', 128, 0);
integer('fs.inotify.max_user_watches', 8192, 0);

integer('net.core.somaxconn', 128, 0, 65535);
integer('net.core.rmem_default', 212992, 2048);
integer('net.core.rmem_max', 212992, 2048);
integer('net.core.wmem_default', 212992, 2048);
integer('net.core.wmem_max', 212992, 2048);
integer('net.core.netdev_max_backlog', 1000, 0);
text('net.core.default_qdisc', 'pfifo_fast', 15);
integers('net.ipv4.ping_group_range', [0, 2147483647], 0);
integers('net.ipv4.ip_local_port_range', [32768, 60999], 1, 65535);
integer('net.ipv4.ip_forward', 0, 0, 1);
integer('net.ipv4.ip_default_ttl', 64, 1, 255);
integer('net.ipv4.ip_unprivileged_port_start', 1024, 0, 65535);
integer('net.ipv4.icmp_echo_ignore_all', 0, 0, 1);
integer('net.ipv4.icmp_echo_ignore_broadcasts', 1, 0, 1);
integer('net.ipv4.tcp_syncookies', 1, 0, 2);
integer('net.ipv4.tcp_keepalive_time', 7200, 1);
integer('net.ipv4.tcp_fin_timeout', 60, 1);
integer('net.ipv4.tcp_max_syn_backlog', 128, 1);
integer('net.ipv4.tcp_timestamps', 1, 0, 2);
integer('net.ipv4.tcp_sack', 1, 0, 1);
integer('net.ipv4.tcp_window_scaling', 1, 0, 1);
integers('net.ipv4.tcp_rmem', [4096, 87380, 6291456], 1);
integers('net.ipv4.tcp_wmem', [4096, 16384, 4194304], 1);
text('net.ipv4.tcp_congestion_control', 'cubic', 15);
for (const name of ['all', 'default', 'lo']) {
  integer(`net.ipv4.conf.${name}.forwarding`, 0, 0, 1);
  integer(`net.ipv4.conf.${name}.rp_filter`, name === 'lo' ? 0 : 1, 0, 2);
  integer(`net.ipv4.conf.${name}.accept_redirects`, 1, 0, 1);
  integer(`net.ipv4.conf.${name}.send_redirects`, 1, 0, 1);
}
integer('net.unix.max_dgram_qlen', 512, 0);

integer('debug.exception-trace', 1);
integer('dev.tty.ldisc_autoload', 1, 0, 1);
for (const name of ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'])
  integer(`user.max_${name}_namespaces`, 3752, 0);
