# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One non-recursive Makefile. Everything that is made lands under build/.
# A folder of the tree is a program or what programs share; a new .c file in
# one of them is compiled and linked without a word here. A new tests/test_X.c
# is a unit test of its own.

prefix        = /usr/local
exec_prefix   = $(prefix)
bindir        = $(exec_prefix)/bin
sbindir       = $(exec_prefix)/sbin
libexecdir    = $(exec_prefix)/libexec
libdir        = $(exec_prefix)/lib
includedir    = $(prefix)/include
# Where Debian's python3 looks when prefix is /usr.
pythondir     = $(prefix)/lib/python3/dist-packages
mandir        = $(prefix)/share/man
docdir        = $(prefix)/share/doc/holdfast
sysconfdir    = /etc
localstatedir = /var
runstatedir   = /run
INSTALL       = install
DESTDIR       =

VERSION := 0.1.0
B       := build

CC       = gcc
OBJCOPY  = objcopy
CFLAGS   = -O2 -g
HARDEN   = -fPIE -fstack-protector-strong -fstack-clash-protection \
	   -D_FORTIFY_SOURCE=2
WARN     = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	   -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Wswitch-enum \
	   -Wvla -Wno-unused-parameter
CPPFLAGS = -I. -I$(B)/gen -D_GNU_SOURCE
LDHARDEN = -Wl,-z,relro -Wl,-z,now -Wl,--as-needed

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))

-include Makefile.local

# --- what is built from what -------------------------------------------------

sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(B)/%.o,$(1))

COMMON_OBJ     := $(call objects,$(call sources,common))
PROTO_OBJ      := $(call objects,$(call sources,proto))
SUPERVISOR_OBJ := $(call objects,$(call sources,supervisor))
WORKER_OBJ     := $(call objects,$(call sources,worker))
CLIENT_OBJ     := $(call objects,$(call sources,client))
# What the command shares with the library.
CLIENT_LIB     := $(filter-out %/example.c,$(call sources,client/lib))

LIB_COMMON     := $(B)/libcommon.a
LIB_PROTO      := $(B)/libproto.a
LIB_SUPERVISOR := $(B)/libsupervisor.a
LIB_WORKER     := $(B)/libworker.a
LIB_CLIENT     := $(B)/libclient.a
ARCHIVES       := $(LIB_SUPERVISOR) $(LIB_WORKER) $(LIB_CLIENT) $(LIB_PROTO) $(LIB_COMMON)

PROGRAMS := $(B)/holdfastd $(B)/holdfast-worker $(B)/holdfast

# libholdfast, for C. The soname counts incompatible changes of holdfast.h.
SONAME    := libholdfast.so.0
LIBRARIES := $(B)/$(SONAME) $(B)/libholdfast.a

# Lazily: a fresh machine gets pkg-config from `make setup`.
pkg = $(shell pkg-config $(1) 2>/dev/null)
PKG_CFLAGS      = $(call pkg,--cflags mount smartcols)
SUPERVISOR_LIBS = $(call pkg,--libs tdb mount libcap-ng libseccomp libselinux) -linih -lmsgpackc
WORKER_LIBS     = -lmsgpackc -lcap-ng -lseccomp -lmd
CLIENT_LIBS     = $(call pkg,--libs smartcols jansson) -lmsgpackc
TEST_LIBS       = -lcmocka $(SUPERVISOR_LIBS) $(CLIENT_LIBS) -lmd

.DEFAULT_GOAL := all
.PHONY: all
all: $(PROGRAMS) $(LIBRARIES)

# A file that is written anew only when its text has changed.
define keep
@mkdir -p $(@D)
@printf '%s\n' "$$TEXT" | cmp -s - $@ || printf '%s\n' "$$TEXT" > $@
endef

# Changed flags make everything anew, changed paths what includes paths.h.
FLAGS = $(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(WARN) $(HARDEN) $(CFLAGS)
$(B)/flags: export TEXT = $(FLAGS)
$(B)/flags: FORCE
	$(keep)

define PATHS
#define SYSCONFDIR "$(sysconfdir)"
#define LOCALSTATEDIR "$(localstatedir)"
#define RUNSTATEDIR "$(runstatedir)"
#define LIBEXECDIR "$(libexecdir)"
#define VERSION "$(VERSION)"
endef
$(B)/gen/paths.h: export TEXT = $(PATHS)
$(B)/gen/paths.h: FORCE
	$(keep)
.PHONY: FORCE
FORCE:

$(B)/%.o: %.c $(B)/flags | $(B)/gen/paths.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FLAGS) -MMD -MP -c -o $@ $<

