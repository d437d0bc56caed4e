# SPDX-License-Identifier: LGPL-2.1-or-later
"""open-iscsi's node database is removed: no harm, and a login makes it anew"""

import os
import shutil
import stat

from lab import (Claim, expect, never_within, read_text, sessions,
                 wait_until)

NEEDS = ("iscsi", "daemon")
NODES = "/etc/iscsi/nodes"


def run(lab):
    target = lab.target()
    initiator = lab.initiator()
    client = lab.daemon().client()
    claim = Claim("disk", target)
    session = claim.connect(client)

    shutil.rmtree(NODES)
    never_within(lambda: claim.session().sid != session.sid
                 or client.state("disk") != "connected", 3,
                 "a session needs no record")
    target.portal_off()
    wait_until(lambda: client.state("disk") == "unresponsive", 10, "away")
    target.portal_on()
    client.wait("disk")
    expect(claim.session().sid == session.sid, "the same session")

    initiator.iscsiadm("-m", "session", "-r", str(session.sid), "--logout")
    wait_until(lambda: claim.session() and claim.session().sid != session.sid,
               15, lambda: "logged in again: %r" % sessions())
    claim.agrees(client)
    records = initiator.records()
    expect(len(records) == 1 and target.iqn() in records[0],
           "the record is there again: %s" % records)
    expect(stat.S_IMODE(os.stat(records[0]).st_mode) == 0o600
           and "node.startup = manual" in read_text(records[0]),
           "root's alone, and not logged in at a boot")

    # Then with the record gone at the end, too.
    shutil.rmtree(NODES)
    client.unmanage("disk")
    claim.wait_until_gone()
