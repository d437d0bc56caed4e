# SPDX-License-Identifier: LGPL-2.1-or-later
"""processes of ours that were taken over try what they should not: refused"""

import errno
import os

import cgroup
from daemon import CONFIG
from lab import (STORE, Claim, Daemon, expect, mounts, sh, wait_until,
                 write_credentials, write_text)
from redteambuild import RED, control, said

NEEDS = ("nfs", "iscsi", "daemon")
SELINUX = False     # its programs are none that the policy knows
TIME_LIMIT_S = 400
STEPS = ("user", "capabilities", "jail", "pid-namespace", "limits",
         "calls-nfs", "calls-tmpfs", "calls-iscsi", "calls-scanner", "calls-supervisor",
         "calls-launcher", "cgroup")
LEAST = 40

# What a process is for, of what the others are refused.
MAY = {
    "supervisor": {
        "write_store",          # it keeps it
        "list_inline_credentials",
        "list_mount_root",      # it makes the directories
        "talk_to_api",          # its own
        "open_process",         # to see the end of a stuck one
    },
    # Without a cgroup of their own, as here, they fork without end: see the
    # scenario fork-bomb. Of any kind: see the scenario domains.
    "nfs": {"make_process", "exhaust_processes", "mount_another_kind"},
    "tmpfs": {"make_process", "exhaust_processes", "mount_another_kind"},
    "iscsi": {"make_process", "exhaust_processes"},
    "scanner": {"make_process", "exhaust_processes"},
}


def host_mounts():
    """All but what is below holdfast's own directories."""
    return {(m.point, m.fstype, m.source) for m in mounts()
            if not m.point.startswith("/run/holdfast/")}


def word(number):
    return "done" if number == 0 else errno.errorcode.get(number, str(number))


def show(lab, rows, columns):
    for name in rows:
        lab.note("%-28s %s" % (name, " ".join(
            "%-12s" % word(column[name]) for column in columns)))


def check(lab, role, result, feature):
    """All that it may not was refused, though the kernel can do it."""
    forbidden = {name for name in feature if name not in MAY[role]}
    through = sorted(name for name in forbidden if result[name] == 0)
    expect(not through, "%s: done, and should not have been: %s"
           % (role, through))
    refused = [name for name in result if result[name]
               and name in MAY[role]]
    expect(not refused, "%s: it should be able to: %s" % (role, refused))
    expect(len(forbidden) >= LEAST, "%s: %d acts" % (role, len(forbidden)))
    lab.note("%s: %d forbidden acts, all refused" % (role, len(forbidden)))


def run(lab):
    server = lab.server({"/vms": None})
    target = lab.target()
    lab.initiator()
    write_credentials("canary", username="u", password="canary-not-to-read")
    os.mkdir("/target")
    write_text(os.path.join(cgroup.delegate("control"),
                            "cgroup.subtree_control"), "+pids")
    # What is to be taken is there: store, socket, a disk.
    daemon = lab.daemon()
    claim = Claim("disk", target)
    claim.connect(daemon.client())
    before = host_mounts()

    # Without confinement: is there a feature at all? With one step of it alone:
    # which stops what?
    free = control("none")
    feature = {name for name, number in free.items() if number == 0}
    lab.note("not in this kernel: %s" % {
        name: word(number) for name, number in free.items() if number})
    expect(len(feature) >= LEAST, "%d acts can be done" % len(feature))
    alone = {step: control(step) for step in STEPS}
    lab.note("%-28s %s" % ("", " ".join("%-12s" % s[-12:] for s in STEPS)))
    show(lab, sorted(feature), [alone[step] for step in STEPS])
    idle = [name for name in sorted(feature)
            if all(alone[step][name] == 0 for step in STEPS)]
    lab.note("stopped by no step alone: %s" % idle)

    expect(not idle, "each is stopped by a step alone, but for %s" % idle)

    daemon.stop()
    path = "/run/lab/out/red-supervisor.log"
    Daemon(path, {"paths": {
        "worker": os.path.join(RED, "holdfast-worker"),
        "run_dir": "/run/holdfast", "state_dir": STORE}}).write_config()
    done = sh(os.path.join(RED, "holdfastd"), "--config", CONFIG,
              check=False, timeout=60)
    with open(path, "w", encoding="utf-8") as file:
        file.write(done.stdout + done.stderr)
    expect("redteam: done" in done.stderr, "it ran: %s" % done.stderr[-500:])
    supervisor = said(path, "supervisor")

    daemon = lab.daemon({"paths": {"worker": os.path.join(
        RED, "holdfast-worker")}})
    client = daemon.client()
    for cid, uri in (("nfs", server.uri("/vms")), ("tmpfs", "tmpfs://x")):
        client.manage(uri, cid)
    roles = ("nfs", "tmpfs", "iscsi", "scanner")
    results = {}

    def all_said():
        results.update((role, said(daemon.log_path, role)) for role in roles)
        return all(len(results[role]) == len(free) for role in roles)
    wait_until(all_said, 240, lambda: "all have tried: %r" % {
        role: len(result) for role, result in results.items()}, every=0.5)
    daemon.stop()
    results["supervisor"] = supervisor
    columns = ("supervisor",) + roles
    lab.note("%-28s %s" % ("", " ".join("%-12s" % c for c in columns)))
    show(lab, sorted(free), [results[column] for column in columns])
    for role in columns:
        check(lab, role, results[role], feature)
    expect(host_mounts() == before, "no mount of theirs is on the host: %r"
           % (host_mounts() ^ before))
