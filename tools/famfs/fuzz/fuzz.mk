# SPDX-License-Identifier: GPL-2.0-or-later
#
# The fuzz targets, a part of ../Makefile. libFuzzer is clang's; with AFL=1 the
# same targets are built for AFL++ and run by it. They start from inputs that
# seeds.c makes, and what they found of interest is kept in $(BUILD) for the next
# run. An input that breaks something is kept, too; make says where.

FUZZ_TARGETS := media log options
FUZZ_SECONDS ?= 600
FUZZ_BRIEF ?= 8
AFL	?=
FUZZ_CC	:= $(if $(AFL),afl-clang-fast,clang)
FUZZ	:= $(BUILD)/$(if $(AFL),afl,fuzz)
# By name, for afl-clang-fast takes only its own way of -fsanitize=fuzzer
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	   -fno-omit-frame-pointer
FUZZ_INSTRUMENT := $(if $(AFL),,-fsanitize=fuzzer-no-link)
FUZZ_O	:= $(LIB_C:%.c=$(FUZZ)/%.o) $(FUZZ)/target.o

FUZZ_WRAP_log := $(call wrap,kern_map_create kern_map_get kern_may_map \
	   kern_capacity kern_is_famfs identity_get fchown fchmod \
	   mnt_new_table_from_file)

$(FUZZ)/%.o: $(SRC)%.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(CFLAGS) $(FUZZ_SANITIZE) $(FUZZ_INSTRUMENT) \
		-c -o $@ $<

$(FUZZ)/fuzz_%: $(FUZZ)/fuzz/fuzz_%.o $(FUZZ_O)
	$(FUZZ_CC) $(CFLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer $(LDFLAGS) \
		$(FUZZ_WRAP_$*) -o $@ $^ $(LIBS)

$(BUILD)/fuzz_seeds: $(SRC)fuzz/seeds.c $(BUILD)/libfamfs.a
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Whole media, as they are: a superblock, a log's header, twelve entries
FUZZ_MEDIA = for m in $(MEDIA:.list=); do { printf '\003\001\364' && \
		head -c 200 $$m.super && head -c 6576 $$m.log; } \
		>$@.new/medium-$${m\#\#*/} || exit; done

$(BUILD)/corpus/log/seeds: $(MEDIA)
$(BUILD)/corpus/%/seeds: $(BUILD)/fuzz_seeds
	@mkdir -p $(@D) $(@D)/found
	rm -rf $@ $@.new
	mkdir $@.new
	$(BUILD)/fuzz_seeds $* $@.new
	$(if $(filter log,$*),$(FUZZ_MEDIA))
	mv $@.new $@

fuzz-build: $(FUZZ_TARGETS:%=$(FUZZ)/fuzz_%) \
	   $(FUZZ_TARGETS:%=$(BUILD)/corpus/%/seeds)

fuzz: fuzz-build
	@set -e; for t in $(FUZZ_TARGETS); do \
		echo "# fuzz_$$t: $(FUZZ_SECONDS) seconds"; \
		$(SRC)fuzz/run $(if $(AFL),afl,libfuzzer) $(BUILD) $$t \
			$(FUZZ_SECONDS); \
	done

# The same for a short while, as TAP, and only where there is a clang.
fuzz-check:
	@n=0; echo '# fuzz'; echo '1..$(words $(FUZZ_TARGETS))'; \
	if ! command -v clang >/dev/null; then \
		for t in $(FUZZ_TARGETS); do \
			n=$$((n + 1)); \
			echo "ok $$n - fuzz_$$t # SKIP there is no clang"; \
		done; \
		exit 0; \
	fi; \
	if ! out=$$($(MAKE) -s -f $(SRC)Makefile AFL= fuzz-build 2>&1); then \
		printf '%s\n' "$$out" | sed 's/^/# /'; \
		echo 'not ok 1 - the fuzz targets build'; \
		exit 1; \
	fi; \
	failed=0; for t in $(FUZZ_TARGETS); do \
		n=$$((n + 1)); \
		if out=$$($(SRC)fuzz/run libfuzzer $(BUILD) $$t \
				$(FUZZ_BRIEF) 2>&1); then \
			printf '%s\n' "$$out" | sed 's/^/# /'; \
			echo "ok $$n - nothing that it is fed breaks fuzz_$$t"; \
		else \
			printf '%s\n' "$$out" | sed 's/^/# /'; \
			echo "not ok $$n - nothing that it is fed breaks fuzz_$$t"; \
			failed=1; \
		fi; \
	done; exit $$failed

FUZZ_MAKE_DEPS := $(wildcard $(FUZZ)/*.d $(FUZZ)/fuzz/*.d)
-include $(FUZZ_MAKE_DEPS)

.PHONY: fuzz fuzz-build fuzz-check
