/* A way to find a pattern in a text; algorithms register here. */
struct ts_ops {
	const char *name;
	long (*find)(const char *text, unsigned long len, const char *pattern, unsigned long plen);
	struct list_head list;
};
int textsearch_register(struct ts_ops *ops);
int textsearch_unregister(struct ts_ops *ops);
long textsearch_find(const char *algorithm, const char *text, unsigned long len, const char *pattern, unsigned long plen);
