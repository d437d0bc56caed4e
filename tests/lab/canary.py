# SPDX-License-Identifier: LGPL-2.1-or-later
"""canary.py - where a secret is that should not be

Runs in: a lab guest, as root
Trusts: /proc
Invariant: each way of looking is first tried on a place that has a secret, so
  that "not found" says something.
"""

import os
import re
import signal
import stat
import subprocess
import time

from kernel import read_text, Background, expect, is_alive, sh, wait_until, write_text

CORES = "/run/lab/cores"
COLLECTOR = "/run/lab/collect-core"
CHUNK = 1 << 20
# Where the scenarios have the secrets from.
CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


class ArgumentWatch(Background):
    """Reads the arguments and environments of all processes over and over.
    `hits` are (program, "cmdline" or "environ", secret); `programs` all that
    were seen."""

    def __init__(self, secrets, every=0.001):
        super().__init__(every)
        self.secrets = [s.encode() for s in secrets]
        self.hits = set()
        self.programs = set()
        self.looks = 0

    def look(self):
        self.looks += 1
        for pid in os.listdir("/proc"):
            if pid.isdigit():
                self._look_at("/proc/" + pid)

    def _look_at(self, folder):
        try:
            arguments = read_bytes(folder + "/cmdline")
            if not arguments:       # the kernel's own, or a zombie
                return
            program = os.path.basename(arguments.split(b"\0")[0].decode(
                "utf-8", "replace"))
            self.programs.add(program)
            for name, data in (("cmdline", arguments), ("environ", read_bytes(
                    folder + "/environ"))):
                self.hits.update((program, name, secret.decode())
                                 for secret in self.secrets if secret in data)
        except OSError:
            pass                    # it has ended

    def report(self):
        return [self.looks, sorted(self.hits), sorted(self.programs)]

    def take(self, report):
        self.looks, self.hits, self.programs = report


def try_argument_watch(secrets):
    """Fail unless a secret in an argument is seen, and one in an
    environment."""
    for name, argv, environ in (
            ("cmdline", ["sleep", "0.2", "0", secrets[0]], {}),
            ("environ", ["sleep", "0.2"], {"PASSWORD": secrets[0]})):
        argv = ["sh", "-c", "sleep 0.2", "sh"] + argv[2:]
        with ArgumentWatch(secrets) as watch:
            subprocess.run(argv, env=dict(os.environ, **environ), check=True,
                           timeout=10)
        expect(["sh", name, secrets[0]] in watch.hits,
               "the watch sees %s: %r" % (name, watch.hits))


# Files

def files_with(folders, secrets):
    """Regular files below the folders, written since the boot, that have a
    secret in them."""
    found = []
    for folder in folders:
        for here, below, names in os.walk(folder):
            below[:] = [b for b in below
                        if os.path.join(here, b) != CHECKOUT]
            for name in names:
                path = os.path.join(here, name)
                if is_new(path) and has_any(read_bytes(path), secrets):
                    found.append(path)
    return sorted(found)


# What the guest shares with its host has been there before.
def is_new(path):
    begun = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_ctime > begun - 1


def has_any(data, secrets):
    return [s for s in secrets if s.encode() in data]


# Memory: what gcore(1) would write, which leaves out what is MADV_DONTDUMP.

def memory_with(pid, secrets):
    """Where in a process's memory a secret is that a core dump would have:
    (address, what is mapped there, secret)."""
    found = []
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for begin, end, name in dumped_areas(pid):
            for at in range(begin, end, CHUNK):
                data = peek(memory, at, min(CHUNK + 64, end - at))
                found += [(hex(at), name, secret) for secret
                          in has_any(data, secrets)]
    return found


def dumped_areas(pid):
    areas = []
    header = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r\S* \S+ \S+ \S+ *(.*)")
    area = None
    with open("/proc/%d/smaps" % pid, encoding="utf-8",
              errors="replace") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                match = header.match(line)
                area = match and (int(match[1], 16), int(match[2], 16),
                                  match[3])
            elif line.startswith("VmFlags:") and area:
                if not {"dd", "io", "pf"} & set(line.split()[1:]):
                    areas.append(area)
    return areas


def peek(memory, at, size):
    try:
        memory.seek(at)
        return memory.read(size) or b""
    except (OSError, ValueError, OverflowError):
        return b""          # the kernel's own pages in it


# A core dump that is really made

def collect_cores():
    """From now on each core dump of the guest goes to a file."""
    os.makedirs(CORES, exist_ok=True)
    # In the guest's root, whatever root the process has that ends.
    write_text(COLLECTOR, "#!/bin/sh\nexec cat >%s/$1\n" % CORES)
    os.chmod(COLLECTOR, 0o755)
    write_text("/proc/sys/kernel/core_pattern", "|%s %%P" % COLLECTOR)


def is_first_of_namespace(pid):
    """Whether it is process 1 of a PID namespace below this one."""
    for line in read_text("/proc/%d/status" % pid).splitlines():
        if line.startswith("NSpid:"):
            numbers = line.split()[1:]
            return len(numbers) > 1 and numbers[-1] == "1"
    return False


def core_of(pid, timeout=10):
    """End a process as a fault of its own does; its core dump, or None if it
    leaves none."""
    path = os.path.join(CORES, str(pid))
    sh("prlimit", "--pid", str(pid), "--core=unlimited:unlimited")
    os.kill(pid, signal.SIGSEGV)
    # The first process of a namespace takes no such signal: of root's workers
    # there is no core to be had from outside.
    if is_first_of_namespace(pid):
        os.kill(pid, signal.SIGKILL)
    # A process that is dumped is there until its dump is.
    wait_until(lambda: not is_alive(pid), timeout, "process %d ends" % pid)
    time.sleep(0.2)
    if not os.path.exists(path):
        return None
    core = read_bytes(path)
    os.unlink(path)
    return core


def try_cores(secrets):
    """Fail unless a core dump of a process with a secret shows it."""
    collect_cores()
    child = subprocess.Popen(["sleep", "60"], env=dict(
        os.environ, PASSWORD=secrets[0]))
    expect(memory_with(child.pid, secrets), "a secret in memory is found")
    core = core_of(child.pid)
    child.wait()
    expect(core and has_any(core, secrets), "a secret in a core is found")
