# SPDX-License-Identifier: LGPL-2.1-or-later
"""servers that accept and say nothing, or NULL alone, hold up no other's first mount"""

import time

from lab import FaultServer, OperationWatch, expect, nfs_mounts, wait_until

NEEDS = ("nfs", "netem", "daemon")
ALONE = True
TIME_LIMIT_S = 200
SLACK_S = 1.0


def first_mount(lab, client, server, cid, query=""):
    """How long it takes, of a server that this kernel has never mounted."""
    begun = time.monotonic()
    client.manage(server.uri("/vms", query), cid)
    client.wait(cid)
    took = time.monotonic() - begun
    lab.note("%s: first mount after %.2f s" % (cid, took))
    return took


def run(lab):
    goods = [lab.server({"/vms": None}, isolated=True) for _ in range(3)]
    silent = FaultServer("silent")
    null_only = FaultServer("null-only")
    daemon = lab.daemon()
    client = daemon.client()
    normal = first_mount(lab, client, goods[0], "before")

    cids = []
    with OperationWatch() as watch:
        for name, bad in (("silent", silent), ("null", null_only)):
            for version in ("3", "4.0", "4.1", "4.2"):
                cids.append("%s-%s" % (name, version))
                client.manage(bad.uri("/vms", "vers=" + version), cids[-1])
        # Each is in its attempt, or between two, all of the time.
        wait_until(lambda: all(client.list()[cid]["attempts"]
                               for cid in cids), 20, "all are tried")
        beside = [first_mount(lab, client, goods[1], "beside", "vers=4.2"),
                  first_mount(lab, client, goods[2], "beside-v3", "vers=3")]
        wait_until(lambda: all(client.list()[cid]["lastError"]
                               for cid in cids if cid != "null-3"), 40,
                   "all have failed once")
    watch.expect_one_each()
    for took in beside:
        expect(took < normal + SLACK_S, "as ever, %.2f s: %.2f s"
               % (normal, took))
    for cid in cids:
        entry = client.list()[cid]
        lab.note("%s: %s, %r" % (cid, entry["state"], entry["error"]))
        expect(not entry["connected"] and entry["stuck"] is None,
               "%s is down, and nothing is stuck: %r" % (cid, entry))
        expect(entry["error"]["slug"] in ("timed-out", "unreachable"),
               "%s: why: %r" % (cid, entry["error"]))
    expect(len(nfs_mounts()) == 3, "the good ones are mounted: %r"
           % nfs_mounts())
    states = {cid: client.state(cid) for cid in ("before", "beside",
                                                 "beside-v3")}
    expect(set(states.values()) == {"connected"}, "well: %r" % states)
