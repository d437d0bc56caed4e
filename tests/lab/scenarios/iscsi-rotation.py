# SPDX-License-Identifier: LGPL-2.1-or-later
"""new CHAP secrets are tried before the old ones are given up, then kept"""

from lab import (Claim, RPCError, SessionWatch, expect, never_within,
                 read_text, sessions, wait_until, write_credentials)

NEEDS = ("iscsi", "daemon")
OLD, NEW, NEXT = "the-old-secret", "the-new-secret", "the-next-secret"


def recorded(initiator):
    """The secret in the one node record."""
    records = initiator.records()
    expect(len(records) == 1, "one record: %s" % records)
    found = [line.split(" = ")[1] for line in read_text(records[0])
             .splitlines() if line.startswith("node.session.auth.password =")]
    return found[0] if found else None


def expect_refused(client, claim, **options):
    try:
        claim.manage(client, **options)
    except RPCError as error:
        expect(error.slug == "auth-failed", "auth-failed, not %s" % error)
        for secret in (OLD, NEW, NEXT):
            expect(secret not in error.text, "a secret in: %s" % error)
    else:
        expect(False, "a wrong secret is refused")
    expect(claim.cid not in client.list(), "nothing was claimed")


def log_out_by_hand(initiator, claim):
    before = claim.session().sid
    initiator.logout(claim.target)
    wait_until(lambda: claim.session() and claim.session().sid != before, 15,
               lambda: "logged in again: %r" % sessions())


def run(lab):
    target = lab.target()
    initiator = lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    target.chap("host", OLD)
    a, b, c = (Claim(cid, target) for cid in "abc")
    session = a.connect(client, username="host", password=OLD)

    with SessionWatch(target) as watch:
        expect_refused(client, b, username="host", password="wrong-secret")
        expect_refused(client, b, username="host", password=NEW)
        expect(recorded(initiator) == OLD, "the old secret stays recorded")
        target.chap("host", NEW)
        b.manage(client, username="host", password=NEW)
        expect_refused(client, c, username="host", password=OLD)
    watch.expect_states(session.sid, "LOGGED_IN")
    for claim in (a, b):
        claim.agrees(client)
    expect(recorded(initiator) == NEW, "the new secret is recorded")
    log_out_by_hand(initiator, a)
    a.agrees(client)
    lab.note("logged in with the new secret")

    # By file. The session that is there has the secret that it was made with,
    # and iscsid knows no other: it is mended by a new login, not by holdfast.
    target.chap("host", NEXT)
    write_credentials("next", username="host", password=NEXT)
    c.manage(client, auth="next")
    session = a.session()
    with SessionWatch(target) as watch:
        target.portal_off()
        wait_until(lambda: client.state("a") == "unresponsive", 10, "away")
        target.portal_on()
        never_within(lambda: client.state("a") != "unresponsive", 5,
                     "a session is taken from those who use it")
    watch.expect_states(session.sid, "LOGGED_IN", "FAILED")
    log_out_by_hand(initiator, a)
    for claim in (a, b, c):
        claim.agrees(client)
    lab.note("logged in with the next secret")

    daemon.kill()
    daemon.start()
    client = daemon.client()
    a.agrees(client)
    log_out_by_hand(initiator, a)
    for claim in (a, b, c):
        claim.agrees(client)
    expect(recorded(initiator) == NEXT, "a new daemon knows it, too")
