/*
 * Asks a kernel what its pseudo terminals do, and prints the answers. terminal.expected is what Linux 6.18
 * said; the test runs the same program in a VM. Only what no timing can change is printed.
 */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIOCGPTLCK_ 0x80045439
#define TIOCSIG_ 0x40045436

static int master, slave;
static char name[64];

/* A result, or the errno negated. */
static long answer(long result) {
  return result < 0 ? -errno : result;
}

static void show(const unsigned char* bytes, int count) {
  putchar('"');
  for (int i = 0; i < count; i++) {
    if (count > 300 && i == 40) {
      printf("...%d...", count);
      i = count - 20;
    }
    if (bytes[i] >= 32 && bytes[i] < 127 && bytes[i] != '\\')
      putchar(bytes[i]);
    else
      printf("\\x%02x", bytes[i]);
  }
  putchar('"');
}

static void open_pair(void) {
  int unlocked = 0;
  unsigned index;
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  ioctl(master, TIOCSPTLCK, &unlocked);
  ioctl(master, TIOCGPTN, &index);
  sprintf(name, "/dev/pts/%u", index);
  slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
}

static void close_pair(void) {
  close(slave);
  close(master);
}

/* All that the master sees now. */
static void seen(void) {
  unsigned char bytes[20000];
  int total = 0, n;
  usleep(20000);
  while ((n = read(master, bytes + total, sizeof bytes - total)) > 0) {
    total += n;
    usleep(5000);
  }
  printf("  master sees ");
  show(bytes, total);
  printf("%s\n", n < 0 && errno != EAGAIN ? strerror(errno) : "");
}

/* Reads the slave until it would wait, `size` bytes at a time. */
static void reads(int size) {
  unsigned char bytes[20000];
  for (int i = 0; i < 6; i++) {
    int n = read(slave, bytes, size);
    if (n < 0) {
      printf("  slave: %s\n", strerror(errno));
      return;
    }
    printf("  slave reads ");
    show(bytes, n);
    putchar('\n');
  }
}

static void state(void) {
  int in = -1, out = -1;
  struct pollfd p[2] = {{slave, POLLIN | POLLOUT | POLLPRI, 0}, {master, POLLIN | POLLOUT | POLLPRI, 0}};
  ioctl(slave, FIONREAD, &in);
  ioctl(master, FIONREAD, &out);
  poll(p, 2, 0);
  printf("  waiting: %d to read, %d to see; poll %x %x\n", in, out, p[0].revents, p[1].revents);
}

static void type(const char* keys, int count) {
  int n = write(master, keys, count);
  usleep(20000);
  if (n != count) printf("  took %d\n", n);
}
#define TYPE(keys) type(keys, sizeof(keys) - 1)
#define SAY(text) printf("  write %ld\n", answer(write(slave, text, sizeof(text) - 1)))

/* Sets bits of the three flag words and clears others. */
static void flags(int iset, int iclear, int oset, int oclear, int lset, int lclear) {
  struct termios t;
  ioctl(slave, TCGETS, &t);
  t.c_iflag = (t.c_iflag | iset) & ~iclear;
  t.c_oflag = (t.c_oflag | oset) & ~oclear;
  t.c_lflag = (t.c_lflag | lset) & ~lclear;
  ioctl(slave, TCSETS, &t);
}

static void character(int which, int value) {
  struct termios t;
  ioctl(slave, TCGETS, &t);
  t.c_cc[which] = value;
  ioctl(slave, TCSETS, &t);
}

