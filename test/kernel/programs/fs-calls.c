/*
 * Asks the kernel for a few hundred small things with files and prints what it answers, one a line. What Linux
 * answers is kept beside it; run it in an empty directory as root.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/signalfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <sys/uio.h>
#include <sys/ioctl.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <poll.h>
#include <signal.h>
#include <dirent.h>
#include <sys/sysmacros.h>
#define T(e) do { long r = (long)(e); printf("%-60s = %ld%s%s\n", #e, r > 1000000 ? 1000000 : r, r == -1 ? " " : "", r == -1 ? strerrorname_np(errno) : ""); } while (0)
int main() {
  char buf[8192]; int p[2]; struct stat st;
  setvbuf(stdout, 0, _IONBF, 0);
  int fd = open("f", O_RDWR|O_CREAT|O_TRUNC, 0644);
  T(fd);
  T(write(fd, "hello world", 11));
  T(lseek(fd, -5, SEEK_END));
  T(read(fd, buf, 100));
  T(pread(fd, buf, 5, 0));
  T(pwrite(fd, "J", 1, 0));
  T(pread(fd, buf, 5, -1));
  T(ftruncate(fd, 100));
  T(fstat(fd, &st));
  T(st.st_size);
  T(fcntl(fd, F_GETFL));
  T(fcntl(fd, F_SETFL, O_APPEND|O_NONBLOCK));
  T(fcntl(fd, F_GETFL));
  T(fcntl(fd, F_DUPFD, 100));
  T(fcntl(fd, F_DUPFD_CLOEXEC, 100));
  T(fcntl(101, F_GETFD));
  T(dup2(fd, fd));
  T(dup3(fd, fd, 0));
  T(dup2(fd, 50));
  T(close(50));
  T(close(50));
  T(fcntl(fd, 999));
  struct iovec iov[3] = {{"ab",2},{"",0},{"cd",2}};
  T(writev(fd, iov, 3));
  T(writev(fd, iov, -1));
  T(readv(fd, iov, 2000));
  T(read(fd, (void*)8, 10));
  T(lseek(fd,0,SEEK_SET));
  T(read(fd, (void*)8, 10));
  T(write(fd, (void*)8, 10));
  T(read(99, buf, 1));
  T(write(-1, buf, 1));
  int o = open(".", O_PATH);
  T(read(o, buf, 1));
  T(fchdir(o));
  T(fstat(o, &st));
  T(fchmod(o, 0777));
  T(faccessat(o, "f", R_OK, 0));
  T(openat(o, "nope", O_RDONLY));
  T(openat(fd, "x", O_RDONLY));
  T(openat(77, "x", O_RDONLY));
  T(openat(77, "/etc/passwd", O_RDONLY) > 0);
  int t = open(".", O_TMPFILE|O_RDWR, 0600);
  T(t);
  T(write(t, "tmp", 3)); sprintf(buf, "/proc/self/fd/%d", t);
  T(linkat(AT_FDCWD, buf, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW));
  T(stat("linked", &st));
  T(st.st_nlink); unlink("linked");
  T(pipe2(p, O_NONBLOCK));
  T(read(p[0], buf, 10));
  T(write(p[1], "abc", 3)); int n;
  T(ioctl(p[0], FIONREAD, &n));
  T(n);
  T(fcntl(p[0], F_GETPIPE_SZ));
  T(fcntl(p[0], F_SETPIPE_SZ, 5000));
  T(lseek(p[0], 0, SEEK_SET));
  T(pread(p[0], buf, 1, 0));
  T(write(p[0], "x", 1));
  T(read(p[1], buf, 1));
  struct pollfd pf[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
  T(poll(pf, 2, 0));
  T(pf[0].revents);
  T(pf[1].revents); close(p[1]);
  T(read(p[0], buf, 10));
  T(poll(pf, 1, 100));
  T(pf[0].revents);
  T(read(p[0], buf, 10));
  pipe(p); close(p[0]); signal(SIGPIPE, SIG_IGN);
  T(write(p[1], "x", 1)); pf[0].fd = p[1];
  T(poll(pf, 1, 0));
  T(pf[0].revents);
  int e = epoll_create1(0), ev = eventfd(0, 0); struct epoll_event ee = {EPOLLIN, {.u64 = 42}};
  T(epoll_ctl(e, EPOLL_CTL_ADD, ev, &ee));
  T(epoll_ctl(e, EPOLL_CTL_ADD, ev, &ee));
  T(epoll_ctl(e, EPOLL_CTL_ADD, fd, &ee));
  T(epoll_wait(e, &ee, 1, 20)); unsigned long long v = 5;
  T(write(ev, &v, 8));
  T(epoll_wait(e, &ee, 1, -1));
  T(ee.data.u64);
  T(read(ev, &v, 8));
  T(v);
  int tf = timerfd_create(CLOCK_MONOTONIC, 0); struct itimerspec its = {{0, 10000000}, {0, 10000000}};
  T(timerfd_settime(tf, 0, &its, 0)); usleep(55000);
  T(read(tf, &v, 8));
  T(v >= 5);
  sigset_t ss; sigemptyset(&ss); sigaddset(&ss, SIGUSR1); sigprocmask(SIG_BLOCK, &ss, 0); int sf = signalfd(-1, &ss, 0); if (!fork()) { usleep(10000); kill(getppid(), SIGUSR1); _exit(0); } struct signalfd_siginfo si;
  T(read(sf, &si, sizeof si));
  T(si.ssi_signo); wait(0);
  int in = inotify_init1(0);
  T(inotify_add_watch(in, ".", IN_ALL_EVENTS)); rename("f", "f2"); n = read(in, buf, sizeof buf);
  T(n); for (char *q = buf; q < buf + n;) { struct inotify_event *i = (void*)q; printf(" %x %s c%d\n", i->mask, i->len ? i->name : "", !!i->cookie); q += sizeof *i + i->len; }
  int m = memfd_create("mem", MFD_ALLOW_SEALING);
  T(ftruncate(m, 8192));
  T(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK|F_SEAL_GROW));
  T(ftruncate(m, 100));
  T(fcntl(m, F_GET_SEALS)); char *mm = mmap(0, 8192, 3, MAP_SHARED, m, 0);
  T(mm != MAP_FAILED); strcpy(mm, "shared");
  T(pread(m, buf, 6, 0)); printf("%.6s\n", buf); sprintf(buf, "/proc/self/fd/%d", m); char l[100]; n = readlink(buf, l, 100); printf("%.*s\n", n, l);
  int a = open("src", O_RDWR|O_CREAT|O_TRUNC, 0644), b = open("dst", O_RDWR|O_CREAT|O_TRUNC, 0644); for (int i = 0; i < 100; i++) write(a, buf, 1000); off_t off = 0;
  T(sendfile(b, a, &off, 100000));
  T(off);
  T(lseek(b, 0, SEEK_END)); off = 0;
  T(copy_file_range(a, &off, b, 0, 5000, 0)); pipe(p); off = 0;
  T(splice(a, &off, p[1], 0, 3000, 0));
  T(splice(p[0], 0, b, 0, 5000, 0));
  T(tee(p[0], p[1], 1, 0));
  T(posix_fadvise(a, 0, 0, 0));
  T(posix_fallocate(a, 0, 200000));
  T(fallocate(a, FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE, 0, 4096));
  T(lseek(a, 0, SEEK_DATA));
  T(lseek(a, 5000, SEEK_HOLE));
  T(fsync(a));
  T(fsync(p[0]));
  T(flock(a, LOCK_EX));
  T(flock(open("src", O_RDONLY), LOCK_EX|LOCK_NB));
  struct flock fl = {F_WRLCK, SEEK_SET, 0, 10};
  T(fcntl(a, F_SETLK, &fl)); if (!fork()) { fl.l_type = F_WRLCK;
  T(fcntl(a, F_SETLK, &fl));
  T(fcntl(a, F_GETLK, &fl));
  T(fl.l_pid == getppid()); _exit(0); } wait(0); if (!fork()) { fl.l_type = F_WRLCK; fl.l_start = 0; fl.l_len = 10;
  T(fcntl(a, F_SETLKW, &fl)); _exit(0); } usleep(20000); fl.l_type = F_UNLCK;
  T(fcntl(a, F_SETLK, &fl)); wait(0);
  T(setxattr("src", "user.k", "val", 3, 0));
  T(getxattr("src", "user.k", buf, 100));
  T(getxattr("src", "user.z", buf, 100));
  T(listxattr("src", buf, 100));
  T(setxattr("src", "bad.k", "v", 1, 0));
  T(removexattr("src", "user.k"));
  T(getxattr("/proc/version", "user.k", buf, 10));
  T(rename("src", "src"));
  T(link("src", "src"));
  T(symlink("", "x"));
  T(mkdir("/", 0));
  T(rmdir("/"));
  T(unlink(".."));
  T(rmdir("src"));
  T(open("src/", O_RDONLY));
  T(open("src", O_DIRECTORY));
  T(mkdir("newd/", 0755));
  T(open("newd", O_WRONLY));
  T(rename("newd", "newd/x"));
  T(rename("src", "newd"));
  T(rename("newd", "src"));
  T(rename("newd/", "newe/"));
  T(rmdir("newe/."));
  T(rmdir("newe"));
  T(access("src", X_OK));
  T(chmod("nope", 0));
  T(truncate("/", 0));
  T(truncate("src", -1));
  T(mknod("dev", S_IFCHR|0600, makedev(99, 1)));
  T(open("dev", O_RDWR));
  T(unlink("dev"));
  T(readlink("src", buf, 10));
  T(chdir("src"));
  T(statfs("/nope", (void*)buf));
  struct dirent *de; DIR *d = opendir("."); n = 0; while ((de = readdir(d))) n++;
  T(n); rewinddir(d); close(creat("new", 0600)); n = 0; while ((de = readdir(d))) n++;
  T(n); 
  T(umask(027));
  T(umask(022));
  T(ioctl(fd, 0x1234, 0));
  T(ioctl(fd, FIOCLEX));
  T(fcntl(fd, F_GETFD));
  T(close_range(3, ~0U, 0));
  T(fcntl(3, F_GETFD));
}
