/*
 * modpost: between compiling and linking modules. Reads the objects named in modules.order, resolves their undefined symbols
 * against Module.symvers files and each other, checks licences, and writes NAME.mod.c and Module.symvers.
 *
 * Always true: a .mod.c file is rewritten only when its text changes, so that an unchanged module is not linked again.
 */
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 2048

struct symbol {
	struct symbol *next;
	char *name;
	char *module;
	uint32_t crc;
	bool gpl;
};

struct module {
	struct module *next;
	char *path;		/* without .o */
	const char *name;	/* last part of the path */
	unsigned char *elf;
	long size;
	bool has_init, has_exit, gpl_compatible, has_license;
	const char *version;
	struct symbol **needs;
	int nneeds;
};

static struct symbol *table[BUCKETS];
static struct module *modules, **last_module = &modules;
static bool old_style, warn_only;
static int errors, mismatches;

static unsigned int hash(const char *name)
{
	unsigned int h = 5381;

	while (*name)
		h = h * 33 + (unsigned char)*name++;
	return h % BUCKETS;
}

static uint32_t crc32(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

static void complain(bool fatal, const char *fmt, ...)
{
	va_list args;

	fputs(fatal ? (old_style ? "FATAL: " : "ERROR: ") : "WARNING: ", stderr);
	if (!old_style || fatal || strncmp(fmt, "\"%s\"", 4))
		fputs("modpost: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	if (fatal)
		errors++;
}

static void *must(void *p)
{
	if (!p) {
		fputs("modpost: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

static struct symbol *find(const char *name)
{
	struct symbol *s;

	for (s = table[hash(name)]; s; s = s->next)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static void add(const char *name, const char *module, uint32_t crc, bool gpl)
{
	struct symbol *s = must(malloc(sizeof(*s)));
	unsigned int h = hash(name);

	*s = (struct symbol){ table[h], must(strdup(name)), must(strdup(module)), crc, gpl };
	table[h] = s;
}

static char *slurp(const char *path, long *size)
{
	FILE *f = fopen(path, "r");
	char *text;

	if (!f)
		return NULL;
	fseek(f, 0, SEEK_END);
	*size = ftell(f);
	rewind(f);
	text = must(malloc(*size + 1));
	*size = fread(text, 1, *size, f);
	text[*size] = 0;
	fclose(f);
	return text;
}

/* Lines of "0xCRC<tab>NAME<tab>MODULE<tab>EXPORT_SYMBOL[_GPL][<tab>NAMESPACE]". */
static void read_symvers(const char *path)
{
	long size;
	char *text = slurp(path, &size), *line, *rest = text;

	if (!text) {
		if (strstr(path, "/usr/src") != path && strcmp(path, "Module.symvers"))
			fprintf(stderr, "modpost: %s: No such file or directory\n", path);
		return;
	}
	while ((line = strsep(&rest, "\n")) && *line) {
		char *crc = strsep(&line, "\t"), *name = strsep(&line, "\t");
		char *module = strsep(&line, "\t"), *kind = strsep(&line, "\t");

		if (kind && !find(name))
			add(name, module, strtoul(crc, NULL, 16), strstr(kind, "_GPL") != NULL);
	}
	free(text);
}

static const char *find_info(struct module *m, const char *key)
{
	Elf64_Ehdr *eh = (void *)m->elf;
	Elf64_Shdr *sh = (void *)(m->elf + eh->e_shoff);
	const char *names = (char *)m->elf + sh[eh->e_shstrndx].sh_offset;
	size_t len = strlen(key);

	for (int i = 0; i < eh->e_shnum; i++) {
		const char *p = (char *)m->elf + sh[i].sh_offset, *end = p + sh[i].sh_size;

		if (strcmp(names + sh[i].sh_name, ".modinfo"))
			continue;
		for (; p < end; p += strlen(p) + 1)
			if (!strncmp(p, key, len) && p[len] == '=')
				return p + len + 1;
	}
	return NULL;
}

static bool is_gpl(const char *license)
{
	static const char *const ok[] = { "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL" };

	for (unsigned int i = 0; i < sizeof(ok) / sizeof(*ok); i++)
		if (!strcmp(license, ok[i]))
			return true;
	return false;
}

static void each_symbol(struct module *m, void (*visit)(struct module *, const char *, Elf64_Sym *, const char *))
{
	Elf64_Ehdr *eh = (void *)m->elf;
	Elf64_Shdr *sh = (void *)(m->elf + eh->e_shoff);
	const char *names = (char *)m->elf + sh[eh->e_shstrndx].sh_offset;

	for (int i = 0; i < eh->e_shnum; i++) {
		Elf64_Sym *sym = (void *)(m->elf + sh[i].sh_offset), *end;
		const char *strings;

		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		strings = (char *)m->elf + sh[sh[i].sh_link].sh_offset;
		end = (void *)((char *)sym + sh[i].sh_size);
		for (; sym < end; sym++) {
			bool real = sym->st_shndx != SHN_UNDEF && sym->st_shndx < eh->e_shnum;

			visit(m, strings + sym->st_name, sym, real ? names + sh[sym->st_shndx].sh_name : "");
		}
	}
}

static bool is_word(char c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The checksum of how `name` is declared in a text: the words before it and its parameters, or 0. Blanks do not count. */
static uint32_t declared_in(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; (p = strstr(p, name)); p += len) {
		const char *from = p, *to = p + len;
		char kept[1024];
		int n = 0;

		if ((p > text && is_word(p[-1])) || is_word(*to) || (p > text && p[-1] == '('))
			continue;
		while (from > text && !strchr(";}/#\\", from[-1]) && !(from[-1] == '\n' && from - 1 > text && from[-2] == '\n'))
			from--;
		while (*to == ' ')
			to++;
		if (!strchr("(=;[", *to) || from == p)
			continue;
		if (*to == '(')
			while (*to && *to != ')')
				to++;
		for (; from < to && n < (int)sizeof(kept); from++)
			if (*from != ' ' && *from != '\t' && *from != '\n')
				kept[n++] = *from;
		return crc32(kept, n);
	}
	return 0;
}

/* The version of a module's own export: of its declaration in the source that has it, else of its name. */
static uint32_t version_of(struct module *m, const char *name)
{
	char file[4200];
	long size;
	char *list, *line, *rest, *text;
	uint32_t crc = 0;

	snprintf(file, sizeof(file), "%s.mod", m->path);
	list = slurp(file, &size);
	for (rest = list; !crc && rest && (line = strsep(&rest, "\n")) && *line;) {
		/* Sources are named from the module's folder, or from the root. */
		snprintf(file, sizeof(file), "%.*s%.*s.c", *line == '/' ? 0 : (int)(m->name - m->path), m->path, (int)(strlen(line) - 2), line);
		text = slurp(file, &size);
		if (text)
			crc = declared_in(text, name);
		free(text);
	}
	free(list);
	return crc ? crc : crc32(name, strlen(name));
}

static void see_definition(struct module *m, const char *name, Elf64_Sym *sym, const char *section)
{
	if (sym->st_shndx == SHN_UNDEF)
		return;
	if (!strcmp(name, "init_module"))
		m->has_init = true;
	else if (!strcmp(name, "cleanup_module"))
		m->has_exit = true;
	else if (!strncmp(name, "__ksymtab_", 10)) {
		struct symbol *known = find(name + 10);

		if (known && strcmp(known->module, m->path))
			complain(!old_style, "%s: '%s' exported twice. Previous export was in %s%s", m->path, name + 10, known->module,
				 strcmp(known->module, "vmlinux") ? ".ko" : "");
		else if (!known)
			add(name + 10, m->path, old_style ? 0 : version_of(m, name + 10), !strncmp(section, "___ksymtab_gpl", 14));
	}
}

static void see_use(struct module *m, const char *name, Elf64_Sym *sym, const char *section)
{
	struct symbol *s;

	(void)section;
	if (sym->st_shndx != SHN_UNDEF || !*name || !strcmp(name, "__this_module") || ELF64_ST_BIND(sym->st_info) == STB_WEAK)
		return;
	s = find(name);
	if (!s) {
		complain(!old_style && !warn_only, "\"%s\" [%s.ko] undefined!", name, m->path);
		return;
	}
	if (s->gpl && !m->gpl_compatible)
		complain(true, "GPL-incompatible module %s.ko uses GPL-only symbol '%s'", m->name, name);
	m->needs = must(realloc(m->needs, (m->nneeds + 2) * sizeof(*m->needs)));
	m->needs[m->nneeds++] = s;
}

static void read_module(char *path)
{
	struct module *m = must(calloc(1, sizeof(*m)));
	char file[4200], *dot;
	const char *license;

	if (!strncmp(path, "kernel/", 7))
		path += 7;
	dot = strrchr(path, '.');
	if (dot)
		*dot = 0;
	m->path = must(strdup(path));
	m->name = strrchr(path, '/') ? strrchr(m->path, '/') + 1 : m->path;
	snprintf(file, sizeof(file), "%s.o", path);
	m->elf = (unsigned char *)slurp(file, &m->size);
	if (!m->elf || m->size < (long)sizeof(Elf64_Ehdr) || memcmp(m->elf, ELFMAG, SELFMAG)) {
		fprintf(stderr, "%s: No such file or directory\n", file);
		exit(1);
	}
	*last_module = m;
	last_module = &m->next;
	license = find_info(m, "license");
	m->has_license = license != NULL;
	m->gpl_compatible = !license || is_gpl(license);
	m->version = find_info(m, "version");
	each_symbol(m, see_definition);
}

static void check_sections(struct module *m);

static void check(struct module *m)
{
	if (!m->has_license) {
		complain(!old_style && !warn_only, "missing MODULE_LICENSE() in %s.o", m->path);
		if (old_style)
			fputs("see include/linux/module.h for more information\n", stderr);
	}
	each_symbol(m, see_use);
	check_sections(m);
}

/* The symbol of section `index` that lies nearest below `offset`. */
static const char *symbol_at(struct module *m, unsigned int index, Elf64_Addr offset, Elf64_Addr *distance)
{
	Elf64_Ehdr *eh = (void *)m->elf;
	Elf64_Shdr *sh = (void *)(m->elf + eh->e_shoff);
	const char *best = "";

	*distance = ~0ull;
	for (int i = 0; i < eh->e_shnum; i++) {
		Elf64_Sym *sym = (void *)(m->elf + sh[i].sh_offset);
		const char *strings = (char *)m->elf + sh[sh[i].sh_link].sh_offset;

		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		for (unsigned long n = sh[i].sh_size / sizeof(*sym); n--; sym++) {
			const char *name = strings + sym->st_name;

			if (sym->st_shndx != index || sym->st_value > offset || offset - sym->st_value > *distance)
				continue;
			if (ELF64_ST_TYPE(sym->st_info) == STT_SECTION || !*name || *name == '.' || *name == '$')
				continue;
			/* Of an alias and what it stands for, the second has the telling name. */
			if (offset - sym->st_value == *distance && ELF64_ST_BIND(sym->st_info) == STB_GLOBAL)
				continue;
			*distance = offset - sym->st_value;
			best = name;
		}
	}
	return best;
}

static bool is_ordinary(const char *section) { return !strncmp(section, ".text", 5); }
static bool is_init(const char *section) { return !strncmp(section, ".init.", 6); }
static bool is_exit(const char *section) { return !strncmp(section, ".exit.", 6); }

/* Code that stays must not reach for what goes after init, and nothing but exit code for what is only there at exit. */
static void check_sections(struct module *m)
{
	Elf64_Ehdr *eh = (void *)m->elf;
	Elf64_Shdr *sh = (void *)(m->elf + eh->e_shoff);
	const char *names = (char *)m->elf + sh[eh->e_shstrndx].sh_offset;

	for (int i = 0; i < eh->e_shnum; i++) {
		Elf64_Rela *rel = (void *)(m->elf + sh[i].sh_offset);
		const char *from;

		if (sh[i].sh_type != SHT_RELA || sh[i].sh_info >= eh->e_shnum)
			continue;
		from = names + sh[sh[i].sh_info].sh_name;
		if (!is_ordinary(from) && strcmp(from, ".init.text"))
			continue;
		for (unsigned long n = sh[i].sh_size / sizeof(*rel); n--; rel++) {
			Elf64_Sym *sym = (Elf64_Sym *)(m->elf + sh[sh[i].sh_link].sh_offset) + ELF64_R_SYM(rel->r_info);
			const char *to = sym->st_shndx < eh->e_shnum ? names + sh[sym->st_shndx].sh_name : "";
			const char *caller, *target;
			Elf64_Addr at, there;

			if (sym->st_shndx == sh[sh[i].sh_info].sh_info || (is_ordinary(from) ? !is_init(to) && !is_exit(to) : !is_exit(to)))
				continue;
			mismatches++;
			if (old_style)
				continue;
			caller = symbol_at(m, sh[i].sh_info, rel->r_offset, &at);
			target = symbol_at(m, sym->st_shndx, sym->st_value + rel->r_addend, &there);
			complain(false, "%s: section mismatch in reference: %s+0x%llx (section: %s) -> %s (section: %s)", m->path, caller,
				 (unsigned long long)at, from, target, to);
		}
	}
}

/* A fingerprint of the source, in the form of a srcversion: the sources' text hashed in six rounds. */
static void source_version(struct module *m, char *out)
{
	char file[4200];
	long size = 0;
	char *text;
	uint32_t round = 0;

	snprintf(file, sizeof(file), "%s.c", m->path);
	text = slurp(file, &size);
	if (!text) {
		text = must(strdup(m->path));
		size = strlen(text);
	}
	round = crc32(text, size);
	for (int i = 0; i < 3; i++) {
		uint32_t pair[2] = { round, (uint32_t)size + i };

		round = crc32(pair, sizeof(pair));
		sprintf(out + 8 * i, "%08X", round);
	}
	out[23] = 0;
	free(text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct symbol *const *)a)->name, (*(struct symbol *const *)b)->name);
}

static void write_mod_c(struct module *m)
{
	char *text, file[4200], src[32];
	size_t len;
	long old_size;
	FILE *f = must(open_memstream(&text, &len));
	char *old;
	struct symbol *layout = find("module_layout");
	bool any = false;

	fputs("#include <linux/module.h>\n", f);
	fputs(old_style ? "#include <linux/vermagic.h>\n#include <linux/compiler.h>\n\nMODULE_INFO(vermagic, VERMAGIC_STRING);\n"
			: "#include <linux/export-internal.h>\n#include <linux/compiler.h>\n\n", f);
	fputs("MODULE_INFO(name, KBUILD_MODNAME);\n\n__visible struct module __this_module\n", f);
	fprintf(f, old_style ? "__attribute__((section(\".gnu.linkonce.this_module\"))) = {\n" : "__section(\".gnu.linkonce.this_module\") = {\n");
	fputs("\t.name = KBUILD_MODNAME,\n", f);
	if (m->has_init)
		fputs("\t.init = init_module,\n", f);
	if (m->has_exit)
		fputs("#ifdef CONFIG_MODULE_UNLOAD\n\t.exit = cleanup_module,\n#endif\n", f);
	fputs(old_style ? "};\n" : "\t.arch = MODULE_ARCH_INIT,\n};\n\n\n", f);
	if (m->nneeds)
		qsort(m->needs, m->nneeds, sizeof(*m->needs), by_name);
	if (!old_style) {
		fputs("\nstatic const struct modversion_info ____versions[]\n__used __section(\"__versions\") = {\n", f);
		for (int i = 0; i < m->nneeds; i++)
			fprintf(f, "\t{ %#8x, \"%s\" },\n", m->needs[i]->crc, m->needs[i]->name);
		if (layout)
			fprintf(f, "\t{ %#8x, \"module_layout\" },\n", layout->crc);
		fputs("};\n", f);
	}
	for (int i = 0; !old_style && i < BUCKETS; i++)
		for (struct symbol *s = table[i]; s; s = s->next)
			if (!strcmp(s->module, m->path))
				fprintf(f, "SYMBOL_CRC(%s, 0x%08x, \"%s\");\n", s->name, s->crc, s->gpl ? "_gpl" : "");
	fputs("\n", f);
	if (old_style)
		fputs("static const char __module_depends[]\n__used\n__attribute__((section(\".modinfo\"))) =\n\"depends=", f);
	else
		fputs("MODULE_INFO(depends, \"", f);
	for (int i = 0; i < m->nneeds; i++) {
		const char *from = m->needs[i]->module, *base = strrchr(from, '/');
		bool seen = !strcmp(from, "vmlinux") || !strcmp(from, m->path);

		for (int j = 0; j < i && !seen; j++)
			seen = !strcmp(m->needs[j]->module, from);
		if (seen)
			continue;
		fprintf(f, "%s%s", any ? "," : "", base ? base + 1 : from);
		any = true;
	}
	fputs(old_style ? "\";\n\n" : "\");\n\n", f);
	if (m->version || old_style) {
		source_version(m, src);
		fprintf(f, old_style ? "\nMODULE_INFO(srcversion, \"%s\");\n" : "\nMODULE_INFO(srcversion, \"%s\");\n", src);
	}
	fclose(f);
	snprintf(file, sizeof(file), "%s.mod.c", m->path);
	old = slurp(file, &old_size);
	if (!old || old_size != (long)len || memcmp(old, text, len)) {
		f = fopen(file, "w");
		if (!f || fwrite(text, 1, len, f) != len || fclose(f)) {
			perror(file);
			exit(1);
		}
	}
	free(old);
	free(text);
}

static void write_symvers(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		exit(1);
	}
	for (struct module *m = modules; m; m = m->next)
		for (int i = 0; i < BUCKETS; i++)
			for (struct symbol *s = table[i]; s; s = s->next)
				if (!strcmp(s->module, m->path))
					fprintf(f, "0x%08x\t%s\t%s\tEXPORT_SYMBOL%s%s\n", s->crc, s->name, s->module, s->gpl ? "_GPL" : "",
						old_style ? "" : "\t");
	fclose(f);
}

int main(int argc, char **argv)
{
	const char *out = NULL, *order = NULL;
	long size;
	char *text, *line, *rest;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-o") && i + 1 < argc)
			out = argv[++i];
		else if (!strcmp(argv[i], "-T") && i + 1 < argc)
			order = argv[++i];
		else if (!strcmp(argv[i], "-4"))
			old_style = true;
		else if (!strcmp(argv[i], "-w"))
			warn_only = true;
		else if (!strcmp(argv[i], "-i") && i + 1 < argc)
			read_symvers(argv[++i]);
		else if (argv[i][0] != '-')
			read_symvers(argv[i]);
	}
	text = order ? slurp(order, &size) : NULL;
	if (!text || !out) {
		fprintf(stderr, "modpost: %s: No such file or directory\n", order ? order : "modules.order");
		return 1;
	}
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			read_module(line);
	for (struct module *m = modules; m; m = m->next)
		check(m);
	if (old_style && mismatches)
		fprintf(stderr, "WARNING: modpost: Found %d section mismatch(es).\nTo see full details build your kernel with:\n"
			"'make CONFIG_DEBUG_SECTION_MISMATCH=y'\n", mismatches);
	if (errors)
		return 1;
	for (struct module *m = modules; m; m = m->next)
		write_mod_c(m);
	write_symvers(out);
	return 0;
}