/* What typing shows and gives, under some flags. */
static const struct {
  const char* name;
  int iset, iclear, lset, lclear;
  const char* keys;
} typing[] = {
    {"editing", 0, 0, 0, 0, "hello\x7f\x7fp me\x17you\t\x7f.\n"},
    {"kill", 0, 0, 0, 0, "abc\x01\x02\x15xyz\n"},
    {"kill without ECHOKE", 0, 0, 0, ECHOKE, "abc\x15xyz\n"},
    {"kill without ECHOK", 0, 0, 0, ECHOKE | ECHOK, "abc\x15xyz\n"},
    {"erase without ECHOE", 0, 0, 0, ECHOE, "abc\x7f\x7fz\n"},
    {"ECHOPRT", 0, 0, ECHOPRT, 0, "abc\x7f\x7fz\x7f\x7f\n"},
    {"no ECHOCTL", 0, 0, 0, ECHOCTL,
     "a\x01\x02\x7f"
     "b\n"},
    {"ECHONL alone", 0, 0, ECHONL, ECHO, "abc\x7f\x15q\n"},
    {"tabs", 0, 0, 0, 0, "ab\tc\t\t\x7f\x7f\x7f\x7f\x7f\n"},
    {"literal next", 0, 0, 0, 0, "a\x16\x03\x16\n\x16\x04z\n"},
    {"reprint", 0, 0, 0, 0,
     "ab\x01"
     "c\x12"
     "d\n"},
    {"no ICRNL", 0, ICRNL, 0, 0, "a\rb\n"},
    {"IGNCR INLCR", IGNCR | INLCR, 0, 0, 0, "a\rb\nc\r"},
    {"ISTRIP IUCLC", ISTRIP | IUCLC, 0, 0, 0,
     "\xc1"
     "BC\xe2\n"},
    {"IUTF8", IUTF8, 0, 0, 0,
     "a\xc3\xa9\xe2\x82\xac\x7f\x7f"
     "b\nx\xc3\xa9y z\xc3\xa9\x17\n"},
    {"no IUTF8", 0, IUTF8, 0, 0,
     "a\xc3\xa9\x7f"
     "b\n"},
    {"raw", 0, ICRNL | IXON, 0, ICANON | ECHO | ISIG | IEXTEN, "a\x03\r\x04\x7f"},
    {"raw with echo", 0, 0, 0, ICANON, "a\x01\r\n\x7f\x04\x17"},
    {"PARMRK", PARMRK, 0, 0, ICANON | ECHO,
     "a\xff"
     "b"},
};

static void test_typing(void) {
  for (unsigned i = 0; i < sizeof typing / sizeof typing[0]; i++) {
    printf("%s\n", typing[i].name);
    open_pair();
    flags(typing[i].iset, typing[i].iclear, 0, 0, typing[i].lset, typing[i].lclear);
    type(typing[i].keys, strlen(typing[i].keys));
    seen();
    state();
    reads(100);
    close_pair();
  }
  printf("tab after a prompt\n");
  open_pair();
  SAY("prompt> ");
  TYPE("a\x01\t\x7f\x7f\x7f\n");
  seen();
  close_pair();
  printf("end of file\n");
  open_pair();
  TYPE("\x04");
  reads(100);
  TYPE("abc\x04");
  state();
  reads(3);
  TYPE("abc\x04\x04");
  reads(3);
  TYPE("xyz\n");
  reads(2);
  close_pair();
  printf("EOL and EOL2\n");
  open_pair();
  character(VEOL, '!');
  character(VEOL2, '#');
  TYPE("ab!cd#ef\n");
  reads(100);
  close_pair();
}

static void test_defaults(void) {
  struct termios t;
  struct winsize w;
  int x = 0;
  printf("a new terminal\n");
  open_pair();
  ioctl(slave, TCGETS, &t);
  printf("  %x %x %x %x %d ", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line);
  show(t.c_cc, 19);
  ioctl(slave, TIOCGWINSZ, &w);
  printf("\n  size %d %d\n", w.ws_row, w.ws_col);
  printf("  TIOCGPGRP %ld, of the master %ld\n", answer(ioctl(slave, TIOCGPGRP, &x)),
         answer(ioctl(master, TIOCGPGRP, &x)));
  printf("  TIOCGSID %ld, of the master %ld\n", answer(ioctl(slave, TIOCGSID, &x)),
         answer(ioctl(master, TIOCGSID, &x)));
  printf("  TIOCGPTN of the slave %ld\n", answer(ioctl(slave, TIOCGPTN, &x)));
  printf("  TCFLSH 9 %ld, TCXONC 9 %ld\n", answer(ioctl(slave, TCFLSH, 9)), answer(ioctl(slave, TCXONC, 9)));
  x = getpid();
  printf("  TIOCSPGRP %ld, of the master %ld\n", answer(ioctl(slave, TIOCSPGRP, &x)),
         answer(ioctl(master, TIOCSPGRP, &x)));
  printf("  TIOCNOTTY %ld, TIOCSCTTY %ld\n", answer(ioctl(slave, TIOCNOTTY)),
         answer(ioctl(slave, TIOCSCTTY, 0)));
  printf("  lseek %ld, fsync %ld\n", answer(lseek(slave, 0, SEEK_CUR)), answer(fsync(slave)));
  close_pair();
  printf("a locked one\n");
  master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  ioctl(master, TIOCGPTN, &x);
  sprintf(name, "/dev/pts/%u", x);
  printf("  open %ld", answer(open(name, O_RDWR | O_NOCTTY)));
  ioctl(master, TIOCGPTLCK_, &x);
  printf(", locked %d\n", x);
  close(master);
}