define archive
@rm -f $@
$(call say,AR,$@)
$(Q)$(AR) rcs $@ $^
endef

$(LIB_COMMON): $(COMMON_OBJ)
	$(archive)
$(LIB_PROTO): $(PROTO_OBJ)
	$(archive)
$(LIB_SUPERVISOR): $(filter-out %/main.o,$(SUPERVISOR_OBJ))
	$(archive)
$(LIB_WORKER): $(filter-out %/main.o,$(WORKER_OBJ))
	$(archive)
$(LIB_CLIENT): $(call objects,$(CLIENT_LIB))
	$(archive)

define link_daemon
$(call say,LD,$@)
$(Q)$(CC) -pie $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(SUPERVISOR_LIBS)
endef

$(B)/holdfastd: $(B)/supervisor/main.o $(LIB_SUPERVISOR) $(LIB_PROTO) $(LIB_COMMON)
	$(link_daemon)

# Static: nothing has to be found in its jail, and little is private to it.
# The linker warns of functions that would load further NSS modules: the jail
# has none (getaddrinfo() has files and dns built in), or they are not called.
define link_worker
$(call say,LD,$@)
$(Q)$(CC) -static-pie $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -Wl,--gc-sections \
	-o $@ $^ $(WORKER_LIBS) 2>$@.log || { cat $@.log; exit 1; }
@! grep -v -e 'in statically linked applications' -e 'in function' $@.log
endef

$(B)/holdfast-worker: $(B)/worker/main.o $(LIB_WORKER) $(LIB_PROTO) $(LIB_COMMON)
	$(link_worker)

$(B)/holdfast: $(CLIENT_OBJ) $(LIB_CLIENT) $(LIB_PROTO) $(LIB_COMMON)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

# The library is for programs that we do not know: all of it, and of others what
# it needs, is compiled anew, hidden but for what is PUBLIC.
PIC_OBJ := $(patsubst %.c,$(B)/pic/%.o,$(CLIENT_LIB) proto/wire.c \
	proto/wire_write.c common/clock.c common/err.c)

$(B)/pic/%.o: %.c $(B)/flags | $(B)/gen/paths.h
	@mkdir -p $(@D)
	$(call say,PIC,$<)
	$(Q)$(subst -fPIE,-fPIC,$(FLAGS)) -fvisibility=hidden -MMD -MP -c -o $@ $<

$(B)/$(SONAME): $(PIC_OBJ) client/lib/libholdfast.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -Wl,-z,defs \
		-Wl,-soname,$(SONAME) -Wl,--version-script=client/lib/libholdfast.map \
		-o $@ $(PIC_OBJ) -lmsgpackc

