# SPDX-License-Identifier: LGPL-2.1-or-later
"""claims come and go many times a second: the last wish wins, nothing is stacked"""

import random
import time

from kernel import Background
from lab import (OperationWatch, expect, mounts_at, nfs_mounts, operations,
                 wait_until)

NEEDS = ("nfs", "netem", "daemon")
TIME_LIMIT_S = 200
ROUND_S = 4
SEED = 20121


class StackWatch(Background):
    """No two mounts on one mount point, no connect beside a disconnect."""

    def __init__(self):
        super().__init__(0.005)
        self.wrong = []

    def look(self):
        points = [mount.point for mount in nfs_mounts()]
        if len(points) != len(set(points)):
            self.wrong.append(points)
        kinds = {}
        for worker, kind in operations():
            kinds.setdefault(worker, set()).add(kind)
        self.wrong += [found for found in map(sorted, kinds.values())
                       if len(set(found) & {"connect", "disconnect",
                                            "detach"}) > 1]

    def report(self):
        return self.wrong[:5]

    def take(self, report):
        self.wrong = report


def storm(client, uri, rng, delay_s):
    """Returns whether it is claimed at the end."""
    claimed = False
    count = 0
    until = time.monotonic() + ROUND_S
    while time.monotonic() < until:
        if claimed:
            client.unmanage("a")
        else:
            client.manage(uri, "a")
        claimed = not claimed
        count += 1
        time.sleep(rng.random() * delay_s)
    return claimed, count


def expect_agreement(client, uri, path, claimed):
    if claimed:
        path = client.wait("a", timeout=30)["path"]
        expect(len(mounts_at(path)) == 1, "one mount: %r" % mounts_at(path))
        client.unmanage("a")
    wait_until(lambda: client.list() == {}, 30,
               lambda: "%s goes: %r" % (uri, client.list()))
    expect(not mounts_at(path) and not nfs_mounts(), "nothing is mounted")


def run(lab):
    server = lab.server({"/vms": None}, isolated=True)
    client = lab.daemon().client()
    rng = random.Random(SEED)
    for query in ("vers=4.2", "vers=3", "hard&vers=4.2"):
        uri = server.uri("/vms", query)
        client.manage(uri, "a")
        path = client.wait("a")["path"]
        client.unmanage("a")
        wait_until(lambda: client.list() == {}, 20, "it goes")
        for delay_s, ms in ((0.005, 0), (0.1, 0), (0.3, 20)):
            if ms:
                server.netem("delay", "%dms" % ms)
            with StackWatch() as watch, OperationWatch(0.01) as doubled:
                claimed, count = storm(client, uri, rng, delay_s)
                expect_agreement(client, uri, path, claimed)
            if ms:
                server.netem()
            lab.note("%s: %d changes in %d s, up to %g s apart"
                     % (query, count, ROUND_S, delay_s))
            expect(not watch.wrong, "never at once: %r" % watch.wrong)
            doubled.expect_one_each()
