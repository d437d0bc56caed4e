# SPDX-License-Identifier: LGPL-2.1-or-later
"""the lab's own iSCSI target serves disks to a login by hand, and says so"""

import os

from lab import expect, is_disk, read_disk, session_of, sessions, write_disk

NEEDS = ("iscsi",)
TEXT = b"written through the disk"
CHAP = {"node.session.auth.authmethod": "CHAP",
        "node.session.auth.username": "user",
        "node.session.auth.password": "the-secret"}


def check_disk(target, session, lun):
    disk = "/dev/" + session.disks[lun]
    write_disk(disk, TEXT + b" %d" % lun, offset=4096)
    expect(target.read(26, 4096, lun=lun) == TEXT + b" %d" % lun,
           "the target has what was written to LUN %d" % lun)
    with open(target.backing(lun), "r+b") as file:
        file.write(b"from the target %d" % lun)
    expect(read_disk(disk, 512).startswith(b"from the target %d" % lun),
           "LUN %d has what the target has" % lun)


def check_session(lab, initiator, target, name=None, settings=None):
    session = initiator.login(target, name, settings)
    lab.note(repr(session))
    expect(session.state == "LOGGED_IN" and session.tpgt == target.tpgt
           and session.iface == "default", repr(session))
    expect((session.address, session.port) == (target.address, target.port),
           "its portal is the target's: %r" % session)
    expect(target.sessions(name) == [initiator.name],
           "the target sees it: %r" % target.sessions(name))
    return session


def with_secret(lab, initiator, target):
    target.chap("user", "the-secret", name="other")
    expect_refused(initiator, target, "other")
    check_session(lab, initiator, target, "other", CHAP)
    initiator.logout(target, "other")
    target.no_chap("other")


def by_name(lab, initiator, target):
    target.admit("iqn.2012-06.example.holdfast:somebody-else", name="closed")
    initiator.record(target, "closed")
    expect_refused(initiator, target, "closed")
    target.admit(initiator.name, "user", "the-secret", name="closed")
    expect_refused(initiator, target, "closed")
    check_session(lab, initiator, target, "closed", CHAP)


def expect_refused(initiator, target, name):
    refused = initiator.node(target, "--login", name=name, check=False)
    expect(refused.returncode == 24 and not target.sessions(name),
           "authentication failed (24): %r" % refused)


def run(lab):
    target = lab.target({"disk": {0: 16, 5: 8}, "other": None,
                         "closed": None}, tpgt=3)
    initiator = lab.initiator()
    expect(not sessions() and not target.sessions(), "no session at first")
    session = check_session(lab, initiator, target)
    check_session(lab, initiator, target, "other")
    expect(session_of(target).sid == session.sid, "still the first")
    for lun in (0, 5):
        check_disk(target, session, lun)

    initiator.logout(target)
    expect(session_of(target) is None and not target.sessions(),
           "logged out: %r" % sessions())
    expect(not any(is_disk("/dev/" + d) for d in session.disks.values()),
           "its disks are gone: %r" % os.listdir("/dev"))
    expect(session_of(target, "other"), "the other one is not")
    initiator.logout(target, "other")
    with_secret(lab, initiator, target)
    by_name(lab, initiator, target)

    initiator.stop()
    expect(not initiator.answers(), "iscsid does not run")
    expect(session_of(target, "closed"), "a session stays without it")