# One object, in which hidden names are local: none gets in a program's way.
$(B)/libholdfast.a: $(PIC_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(LD) -r -o $(B)/libholdfast.o $(PIC_OBJ)
	$(Q)$(OBJCOPY) --localize-hidden $(B)/libholdfast.o
	$(Q)$(AR) rcs $@ $(B)/libholdfast.o

-include $(shell find $(B) -path '*/lab' -prune -o -type f -name '*.d' -print 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(B)

# --- installation --------------------------------------------------------------

unitdir     = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
D = $(DESTDIR)
fill = sed -e 's|@sbindir@|$(sbindir)|g' -e 's|@bindir@|$(bindir)|g' -e 's|@runstatedir@|$(runstatedir)|g' \
	-e 's|@localstatedir@|$(localstatedir)|g' -e 's|@libexecdir@|$(libexecdir)|g' \
	-e 's|@sysconfdir@|$(sysconfdir)|g' -e 's|@libdir@|$(libdir)|g' \
	-e 's|@includedir@|$(includedir)|g' -e 's|@version@|$(VERSION)|g'

.PHONY: install
install: $(PROGRAMS) $(LIBRARIES)
	$(INSTALL) -d $(D)$(sbindir) $(D)$(bindir) $(D)$(libexecdir)/holdfast \
		$(D)$(sysusersdir) $(D)$(tmpfilesdir) $(D)$(unitdir) \
		$(D)$(mandir)/man1 $(D)$(mandir)/man3 $(D)$(mandir)/man5 \
		$(D)$(mandir)/man7 $(D)$(mandir)/man8 \
		$(D)$(libdir)/pkgconfig $(D)$(includedir) $(D)$(pythondir) \
		$(D)$(docdir)/examples $(D)$(sysconfdir)/holdfast
	$(INSTALL) -m 755 $(B)/holdfastd $(D)$(sbindir)/holdfastd
	$(INSTALL) -m 755 $(B)/holdfast $(D)$(bindir)/holdfast
	$(INSTALL) -m 755 $(B)/holdfast-worker $(D)$(libexecdir)/holdfast/holdfast-worker
	$(INSTALL) -m 644 dist/holdfast.sysusers $(D)$(sysusersdir)/holdfast.conf
	$(fill) dist/holdfast.tmpfiles > $(B)/holdfast.tmpfiles
	$(INSTALL) -m 644 $(B)/holdfast.tmpfiles $(D)$(tmpfilesdir)/holdfast.conf
	$(fill) dist/holdfast.service.in > $(B)/holdfast.service
	$(INSTALL) -m 644 $(B)/holdfast.service $(D)$(unitdir)/holdfast.service
	$(fill) dist/holdfast-quiesce.service.in > $(B)/holdfast-quiesce.service
	$(INSTALL) -m 644 $(B)/holdfast-quiesce.service $(D)$(unitdir)/holdfast-quiesce.service
	$(INSTALL) -m 644 client/holdfast.1 $(D)$(mandir)/man1/holdfast.1
	$(INSTALL) -m 644 supervisor/holdfast.conf.5 $(D)$(mandir)/man5/holdfast.conf.5
	$(INSTALL) -m 644 proto/holdfast-uri.7 $(D)$(mandir)/man7/holdfast-uri.7
	$(INSTALL) -m 644 supervisor/holdfastd.8 $(D)$(mandir)/man8/holdfastd.8
	$(INSTALL) -m 644 client/lib/libholdfast.3 $(D)$(mandir)/man3/libholdfast.3
	$(INSTALL) -m 644 README.md SECURITY.md proto/PROTOCOL.md $(D)$(docdir)
	$(INSTALL) -m 644 client/lib/example.c client/python/example.py $(D)$(docdir)/examples
	$(INSTALL) -m 755 $(B)/$(SONAME) $(D)$(libdir)/libholdfast.so.$(VERSION)
	ln -sf libholdfast.so.$(VERSION) $(D)$(libdir)/$(SONAME)
	ln -sf $(SONAME) $(D)$(libdir)/libholdfast.so
	$(INSTALL) -m 644 $(B)/libholdfast.a $(D)$(libdir)/libholdfast.a
	$(INSTALL) -m 644 client/lib/holdfast.h $(D)$(includedir)/holdfast.h
	$(fill) client/lib/libholdfast.pc.in > $(B)/libholdfast.pc
	$(INSTALL) -m 644 $(B)/libholdfast.pc $(D)$(libdir)/pkgconfig/libholdfast.pc
	$(INSTALL) -m 644 client/python/holdfast.py $(D)$(pythondir)/holdfast.py
	$(INSTALL) -d -m 700 $(D)$(sysconfdir)/holdfast/credentials.d
	$(fill) dist/holdfast.conf.in > $(B)/holdfast.conf
	test -e $(D)$(sysconfdir)/holdfast/holdfast.conf || \
		$(INSTALL) -m 644 $(B)/holdfast.conf $(D)$(sysconfdir)/holdfast/holdfast.conf

# --- SELinux -------------------------------------------------------------------

# The base policy's own Makefile says how a module is compiled, from the folder
# that its sources are in; it takes no other.
SELINUX_DEVEL = /usr/share/selinux/devel/Makefile
SELINUX_TYPE  = default

.PHONY: selinux
selinux: $(B)/selinux/holdfast.pp
$(B)/selinux/%.pp: $(B)/selinux/%.te $(B)/selinux/%.fc $(B)/selinux/%.if
	$(call say,SELINUX,$@)
	$(Q)$(MAKE) --no-print-directory -C $(@D) -f $(SELINUX_DEVEL) \
		NAME=$(SELINUX_TYPE) $(@F) > $@.log 2>&1 || { cat $@.log; exit 1; }

# Of its own: it takes the development files of the base policy. It is loaded by
# semodule(8), and labels are put on files by restorecon(8): see SECURITY.md.
.PHONY: install-selinux
install-selinux: $(B)/selinux/holdfast.pp
	$(INSTALL) -d $(D)$(prefix)/share/selinux/packages \
		$(D)$(prefix)/share/selinux/devel/include/services
	$(INSTALL) -m 644 $(B)/selinux/holdfast.pp $(D)$(prefix)/share/selinux/packages/holdfast.pp
	$(INSTALL) -m 644 selinux/holdfast.if $(D)$(prefix)/share/selinux/devel/include/services/holdfast.if

$(B)/selinux/%: selinux/%
	@mkdir -p $(@D)
	@cp $< $@
$(B)/selinux/%: tests/lab/%
	@mkdir -p $(@D)
	@cp $< $@
# lab.te calls holdfast.if; and what compiles one module looks at all that lies
# in the folder, so the lab's comes there when ours is made.
$(B)/selinux/lab.pp: $(B)/selinux/holdfast.if
$(addprefix $(B)/selinux/lab.,te fc if): | $(B)/selinux/holdfast.pp
# Linked with the host's policy, and with what the lab's guests need.
$(B)/lab/selinux.stamp: selinux/link $(B)/selinux/holdfast.pp $(B)/selinux/lab.pp \
		$(wildcard /etc/selinux/default/policy/policy.*)
	$(call say,LINK,$(@D)/selinux)
	$(Q)selinux/link $(@D)/selinux $(filter %.pp,$^)
	$(Q)touch $@

# --- tests --------------------------------------------------------------------

TESTS    := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/test_*.c))
BENCHES  := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))
STORIES  := $(patsubst tests/stories/%.c,$(B)/tests/stories/%,$(wildcard tests/stories/*.c))

# A test that defines a function of an owner file itself gets its own: the
# archive's file is not linked then. So fakes need no word here.
$(B)/tests/%: $(B)/tests/%.o $(ARCHIVES)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $< \
		-Wl,--start-group $(ARCHIVES) -Wl,--end-group $(TEST_LIBS)

# Processes of ours that were taken over: the real main.c, then an attack in the
# place of what it would do, linked as the real ones are.
RED     := $(B)/tests/redteam
REDTEAM := $(RED)/holdfast-worker $(RED)/holdfastd $(RED)/holdfastd-fuzzer $(RED)/control
$(RED)/holdfast-worker: $(B)/worker/main.o $(RED)/worker.o $(RED)/acts.o $(LIB_WORKER) $(LIB_PROTO) $(LIB_COMMON)
	$(link_worker)
$(RED)/holdfastd: $(B)/supervisor/main.o $(RED)/supervisor.o $(RED)/acts.o $(LIB_SUPERVISOR) $(LIB_PROTO) $(LIB_COMMON)
	$(link_daemon)
$(RED)/holdfastd-fuzzer: $(B)/supervisor/main.o $(RED)/fuzzer.o $(LIB_SUPERVISOR) $(LIB_PROTO) $(LIB_COMMON)
	$(link_daemon)
$(RED)/control: $(RED)/control.o $(RED)/acts.o $(ARCHIVES)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(ARCHIVES) -Wl,--end-group $(TEST_LIBS)

# Each fuzz target is made three times, of the same source: for libFuzzer, for
# AFL++, and with replay.c, which runs files. FUZZ_ENGINE says by what.
FUZZERS     := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ENGINE := $(B)/tests/fuzz/replay.o
fuzz_programs = $(patsubst %,$(1)/tests/fuzz/fuzz_%,$(2))
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(filter %.o,$(FUZZ_ENGINE)) $(ARCHIVES)
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(CFLAGS) $(LDHARDEN) $(LDFLAGS) -o $@ $< $(FUZZ_ENGINE) \
		-Wl,--start-group $(ARCHIVES) -Wl,--end-group $(TEST_LIBS)

# Objects of tests are kept, so that only what changed is made anew.
.SECONDARY:

.PHONY: tests
tests: $(TESTS) $(STORIES)

# The same, under AddressSanitizer and UndefinedBehaviorSanitizer.
SANITIZE = $(MAKE) B=build/sanitize HARDEN="-fPIE -fno-omit-frame-pointer" \
	CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"

# Each of these ends with a line "N passed, N failed".
.PHONY: check-lint check-unit check-sanitize check-client check-lib check-clients check-protocol check-stories check-corpus check-load check-selinux check-lab check-install
check-unit: $(TESTS)
	@tests/run-units $(TESTS)
check-sanitize:
	@+$(SANITIZE) tests
	@tests/run-units $(patsubst $(B)/%,build/sanitize/%,$(TESTS))
check-client: $(B)/holdfast
	@tests/run-client $(B)/holdfast
check-lib: $(STORIES)
	@+$(SANITIZE) build/sanitize/libholdfast.a
	@tests/run-lib
check-stories: $(STORIES)
	@tests/stories/run
# Short here; `make load` is the long form.
LOAD_S ?= 60
check-load: $(STORIES)
	@+$(SANITIZE) $(patsubst $(B)/%,build/sanitize/%,$(STORIES))
	@tests/load/run --seconds 6
load: $(STORIES)
	@+$(SANITIZE) $(patsubst $(B)/%,build/sanitize/%,$(STORIES))
	@tests/load/run --seconds $(LOAD_S)
check-clients: $(STORIES)
	@tests/run-clients
check-protocol: $(STORIES) $(B)/holdfast
	@tests/run-protocol
check-install: all
	@tests/run-install
check-selinux: selinux
	@tests/run-selinux
LAB = $(B)/lab/root.stamp $(B)/lab/selinux.stamp $(B)/lab/clock.so
check-lab: $(LAB)
	@tests/lab/run

# Random faults and calls against a model; SEED repeats a run.
STEPS ?= 2000
.PHONY: chaos load
chaos: $(LAB)
	@tests/lab/run --steps $(STEPS) $(if $(SEED),--seed $(SEED)) -t 7200 -v chaos

# What was found once, and what shows a format: each file through its target.
check-corpus:
	@+$(SANITIZE) $(call fuzz_programs,build/sanitize,$(FUZZERS))
	@tests/fuzz/check-corpus build/sanitize/tests/fuzz $(FUZZERS)

# A campaign: SECONDS in all, shared by TARGETS.
SECONDS ?= 3600
TARGETS ?= $(FUZZERS)
ENGINE  ?= libfuzzer
FUZZ_FLAGS = HARDEN="-fPIE -fno-omit-frame-pointer" WARN=-Wall
FUZZ_BUILD_libfuzzer = CC=clang FUZZ_ENGINE=-fsanitize=fuzzer \
	CFLAGS="-O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all"
FUZZ_BUILD_afl = CC=afl-clang-fast FUZZ_ENGINE=-fsanitize=fuzzer \
	CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all"
FUZZ_BUILD_coverage = CC=clang \
	CFLAGS="-O1 -g -fprofile-instr-generate -fcoverage-mapping"
.PHONY: fuzz fuzz-build fuzz-coverage
fuzz: fuzz-build
	@tests/fuzz/campaign $(ENGINE) $(SECONDS) $(TARGETS)
fuzz-build:
	@tests/fuzz/setup $(ENGINE)
	@+$(MAKE) --no-print-directory B=build/fuzz/$(ENGINE) $(FUZZ_FLAGS) \
		$(FUZZ_BUILD_$(ENGINE)) \
		$(call fuzz_programs,build/fuzz/$(ENGINE),$(TARGETS))
# Which lines of what a target is there for the corpora reach, of the tree and of
# campaigns.
fuzz-coverage:
	@+$(MAKE) --no-print-directory fuzz-build ENGINE=coverage
	@tests/fuzz/coverage $(TARGETS)

# What the lab's kernel finds installed.
$(B)/lab/root.stamp: FORCE $(REDTEAM)
	@+$(MAKE) --no-print-directory install DESTDIR=$(abspath $(B)/lab/root) \
		prefix=/usr sysconfdir=/etc localstatedir=/var > $(B)/install.log
	@touch $@

# What the lab's kernel is told of the time.
$(B)/lab/clock.so: tests/lab/clock.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(WARN) -O2 -fPIC -shared -o $@ $<

CHECKS = lint unit sanitize corpus client lib stories clients protocol load install selinux lab

.PHONY: setup check bench demo lint
# Says what is missing, and installs it when it may. What others' clients need
# beyond packages is made here, while there is a network; if that fails, their
# test says so.
setup:
	@tests/setup
	@tests/run-clients --prepare
check: setup
	@+tests/check $(CHECKS)
bench: all $(BENCHES)
	@tests/bench/run
demo:
	@tests/setup --without clients
	@+$(MAKE) --no-print-directory all
	@+$(MAKE) --no-print-directory $(B)/lab/root.stamp
	@tests/lab/run --selinux= --demo
lint check-lint:
	@tests/run-lint