static void test_modes(void) {
  static char many[30000];
  char bytes[10];
  struct timespec a, b;
  printf("from lines to raw and back\n");
  open_pair();
  TYPE("typed");
  flags(0, 0, 0, 0, 0, ICANON);
  state();
  reads(2);
  flags(0, 0, 0, 0, ICANON, 0);
  TYPE("line1\nline2");
  flags(0, 0, 0, 0, 0, ICANON);
  flags(0, 0, 0, 0, ICANON, 0);
  state();
  TYPE("3\n");
  reads(100);
  close_pair();
  printf("VMIN and VTIME\n");
  open_pair();
  flags(0, 0, 0, 0, 0, ICANON | ECHO);
  character(VMIN, 3);
  TYPE("ab");
  state();
  character(VTIME, 1);
  state();
  reads(10);
  fcntl(slave, F_SETFL, O_RDWR);
  character(VMIN, 0);
  character(VTIME, 3);
  clock_gettime(CLOCK_MONOTONIC, &a);
  int n = read(slave, bytes, 10);
  clock_gettime(CLOCK_MONOTONIC, &b);
  long ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
  printf("  %d bytes after %s\n", n, ms >= 280 && ms < 900 ? "0.3 s" : "another time");
  character(VMIN, 5);
  TYPE("xy");
  n = read(slave, bytes, 10);
  printf("  %d bytes\n", n);
  close_pair();
  printf("a line too long\n");
  open_pair();
  flags(0, 0, 0, 0, 0, ECHO);
  memset(many, 'x', sizeof many);
  printf("  took %ld\n", (long)write(master, many, 5000));
  usleep(50000);
  state();
  TYPE("\n");
  state();
  reads(10000);
  close_pair();
  printf("raw input nobody reads\n");
  open_pair();
  flags(0, 0, 0, 0, 0, ECHO | ICANON);
  int sent = 0, got = 0;
  for (int i = 0; i < 20 && (n = write(master, many, 3000)) >= 0; i++) {
    sent += n;
    usleep(20000);
  }
  ioctl(slave, FIONREAD, &n);
  printf("  %d can be read", n);
  for (int i = 0; i < 200 && got < sent; i++) {
    n = read(slave, many, sizeof many);
    if (n > 0) got += n;
    usleep(3000);
  }
  printf(", %d lost\n", sent - got);
  close_pair();
}

static void test_output(void) {
  printf("output processing\n");
  open_pair();
  flags(0, 0, OCRNL | ONOCR, 0, 0, 0);
  SAY("\rab\rc\nd");
  seen();
  flags(0, 0, XTABS, OCRNL | ONOCR, 0, 0);
  SAY("\ta\tb\b\tc\n");
  seen();
  flags(0, 0, OLCUC, 0, 0, 0);
  SAY("hello\n");
  seen();
  flags(0, 0, ONLRET, ONLCR | OLCUC, 0, 0);
  SAY("ab\n\tc");
  seen();
  flags(0, 0, 0, OPOST, 0, 0);
  SAY("a\nb\t");
  seen();
  close_pair();
  printf("STOP and START\n");
  open_pair();
  TYPE("\x13");
  SAY("held");
  state();
  TYPE("\x11");
  SAY("go");
  flags(IXANY, 0, 0, 0, 0, 0);
  TYPE("\x13");
  TYPE("a");
  SAY("any");
  seen();
  ioctl(slave, TCXONC, 0);
  SAY("held");
  TYPE("\x11");
  SAY("held");
  ioctl(slave, TCXONC, 1);
  SAY("x");
  ioctl(slave, TCXONC, 2);
  ioctl(slave, TCXONC, 3);
  seen();
  close_pair();
  printf("flushing\n");
  open_pair();
  TYPE("abc\ndef");
  ioctl(slave, TCFLSH, 0);
  reads(10);
  TYPE("ghi\n");
  reads(10);
  close_pair();
  printf("packet mode\n");
  open_pair();
  int on = 1;
  ioctl(master, TIOCPKT, &on);
  SAY("data");
  seen();
  flags(0, IXON, 0, 0, 0, 0);
  state();
  seen();
  flags(IXON, 0, 0, 0, 0, 0);
  seen();
  for (int which = 0; which < 3; which++) {
    ioctl(slave, TCFLSH, which);
    seen();
  }
  ioctl(slave, TCXONC, 0);
  seen();
  ioctl(slave, TCXONC, 1);
  seen();
  TYPE("\x13");
  seen();
  TYPE("\x11");
  seen();
  close_pair();
}

