#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "ioctldev.h"

int main(void)
{
	char message[100];
	struct answer answer = { .seed = 1000 };
	int fd = open("/dev/" DEVICE_FILE_NAME, O_RDWR), i, c;

	if (fd < 0)
		return perror("open"), 1;
	printf("second open: %s\n", open("/dev/" DEVICE_FILE_NAME, O_RDONLY) < 0 ? strerror(errno) : "allowed");
	printf("set %d\n", ioctl(fd, IOCTL_SET_MSG, "Message passed by ioctl"));
	printf("get %d ", ioctl(fd, IOCTL_GET_MSG, message));
	printf("%s\n", message);
	for (i = 0; (c = ioctl(fd, IOCTL_GET_NTH_BYTE, i)) > 0; i++)
		putchar(c);
	printf("\nexchange %d: %d %d\n", ioctl(fd, IOCTL_EXCHANGE, &answer), answer.length, answer.sum);
	printf("bad pointer: %s\n", ioctl(fd, IOCTL_EXCHANGE, 8) < 0 ? strerror(errno) : "taken");
	printf("range: %s\n", ioctl(fd, IOCTL_GET_NTH_BYTE, 500) < 0 ? strerror(errno) : "taken");
	printf("unknown: %s\n", ioctl(fd, _IO('x', 9), 0) < 0 ? strerror(errno) : "taken");
	return 0;
}
