# SPDX-License-Identifier: LGPL-2.1-or-later
"""cgroup.py - cgroups as a service manager delegates them

Runs in: a lab guest, as root
Trusts: the kernel's unified hierarchy
"""

import os

from kernel import read_text, sh, write_text

ROOT = "/sys/fs/cgroup"


def delegate(name):
    """A cgroup like that of a unit with Delegate=pids; its path."""
    if not os.path.exists(os.path.join(ROOT, "cgroup.procs")):
        sh("mount", "-t", "cgroup2", "cgroup2", ROOT)
        write_text(os.path.join(ROOT, "cgroup.subtree_control"), "+pids")
    path = os.path.join(ROOT, name)
    os.makedirs(path, exist_ok=True)
    os.setxattr(path, "trusted.delegate", b"1")
    return path


def enter(path):
    """The calling process goes there."""
    write_text(os.path.join(path, "cgroup.procs"), "0")


def of_process(pid):
    """Its path below the root: "/holdfast.service/worker-3"."""
    for line in read_text("/proc/%d/cgroup" % pid).splitlines():
        if line.startswith("0::"):
            return line[3:]
    return None
