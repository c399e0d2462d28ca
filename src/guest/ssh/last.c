/*
 * last [-n NUMBER] [-f FILE] [NAME|TTY...]: who was logged in when, from /var/log/wtmp (man 1 last of util-linux before 2.41).
 * Debian 13 moved this command to a database that takes longer to open than a login takes here.
 *
 * Always true: records are read from the newest to the oldest; a session ends at the next record of its terminal, or
 * where the machine was started again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utmpx.h>

#define MAX_LINES 1024

/* Terminals whose end has been seen, and when it was. */
static struct {
	char line[__UT_LINESIZE + 1];
	time_t end;
} ends[MAX_LINES];
static int end_count;

static time_t *end_of(const char *line)
{
	for (int i = 0; i < end_count; i++)
		if (strncmp(ends[i].line, line, __UT_LINESIZE) == 0)
			return &ends[i].end;
	if (end_count == MAX_LINES)
		return NULL;
	strncpy(ends[end_count].line, line, __UT_LINESIZE);
	ends[end_count].end = 0;
	return &ends[end_count++].end;
}

static int wanted(const struct utmpx *entry, char **names)
{
	if (!*names)
		return 1;
	for (; *names; names++)
		if (strncmp(*names, entry->ut_user, sizeof entry->ut_user) == 0 ||
		    strncmp(*names, entry->ut_line, sizeof entry->ut_line) == 0)
			return 1;
	return 0;
}

static void print(const char *user, const char *line, const char *host, time_t from, time_t to, const char *state)
{
	char begin[32], end[32], length[32];
	long minutes = (to - from) / 60;

	strftime(begin, sizeof begin, "%a %b %e %H:%M", localtime(&from));
	strftime(end, sizeof end, "%H:%M", localtime(&to));
	if (minutes >= 24 * 60)
		snprintf(length, sizeof length, "(%ld+%02ld:%02ld)", minutes / 1440, minutes / 60 % 24, minutes % 60);
	else
		snprintf(length, sizeof length, " (%02ld:%02ld)", minutes / 60, minutes % 60);
	if (strcmp(state, "still logged in") == 0 || strcmp(state, "still running") == 0)
		printf("%-8.8s %-12.12s %-16.16s %s   %s\n", user, line, host, begin, state);
	else
		printf("%-8.8s %-12.12s %-16.16s %s - %-5s %s\n", user, line, host, begin, *state ? state : end, length);
}

int main(int argc, char **argv)
{
	const char *path = "/var/log/wtmp";
	long most = -1, shown = 0;
	time_t down = 0, first = time(NULL);
	int option, crashed = 0;
	struct utmpx entry;
	FILE *file;

	while ((option = getopt(argc, argv, "n:f:0123456789")) != -1) {
		if (option == 'n')
			most = atol(optarg);
		else if (option == 'f')
			path = optarg;
		else if (option >= '0' && option <= '9')
			most = (most < 0 ? 0 : most) * 10 + option - '0';
		else
			return 1;
	}
	file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "last: cannot open %s: %s\n", path, strerror(errno));
		return 1;
	}
	fseek(file, 0, SEEK_END);
	for (long at = ftell(file) / sizeof entry - 1; at >= 0; at--) {
		time_t when, *end;
		char user[__UT_NAMESIZE + 1] = "", line[__UT_LINESIZE + 1] = "", host[__UT_HOSTSIZE + 1] = "";

		if (fseek(file, at * sizeof entry, SEEK_SET) < 0 || fread(&entry, sizeof entry, 1, file) != 1)
			break;
		when = entry.ut_tv.tv_sec;
		first = when;
		memcpy(user, entry.ut_user, __UT_NAMESIZE);
		memcpy(line, entry.ut_line, __UT_LINESIZE);
		memcpy(host, entry.ut_host, __UT_HOSTSIZE);
		if (entry.ut_type == BOOT_TIME) {
			strcpy(entry.ut_user, "reboot");
			if (wanted(&entry, argv + optind) && (most < 0 || shown++ < most))
				print("reboot", "system boot", host, when, down ? down : time(NULL), down ? "" : "still running");
			down = when;
			crashed = 1;
			end_count = 0;
		} else if (entry.ut_type == RUN_LVL && strcmp(user, "shutdown") == 0) {
			down = when;
			crashed = 0;
			end_count = 0;
		} else if (entry.ut_type == DEAD_PROCESS && (end = end_of(line))) {
			*end = when;
		} else if (entry.ut_type == USER_PROCESS && (end = end_of(line))) {
			int open = *end == 0 && !down, gone = open && kill(entry.ut_pid, 0) < 0 && errno == ESRCH;

			if (wanted(&entry, argv + optind) && (most < 0 || shown++ < most))
				print(user, line, host, when, *end ? *end : down ? down : time(NULL),
				      *end ? "" : gone ? "gone" : open ? "still logged in" : crashed ? "crash" : "down");
			*end = when;
		}
	}
	fclose(file);
	printf("\nwtmp begins %s", ctime(&first));
	return 0;
}
