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
mandir        = $(prefix)/share/man
sysconfdir    = $(prefix)/etc
localstatedir = $(prefix)/var
runstatedir   = /run
INSTALL       = install
DESTDIR       =

VERSION := 0.1.0
B       := build

CC       = gcc
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
