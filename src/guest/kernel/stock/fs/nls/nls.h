/* A character set: how one character becomes Unicode and back. */
struct nls_table {
	const char *charset;
	const char *alias;
	int (*uni2char)(unsigned int uni, unsigned char *out, int boundlen);
	int (*char2uni)(const unsigned char *rawstring, int boundlen, unsigned int *uni);
	struct list_head list;
};
int register_nls(struct nls_table *table);
int unregister_nls(struct nls_table *table);
struct nls_table *find_nls(const char *charset);
