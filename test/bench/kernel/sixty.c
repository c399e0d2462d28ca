/* About sixty lines of ordinary C for the compiler to chew on. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
	struct word *next;
	unsigned count;
	char text[32];
};

#define BUCKETS 64
static struct word *table[BUCKETS];

static unsigned hash(const char *text)
{
	unsigned h = 5381;

	while (*text)
		h = h * 33 ^ (unsigned char)*text++;
	return h % BUCKETS;
}

static struct word *find(const char *text)
{
	struct word **at = &table[hash(text)];

	for (; *at; at = &(*at)->next)
		if (!strcmp((*at)->text, text))
			return *at;
	*at = calloc(1, sizeof(**at));
	if (*at)
		strncpy((*at)->text, text, sizeof((*at)->text) - 1);
	return *at;
}

static int by_count(const void *a, const void *b)
{
	const struct word *x = *(struct word *const *)a, *y = *(struct word *const *)b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->text, y->text);
}

int main(void)
{
	char buffer[32];
	size_t n = 0, words = 0;
	struct word *all[1024];
	int c;

	while ((c = getchar()) != EOF) {
		if (isalpha(c) && n < sizeof(buffer) - 1) {
			buffer[n++] = (char)tolower(c);
		} else if (n) {
			struct word *word;

			buffer[n] = 0;
			n = 0;
			word = find(buffer);
			if (word && word->count++ == 0 && words < 1024)
				all[words++] = word;
		}
	}
	qsort(all, words, sizeof(*all), by_count);
	for (size_t i = 0; i < words && i < 10; i++)
		printf("%6u %s\n", all[i]->count, all[i]->text);
	return 0;
}
