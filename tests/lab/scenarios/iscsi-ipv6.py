# SPDX-License-Identifier: LGPL-2.1-or-later
"""an iSCSI portal by its IPv6 address: logged in, lost and found"""

from lab import (Claim, SessionWatch, by_id, expect, sessions, wait_until,
                 write_disk)

NEEDS = ("iscsi", "netem", "daemon")


def run(lab):
    target = lab.target({"six": None, "four": None}, isolated=True)
    local = lab.target({"loopback": None}, port=3261)
    initiator = lab.initiator()
    client = lab.daemon().client()
    six = Claim("six", target, name="six", address=target.address6)
    four = Claim("four", target, name="four")
    loopback = Claim("loopback", local, address="::1")
    for claim in (six, four, loopback):
        session = claim.connect(client)
        expect(session.address == claim.address, "at %s: %r"
               % (claim.address, session))
    # The same address, written otherwise.
    long = "iscsi://[%s]:3260/%s" % (
        target.address6.replace("::", ":0:0:0000:0::").replace("fd77",
                                                               "FD77"),
        target.iqn("six"))
    client.manage(long, "again")
    client.wait("again")
    expect(len(sessions()) == 3, "one session for both: %r" % sessions())
    write_disk(by_id("again"), b"over IPv6")
    expect(target.read(9, name="six") == b"over IPv6", "the disk is it")
    expect(any("/%s," % target.address6 in r for r in initiator.records()),
           "the record has the address: %s" % initiator.records())

    sid = six.session().sid
    with SessionWatch(target, "six") as watch:
        target.link_down()
        wait_until(lambda: client.state("six") == "unresponsive", 15,
                   "it is missed")
        target.link_up()
        client.wait("six", timeout=30)
    watch.expect_states(sid, "LOGGED_IN", "FAILED", "LOGGED_IN")
    for claim in (six, four, loopback):
        client.wait(claim.cid, timeout=30)
        claim.agrees(client)
    for cid in list(client.list()):
        client.unmanage(cid)
    for claim in (six, four, loopback):
        claim.wait_until_gone()
