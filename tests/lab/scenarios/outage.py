# SPDX-License-Identifier: LGPL-2.1-or-later
"""an outage is seen in time, nothing is unmounted, every answer stays fast"""

import time

from lab import (MountWatch, Pinned, Stalls, expect, expect_fast, read_text,
                 wait_until)

NEEDS = ("nfs", "netem", "daemon")
ALONE = True
TIME_LIMIT_S = 240
INTERVAL_MS = 1000
DEADLINE_MS = 2000
SLACK_S = 1
FAST_S = 0.25           # what waits for a dead server takes seconds


def list_until(client, cid, states, seconds):
    """Ask all the time; how long it took until the state was one of them."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if client.list()[cid]["state"] in states:
            return time.monotonic() - begun
        time.sleep(0.02)
    expect(False, "%s becomes %s within %g s; it is %r"
           % (cid, states, seconds, client.list()[cid]))


def out_of_reach(lab, client, cid, end):
    end()
    took = list_until(client, cid, ("unresponsive",),
                      (INTERVAL_MS + DEADLINE_MS) / 1000 + SLACK_S)
    lab.note("%s: unresponsive after %.2f s" % (cid, took))
    entry = client.list()[cid]
    expect(entry["connected"] is True and entry["healthy"] is False,
           "connected, not healthy: %r" % entry)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        client.list()
        time.sleep(0.02)


def outage(lab, client, cid, server, end, begin_again):
    path = client.list()[cid]["path"]
    mount = Pinned(path)
    stalls = Stalls()
    client.timings = []
    with MountWatch(path, every=0.02) as watch:
        with stalls:
            out_of_reach(lab, client, cid, end)
        expect_fast(lab, client, "list", FAST_S, stalls)
        begin_again()
        took = list_until(client, cid, ("connected",), 60)
        lab.note("%s: connected again after %.2f s" % (cid, took))
    watch.expect_only(mount.id)
    mount.close()
    name = "/%s/after-outage" % path.split("_")[-1]
    server.write(name, cid)
    wait_until(lambda: read_text(path + "/after-outage") == cid, 30,
               "the same mount works")


def run(lab):
    refusing = lab.server({"/vms": None})
    lossy = lab.server({"/iso": None}, isolated=True)
    daemon = lab.daemon({"probe": {"interval_ms": INTERVAL_MS,
                                   "deadline_ms": DEADLINE_MS}})
    client = daemon.client()
    client.manage(refusing.uri("/vms"), "refused")
    client.manage(lossy.uri("/iso"), "lost")
    client.wait("refused")
    client.wait("lost")
    workers = {w.pid for w in daemon.workers()}

    outage(lab, client, "refused", refusing, refusing.stop, refusing.start)
    expect(client.state("lost") == "connected", "the other one never noticed")
    outage(lab, client, "lost", lossy, lossy.drop, lossy.undrop)
    expect({w.pid for w in daemon.workers()} == workers,
           "no worker was replaced: %r" % daemon.workers())
