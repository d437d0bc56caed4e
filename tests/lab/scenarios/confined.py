# SPDX-License-Identifier: LGPL-2.1-or-later
"""what /proc says of each process: users, capabilities, filters, mounts, limits"""

import os
import pwd
import re
import stat

import selinux
from lab import Claim, Holder, by_id, expect, read_text, sh, wait_until

NEEDS = ("nfs", "iscsi", "daemon")
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
SYS_ADMIN, SYS_PTRACE, DAC_READ_SEARCH = 1 << 21, 1 << 19, 1 << 2
LAUNCHER = (1 << 21 | 1 << 18 | 1 << 7 | 1 << 6 | 1 << 8 | 1 << 5
            | SYS_PTRACE | DAC_READ_SEARCH)
MIB = 1 << 20


class Status:
    def __init__(self, pid):
        self.pid = pid
        self.lines = dict(line.split(":\t", 1) for line in read_text(
            "/proc/%d/status" % pid).splitlines() if ":\t" in line)

    def capabilities(self):
        return {name: int(self.lines[name], 16) for name in SETS}

    def number(self, name):
        return int(self.lines[name].split()[0])

    def limit(self, name):
        for line in read_text("/proc/%d/limits" % self.pid).splitlines():
            words = re.split(r"  +", line)
            if words[0] == "Max " + name:
                return words[1:3]
        return None


def check(lab, name, pid, user, held, limits, has_no_new_privs=True):
    status = Status(pid)
    uid = pwd.getpwnam(user).pw_uid
    ids = set(status.lines["Uid"].split())
    expect(ids == {str(uid)}, "%s: its users are %r" % (name, ids))
    expect(status.lines.get("Groups", "").strip() == "", "%s: groups %r"
           % (name, status.lines.get("Groups")))
    wanted = {"CapInh": 0, "CapPrm": held, "CapEff": held, "CapBnd": held,
              "CapAmb": 0}
    expect(status.capabilities() == wanted, "%s: %r, not %r"
           % (name, status.capabilities(), wanted))
    expect(status.number("NoNewPrivs") == has_no_new_privs,
           "%s: no_new_privs" % name)
    expect(status.number("Seccomp") == 2, "%s: its filter" % name)
    # /proc/PID of one that is not dumpable is root's.
    owner = os.stat("/proc/%d/status" % pid)
    expect(owner.st_uid == 0 and not stat.S_ISLNK(owner.st_mode),
           "%s: may be dumped" % name)
    for limit, value in limits.items():
        expect(status.limit(limit) == [str(value)] * 2, "%s: %s is %r"
               % (name, limit, status.limit(limit)))
    # The title's end may be in its place.
    environment = read_text("/proc/%d/environ" % pid)
    expect("=" not in environment.replace("vers=", ""), "%s: environment %r"
           % (name, environment.strip("\0")))
    if selinux.is_loaded():
        domain = selinux.domain(pid)
        expect(domain == "holdfast_%s_t" % name, "%s runs in the domain %s"
               % (name, domain))
    lab.note("%s: as it should be" % name)


def has_own_filter(pid):
    """Beside its launcher's: its last step is done."""
    try:
        return Status(pid).number("Seccomp_filters") == 2
    except (FileNotFoundError, ProcessLookupError):
        return False


def mount_points(pid):
    return [line.split()[4] for line in
            read_text("/proc/%d/mountinfo" % pid).splitlines()]


def files(pid):
    folder = "/proc/%d/fd" % pid
    return {int(fd): os.readlink(os.path.join(folder, fd))
            for fd in os.listdir(folder)}


def check_worker_files(name, pid):
    """Its pipes, its loop, its target's directory: nothing of others."""
    found = files(pid)
    strange = [path for path in found.values() if not path.startswith(
        ("/dev/null", "pipe:", "anon_inode:", "/target", "/proc", "/sys"))]
    expect(not strange, "%s has open: %r" % (name, found))
    expect(len(found) < 20, "%s has open: %r" % (name, found))


def run(lab):
    server = lab.server({"/vms": None})
    target = lab.target()
    lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    client.manage(server.uri("/vms"), "vms")
    client.manage("tmpfs://x", "x")
    client.wait("vms")
    client.wait("x")
    Claim("disk", target).connect(client)
    core = {"core file size": 0}
    small = dict(core, **{"open files": 64, "address space": 64 * MIB,
                          "file size": 0, "locked memory": 0})

    check(lab, "supervisor", daemon.pid, "holdfast", 0,
          dict(core, **{"address space": 2048 * MIB, "processes": 0,
                        "locked memory": 0}))
    check(lab, "launcher", daemon.launcher().pid, "root", LAUNCHER, core,
          has_no_new_privs=False)
    nfs = daemon.worker_of("/vms").pid
    check(lab, "nfs", nfs, "holdfast-nfs", SYS_ADMIN, small)
    tmpfs = daemon.worker_of("tmpfs").pid
    check(lab, "tmpfs", tmpfs, "holdfast-nfs", SYS_ADMIN, small)
    iscsi = daemon.worker_of(target.iqn()).pid
    check(lab, "iscsi", iscsi, "root", 0, dict(
        small, **{"address space": 256 * MIB, "file size": 131072}))

    for name, pid in (("nfs", nfs), ("tmpfs", tmpfs)):
        points = mount_points(pid)
        expect(len(points) <= 4 and all(
            p == "/" or p.startswith("/target") for p in points),
            "%s sees %r" % (name, points))
        check_worker_files(name, pid)
    check_worker_files("iscsi", iscsi)

    with Holder(by_id("vms", "held") if sh(
            "touch", by_id("vms", "held")) else None):
        client.unmanage("vms")
        scanner = wait_until(lambda: [
            p for p in daemon.workers() if "scanner" in p.cmdline
            and has_own_filter(p.pid)], 20, "a scanner", every=0.002)[0].pid
        try:
            check(lab, "scanner", scanner, "holdfast-scan",
                  SYS_PTRACE | DAC_READ_SEARCH, core)
        except (FileNotFoundError, ProcessLookupError):
            lab.note("the scanner was too fast")
