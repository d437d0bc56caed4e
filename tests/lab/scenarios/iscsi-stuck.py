# SPDX-License-Identifier: LGPL-2.1-or-later
"""iSCSI processes that even SIGKILL does not end: told, survived, cleared"""

import os
import signal
import time

from lab import (Claim, SessionWatch, expect, is_alive, never_within, process,
                 sh, wait_until)

NEEDS = ("iscsi", "netem", "daemon")
TIME_LIMIT_S = 240
IMAGE = "/tmp/etc-iscsi.img"


def stuck(client):
    return {cid: e["stuck"] for cid, e in client.list().items() if e["stuck"]}


class Frozen:
    """/etc/iscsi on a file system that takes no writes for a while, as while
    its host is saved (FIFREEZE): who writes waits, and cannot be killed
    (percpu_rwsem of the superblock)."""

    def __init__(self):
        sh("modprobe", "loop", check=False)
        sh("truncate", "-s", "16M", IMAGE)
        sh("mkfs.ext4", "-q", IMAGE)
        os.makedirs("/tmp/etc-iscsi")
        sh("mount", "-o", "loop", IMAGE, "/tmp/etc-iscsi")
        sh("cp", "-a", "/etc/iscsi/.", "/tmp/etc-iscsi")
        sh("mount", "--bind", "/tmp/etc-iscsi", "/etc/iscsi")

    def freeze(self):
        sh("fsfreeze", "--freeze", "/etc/iscsi")

    def thaw(self):
        sh("fsfreeze", "--unfreeze", "/etc/iscsi")


def run(lab):
    frozen = Frozen()
    target = lab.target({"up": None, "one": None}, isolated=True)
    other = lab.target({"other": None})
    lab.initiator()
    daemon = lab.daemon({"operation": {"connect_ms": 3000},
                         "server": {"stuck": 1}})
    client = daemon.client()
    up = Claim("up", target, name="up")
    session = up.connect(client).sid
    one = Claim("one", target, name="one")
    beside = Claim("beside", other)
    with SessionWatch(target, "up") as watch:
        frozen.freeze()
        try:
            pids = check(lab, daemon, client, one)
        finally:
            frozen.thaw()
    watch.expect_states(session, "LOGGED_IN")

    client = daemon.client()
    wait_until(lambda: not any(map(is_alive, pids)), 10, "they end")
    wait_until(lambda: not stuck(client), 5, lambda: "the ledger clears "
               "itself: %r" % client.list())
    client.wait("one", timeout=30)
    for claim in (up, one):
        claim.agrees(client)
    beside.connect(client)
    for claim in (up, one, beside):
        client.unmanage(claim.cid)
    for claim in (up, one, beside):
        claim.wait_until_gone(20)


def check(lab, daemon, client, one):
    """While it is frozen; returns the processes that are stuck."""
    one.manage(client)
    found = wait_until(lambda: stuck(client), 30, lambda: "told: %r"
                       % client.list())
    lab.note("stuck: %r" % found)
    pid = found["one"]["pid"]
    seen = process(pid)
    expect(seen.state == "D" and seen.ppid == daemon.worker_of(":one").pid,
           "the host's number of it: %r" % seen)
    entry = client.list()["one"]
    expect(entry["state"] == "stuck"
           and entry["stuck"]["operation"] == "connect", "told: %r" % entry)
    wait_until(lambda: client.list()["one"]["held"] == "server", 10,
               lambda: "held: %r" % client.list()["one"])
    expect(client.state("up") == "connected", "its neighbour is up")

    # PID 1 of its namespace: it cannot end before all in there have.
    worker = seen.ppid
    os.kill(worker, signal.SIGKILL)
    never_within(lambda: client.state("up") != "connected" or len(
        stuck(client)) != 1, 5, "somebody notices, or it is forgotten",
        every=0.2)
    lab.note("its worker was killed: %r" % process(worker))

    daemon.kill()
    daemon.start()
    client = daemon.client()
    lab.note("after kill -9 and start: %r" % stuck(client))
    expect(stuck(client)["one"]["pid"] == pid, "the ledger is whole")
    client.wait("up")
    client.unmanage("one")
    client.manage(one.uri(), "one")
    begun = time.monotonic()
    daemon.stop()
    took = time.monotonic() - begun
    lab.note("SIGTERM: %.2f s" % took)
    expect(took < 2, "SIGTERM ends it in 2 s, not %.1f" % took)
    daemon.start()
    client = daemon.client()
    expect(stuck(client)["one"]["pid"] == pid, "and after a stop: %r"
           % client.list())
    client.wait("up")
    return [s["pid"] for s in stuck(client).values()]
