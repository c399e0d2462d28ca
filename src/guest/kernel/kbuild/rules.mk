# A recipe runs when a prerequisite is newer, the target is missing, or its command has changed; .NAME.cmd files remember commands.
dot-target = $(dir $@).$(notdir $@)
newer-prereqs = $(filter-out FORCE,$?)
escsq = $(subst ','\'',$(1))
cmd-differs = $(filter-out $(subst $() ,_,$(strip $(savedcmd_$@))),$(subst $() ,_,$(strip $(cmd_$(1)))))
if-changed = $(if $(newer-prereqs)$(call cmd-differs,$(1)),$(if $(wildcard $@),1,1),$(if $(wildcard $@),,1))
ifeq ($(V),1)
say = echo '$(call escsq,$(cmd_$(1)))';
else
say = $(if $(filter s,$(firstword -$(MAKEFLAGS))),,$(if $(quiet_$(1)),echo '  $(call escsq,$(quiet_$(1)))';))
endif
run = @set -e; $(call say,$(1)) $(cmd_$(1)); printf '%s\n' 'savedcmd_$@ := $(call escsq,$(cmd_$(1)))' > $(dot-target).cmd
if_changed = $(if $(call if-changed,$(1)),$(call run,$(1)),@:)
fixdep = $(FIXDEP) $(dir $@).$(notdir $@).d $@ '$(call escsq,$(cmd_$(1)))' > $(dot-target).cmd
if_changed_dep = $(if $(call if-changed,$(1)),@set -e; $(call say,$(1)) $(cmd_$(1)); $(call fixdep,$(1)),@:)
.DELETE_ON_ERROR:
.PHONY: FORCE
FORCE:
