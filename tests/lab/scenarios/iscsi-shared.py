# SPDX-License-Identifier: LGPL-2.1-or-later
"""two CIDs share one iSCSI session, which is logged out with the last"""

from lab import (Claim, by_id, expect, never_within, read_text, sessions,
                 wait_until, write_disk)

NEEDS = ("iscsi", "daemon")
ORDERS = ("ab", "ba")


def manage_both(client, a, b):
    """By today's form of the URI and by that of 2012: one connection."""
    results = [a.manage(client)]
    results.append(client.manage("iscsi://%s:3260/%s;portal=1" % (
        a.address, a.target.iqn().replace("iqn.", "IQN.").upper()), b.cid))
    expect(results[0]["connection"] == results[1]["connection"],
           "one connection: %r" % results)
    for claim in (a, b):
        client.wait(claim.cid)
        claim.agrees(client)
    return a.session()


def check_record(initiator, target):
    records = [r for r in initiator.records() if target.iqn() + "/" in r]
    expect(len(records) == 1, "one node record: %s" % records)
    expect("node.startup = manual" in read_text(records[0]),
           "nothing but holdfast logs in at a boot")


def run(lab):
    target = lab.target({"disk": None, "other": None})
    initiator = lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    a, b = (Claim(cid, target) for cid in "ab")
    other = Claim("other", target, name="other")
    beside = other.connect(client).sid

    for order in ORDERS:
        session = manage_both(client, a, b)
        expect(len(sessions()) == 2, "two sessions: %r" % sessions())
        expect(len(daemon.workers()) == 2, "two workers: %r"
               % daemon.workers())
        check_record(initiator, target)
        write_disk(by_id("b"), b"through b, " + order.encode())
        expect(target.read(13) == b"through b, " + order.encode(),
               "by-id/b leads to the target's disk")

        expect(client.unmanage(order[0])["last"] is False, "not the last")
        never_within(lambda: a.session().sid != session.sid, 1,
                     "the session goes before the last CID")
        expect(client.unmanage(order[1])["last"] is True, "the last")
        for claim in (a, b):
            claim.wait_until_gone()
        lab.note("order %s: session %d is gone" % (order, session.sid))
    other.agrees(client)
    expect(other.session().sid == beside, "the other session never noticed")
    wait_until(lambda: list(client.list()) == ["other"], 5,
               lambda: "nothing else is listed: %r" % client.list())
