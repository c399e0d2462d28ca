#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	static const char *const names[] = { "/dev/map_remap", "/dev/map_insert", "/dev/map_fault" };
	char text[256];
	int i, fd, n;

	for (i = 0; i < 3; i++) {
		char *p;

		fd = open(names[i], O_RDWR);
		p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			perror(names[i]);
			continue;
		}
		printf("%s: %s %s\n", names[i], p, p + 4096);
		strcpy(p + (i == 0 ? 0 : 4096), i == 0 ? "user" : i == 1 ? "INS-U" : "FLT-U");
		n = read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = 0;
		printf("%s", text);
		munmap(p, 4 * 4096);
		close(fd);
	}
	fd = open(names[0], O_RDWR);
	printf("too large: %s\n", mmap(NULL, 5 * 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? "refused" : "taken");
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	printf("%s", text);
	return 0;
}
