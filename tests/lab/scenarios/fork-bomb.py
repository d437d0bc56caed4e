# SPDX-License-Identifier: LGPL-2.1-or-later
"""a worker that forks without end fills its own cgroup, and nobody else's"""

import errno
import os
import re
import shutil

import cgroup
from lab import (OUT, Daemon, Holder, expect, is_alive, read_text, sh,
                 wait_until, write_text)
from redteambuild import RED, WORKER, said

NEEDS = ("nfs", "daemon")
TIME_LIMIT_S = 240
BOUND = 64
# In the place of the worker, and with its label.
ATTACKER = "/usr/libexec/holdfast/attacker"


def forked(path):
    """How it ended, by worker: {"nfs": 11}, an errno."""
    acts = {role: said(path, role) for role in ("nfs", "tmpfs")}
    return {role: done["exhaust_processes"] for role, done in acts.items()
            if "exhaust_processes" in done}


def attack(lab, unit):
    """Workers that were taken over, in such a cgroup; what they said."""
    path = os.path.join(OUT, "attack-%s.log" % ("in" if unit else "out"))
    daemon = Daemon(path, {"paths": {"worker": ATTACKER}})
    daemon.cgroup = unit
    daemon.start()
    wait_until(lambda: len(forked(path)) == 2, 200,
               lambda: "both have tried: %r" % forked(path), every=0.5)
    found = forked(path)
    lab.note("forking 100 times, %s: %r" % (unit or "no cgroup", found))
    expect(is_alive(daemon.pid), "holdfastd goes on")
    daemon.stop()
    return found


def run(lab):
    server = lab.server({"/vms": None})
    unit = cgroup.delegate("holdfast.service")
    daemon = lab.daemon(cgroup=unit)
    client = daemon.client()
    client.manage(server.uri("/vms"), "vms")
    client.manage("tmpfs://x", "x")
    client.wait("vms")
    client.wait("x")
    places = {}
    for name, found in (("supervisor", daemon.pid),
                        ("launcher", daemon.launcher().pid),
                        ("vms", daemon.worker_of("/vms").pid),
                        ("x", daemon.worker_of("tmpfs").pid)):
        places[name] = cgroup.of_process(found)
    lab.note("cgroups: %r" % places)
    expect(places["supervisor"] == places["launcher"] == "/holdfast.service",
           "holdfastd stays in the unit's own: %r" % places)
    for name in ("vms", "x"):
        expect(re.fullmatch(r"/holdfast\.service/worker-\d+", places[name]),
               "%s has one: %r" % (name, places))
        most = read_text(cgroup.ROOT + places[name] + "/pids.max").strip()
        expect(most == str(BOUND), "%s may have %s" % (name, most))
    expect(places["vms"] != places["x"], "one each: %r" % places)

    # A service manager that starts the next one finds its cgroup usable,
    # whatever is left in a worker's.
    with Holder("/etc/hosts") as left:
        write_text(cgroup.ROOT + places["vms"] + "/cgroup.procs",
                   str(left.pid))
        daemon.kill()
        daemon.start()
        expect(cgroup.of_process(left.pid) == places["vms"], "it is there")
    client = daemon.client()
    client.wait("vms")
    client.wait("x")

    daemon.stop()
    shutil.copy(os.path.join(RED, "holdfast-worker"), ATTACKER)
    if lab.denials:
        sh("chcon", "--reference", WORKER, ATTACKER)
        lab.denials.judge()
        lab.denials.is_expected = True      # it tries all acts
    found = attack(lab, unit)
    expect(set(found.values()) == {errno.EAGAIN}, "refused: %r" % found)
    found = attack(lab, None)
    expect(set(found.values()) == {0}, "and done without it: %r" % found)
