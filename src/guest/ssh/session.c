/*
 * sshd-session USER HOST [COMMAND]: what OpenSSH's program of that name does once a client has proved who it is.
 * Always true: it is started as root by the front door outside the VM, which has done the cryptography; from here on
 * everything is the machine's own: accounts, records of logins, the user's shell.
 *
 * On a terminal it stays as the shell's parent, so that utmp and wtmp (man 5 utmp) tell when the session began and ended
 * and the status goes back; without one it becomes the shell.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <lastlog.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmpx.h>

#define MAX_GROUPS 256
#define WTMP "/var/log/wtmp"
#define LASTLOG "/var/log/lastlog"
#define SESSIONS "/run/systemd/sessions"

static pid_t shell_pid;

static void fail(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\r\n", stderr);
	exit(status);
}

/* The user's line of /etc/passwd. */
static struct passwd *account(const char *name)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *user;

	if (!file)
		fail(255, "/etc/passwd: %s", strerror(errno));
	while ((user = fgetpwent(file)))
		if (strcmp(user->pw_name, name) == 0)
			return user;
	fail(255, "no user %s", name);
	return NULL;
}

/* initgroups(3) over /etc/group alone. */
static void take_groups(const struct passwd *user)
{
	gid_t groups[MAX_GROUPS];
	size_t count = 1;
	FILE *file = fopen("/etc/group", "re");
	struct group *group;

	groups[0] = user->pw_gid;
	while (file && count < MAX_GROUPS && (group = fgetgrent(file)))
		for (char **member = group->gr_mem; *member; member++)
			if (strcmp(*member, user->pw_name) == 0 && group->gr_gid != user->pw_gid && count < MAX_GROUPS)
				groups[count++] = group->gr_gid;
	if (file)
		fclose(file);
	if (setgroups(count, groups) < 0)
		fail(255, "setgroups: %s", strerror(errno));
}

/* NAME=value lines, as pam_env reads them; what the client sent goes before. */
static void read_environment(const char *path)
{
	char line[4096];
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof line, file)) {
		char *name = line + strspn(line, " \t"), *value = strchr(name, '='), *end;

		if (*name == '#' || !value)
			continue;
		if (strncmp(name, "export ", 7) == 0)
			name += 7;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		end = value + strlen(value);
		if (end - value >= 2 && (*value == '"' || *value == '\'') && end[-1] == *value) {
			end[-1] = '\0';
			value++;
		}
		setenv(name, value, 0);
	}
	if (file)
		fclose(file);
}

static void copy_to_terminal(const char *path)
{
	char block[4096];
	size_t count;
	FILE *file = fopen(path, "re");

	while (file && (count = fread(block, 1, sizeof block, file)) > 0)
		fwrite(block, 1, count, stdout);
	if (file)
		fclose(file);
}

/* Reads and renews the user's entry of lastlog; says when and from where the last login was. */
static void last_login(const struct passwd *user, const char *line, const char *host, time_t now, int tell)
{
	struct lastlog entry;
	off_t at = (off_t)user->pw_uid * sizeof entry;
	int fd = open(LASTLOG, O_RDWR | O_CREAT | O_CLOEXEC, 0664);

	if (fd < 0)
		return;
	if (pread(fd, &entry, sizeof entry, at) == sizeof entry && entry.ll_time && tell) {
		time_t then = entry.ll_time;
		char *text = ctime(&then);

		text[strcspn(text, "\n")] = '\0';
		if (entry.ll_host[0])
			printf("Last login: %s from %.*s\r\n", text, (int)sizeof entry.ll_host, entry.ll_host);
		else
			printf("Last login: %s\r\n", text);
	}
	memset(&entry, 0, sizeof entry);
	entry.ll_time = now;
	strncpy(entry.ll_line, line, sizeof entry.ll_line);
	strncpy(entry.ll_host, host, sizeof entry.ll_host);
	if (pwrite(fd, &entry, sizeof entry, at) < 0)
		perror(LASTLOG);
	close(fd);
}

/* One record for utmp, which who(1) reads, and for wtmp, which last(1) reads. */
static void record(short type, const char *line, const char *user, const char *host, pid_t pid)
{
	struct utmpx entry = { .ut_type = type, .ut_pid = pid };
	struct timeval now;
	size_t length = strlen(line), id = length > sizeof entry.ut_id ? length - sizeof entry.ut_id : 0;

	gettimeofday(&now, NULL);
	entry.ut_tv.tv_sec = now.tv_sec;
	entry.ut_tv.tv_usec = now.tv_usec;
	strncpy(entry.ut_line, line, sizeof entry.ut_line);
	memcpy(entry.ut_id, line + id, length - id);
	if (type == USER_PROCESS) {
		strncpy(entry.ut_user, user, sizeof entry.ut_user);
		strncpy(entry.ut_host, host, sizeof entry.ut_host);
		if (inet_pton(AF_INET, host, entry.ut_addr_v6) != 1)
			inet_pton(AF_INET6, host, entry.ut_addr_v6);
	}
	setutxent();
	pututxline(&entry);
	endutxent();
	updwtmpx(WTMP, &entry);
}

