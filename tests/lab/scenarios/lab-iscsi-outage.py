# SPDX-License-Identifier: LGPL-2.1-or-later
"""iscsid mends a session whose portal, packets or link were away"""

import time

from lab import (SessionWatch, Writer, expect, expect_whole, make_file_system,
                 session_of, sessions, sh, wait_until)

NEEDS = ("iscsi", "netem")
POINT = "/tmp/disk"


def wait_for_state(lab, target, state, what):
    begun = time.monotonic()
    wait_until(lambda: session_of(target).state == state, 30,
               lambda: "%s: %s, not %r" % (what, state, sessions()),
               every=0.005)
    lab.note("%s: %s after %.2f s" % (what, state, time.monotonic() - begun))


def outages(lab, target, writer):
    for what, end, begin_again in (
            ("portal closed", target.portal_off, target.portal_on),
            ("target refuses", target.refuse, target.start),
            ("packets dropped", target.drop, target.undrop),
            ("link down", target.link_down, target.link_up)):
        end()
        wait_for_state(lab, target, "FAILED", what)
        begin_again()
        wait_for_state(lab, target, "LOGGED_IN", what + " no more")
        writer.wait_for_more()


def run(lab):
    target = lab.target(isolated=True)
    initiator = lab.initiator()
    session = initiator.login(target)
    make_file_system("/dev/" + session.disks[0], POINT)

    with SessionWatch(target) as watch, Writer(POINT + "/file") as writer:
        outages(lab, target, writer)
    lab.note("%d records, pauses of %s s" % (writer.count, ["%.1f" % took
             for _, took in writer.pauses]))
    watch.expect_only(session.sid)
    expect(len(writer.pauses) >= 4, "every outage was felt")
    sh("umount", POINT)
    initiator.logout(target)
    expect_whole(target, writer, "/file")
