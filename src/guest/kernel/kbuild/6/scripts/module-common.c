// What is the same in every module of this kernel.
#include <linux/module.h>
#include <linux/vermagic.h>
#include <generated/utsrelease.h>

MODULE_INFO(vermagic, VERMAGIC_STRING);

/* A note of the kernel's own: what it was built as, and whether the whole of it was optimized at once. */
#define LINUX_NOTE(variable, kind, type, value)						\
	static const struct {								\
		unsigned int name_bytes, value_bytes, number;				\
		char name[8];								\
		type;									\
	} variable __used __section(".note.Linux") __aligned(4) = { sizeof("Linux"), sizeof(value), kind, "Linux", value }
#define NOTE_BUILD_SALT 0x100
#define NOTE_LTO_INFO 0x101
LINUX_NOTE(_note_18, NOTE_BUILD_SALT, char salt[(sizeof(UTS_RELEASE) + 3) & ~3UL], UTS_RELEASE);
LINUX_NOTE(_note_19, NOTE_LTO_INFO, unsigned int whole, 0);