/* What who(1), users(1) and uptime(1) of Debian 13 read in place of utmp: the session as logind would note it. */
static void note_session(const struct passwd *user, const char *line, const char *host, pid_t pid, int begin)
{
	char path[64];
	struct timeval now;
	FILE *file;

	snprintf(path, sizeof path, SESSIONS "/%d", pid);
	if (!begin) {
		unlink(path);
		return;
	}
	mkdir("/run/systemd", 0755);
	mkdir(SESSIONS, 0755);
	file = fopen(path, "we");
	if (!file)
		return;
	gettimeofday(&now, NULL);
	fprintf(file, "# This is private data. Do not parse.\nUID=%d\nUSER=%s\nACTIVE=1\nSTATE=active\nREMOTE=1\n"
		"TYPE=tty\nCLASS=user\nREMOTE_HOST=%s\nSERVICE=sshd\nTTY=%s\nLEADER=%d\nREALTIME=%lld%06ld\n",
		user->pw_uid, user->pw_name, host, line, pid, (long long)now.tv_sec, (long)now.tv_usec);
	fclose(file);
}

/* Signals that come for the session go to the shell's group, as sshd's killpg does. */
static void pass_on(int signal)
{
	if (shell_pid > 0)
		kill(-shell_pid, signal);
}

/* Becomes the user's shell: a login shell, or one that runs a command. */
static void run_shell(const struct passwd *user, const char *command, const char *tty)
{
	const char *shell = user->pw_shell[0] ? user->pw_shell : "/bin/sh";
	const char *base = strrchr(shell, '/') ? strrchr(shell, '/') + 1 : shell;
	char name[256], mail[256];

	snprintf(mail, sizeof mail, "/var/mail/%s", user->pw_name);
	setenv("HOME", user->pw_dir, 1);
	setenv("USER", user->pw_name, 1);
	setenv("LOGNAME", user->pw_name, 1);
	setenv("SHELL", shell, 1);
	setenv("MAIL", mail, 1);
	if (tty)
		setenv("SSH_TTY", tty, 1);
	take_groups(user);
	if (setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
		fail(255, "cannot become %s: %s", user->pw_name, strerror(errno));
	if (chdir(user->pw_dir) < 0) {
		fprintf(stderr, "Could not chdir to home directory %s: %s\r\n", user->pw_dir, strerror(errno));
		if (chdir("/") < 0)
			exit(255);
	}
	snprintf(name, sizeof name, "%s%s", command ? "" : "-", base);
	fflush(NULL);
	if (command)
		execl(shell, name, "-c", command, (char *)NULL);
	else
		execl(shell, name, (char *)NULL);
	fail(255, "%s: %s", shell, strerror(errno));
}

/* What ps(1) shows, as setproctitle(3) does it: over the arguments that were given. */
static void set_title(int argc, char **argv, const char *user, const char *line)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]);
	size_t room = end - argv[0];
	char title[128];

	snprintf(title, sizeof title, "sshd-session: %s@%s", user, line);
	memset(argv[0], 0, room);
	strncpy(argv[0], title, room);
}

int main(int argc, char **argv)
{
	char *name, *host, *command, *tty;
	const char *line;
	struct passwd *user;
	struct stat facts;
	int status;

	if (argc < 3)
		fail(255, "usage: sshd-session USER HOST [COMMAND]");
	name = strdup(argv[1]);
	host = strdup(argv[2]);
	command = argc > 3 ? strdup(argv[3]) : NULL;
	user = account(name);
	if (user->pw_uid != 0 && stat("/etc/nologin", &facts) == 0) {
		copy_to_terminal("/etc/nologin");
		fflush(stdout);
		return 254;
	}
	unsetenv("LD_PRELOAD");
	read_environment("/etc/environment");
	read_environment("/etc/default/locale");

	tty = isatty(0) ? ttyname(0) : NULL;
	if (!tty)
		run_shell(user, command, NULL);

	tty = strdup(tty);
	line = strncmp(tty, "/dev/", 5) == 0 ? tty + 5 : tty;
	if (chown(tty, user->pw_uid, 5) < 0 || chmod(tty, 0620) < 0)
		perror(tty);
	/* The shell leads a session of its own, with this terminal. */
	signal(SIGHUP, SIG_IGN);
	if (ioctl(0, TIOCNOTTY) < 0)
		perror("TIOCNOTTY");
	shell_pid = fork();
	if (shell_pid < 0)
		fail(255, "fork failed: %s", strerror(errno));
	if (shell_pid == 0) {
		char quiet[4096];

		signal(SIGHUP, SIG_DFL);
		setsid();
		if (ioctl(0, TIOCSCTTY, 0) < 0)
			perror("TIOCSCTTY");
		snprintf(quiet, sizeof quiet, "%s/.hushlogin", user->pw_dir);
		status = command || stat(quiet, &facts) == 0;
		if (!status) {
			copy_to_terminal("/run/motd.dynamic");
			copy_to_terminal("/etc/motd");
		}
		last_login(user, line, host, time(NULL), !status);
		record(USER_PROCESS, line, name, host, getpid());
		note_session(user, line, host, getpid(), 1);
		run_shell(user, command, tty);
	}
	set_title(argc, argv, name, line);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	for (int i = 0; i < 4; i++) {
		static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
		struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };

		sigaction(passed[i], &action, NULL);
	}
	while (waitpid(shell_pid, &status, 0) < 0 && errno == EINTR)
		;
	record(DEAD_PROCESS, line, "", "", shell_pid);
	note_session(user, line, host, shell_pid, 0);
	if (chown(tty, 0, 0) == 0)
		chmod(tty, 0666);
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		kill(getpid(), WTERMSIG(status));
	}
	return WEXITSTATUS(status);
}
