# SPDX-License-Identifier: LGPL-2.1-or-later
"""selinux.py - the policy that a guest enforces, and what it has refused

Runs in: a lab guest, as root, in the domain of init scripts
Trusts: the kernel's log
Invariant: no denial is missed: a log that has lost lines is a failure.
"""

import errno
import os
import re

from kernel import Failed, expect, read_text, write_text

ENFORCE = "/sys/fs/selinux/enforce"
KMSG_MAX = 8192
DENIAL = re.compile(r"(avc: +denied|audit_lost=).*")


def is_loaded():
    """Whether tests/lab/boot has loaded a policy."""
    return os.path.exists(ENFORCE)


def domain(pid):
    """The type of a process: "holdfast_nfs_t"."""
    return read_text("/proc/%d/attr/current" % pid).split(":")[2]


class Denials:
    """What the kernel refuses from now on. It logs each with its cause; the
    rules that say "dontaudit" are the base policy's and ours."""

    def __init__(self):
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)
        self.is_expected = False    # a scenario that provokes them sets this

    def take(self):
        """Those since the last call, one line each."""
        found = []
        while True:
            try:
                record = os.read(self._fd, KMSG_MAX).decode("utf-8", "replace")
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.EPIPE:
                    raise
                found.append("the kernel's log has lost lines")
                continue
            match = DENIAL.search(record)
            if match:
                found.append(match.group(0).strip())

    def judge(self):
        """Fail if there were any that no scenario has asked for."""
        found = self.take()
        if found and not self.is_expected:
            raise Failed("SELinux denied %d times: %s"
                         % (len(found), "\n".join(sorted(set(found)))))


def enforce():
    """From here on; returns the Denials."""
    denials = Denials()
    write_text(ENFORCE, "1")
    expect(read_text(ENFORCE) == "1", "the policy is enforced")
    return denials
