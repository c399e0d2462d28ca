/* Prints the kernel's events of the device model for a second. */
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return perror("netlink"), 1;
	while (poll(&p, 1, 1000) > 0) {
		int n = recv(fd, buf, sizeof(buf) - 1, 0);

		buf[n > 0 ? n : 0] = 0;
		printf("%s", buf);
		for (char *s = buf; s < buf + n; s += strlen(s) + 1)
			if (!strncmp(s, "SUBSYSTEM=", 10) || !strncmp(s, "DEVNAME=", 8))
				printf(" %s", s);
		printf("\n");
	}
	return 0;
}
