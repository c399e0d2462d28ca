#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	char text[32];
	int fd = open("/proc/mp3/status", O_WRONLY), dev, i, samples = 0, faults = 0;
	long *map;

	snprintf(text, sizeof(text), "R %d", getpid());
	if (write(fd, text, strlen(text)) < 0)
		return perror("register"), 1;
	for (i = 0; i < 8; i++) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int j = 0; j < 16; j++)
			p[j * 4096] = 1;
		munmap(p, 65536);
		usleep(60000);
	}
	if (write(fd, "U", 1) < 0)
		return perror("unregister"), 1;
	dev = open("/dev/mp3", O_RDWR);
	map = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, dev, 0);
	if (map == MAP_FAILED)
		return perror("mmap"), 1;
	for (i = 0; map[i] != -1; i += 4) {
		samples++;
		faults += map[i + 1];
	}
	printf("samples %s faults %s\n", samples >= 5 ? "enough" : "too few", faults >= 64 ? "enough" : "too few");
	return 0;
}
