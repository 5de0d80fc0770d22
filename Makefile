# SPDX-License-Identifier: GPL-2.0
#
# vmlab: the module, its library and tools, and their tests. "make help" lists the
# targets.

prefix	?= /usr/local
udevdir	?= /usr/lib/udev
export prefix DESTDIR

# What the module is built for: the running kernel where its headers are, else a
# stock one out of the cache.
host	:= $(shell uname -r)
KERNEL	?= $(if $(wildcard /lib/modules/$(host)/build),host,6.1)
# A VM does not run the host's kernel: where nothing was said it runs 6.1.
guest	= $(if $(filter-out host,$(KERNEL)),$(KERNEL),$(if $(filter file,$(origin KERNEL)),6.1,\
	$(error a VM does not run the kernel of the host: make $@ takes no KERNEL=host)))

version := $(shell cat VERSION)
vm	:= selftests/vm
# What $(vm)/kernel says of $(KERNEL), asked only by targets that want to know.
stock	= $(shell $(vm)/kernel $(KERNEL) $1)
release	= $(if $(filter host,$(KERNEL)),$(host),$(call stock,release))
# The root that a newer kernel's modules are built in, or nothing.
root	= $(if $(filter host,$(KERNEL)),,$(call stock,chroot))
kdir	= $(if $(filter host,$(KERNEL)),/lib/modules/$(host)/build,$(call stock,kdir))
sources	:= Kbuild module uapi
BUILD	:= build
sudo	:= $(if $(filter 0,$(shell id -u)),,sudo)
# The kernels of check-all, and the tests of check-tools and check-races ("lint threads" knows which must be among them).
KERNELS	?= 6.1 6.12 newest
moduleless := sim units cache vm
threaded := threads races huge_races file_races differ run moment fork_moment reflink_moment swap_load pressure fork reflink \
	names limits regress swap store tiers record policies clone huge huge_share writeback file fuzz
# Where the kernel's test framework is, and OUTPUT, which its lib.mk sets at the top
# level only.
kselftest = KSELFTEST="$$($(vm)/kernel kselftest)" OUTPUT=$(CURDIR)/selftests

# What KERNEL was asked for, or $1 where none was.
asked_kernel = $(if $(filter command line environment,$(origin KERNEL)),$(guest),$1)
# For targets that have a kernel of their own, or several: no other one is quietly not taken.
only_on = $(if $(filter-out $1,$(call asked_kernel,$1)),$(error make $@ takes no KERNEL$(if $1, but $1)))

all: module tools selftests ## build everything

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20
	@echo 'KERNEL=6.1|6.12|newest|debug|kcsan|host names the kernel (now $(KERNEL)),'
	@echo 'DESTDIR and prefix the place to install to. ONLY="NAME..." chooses tests, for check,'
	@echo 'check-tools, check-all, check-debug, check-races and check-apps, EXCEPT="NAME..." leaves some out;'
	@echo 'OFFLINE= runs all of them on two processors; KERNELS="NAME..." are those of check-all;'
	@echo 'SEED=N makes fuzz, soak and check-debug repeat.'

# The sources are linked into a folder for each kernel, so that objects for several
# of them never mix; BUILD names another place for those folders. Type information for
# BPF can only be made where the headers hold that of the kernel.
module: ## build the kernel module: build/RELEASE/vmlab.ko
	@release='$(release)' kdir='$(kdir)' root='$(root)'; \
	build=$(CURDIR)/$(BUILD)/$$release; \
	[ "$$release" ] || exit 1; \
	[ -d "$$root$$kdir" ] || { \
		echo "vmlab: no headers: apt-get install linux-headers-$$release" >&2; exit 1; }; \
	[ "$$(cat "$$build/built" 2>&1)" != "$$kdir" ] || \
		[ "$$(find $(sources) -newer "$$build/built")" ] || exit 0; \
	[ -e "$$root$$kdir/vmlinux" ] || btf=CONFIG_DEBUG_INFO_BTF_MODULES=; \
	mkdir -p "$$build" && echo "$$kdir" >"$$build/begun" && find "$$build" -type l -delete && \
	cp -rs $(addprefix $(CURDIR)/,$(sources)) "$$build" && \
	$${root:+$(vm)/chroot "$$root"} $(MAKE) --no-print-directory -C "$$kdir" \
		M="$$build" $$btf $(MAKEOVERRIDES) modules && \
	mv "$$build/begun" "$$build/built"

