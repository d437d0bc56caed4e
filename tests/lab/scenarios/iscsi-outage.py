# SPDX-License-Identifier: LGPL-2.1-or-later
"""an iSCSI portal goes away under a file system: writes wait, none is lost"""

import time

from lab import (Claim, SessionWatch, Stalls, Writer, expect, expect_fast,
                 expect_whole, make_file_system, sh, wait_until)

NEEDS = ("iscsi", "daemon")
ALONE = True
POINT = "/tmp/disk"
NOTICED_S = 4       # a probe, its deadline, slack
FAST_S = 0.25           # what waits for a dead server takes seconds


def wait_for_state(lab, client, claim, state, seconds):
    begun = time.monotonic()
    entry = wait_until(lambda: [e for e in (client.list()[claim.cid],)
                                if e["state"] == state], seconds,
                       lambda: "%s: %r" % (state, client.list()[claim.cid])
                       )[0]
    lab.note("%s after %.2f s" % (state, time.monotonic() - begun))
    return entry


def outage(lab, client, claim, end, begin_again):
    stalls = Stalls()
    client.timings = []
    with stalls:
        end()
        entry = wait_for_state(lab, client, claim, "unresponsive", NOTICED_S)
        expect(entry["connected"] is True and entry["healthy"] is False,
               "connected, not healthy: %r" % entry)
        expect(entry["connectionInfo"]["sessionState"] == "FAILED",
               "the kernel's word for it: %r" % entry)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            expect(client.state(claim.cid) == "unresponsive", "left alone")
            time.sleep(0.05)
    expect_fast(lab, client, "list", FAST_S, stalls)
    begin_again()
    wait_for_state(lab, client, claim, "connected", 20)


def run(lab):
    target = lab.target()
    lab.initiator()
    client = lab.daemon().client()
    claim = Claim("disk", target)
    session = claim.connect(client)
    make_file_system(client.list()["disk"]["path"], POINT)

    with SessionWatch(target) as watch, Writer(POINT + "/file") as writer:
        for end in (target.portal_off, target.refuse):
            writer.wait_for_more()
            outage(lab, client, claim, end, target.portal_on)
            writer.wait_for_more()
    lab.note("%d records, pauses of %s s" % (writer.count, ["%.1f" % took
             for _, took in writer.pauses]))
    expect(len(writer.pauses) >= 2, "both outages were felt")
    watch.expect_only(session.sid)
    claim.agrees(client)

    sh("umount", POINT)
    client.unmanage("disk")
    claim.wait_until_gone()
    expect_whole(target, writer, "/file")
