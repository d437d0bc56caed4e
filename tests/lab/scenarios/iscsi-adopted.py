# SPDX-License-Identifier: LGPL-2.1-or-later
"""an iSCSI session that was there before is used and never logged out"""

import os
import signal

from lab import (Claim, RPCError, SessionWatch, expect, never_within,
                 sessions, wait_until)

NEEDS = ("iscsi", "daemon")


def unmanaged(client):
    return {i: e for i, e in client.list().items() if not e["managed"]}


def by_hand(client, session):
    """It is listed as nobody's, by its number."""
    name = "unmanaged/iscsi_session_%d" % session.sid
    wait_until(lambda: list(unmanaged(client)) == [name], 10,
               lambda: "%s is listed: %r" % (name, client.list()))
    return name


def use_and_release(client, claim, session):
    expect(claim.connect(client).sid == session.sid, "it is adopted: %r"
           % sessions())
    wait_until(lambda: not unmanaged(client), 5, lambda:
               "it is listed once: %r" % client.list())
    expect(client.unmanage(claim.cid)["last"] is True, "the last")
    by_hand(client, session)
    never_within(lambda: not claim.session(), 2, "it is logged out")


def run(lab):
    target = lab.target()
    initiator = lab.initiator()
    session = initiator.login(target)
    with SessionWatch(target) as watch:
        daemon = lab.daemon()
        client = daemon.client()
        name = by_hand(client, session)
        try:
            client.unmanage(name)
            expect(False, "unmanage(%s) is refused" % name)
        except RPCError as error:
            expect(error.slug in ("bad-cid", "no-such-cid"), str(error))
        claim = Claim("disk", target)
        claim.adopted = True
        use_and_release(client, claim, session)

        # Who found it is remembered by those that come after.
        claim.connect(client)
        os.kill(daemon.worker_of(target.iqn()).pid, signal.SIGKILL)
        wait_until(lambda: client.state("disk") != "connected", 5,
                   "the worker's end is seen")
        client.wait("disk")
        claim.agrees(client)
        daemon.kill()
        daemon.start()
        client = daemon.client()
        claim.agrees(client)
        client.unmanage("disk")
        by_hand(client, session)
        never_within(lambda: not claim.session(), 2, "it is logged out")
    watch.expect_states(session.sid, "LOGGED_IN")

    # What holdfast logged in itself, instead of the one that was there, goes.
    claim.connect(client)
    claim.adopted = False
    initiator.logout(target)
    wait_until(lambda: claim.session()
               and claim.session().sid != session.sid, 15, "logged in again")
    claim.agrees(client)
    client.unmanage("disk")
    claim.wait_until_gone()
