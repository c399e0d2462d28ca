# What every object of a module is compiled with. No floating point: the kernel has none.
override CC := $(or $(CC),gcc)
override LD := $(or $(LD),ld)
W_FLAGS := -Wall -Wundef -Wmissing-prototypes -Wvla -Wimplicit-fallthrough=5 -Wno-main -Wno-format-security -Wno-format-zero-length \
	-Wno-pointer-sign -Wno-unused-but-set-variable -Wno-frame-address -Wno-stringop-truncation -Wno-format-truncation -Wno-format-overflow \
	-Wno-sign-compare -Wno-missing-field-initializers -Wno-array-bounds -Wno-stringop-overflow \
	-Werror=designated-init -Werror=return-type -Werror=strict-prototypes -Werror=date-time
ifneq ($(filter 1 2 3,$(W)),)
W_FLAGS += -Wextra -Wunused -Wno-unused-parameter -Wmissing-declarations -Wmissing-include-dirs -Wunused-const-variable
endif
KBUILD_CFLAGS := -nostdinc $(INCLUDES) -D__KERNEL__ $(W_FLAGS) -std=gnu11 -O2 -fshort-wchar -funsigned-char -fno-common -fno-PIE -fno-pic \
	-fno-strict-aliasing -mabi=lp64 -march=rv64imac -mcmodel=medany -mno-relax -mno-save-restore -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-delete-null-pointer-checks -fstack-protector-strong -fno-strict-overflow \
	-fno-stack-check -fno-tree-loop-distribute-patterns
# A modern kernel clears what a function leaves unset, and keeps room for its tracer at the head of each.
ifeq ($(VERSION),6)
KBUILD_CFLAGS += -march=rv64imac_zicsr_zifencei -ftrivial-auto-var-init=zero -fpatchable-function-entry=4
endif
KBUILD_CFLAGS_MODULE := -DMODULE
quote = "
modname = $(subst -,_,$(basename $(notdir $(1))))
# Of what module an object is a part: itself, or the foo of foo-objs.
modname-of = $(call modname,$(firstword $(foreach m,$(multi-m),$(if $(filter $(notdir $(1)),$($(m:.o=-objs)) $($(m:.o=-y)) $($(m:.o=-m))),$(m))) $(1)))