tools: ## build the library and the tools
	+@$(MAKE) --no-print-directory -C tools/lib all
	+@$(MAKE) --no-print-directory -C tools/run all
	+@$(MAKE) --no-print-directory -C tools/vmlab all

selftests: tools ## build the tests
	+@$(MAKE) --no-print-directory -C selftests all $(kselftest)

# Nothing can be built before tools/deps has run: hence no prerequisites here.
demo: ## watch pages appear, in a VM
	@tools/deps demo
	+@$(MAKE) -s tools
	@$(vm)/run --kernel $(guest) -- sh -c \
		'for story in "" cow share swap; do tools/vmlab/vmlab demo $$story || exit; echo; done'

# ONLY="NAME..." and EXCEPT="NAME..." choose among the programs; with OFFLINE= all of them have all processors.
OFFLINE ?= yes
run_tests = $(MAKE) -s -C selftests run_tests OFFLINE=$(OFFLINE) $(kselftest) \
	$(if $(ONLY),ONLY="$(ONLY)") $(if $(EXCEPT),EXCEPT="$(EXCEPT)")

check: ## run the tests, in a VM but for those of check-tools
	@tools/deps check
	+@$(MAKE) -s selftests
	+@[ "$(ONLY)" ] || $(MAKE) --no-print-directory check-tools
	@$(vm)/check --kernel $(guest) $(if $(filter debug kcsan,$(guest)),--mem 3072 --timeout 10800,--timeout 1800) -- \
		$(run_tests)

check-tools: ## run the tests of what needs no module: vmlab sim, parts of tools, scripts
	$(if $(filter-out $(moduleless),$(ONLY)),$(error make check-tools has only $(moduleless)))
	@tools/deps check
	+@$(MAKE) -s selftests
	@$(vm)/check --here -- $(MAKE) -s -C selftests run_tests $(kselftest) ONLY="$(or $(ONLY),$(moduleless))"

check-all: ## run them on each kernel of the distribution
	$(call only_on,)
	$(if $(strip $(KERNELS)),,$(error make check-all without KERNELS has nothing to do))
	+@failed=; for kernel in $(KERNELS); do \
		echo "vmlab: $$kernel"; \
		$(MAKE) --no-print-directory check KERNEL=$$kernel || failed=yes; \
	done; [ ! "$$failed" ]

# A run of chosen programs may be under way beside one of the others.
covered := build/coverage$(if $(ONLY),-only)

# Nothing excuses these there: what they need is what that kernel was built for.
check-debug: ## run them on the debug kernel, and fuzz there for a minute
	$(call only_on,debug)
	@tools/deps check
	+@$(MAKE) -s selftests
	@rm -rf $(covered) && mkdir -p $(covered)
	@$(vm)/check --must-run "failnth failinit fuzz" --kernel debug --mem 3072 --timeout 10800 --share $(covered) -- \
		selftests/coverage collect $(CURDIR)/$(covered) $(run_tests)

check-races: ONLY ?= $(threaded)
check-races: OFFLINE :=
check-races: ## run the tests with threads on the kernel that sees data races
	$(call only_on,kcsan)
	@tools/deps check
	+@$(MAKE) -s selftests
	@$(vm)/check --kernel kcsan --uncharged --timeout 4800 -- $(run_tests)

# Some are for a machine with little memory.
apps := fio random sqlite lmdb copy git build stress heap-python heap-sort heap-sqlite heap-gcc heap-redis heap-stress \
	small-one small-four
large_apps = $(filter-out small-% $(EXCEPT),$(or $(ONLY),$(apps)))
small_apps = $(filter small-%,$(filter-out $(EXCEPT),$(or $(ONLY),$(apps))))
run_apps = $(vm)/check --kernel $(guest) $1 -- selftests/apps/run $2 || failed=yes;

check-apps: ## run programs on the file system and in a pool, in a VM: fio, SQLite, git, Redis, gcc ...
	@tools/deps apps
	+@$(MAKE) -s tools
	$(foreach name,$(ONLY) $(EXCEPT),$(if $(wildcard selftests/apps/$(name)),,$(error there is no program $(name))))
	@failed=; \
	$(if $(large_apps),$(call run_apps,--timeout 3600,$(large_apps))) \
	$(if $(small_apps),$(call run_apps,--mem 512 --timeout 3600,$(small_apps))) \
	[ ! "$$failed" ]