static void test_closing(void) {
  struct termios t;
  int x = 1;
  printf("the slave closed\n");
  open_pair();
  SAY("bye");
  close(slave);
  slave = -1;
  state();
  seen();
  printf("  write %ld\n", answer(write(master, "x", 1)));
  slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
  seen();
  SAY("again");
  seen();
  close_pair();
  printf("the master closed\n");
  open_pair();
  TYPE("pending\n");
  close(master);
  master = -1;
  state();
  reads(10);
  printf("  write %ld, TCGETS %ld, TIOCSPGRP %ld, open %ld\n", answer(write(slave, "x", 1)),
         answer(ioctl(slave, TCGETS, &t)), answer(ioctl(slave, TIOCSPGRP, &x)),
         answer(open(name, O_RDWR | O_NOCTTY)));
  close(slave);
}

static void on_signal(int signo) {
  char text[30];
  write(1, text, sprintf(text, "  [signal %d]\n", signo));
}

/* A job in the background: what it may do with the terminal. */
static void background(int tty) {
  char bytes[10];
  struct termios t;
  setpgid(0, 0);
  usleep(50000);
  signal(SIGTTIN, SIG_DFL);
  signal(SIGTTOU, SIG_DFL);
  printf("  reading in the background\n");
  printf("  in the foreground: read %ld\n", answer(read(tty, bytes, 10)));
  signal(SIGTTIN, SIG_IGN);
  ioctl(tty, TCGETS, &t);
  signal(SIGTTOU, SIG_IGN);
  t.c_lflag |= TOSTOP;
  printf("  TCSETS with SIGTTOU ignored %ld\n", answer(ioctl(tty, TCSETS, &t)));
  printf("  write %ld\n", answer(write(tty, "w", 1)));
  _exit(3);
}

static void session(void) {
  struct winsize w = {10, 20, 0, 0};
  char bytes[100], typed = '!';
  int x, status;
  setsid();
  printf("  /dev/tty %ld\n", answer(open("/dev/tty", O_RDWR)));
  int tty = open(name, O_RDWR);
  ioctl(tty, TIOCGSID, &x);
  printf("  the session is mine %d", x == getpid());
  ioctl(tty, TIOCGPGRP, &x);
  printf(", the group %d, /dev/tty %d\n", x == getpid(), open("/dev/tty", O_RDWR) >= 0);
  for (int signo = 1; signo < 32; signo++)
    if (signo != SIGKILL && signo != SIGSTOP && signo != SIGCHLD) signal(signo, on_signal);
  TYPE("\x03");
  TYPE("\x1c");
  TYPE("\x1a");
  seen();
  ioctl(master, TIOCSWINSZ, &w);
  usleep(10000);
  ioctl(master, TIOCSWINSZ, &w);
  flags(0, 0, 0, 0, NOFLSH, 0);
  TYPE("keep\x03me\n");
  printf("  read %ld\n", answer(read(tty, bytes, 100)));
  ioctl(master, TIOCSIG_, SIGINT);
  usleep(10000);
  seen();
  pid_t child = fork();
  if (child == 0) background(tty);
  setpgid(child, child);
  waitpid(child, &status, WUNTRACED);
  printf("  stopped by %d\n", WSTOPSIG(status));
  x = child;
  ioctl(tty, TIOCSPGRP, &x);
  TYPE("line\n");
  signal(SIGTTOU, SIG_IGN);
  kill(-child, SIGCONT);
  waitpid(child, &status, 0);
  x = getpid();
  printf("  ended with %d; TIOCSPGRP %ld\n", WEXITSTATUS(status), answer(ioctl(tty, TIOCSPGRP, &x)));
  seen();
  int groups[] = {-5, 99999999, getppid()};
  for (int i = 0; i < 3; i++)
    printf("  TIOCSPGRP of another %ld\n", answer(ioctl(tty, TIOCSPGRP, &groups[i])));
  printf("  TIOCSTI %ld\n", answer(ioctl(tty, TIOCSTI, &typed)));
  seen();
  printf("  TIOCNOTTY %ld\n", answer(ioctl(tty, TIOCNOTTY)));
  usleep(10000);
  printf("  /dev/tty %ld", answer(open("/dev/tty", O_RDWR)));
  printf(", TIOCGSID %ld", answer(ioctl(tty, TIOCGSID, &x)));
  printf(", TIOCSCTTY %ld\n", answer(ioctl(tty, TIOCSCTTY, 0)));
  close(master);
  usleep(20000);
  printf("  read %ld", answer(read(tty, bytes, 5)));
  printf(", /dev/tty %ld\n", answer(open("/dev/tty", O_RDWR)));
  _exit(0);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  /* Not as a session leader, whom a terminal's end would kill. */
  pid_t child = fork();
  if (child != 0) {
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  }
  setpgid(0, 0);
  test_defaults();
  test_typing();
  test_modes();
  test_output();
  test_closing();
  printf("a session\n");
  open_pair();
  if (fork() == 0) session();
  close(master);
  wait(NULL);
  printf("done\n");
  return 0;
}
