/*
 * fixdep DEPFILE TARGET COMMAND: writes what a .cmd file holds, the command and the dependencies that the compiler found, to
 * standard output and removes the compiler's own file.
 */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char text[1 << 16];
	FILE *deps;
	size_t n;

	if (argc != 4)
		return 1;
	printf("savedcmd_%s := %s\n\n%s:", argv[2], argv[3], argv[2]);
	deps = fopen(argv[1], "r");
	if (!deps) {
		perror(argv[1]);
		return 2;
	}
	/* The compiler names the object without its folder. */
	for (int c; (c = getc(deps)) != EOF && c != ':';)
		;
	while ((n = fread(text, 1, sizeof(text), deps)) > 0)
		fwrite(text, 1, n, stdout);
	unlink(argv[1]);
	return 0;
}