coverage: ## run the tests on the debug kernel and show what they reach, as HTML
	$(call only_on,debug)
	@tools/deps coverage
	+@status=0; $(MAKE) --no-print-directory check-debug || status=$$?; \
	$(MAKE) --no-print-directory coverage-report && exit $$status

coverage-report:
	@selftests/coverage report $(covered)

lint: ## check the sources: sparse, coccinelle, clang-tidy and others
	$(call only_on,)
	@tools/deps lint
	@selftests/lint

bench: ## measure what things cost, each beside its peer (RECORD=1 keeps the figures)
	@tools/deps bench
	+@$(MAKE) --no-print-directory -C selftests/bench run

profile: ## which functions the instructions go to: ROW="a part of a row's name"
	@tools/deps bench
	+@$(MAKE) --no-print-directory -C selftests/bench profile

FINDINGS := $(CURDIR)/build/fuzz

fuzz: SECONDS ?= 3600
fuzz: ## make up calls on the debug kernel, for SECONDS (3600)
	$(call only_on,debug)
	@tools/deps check
	+@$(MAKE) -s --no-print-directory -C selftests/fuzz
	@mkdir -p $(FINDINGS)
	@$(vm)/run --kernel debug --timeout $$(($(SECONDS) * 2 + 3600)) \
		--share selftests/fuzz/corpus --share $(FINDINGS) -- \
		selftests/fuzz/vmlab-fuzz --corpus selftests/fuzz/corpus --keep --minimize \
		--findings $(FINDINGS) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

DIFFERENCES := $(CURDIR)/build/differ

soak: SECONDS ?= 3600
soak: ## random steps on vmlab, a memfd and a model, for SECONDS (3600), on KERNEL (debug)
	@tools/deps check
	+@$(MAKE) -s --no-print-directory -C selftests/differ
	@mkdir -p $(DIFFERENCES)
	@$(vm)/run --kernel $(call asked_kernel,debug) --timeout $$(($(SECONDS) * 2 + 3600)) \
		--share $(DIFFERENCES) -- sh -c 'for budget in "" --budget; do \
			selftests/differ/vmlab-differ $$budget --findings $(DIFFERENCES) \
			--seconds $$(($(SECONDS) / 2)) $(if $(SEED),--seed $(SEED)) || exit; \
		done'

fuzz-tools: ## the same for what the tools read, SECONDS (10) each
	@tools/deps fuzz-tools
	+@$(MAKE) -s --no-print-directory -C tools/fuzz run

load: KERNEL = host
load: module ## load the module into this machine's kernel
	@tools/install/load build/$(host)/vmlab.ko

unload: ## unload it
	@$(sudo) rmmod vmlab

install: module tools ## install module, library, tools, headers, man pages and the udev rule
	+@$(MAKE) --no-print-directory -C tools/lib install
	+@$(MAKE) --no-print-directory -C tools/run install
	+@$(MAKE) --no-print-directory -C tools/vmlab install
	install -D -m 644 -t $(DESTDIR)$(udevdir)/rules.d tools/install/60-vmlab.rules
	@tools/install/module install $(version) $(release)
	@[ "$(DESTDIR)" ] || tools/install/system

uninstall: ## remove what install put there
	+@$(MAKE) --no-print-directory -C tools/lib uninstall
	+@$(MAKE) --no-print-directory -C tools/run uninstall
	+@$(MAKE) --no-print-directory -C tools/vmlab uninstall
	$(RM) $(DESTDIR)$(udevdir)/rules.d/60-vmlab.rules
	@tools/install/module uninstall $(version) $(release)

clean: ## remove what was built (what fuzzers found, and the cached kernels, stay)
	+@$(MAKE) --no-print-directory -C tools/lib clean
	+@$(MAKE) --no-print-directory -C tools/run clean
	+@$(MAKE) --no-print-directory -C tools/vmlab clean
	+@$(MAKE) --no-print-directory -C selftests clean $(kselftest)
	+@$(MAKE) --no-print-directory -C selftests/bench clean
	+@$(MAKE) --no-print-directory -C selftests/fuzz clean
	+@$(MAKE) --no-print-directory -C selftests/differ clean
	$(RM) -r $(filter-out build/differ build/fuzz build/fuzz-tools,$(wildcard build/*))

.PHONY: all help module tools selftests demo check check-tools check-all check-debug check-races \
	check-apps coverage coverage-report lint bench profile fuzz soak fuzz-tools load unload install \
	uninstall clean
