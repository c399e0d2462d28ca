/* What socket calls answer: one line each. net-calls.linux.txt is what Linux printed; see net-calls.slow.ts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define T(e)                                                                                       \
  do {                                                                                             \
    errno = 0;                                                                                     \
    long r_ = (long)(e);                                                                           \
    printf("%s = %ld%s%s\n", #e, r_, r_ < 0 ? " " : "", r_ < 0 ? strerror(errno) : "");            \
    fflush(stdout);                                                                                \
  } while (0)

static char b[70000];
static int one = 1;

static struct sockaddr_in at(const char *host, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = inet_addr(host);
  return a;
}
#define SA(x) (struct sockaddr *)&x, sizeof x

static void show(int fd, int events) {
  struct pollfd p = {fd, events, 0};
  int r = poll(&p, 1, 0);
  printf("poll %d, %x\n", r, p.revents);
}
static int opt(int fd, int level, int name) {
  int v = -1;
  socklen_t l = sizeof v;
  if (getsockopt(fd, level, name, &v, &l)) return -errno;
  return v;
}

static int send_fds(int s, int *fds, int n) {
  char c = 'x';
  struct iovec io = {&c, 1};
  char buf[CMSG_SPACE(16 * 4)];
  memset(buf, 0, sizeof buf);
  struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = CMSG_SPACE(n * 4)};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_RIGHTS;
  h->cmsg_len = CMSG_LEN(n * 4);
  memcpy(CMSG_DATA(h), fds, n * 4);
  return sendmsg(s, &m, 0);
}
static int receive_fds(int s, int *fds, int room, int flags) {
  char c[8];
  struct iovec io = {c, sizeof c};
  char buf[CMSG_SPACE(16 * 4)];
  struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = CMSG_LEN(room * 4)};
  int r = recvmsg(s, &m, flags);
  if (r < 0) return -errno;
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  int n = 0;
  if (h && h->cmsg_type == SCM_RIGHTS) {
    n = (h->cmsg_len - CMSG_LEN(0)) / 4;
    memcpy(fds, CMSG_DATA(h), n * 4);
  }
  printf("received %d bytes, %d files, flags %x\n", r, n, m.msg_flags);
  return n;
}
static void show_cred(int s) {
  struct iovec io = {b, 100};
  char buf[200];
  struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = buf, .msg_controllen = sizeof buf};
  int r = recvmsg(s, &m, 0);
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  if (!h) {
    printf("cred %d none\n", r);
    return;
  }
  struct ucred c;
  memcpy(&c, CMSG_DATA(h), sizeof c);
  printf("cred %d type %d own %d uid %d\n", r, h->cmsg_type, c.pid == getpid(), (int)c.uid);
}

static void unix_streams(void) {
  int s[2];
  T(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  T(write(s[0], "hello", 5));
  int n;
  ioctl(s[1], FIONREAD, &n);
  printf("to read %d\n", n);
  T(recv(s[1], b, 3, MSG_PEEK));
  T(read(s[1], b, 100));
  T(recv(s[1], b, 3, MSG_DONTWAIT));
  struct iovec v[2] = {{"ab", 2}, {"cde", 3}};
  T(writev(s[0], v, 2));
  struct iovec w[2] = {{b, 1}, {b + 1, 10}};
  T(readv(s[1], w, 2));
  if (fork() == 0) {
    write(s[0], "12", 2);
    usleep(20000);
    write(s[0], "345", 3);
    _exit(0);
  }
  T(recv(s[1], b, 5, MSG_WAITALL));
  wait(0);
  struct timeval tv = {0, 20000};
  T(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  T(recv(s[1], b, 1, 0));
  struct ucred c;
  socklen_t l = sizeof c;
  T(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &c, &l));
  printf("peer is me %d\n", c.pid == getpid());
  T(shutdown(s[0], SHUT_WR));
  show(s[1], POLLIN | POLLOUT | POLLRDHUP);
  T(recv(s[1], b, 1, 0));
  T(write(s[0], "x", 1));
  T(write(s[1], "y", 1));
  T(read(s[0], b, 10));
  T(shutdown(s[0], 3));
  close(s[1]);
  show(s[0], POLLIN | POLLOUT | POLLRDHUP);
  T(write(s[0], "x", 1));
  T(read(s[0], b, 1));
  close(s[0]);
  // Unread data at close resets the other end.
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  write(s[0], "lost", 4);
  close(s[1]);
  T(read(s[0], b, 1));
  T(read(s[0], b, 1));
  close(s[0]);
  // A large transfer with a slow reader.
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  if (fork() == 0) {
    close(s[1]);
    char *m = malloc(1 << 20);
    memset(m, 7, 1 << 20);
    long done = write(s[0], m, 1 << 20);
    _exit(done == 1 << 20 ? 0 : 1);
  }
  close(s[0]);
  long total = 0, r;
  while ((r = read(s[1], b, 10000)) > 0) total += r;
  int status;
  wait(&status);
  printf("total %ld status %d\n", total, status);
  close(s[1]);
}

static void unix_files(void) {
  int s[2], p[2], got[16];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  pipe(p);
  T(send_fds(s[0], (int[]){p[1], p[0]}, 2));
  T(receive_fds(s[1], got, 4, MSG_CMSG_CLOEXEC));
  printf("cloexec %d\n", fcntl(got[0], F_GETFD));
  T(write(got[0], "via", 3));
  T(read(p[0], b, 10));
  // No room for one of two; then none at all: they are closed.
  T(send_fds(s[0], (int[]){p[1], p[0]}, 2));
  T(receive_fds(s[1], got + 2, 1, 0));
  T(send_fds(s[0], (int[]){p[1]}, 1));
  T(read(s[1], b, 10));
  close(got[0]), close(got[1]), close(got[2]), close(p[1]);
  T(read(p[0], b, 1));
  // Files divide a stream.
  write(s[0], "AA", 2);
  send_fds(s[0], (int[]){p[0]}, 1);
  write(s[0], "BB", 2);
  T(receive_fds(s[1], got, 4, 0));
  T(receive_fds(s[1], got, 4, 0));
  T(send_fds(s[0], (int[]){99}, 1));
  // A file survives its sender.
  pipe(p);
  if (fork() == 0) {
    send_fds(s[0], (int[]){p[1]}, 1);
    _exit(0);
  }
  wait(0);
  close(p[1]);
  T(receive_fds(s[1], got, 4, 0));
  T(write(got[0], "still", 5));
  T(read(p[0], b, 10));
  close(s[0]), close(s[1]);
  // Sockets that only their own messages hold are freed: this can be done for ever.
  for (int i = 0; i < 3000; i++) {
    int c[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, c) || send_fds(c[0], c, 2) != 1) {
      printf("cycle %d: %s\n", i, strerror(errno));
      break;
    }
    close(c[0]), close(c[1]);
  }
  int c[2];
  T(socketpair(AF_UNIX, SOCK_DGRAM, 0, c));
  setsockopt(c[1], SOL_SOCKET, SO_PASSCRED, &one, 4);
  send(c[0], "me", 2, 0);
  show_cred(c[1]);
  setsockopt(c[1], SOL_SOCKET, SO_PASSCRED, (int[]){0}, 4);
  send(c[0], "me", 2, 0);
  show_cred(c[1]);
}

static void unix_names(void) {
  struct sockaddr_un a = {AF_UNIX, "net-calls.sock"}, q;
  socklen_t l;
  unlink(a.sun_path);
  int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d, e;
  T(connect(s, SA(a)));
  T(bind(s, SA(a)));
  T(bind(c, SA(a)));
  T(bind(s, SA(a)));
  T(connect(c, SA(a)));
  T(listen(c, 1));
  T(accept(s, 0, 0));
  T(listen(s, 1));
  show(s, POLLIN | POLLOUT);
  T(connect(c, SA(a)));
  show(s, POLLIN | POLLOUT);
  T(connect(c, SA(a)));
  l = sizeof q;
  T((d = accept4(s, (void *)&q, &l, SOCK_CLOEXEC | SOCK_NONBLOCK)) > 0);
  printf("length %d flags %d %d\n", l, fcntl(d, F_GETFD), (fcntl(d, F_GETFL) & O_NONBLOCK) != 0);
  l = sizeof q;
  T(getpeername(c, (void *)&q, &l));
  printf("%d %s\n", l, q.sun_path);
  l = sizeof q;
  T(getsockname(d, (void *)&q, &l));
  printf("%d %s\n", l, q.sun_path);
  T(recv(d, b, 1, 0));
  T(sendto(c, "x", 1, 0, SA(a)));
  // Its backlog full, it makes others wait.
  int w[3];
  for (int i = 0; i < 3; i++) {
    w[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    T(connect(w[i], SA(a)));
  }
  T((e = accept(s, 0, 0)) > 0);
  T(connect(w[2], SA(a)));
  close(s);
  T(read(w[1], b, 1));
  T(connect(socket(AF_UNIX, SOCK_STREAM, 0), SA(a)));
  T(connect(socket(AF_UNIX, SOCK_DGRAM, 0), SA(a)));
  T(open(a.sun_path, O_RDWR));
  struct stat st;
  stat(a.sun_path, &st);
  printf("mode %o\n", st.st_mode);
  unlink(a.sun_path);
  struct sockaddr_un plain = {AF_UNIX, "/etc/passwd"}, none = {AF_UNIX, "/nowhere/x"};
  T(connect(socket(AF_UNIX, SOCK_STREAM, 0), SA(plain)));
  T(bind(socket(AF_UNIX, SOCK_STREAM, 0), SA(plain)));
  T(bind(socket(AF_UNIX, SOCK_STREAM, 0), SA(none)));
  // Abstract and automatic names.
  struct sockaddr_un ab = {AF_UNIX, "\0net-calls"};
  int x = socket(AF_UNIX, SOCK_DGRAM, 0), y = socket(AF_UNIX, SOCK_DGRAM, 0), z = socket(AF_UNIX, SOCK_DGRAM, 0);
  T(bind(x, (void *)&ab, 2 + 10));
  T(bind(y, (void *)&ab, 2 + 10));
  T(bind(y, (void *)&ab, 2));
  l = sizeof q;
  T(getsockname(y, (void *)&q, &l));
  printf("automatic %d\n", l);
  T(connect(y, (void *)&ab, 2 + 10));
  T(send(y, "dgram", 5, 0));
  T(send(y, "", 0, 0));
  l = sizeof q;
  T(recvfrom(x, b, 3, MSG_TRUNC, (void *)&q, &l));
  printf("from %d\n", l);
  T(recv(x, b, 10, 0));
  T(sendto(x, "back", 4, 0, (void *)&q, l));
  T(recv(y, b, 10, 0));
  T(sendto(z, "x", 1, 0, (void *)&q, l));
  T(send(z, "x", 1, 0));
  T(listen(x, 1));
  close(x);
  T(send(y, "x", 1, 0));
  T(send(y, "x", 1, 0));
  int p[2];
  T(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p));
  T(send(p[0], "one", 3, 0));
  T(send(p[0], "four", 4, 0));
  T(recv(p[1], b, 2, 0));
  T(recv(p[1], b, 100, 0));
  T(recv(p[1], b, 100, 0));
  show(p[1], POLLIN | POLLOUT);
  close(p[0]);
  show(p[1], POLLIN | POLLOUT);
  T(send(p[1], "x", 1, MSG_NOSIGNAL));
  T(socket(AF_UNIX, 7, 0));
  T(socket(99, SOCK_STREAM, 0));
  T(socketpair(AF_INET, SOCK_STREAM, 0, p));
  T(send(0, "x", 1, 0) < 0);
  T(listen(1000, 1));
}

static void tcp(void) {
  struct sockaddr_in a = at("127.0.0.1", 5000), q;
  socklen_t l;
  int s = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), c, d;
  show(s, POLLIN | POLLOUT);
  T(send(s, "x", 1, 0));
  T(recv(s, b, 1, 0));
  T(accept(s, 0, 0));
  c = socket(AF_INET, SOCK_STREAM, 0);
  T(connect(c, SA(a)));
  T(getpeername(c, (void *)&q, &l));
  T(bind(s, SA(a)));
  T(listen(s, 5));
  T(bind(t, SA(a)));
  T(connect(c, SA(a)));
  T(connect(c, SA(a)));
  l = sizeof q;
  T((d = accept(s, (void *)&q, &l)) > 0);
  printf("peer %s length %d\n", inet_ntoa(q.sin_addr), l);
  T(send(c, "GET\n", 4, 0));
  T(recv(d, b, 200, 0));
  show(c, POLLIN | POLLOUT);
  T(shutdown(c, SHUT_WR));
  T(recv(d, b, 1, 0));
  show(d, POLLIN | POLLOUT | POLLRDHUP);
  T(send(d, "resp", 4, 0));
  close(d);
  T(recv(c, b, 100, 0));
  T(recv(c, b, 100, 0));
  T(send(c, "x", 1, MSG_NOSIGNAL));
  show(c, POLLIN | POLLOUT);
  close(c);
  // c closed first, its port is in TIME_WAIT; s still listens.
  T(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &one, 4));
  T(bind(t, SA(a)));
  // Unread data at close: a reset.
  c = socket(AF_INET, SOCK_STREAM, 0);
  T(connect(c, SA(a)));
  d = accept(s, 0, 0);
  send(c, "unread", 6, 0);
  close(d);
  T(recv(c, b, 1, 0));
  T(send(c, "x", 1, MSG_NOSIGNAL));
  printf("error %d\n", opt(c, SOL_SOCKET, SO_ERROR));
  close(c);
  // Linger of no time: a reset.
  c = socket(AF_INET, SOCK_STREAM, 0);
  connect(c, SA(a));
  d = accept(s, 0, 0);
  struct linger lg = {1, 0};
  T(setsockopt(d, SOL_SOCKET, SO_LINGER, &lg, sizeof lg));
  close(d);
  show(c, POLLIN);
  printf("error %d\n", opt(c, SOL_SOCKET, SO_ERROR));
  T(recv(c, b, 1, 0));
  close(c);
  // Writing to a closed end: the first write is lost, the second told.
  c = socket(AF_INET, SOCK_STREAM, 0);
  connect(c, SA(a));
  close(accept(s, 0, 0));
  T(send(c, "x", 1, 0));
  T(send(c, "x", 1, 0));
  close(c);
  // Nonblocking connections.
  struct sockaddr_in bad = at("127.0.0.1", 5999);
  c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  T(connect(c, SA(bad)));
  show(c, POLLIN | POLLOUT);
  printf("error %d\n", opt(c, SOL_SOCKET, SO_ERROR));
  close(c);
  c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  T(connect(c, SA(bad)));
  T(connect(c, SA(bad)));
  T(connect(c, SA(a)));
  show(c, POLLOUT);
  T(connect(c, SA(a)));
  T(connect(c, SA(a)));
  T(recv(c, b, 1, 0));
  d = accept(s, 0, 0);
  long sent = 0, got = 0, r;
  while ((r = send(c, b, sizeof b, 0)) > 0) sent += r;
  printf("filled %d error %d\n", sent > 100000, errno);
  show(c, POLLOUT);
  fcntl(d, F_SETFL, O_NONBLOCK);
  while ((r = recv(d, b, sizeof b, 0)) > 0) got += r;
  printf("all there %d\n", got == sent);
  show(c, POLLOUT);
  close(c), close(d);
  // Much data between processes.
  if (fork() == 0) {
    c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, SA(a));
    char *m = malloc(4 << 20);
    memset(m, 5, 4 << 20);
    _exit(write(c, m, 4 << 20) == 4 << 20 ? 0 : 1);
  }
  d = accept(s, 0, 0);
  got = 0;
  while ((r = read(d, b, sizeof b)) > 0) got += r;
  int status;
  wait(&status);
  printf("read %ld %ld status %d\n", got, r, status);
  close(d);
  // A file goes out of the kernel.
  c = socket(AF_INET, SOCK_STREAM, 0);
  connect(c, SA(a));
  d = accept(s, 0, 0);
  int f = open("net-calls.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(f, b, 30000);
  off_t off = 0;
  T(sendfile(c, f, &off, 30000));
  T(recv(d, b, sizeof b, MSG_WAITALL | MSG_DONTWAIT));
  unlink("net-calls.tmp");
  close(c), close(d);
  // Listeners end.
  T(shutdown(s, SHUT_RD));
  T(accept(s, 0, 0));
  T(connect(socket(AF_INET, SOCK_STREAM, 0), SA(a)));
  T(listen(s, 1));
  c = socket(AF_INET, SOCK_STREAM, 0);
  T(connect(c, SA(a)));
  close(s);
  T(recv(c, b, 1, 0));
  close(c);
  int e = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in any = at("0.0.0.0", 0);
  T(bind(e, SA(any)));
  l = sizeof q;
  T(getsockname(e, (void *)&q, &l));
  printf("port %d family %d\n", ntohs(q.sin_port) != 0, q.sin_family);
  T(bind(e, SA(any)));
  struct sockaddr_in far = at("192.0.2.77", 5000);
  T(bind(socket(AF_INET, SOCK_STREAM, 0), SA(far)));
  T(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, 4));
  printf("type %d accepting %d protocol %d domain %d\n", opt(e, SOL_SOCKET, SO_TYPE), opt(e, SOL_SOCKET, SO_ACCEPTCONN),
         opt(e, SOL_SOCKET, SO_PROTOCOL), opt(e, SOL_SOCKET, SO_DOMAIN));
  T(setsockopt(e, IPPROTO_TCP, TCP_NODELAY, &one, 4));
  printf("nodelay %d\n", opt(e, IPPROTO_TCP, TCP_NODELAY));
  T(setsockopt(e, IPPROTO_TCP, TCP_NODELAY, &one, 1));
  T(setsockopt(e, SOL_SOCKET, 999, &one, 4));
  T(setsockopt(e, SOL_SOCKET, SO_RCVBUF, (int[]){10000}, 4));
  printf("buffer %d\n", opt(e, SOL_SOCKET, SO_RCVBUF));
  T(setsockopt(e, SOL_SOCKET, SO_TYPE, &one, 4));
  struct tcp_info ti;
  l = sizeof ti;
  getsockopt(e, IPPROTO_TCP, TCP_INFO, &ti, &l);
  printf("state %d\n", ti.tcpi_state);
}

static void udp(void) {
  struct sockaddr_in any = at("0.0.0.0", 6000), to = at("127.0.0.1", 6000), gone = at("127.0.0.1", 6001), q;
  socklen_t l = sizeof q;
  int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0);
  T(send(v, "x", 1, 0));
  T(bind(u, SA(any)));
  T(bind(v, SA(to)));
  T(sendto(v, "hello", 5, 0, SA(to)));
  T(sendto(v, "", 0, 0, SA(to)));
  T(recvfrom(u, b, 3, MSG_PEEK, (void *)&q, &l));
  T(recvfrom(u, b, 3, MSG_TRUNC, (void *)&q, &l));
  printf("from %s %d\n", inet_ntoa(q.sin_addr), l);
  T(recv(u, b, 3, 0));
  T(sendto(u, "re", 2, 0, SA(q)));
  int n;
  ioctl(v, FIONREAD, &n);
  printf("to read %d\n", n);
  T(read(v, b, 10));
  T(recv(v, b, 10, MSG_DONTWAIT));
  T(sendto(v, b, 65508, 0, SA(to)));
  T(sendto(v, b, 65507, 0, SA(to)));
  T(recv(u, b, sizeof b, 0));
  // Nobody there: only a connected socket is told.
  T(sendto(v, "x", 1, 0, SA(gone)));
  T(recv(v, b, 1, MSG_DONTWAIT));
  T(connect(v, SA(gone)));
  T(send(v, "x", 1, 0));
  show(v, POLLIN);
  T(recv(v, b, 1, 0));
  T(send(v, "x", 1, 0));
  T(send(v, "x", 1, 0));
  // A connected socket hears only its peer.
  T(sendto(u, "stranger", 8, 0, SA(q)));
  T(recv(v, b, 10, MSG_DONTWAIT));
  struct sockaddr un = {AF_UNSPEC};
  T(connect(v, &un, sizeof un));
  T(send(v, "x", 1, 0));
  struct sockaddr_in bc = at("255.255.255.255", 1);
  T(sendto(u, "x", 1, 0, SA(bc)));
  T(listen(u, 1));
  T(accept(u, 0, 0));
  T(shutdown(u, SHUT_RD));
  // Errors in the queue.
  int e = socket(AF_INET, SOCK_DGRAM, 0);
  T(setsockopt(e, IPPROTO_IP, IP_RECVERR, &one, 4));
  T(sendto(e, "lost", 4, 0, SA(gone)));
  show(e, POLLIN);
  char ctl[200];
  struct iovec io = {b, 100};
  struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl, .msg_name = &q, .msg_namelen = sizeof q};
  T(recvmsg(e, &m, MSG_ERRQUEUE));
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  if (h) {
    struct sock_extended_err *x = (void *)CMSG_DATA(h);
    printf("level %d type %d error %d origin %d %d/%d flags %x port %d\n", h->cmsg_level, h->cmsg_type, x->ee_errno, x->ee_origin,
           x->ee_type, x->ee_code, m.msg_flags, ntohs(q.sin_port));
  }
  T(recvmsg(e, &m, MSG_ERRQUEUE));
  // What IP tells.
  int i = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in pi = at("0.0.0.0", 6002), pto = at("127.0.0.1", 6002);
  bind(i, SA(pi));
  setsockopt(i, IPPROTO_IP, IP_PKTINFO, &one, 4);
  setsockopt(i, IPPROTO_IP, IP_RECVTTL, &one, 4);
  sendto(v, "info", 4, 0, SA(pto));
  m.msg_controllen = sizeof ctl;
  m.msg_namelen = sizeof q;
  T(recvmsg(i, &m, 0));
  for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
    printf("type %d length %d", h->cmsg_type, (int)h->cmsg_len);
    if (h->cmsg_type == IP_PKTINFO) printf(" to %s", inet_ntoa(((struct in_pktinfo *)CMSG_DATA(h))->ipi_addr));
    if (h->cmsg_type == IP_TTL) printf(" ttl %d", *(int *)CMSG_DATA(h));
    printf("\n");
  }
  setsockopt(i, SOL_SOCKET, SO_TIMESTAMP, &one, 4);
  sendto(v, "time", 4, 0, SA(pto));
  m.msg_controllen = 8;
  T(recvmsg(i, &m, 0));
  printf("flags %x\n", m.msg_flags);
  struct mmsghdr mm[3];
  struct iovec iv[3];
  memset(mm, 0, sizeof mm);
  for (int k = 0; k < 3; k++) {
    iv[k] = (struct iovec){b + 10 * k, k + 1};
    mm[k].msg_hdr = (struct msghdr){.msg_iov = &iv[k], .msg_iovlen = 1, .msg_name = &pto, .msg_namelen = sizeof pto};
  }
  T(sendmmsg(v, mm, 3, 0));
  for (int k = 0; k < 3; k++) mm[k].msg_hdr.msg_name = 0, iv[k].iov_len = 10;
  T(recvmmsg(i, mm, 3, MSG_WAITFORONE, 0));
  printf("lengths %d %d %d\n", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
}

static void six(void) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(7000)}, q;
  struct sockaddr_in m = at("127.0.0.1", 7000);
  socklen_t l = sizeof q;
  char text[100];
  int s = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), d;
  T(bind(s, SA(a)));
  T(listen(s, 3));
  T(bind(socket(AF_INET, SOCK_STREAM, 0), SA(m)));
  T(connect(c, SA(m)));
  T((d = accept(s, (void *)&q, &l)) > 0);
  printf("%s %d\n", inet_ntop(AF_INET6, &q.sin6_addr, text, 100), l);
  a.sin6_addr = in6addr_loopback;
  c = socket(AF_INET6, SOCK_STREAM, 0);
  T(connect(c, SA(a)));
  T((d = accept(s, (void *)&q, &l)) > 0);
  printf("%s\n", inet_ntop(AF_INET6, &q.sin6_addr, text, 100));
  int o = socket(AF_INET6, SOCK_STREAM, 0), o4 = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(7001)};
  struct sockaddr_in any4 = at("0.0.0.0", 7001);
  T(setsockopt(o, IPPROTO_IPV6, IPV6_V6ONLY, &one, 4));
  T(bind(o, SA(any)));
  T(bind(o4, SA(any4)));
  T(bind(socket(AF_INET6, SOCK_DGRAM, 0), SA(any4)));
  // An edge-triggered epoll sees each arrival once.
  int ep = epoll_create1(0);
  struct epoll_event ev = {EPOLLIN | EPOLLET, {.fd = c}};
  epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev);
  T(epoll_wait(ep, &ev, 1, 0));
  send(d, "a", 1, 0);
  T(epoll_wait(ep, &ev, 1, 0));
  T(epoll_wait(ep, &ev, 1, 0));
  send(d, "b", 1, 0);
  T(epoll_wait(ep, &ev, 1, 0));
}

static void nothing(int signo) {}
static void signals(void) {
  int s[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  struct sigaction sa = {.sa_handler = nothing};
  sigaction(SIGALRM, &sa, 0);
  struct itimerval it = {{0, 0}, {0, 30000}};
  setitimer(ITIMER_REAL, &it, 0);
  T(recv(s[0], b, 1, 0));
  sa.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &sa, 0);
  if (fork() == 0) {
    usleep(100000);
    write(s[1], "r", 1);
    _exit(0);
  }
  setitimer(ITIMER_REAL, &it, 0);
  T(recv(s[0], b, 1, 0));
  wait(0);
  signal(SIGPIPE, SIG_DFL);
  if (fork() == 0) {
    close(s[1]);
    write(s[0], "x", 1);
    _exit(0);
  }
  close(s[1]);
  int status;
  wait(&status);
  printf("killed by %d\n", WTERMSIG(status));
  signal(SIGPIPE, SIG_IGN);
}

static void *taker(void *arg) {
  int d = accept(*(int *)arg, 0, 0);
  char c;
  read(d, &c, 1);
  write(d, "!", 1);
  close(d);
  return 0;
}
static void threads(void) {
  struct sockaddr_in a = at("127.0.0.1", 5100);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  bind(s, SA(a));
  listen(s, 8);
  pthread_t t[4];
  for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, taker, &s);
  int answers = 0;
  for (int i = 0; i < 4; i++) {
    int c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, SA(a));
    write(c, "?", 1);
    answers += read(c, b, 1) == 1;
    close(c);
  }
  for (int i = 0; i < 4; i++) pthread_join(t[i], 0);
  printf("answers %d\n", answers);
}

static void interfaces(void) {
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq r = {.ifr_name = "lo"};
  T(ioctl(s, SIOCGIFFLAGS, &r));
  printf("flags %x\n", (unsigned short)r.ifr_flags);
  T(ioctl(s, SIOCGIFADDR, &r));
  printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
  T(ioctl(s, SIOCGIFNETMASK, &r));
  printf("%s\n", inet_ntoa(((struct sockaddr_in *)&r.ifr_addr)->sin_addr));
  T(ioctl(s, SIOCGIFINDEX, &r));
  printf("index %d name %s\n", if_nametoindex("lo"), if_indextoname(1, b));
  T(ioctl(s, SIOCGIFHWADDR, &r));
  printf("hardware %d\n", r.ifr_hwaddr.sa_family);
  T(ioctl(s, SIOCGIFMTU, &r));
  printf("mtu %d\n", r.ifr_mtu);
  strcpy(r.ifr_name, "none0");
  T(ioctl(s, SIOCGIFFLAGS, &r));
  strcpy(b, "host");
  // Echo requests on a datagram socket.
  int p = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  struct sockaddr_in lo = at("127.0.0.1", 0), q;
  socklen_t l = sizeof q;
  struct icmphdr h = {.type = ICMP_ECHO, .un.echo = {.id = 1, .sequence = htons(7)}};
  memcpy(b, &h, sizeof h);
  strcpy(b + sizeof h, "payload");
  T(sendto(p, b, 16, 0, SA(lo)));
  T(recvfrom(p, b, 100, 0, (void *)&q, &l));
  memcpy(&h, b, sizeof h);
  printf("type %d sequence %d %s from %s\n", h.type, ntohs(h.un.echo.sequence), b + 8, inet_ntoa(q.sin_addr));
  h.type = ICMP_ECHOREPLY;
  T(sendto(p, &h, 8, 0, SA(lo)));
  T(sendto(p, &h, 4, 0, SA(lo)));
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  unix_streams();
  unix_files();
  unix_names();
  tcp();
  udp();
  six();
  signals();
  threads();
  interfaces();
  return 0;
}
