# SPDX-License-Identifier: LGPL-2.1-or-later
"""without iscsid the error says how to start it; with it all is well soon"""

import time

from lab import Claim, SessionWatch, expect, never_within, wait_until

NEEDS = ("iscsi", "daemon")
SOON_S = 5          # the longest back-off, a login


def error_of(client, cid):
    return wait_until(lambda: client.list()[cid]["error"], 15,
                      lambda: "an error: %r" % client.list()[cid])


def run(lab):
    target = lab.target({"first": None, "second": None})
    initiator = lab.initiator(is_started=False)
    client = lab.daemon().client()
    first = Claim("first", target, name="first")
    first.manage(client)
    error = error_of(client, "first")
    lab.note(repr(client.list()["first"]))
    expect("iscsid" in error["text"] and "systemctl start" in error["text"],
           "it says how to start iscsid: %r" % error)
    expect(client.list()["first"]["connected"] is False, "not connected")

    initiator.start()
    begun = time.monotonic()
    client.wait("first", timeout=SOON_S)
    lab.note("connected %.1f s after its start" % (time.monotonic() - begun))
    first.agrees(client)

    # It ends: who is logged in stays so, who is not has to wait.
    sid = first.session().sid
    with SessionWatch(target, "first") as watch:
        initiator.kill()
        second = Claim("second", target, name="second")
        second.manage(client)
        expect("iscsid" in error_of(client, "second")["text"], "as before")
        never_within(lambda: client.state("first") != "connected", 3,
                     "a session needs iscsid only to be mended")
        initiator.start()
        for claim in (first, second):
            client.wait(claim.cid, timeout=20)
            claim.agrees(client)
    watch.expect_only(sid)

    initiator.stop()
    for cid in ("first", "second"):
        client.unmanage(cid)
    never_within(lambda: not first.session(), 2, "nobody can log out")
    initiator.start()
    for claim in (first, second):
        claim.wait_until_gone(timeout=20)
