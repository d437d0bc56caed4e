# SPDX-License-Identifier: LGPL-2.1-or-later
"""an iSCSI session logged out by hand is logged in again, so is a second"""

import time

from lab import (Claim, by_id, expect, never_within, read_disk, sessions,
                 wait_until)

NEEDS = ("iscsi", "daemon")
BACK_S = 10


def run(lab):
    target = lab.target({"disk": None, "other": None})
    initiator = lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    claim = Claim("disk", target)
    other = Claim("other", target, name="other")
    claim.connect(client)
    beside = other.connect(client).sid
    with open(target.backing(), "r+b") as file:
        file.write(b"on the disk")
    workers = [w.pid for w in daemon.workers()]

    for _ in range(3):
        before = claim.session().sid
        initiator.logout(target)
        begun = time.monotonic()
        wait_until(lambda: claim.session() and claim.session().sid != before,
                   BACK_S, lambda: "logged in again: %r" % sessions())
        lab.note("logged in again after %.2f s"
                 % (time.monotonic() - begun))
        claim.agrees(client)
        expect(read_disk(by_id("disk"), 512).startswith(b"on the disk"),
               "by-id/disk leads to the disk")
        # Let a back-off that it began with end.
        time.sleep(2)
    expect([w.pid for w in daemon.workers()] == workers, "the same workers")
    expect(other.session().sid == beside, "the other session never noticed")

    client.unmanage("disk")
    claim.wait_until_gone()
    never_within(claim.session, 3, "it is logged in once more")
