# SPDX-License-Identifier: LGPL-2.1-or-later
"""a supervisor that asks its launcher for anything gets workers and no more"""

import os
import random
import subprocess
import time

from daemon import CONFIG
from lab import STORE, Daemon, expect, mounts, processes
from redteambuild import RED, WORKER

NEEDS = ("nfs", "daemon")
SELINUX = False     # its programs are none that the policy knows
TIME_LIMIT_S = 300
RUNS = 6
# Between its fork and its program a worker runs the launcher's.
ON_THE_WAY_S = 5


def places():
    return sorted((m.point, m.fstype, m.id) for m in mounts())


def descriptors(pid):
    """Those that it keeps, not those that it opens for a moment."""
    counts = []
    for _ in range(10):
        counts.append(len(os.listdir("/proc/%d/fd" % pid)))
        time.sleep(0.02)
    return min(counts)


class Fuzzer:
    """One run of the program, and what /proc says of its processes."""

    def __init__(self, seed):
        with open(os.path.join(STORE, "seed"), "w",
                  encoding="ascii") as file:
            file.write("%d\n" % seed)
        self._child = subprocess.Popen(
            [os.path.join(RED, "holdfastd-fuzzer"), "--config", CONFIG],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        os.set_blocking(self._child.stderr.fileno(), False)
        self.log = ""
        self._strange = {}      # pid: since when

    def children(self):
        return [p for p in processes() if p.ppid == self._child.pid
                and p.state != "Z"]

    def launcher(self):
        found = [p for p in self.children() if "launcher" in p.cmdline]
        expect(len(found) == 1, "one launcher: %r" % self.children())
        return found[0].pid

    def look(self):
        """Nothing runs that is neither a worker nor on the way to be one."""
        now = time.monotonic()
        for child in self.children():
            try:
                program = os.readlink("/proc/%d/exe" % child.pid)
            except OSError:
                continue
            if program == WORKER or "launcher" in child.cmdline:
                self._strange.pop(child.pid, None)
                continue
            since = self._strange.setdefault(child.pid, now)
            expect(program.endswith("holdfastd-fuzzer")
                   and now - since < ON_THE_WAY_S,
                   "process %r runs %s" % (child, program))

    def until(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.log:
            self.look()
            try:
                self.log += self._child.stderr.read() or ""
            except TypeError:
                pass
            expect(time.monotonic() < deadline and (
                self._child.poll() is None or text in self.log),
                "it logs %r: %s" % (text, self.log[-2000:]))
            time.sleep(0.01)

    def end(self):
        return self._child.wait(10)


def fuzz(lab, seed, before):
    fuzzer = Fuzzer(seed)
    fuzzer.until("fuzzer: ready")
    launcher = fuzzer.launcher()
    had = descriptors(launcher)
    fuzzer.until("fuzzer: quiet")
    expect(descriptors(launcher) == had, "seed %d: its launcher had %d "
           "descriptors and has %d" % (seed, had, descriptors(launcher)))
    left = [p for p in fuzzer.children() if p.pid != launcher]
    expect(not left, "seed %d: left running: %r" % (seed, left))
    expect(places() == before, "seed %d: mounts: %r" % (
        seed, set(places()) ^ set(before)))
    fuzzer.until("fuzzer: the launcher has ended")
    expect(fuzzer.end() == 0, "seed %d: its status" % seed)
    expect("unknown request" in fuzzer.log, "the launcher says why: %s"
           % fuzzer.log[-500:])
    lab.note("seed %d: %s" % (seed, [
        line.split("fuzzer: ")[1] for line in fuzzer.log.splitlines()
        if "done" in line]))


def run(lab):
    server = lab.server({"/vms": None, "/iso": None})
    daemon = lab.daemon()
    client = daemon.client()
    claims = {"vms": server.uri("/vms"), "iso": server.uri("/iso", "vers=3"),
              "tmp": "tmpfs://x"}
    for cid, uri in claims.items():
        client.manage(uri, cid)
    ids = {cid: client.wait(cid)["mount_id"] for cid in claims}
    daemon.stop()
    Daemon("/dev/null", {"paths": {
        "worker": WORKER, "run_dir": "/run/holdfast",
        "state_dir": STORE}}).write_config()
    before = places()
    first = int.from_bytes(os.urandom(3), "big")
    for number in range(RUNS):
        fuzz(lab, random.Random(first + number).randrange(10 ** 9), before)

    daemon.start()
    client = daemon.client()
    for cid, number in ids.items():
        expect(client.wait(cid)["mount_id"] == number,
               "%s is as it was" % cid)
