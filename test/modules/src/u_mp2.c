#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

static int tell(const char *format, int a, int b)
{
	char text[64];
	int fd = open("/proc/mp2/status", O_WRONLY), n;

	snprintf(text, sizeof(text), format, getpid(), a, b);
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	int period = atoi(argv[1]), jobs = atoi(argv[3]), fast = 0, i, error = tell("R,%d,%d,%d", period, atoi(argv[2]));
	struct timespec a, b;

	if (error) {
		printf("refused: %s\n", strerror(error));
		return 1;
	}
	tell("Y,%d", 0, 0);
	for (i = 0; i < jobs; i++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (volatile int j = 0; j < 20000; j++)
			;
		fast += sched_getscheduler(0) == SCHED_FIFO;
		tell("Y,%d", 0, 0);
		clock_gettime(CLOCK_MONOTONIC, &b);
		if (b.tv_sec * 1000 + b.tv_nsec / 1000000 - a.tv_sec * 1000 - a.tv_nsec / 1000000 > period + 40)
			printf("late\n");
	}
	tell("D,%d", 0, 0);
	printf("period %d did %d jobs, %d in real time\n", period, jobs, fast);
	return 0;
}
