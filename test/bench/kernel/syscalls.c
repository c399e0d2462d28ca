/* Times one system call in a loop: syscalls NAME COUNT prints nanoseconds for each call. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	const char *name = argv[1];
	long count = atol(argv[2]);
	int fd = open("/dev/zero", O_RDONLY);
	double begin = now();
	struct stat st;
	char byte;

	for (long i = 0; i < count; i++) {
		if (!strcmp(name, "getppid"))
			syscall(SYS_getppid);
		else if (!strcmp(name, "read"))
			read(fd, &byte, 1);
		else if (!strcmp(name, "open"))
			close(open("/etc/hostname", O_RDONLY));
		else
			stat("/etc/hostname", &st);
	}
	printf("%.0f\n", (now() - begin) / count);
	return argc != 3;
}
