# SPDX-License-Identifier: LGPL-2.1-or-later
"""a server that answers each second call only: never unmounted, never believed too long"""

import time

from lab import (FaultServer, OperationWatch, expect, mount_ids, nfs_mounts,
                 wait_until)

NEEDS = ("nfs", "netem", "daemon")
TIME_LIMIT_S = 200
# Errors soon: the kernel itself asks again over and over.
QUERIES = ("retrans=1&timeo=10&vers=3", "retrans=1&timeo=10&vers=4.2")


def run(lab):
    server = lab.server({"/vms": None}, isolated=True)
    flaky = FaultServer("every-second", port=2050, beside=server)
    daemon = lab.daemon()
    client = daemon.client()
    client.manage(server.uri("/vms"), "well")
    client.wait("well")
    for query in QUERIES:
        client.manage(flaky.uri("/vms", query), query[-3:])
    seen = {}
    before = mount_ids()
    with OperationWatch() as watch:
        until = time.monotonic() + 45
        while time.monotonic() < until:
            entries = client.list()
            expect(entries["well"]["state"] == "connected", "the other one")
            for cid, entry in entries.items():
                seen.setdefault(cid, set()).add(entry["state"])
                expect(entry["stuck"] is None, "nothing is stuck: %r" % entry)
            now = mount_ids()
            for point, number in before.items():
                expect(now.get(point) == number, "%s was unmounted" % point)
            before = now
            points = [mount.point for mount in nfs_mounts()]
            expect(len(points) == len(set(points)), "stacked: %r" % points)
            time.sleep(0.1)
    lab.note("states: %r" % seen)
    watch.expect_one_each()
    flaky.stop()
    flaky = FaultServer("every-second", port=2051, beside=server)
    for query in QUERIES:
        client.unmanage(query[-3:])
    wait_until(lambda: len(nfs_mounts()) == 1, 40,
               lambda: "they are given up: %r" % client.list())
    expect(client.state("well") == "connected", "the other one")
