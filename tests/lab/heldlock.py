# SPDX-License-Identifier: LGPL-2.1-or-later
"""heldlock.py - a directory that the kernel has locked for as long as we like

Runs in: a lab guest, as root
Trusts: userfaultfd(2)
Invariant: the lock is the directory's inode's, shared: who reads it goes on,
  who changes it, or mounts on it, waits, and no signal ends that
  (inode_lock() of lock_mount() in the kernel's fs/namespace.c).
"""

import ctypes
import mmap
import os
import select
import threading

from kernel import expect

SYS_GETDENTS64 = 217
SYS_USERFAULTFD = 323
PAGE = mmap.PAGESIZE
UFFDIO_API = 0xc018aa3f
UFFDIO_REGISTER = 0xc020aa00
UFFDIO_ZEROPAGE = 0xc020aa04
MODE_MISSING = 1
API = 0xaa


class HeldDirectory:
    """Reads the directory into memory that is missing until release(): the
    kernel waits for it with the lock held."""

    def __init__(self, path):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.mmap.restype = ctypes.c_void_p
        self._buffer = self._libc.mmap(
            None, ctypes.c_size_t(PAGE), mmap.PROT_READ | mmap.PROT_WRITE,
            mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        self._fd = self._libc.syscall(SYS_USERFAULTFD,
                                      os.O_CLOEXEC | os.O_NONBLOCK)
        expect(self._fd >= 0, "userfaultfd: errno %d" % ctypes.get_errno())
        self._ask(UFFDIO_API, API, 0, 0)
        self._ask(UFFDIO_REGISTER, self._buffer, PAGE, MODE_MISSING, 0)
        self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        # It tells of memory that is missing, and that somebody waits for.
        expect(select.select([self._fd], [], [], 10)[0],
               "the reader waits for its memory")

    def _ask(self, request, *words):
        argument = (ctypes.c_uint64 * len(words))(*words)
        expect(self._libc.ioctl(self._fd, ctypes.c_ulong(request),
                                argument) == 0,
               "ioctl %x: errno %d" % (request, ctypes.get_errno()))

    def _read(self):
        self._libc.syscall(SYS_GETDENTS64, self._folder,
                           ctypes.c_void_p(self._buffer), PAGE)

    def release(self):
        self._ask(UFFDIO_ZEROPAGE, self._buffer, PAGE, 0, 0)
        self._thread.join(10)
        expect(not self._thread.is_alive(), "it has been read")
        os.close(self._folder)
        os.close(self._fd)
