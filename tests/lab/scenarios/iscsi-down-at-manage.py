# SPDX-License-Identifier: LGPL-2.1-or-later
"""manage answers at once while an iSCSI target is down; it connects later"""

import time

from lab import Claim, ISCSITarget, expect, sessions, wait_for_error

NEEDS = ("iscsi", "netem", "daemon")
TIME_LIMIT_S = 180
DOWN = {"unreachable": 451, "timed-out": 1021}
LATER_S = 90        # iscsid may be at a login that has to fail first


def manage_at_once(client, claim, query=""):
    begun = time.monotonic()
    result = claim.manage(client, query)
    took = time.monotonic() - begun
    expect(result["created"] is True, "created: %r" % result)
    expect(took < 0.5, "manage answers at once, not after %.3f s" % took)


def run(lab):
    refusing = ISCSITarget({"refused": None}, port=3261)
    lost = lab.target({"lost": None}, isolated=True)
    lost.drop()
    partly = ISCSITarget({"here": None, "unknown": None}).start("here")
    lab.initiator()
    daemon = lab.daemon({"operation": {"connect_ms": 8000}})
    client = daemon.client()
    claims = {claim.cid: claim for claim in (
        Claim("refused", refusing), Claim("lost", lost),
        Claim("unknown", partly, name="unknown"))}
    for claim in claims.values():
        manage_at_once(client, claim)
    manage_at_once(client, Claim("tpgt", partly), "tpgt=7")

    for cid, states, slugs in (
            ("refused", "backoff connecting", DOWN),
            ("lost", "backoff connecting", DOWN),
            # LIO says the same of a name that it does not know and of one
            # that is not enabled: that it is not served now.
            ("unknown", "backoff connecting", {"unreachable": 451}),
            ("tpgt", "blocked", {"login-failed": 464})):
        entry = wait_for_error(client, cid, states, slugs)
        lab.note("%s: %s, %r" % (cid, entry["state"], entry["error"]))
        expect(entry["connected"] is False and entry["path"] == "",
               "%s is listed as down: %r" % (cid, entry))
    expect(not any(s.target != partly.iqn() for s in sessions()),
           "nothing is logged in: %r" % sessions())

    refusing.start()
    lost.undrop()
    partly.start("unknown")
    for cid, claim in claims.items():
        begun = time.monotonic()
        client.wait(cid, timeout=LATER_S)
        claim.agrees(client)
        lab.note("%s: connected %.1f s later" % (cid, time.monotonic()
                 - begun))
    wait_for_error(client, "tpgt", "blocked", {"login-failed": 464})
