# SPDX-License-Identifier: LGPL-2.1-or-later
"""a mount that does not even die: on the ledger, over kill -9, one turn at a time"""

import subprocess
import time

from lab import (FaultServer, expect, is_alive, nfs_mounts, operations,
                 wait_until)

NEEDS = ("nfs", "netem", "daemon")
ALONE = True
TIME_LIMIT_S = 240


def stuck_pids(client):
    return {e["stuck"]["pid"] for e in client.list().values() if e["stuck"]}


class Culprit:
    """Somebody else's mount of a server that answers NULL alone, in another
    network: in the kernel it holds the lock that each first mount of a
    version 4 server has to take, and a process that waits for that cannot be
    killed (nfs4_discover_server_trunking())."""

    def __init__(self, server):
        self._child = subprocess.Popen(
            ["nsenter", "-t", server._namespace, "--net", "unshare",
             "--mount", "mount", "-i", "-t", "nfs4", "-o",
             "addr=127.0.0.1,vers=4.2,clientaddr=127.0.0.1,hard",
             "127.0.0.1:/", "/mnt"], stdin=subprocess.DEVNULL)
        self.pid = self._child.pid

    def end(self):
        self._child.kill()
        self._child.wait()


def run(lab):
    good = lab.server({"/vms": None, "/iso": None, "/tmp1": None},
                      isolated=True)
    other = lab.server({"/vms": None}, isolated=True)
    tarpit = FaultServer("null-only")
    # Of one server only the first mount waits for that lock, the others wait
    # for the first, and die when killed: one has to do for "several".
    daemon = lab.daemon({"operation": {"mount_ms": 2000, "connect_ms": 5000},
                         "server": {"stuck": 1}})
    client = daemon.client()
    client.manage(other.uri("/vms"), "other")
    client.wait("other")
    culprit = Culprit(tarpit)
    time.sleep(2)
    for name in ("vms", "iso"):
        client.manage(good.uri("/" + name), name)
    wait_until(lambda: client.list()["iso"]["held"], 40,
               lambda: "it is stuck: %r" % client.list())
    pids = stuck_pids(client)
    entry, = [e for e in client.list().values() if e["stuck"]]
    lab.note("stuck: %s, %r, held %r" % (entry["state"], entry["stuck"],
                                       entry["held"]))
    for pid in pids:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        expect(fields[0] == "D", "process %d is in D: %s" % (pid, fields[0]))
    expect(entry["state"] == "stuck" and entry["stuck"]["server"]
           == "nfs %s:2049" % good.address, "told: %r" % entry)
    expect(entry["held"] == "server", "their server is held")

    # A third of that server gets turns at most; the one that is stuck none.
    client.manage(good.uri("/tmp1"), "third")
    until = time.monotonic() + 15
    while time.monotonic() < until:
        running = [pid for found in operations().values() for pid in found]
        expect(len([p for p in running if p not in pids]) <= 2,
               "one at a time there, and the other server's: %r"
               % operations())
        expect(client.state("other") == "connected", "the other server's")
        time.sleep(0.1)
    pids = stuck_pids(client)
    lab.note("stuck by now: %r" % pids)
    expect(len(pids) == 1, "no more than before: %r" % pids)

    begun = time.monotonic()
    daemon.kill()
    daemon.start()
    client = daemon.client()
    client.wait("other")
    lab.note("after kill -9 and start: %r" % stuck_pids(client))
    expect(stuck_pids(client) == pids, "the ledger is whole")
    begun = time.monotonic()
    daemon.stop()
    took = time.monotonic() - begun
    lab.note("SIGTERM: %.2f s" % took)
    expect(took < 2, "SIGTERM ends it in 2 s, not %.1f" % took)
    expect(all(map(is_alive, pids)), "they are stuck all the same")
    daemon.start()
    client = daemon.client()
    expect(stuck_pids(client) == pids, "and after a stop and a start")

    culprit.end()
    wait_until(lambda: not any(map(is_alive, pids)), 30, "they end")
    wait_until(lambda: not stuck_pids(client), 5, "the ledger clears itself")
    for cid in ("vms", "iso", "third"):
        client.wait(cid, timeout=30)
    expect(len(nfs_mounts()) == 4, "one mount each: %r" % nfs_mounts())
    expect({e["held"] for e in client.list().values()} == {""}, "none is held")
    kinds = [e["kind"] for e in client.call("events", 0)["events"]]
    expect("freed" in kinds and "server-free" in kinds, "told: %r" % kinds)
    lab.note("events: %r" % [
        (e["kind"], e["subject"], e["text"])
        for e in client.call("events", 0)["events"]
        if e["kind"] in ("stuck", "freed", "server-held", "server-free")])
