# SPDX-License-Identifier: LGPL-2.1-or-later
"""20 s without a link to the iSCSI target: the session waits, so do writes"""

import time

from lab import (Claim, SessionWatch, Writer, expect, expect_whole,
                 make_file_system, sh, wait_until)

NEEDS = ("iscsi", "netem", "daemon")
POINT = "/tmp/disk"
AWAY_S = 20
NOTICED_S = 15      # 5 s until it is asked, 5 s for the answer, a probe, slack


def run(lab):
    target = lab.target(isolated=True)
    # As the package has it.
    lab.initiator({"node.conn[0].timeo.noop_out_interval": 5,
                   "node.conn[0].timeo.noop_out_timeout": 5})
    client = lab.daemon().client()
    claim = Claim("disk", target)
    session = claim.connect(client)
    make_file_system(client.list()["disk"]["path"], POINT)

    with SessionWatch(target) as watch, Writer(POINT + "/file") as writer:
        writer.wait_for_more()
        target.link_down()
        begun = time.monotonic()
        wait_until(lambda: client.state("disk") == "unresponsive", NOTICED_S,
                   lambda: "noticed: %r" % client.list())
        lab.note("unresponsive after %.1f s" % (time.monotonic() - begun))
        while time.monotonic() < begun + AWAY_S:
            entry = client.list()["disk"]
            expect(entry["connected"] is True and entry["path"],
                   "it is left alone: %r" % entry)
            time.sleep(0.1)
        target.link_up()
        begun = time.monotonic()
        client.wait("disk", timeout=20)
        lab.note("connected after %.1f s" % (time.monotonic() - begun))
        writer.wait_for_more()
    watch.expect_states(session.sid, "LOGGED_IN", "FAILED", "LOGGED_IN")
    claim.agrees(client)
    lab.note("%d records, pauses: %s" % (writer.count, writer.pauses))

    sh("umount", POINT)
    client.unmanage("disk")
    claim.wait_until_gone()
    expect_whole(target, writer, "/file")
