# SPDX-License-Identifier: LGPL-2.1-or-later
"""workers, supervisor and launcher are killed: iSCSI sessions stay the same"""

import os
import signal

from lab import Claim, SessionWatch, expect, never_within, wait_until

NEEDS = ("iscsi", "daemon")


def kill_worker(lab, daemon, client, claims):
    """Whose other target must not notice."""
    claim, other = claims
    killed = daemon.worker_of(claim.target.iqn(claim.name)).pid
    beside = daemon.worker_of(other.target.iqn(other.name)).pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: [w for w in daemon.workers()
                        if w.pid not in (killed, beside)], 15,
               "there is a new worker")
    client.wait(claim.cid, timeout=15)
    for each in claims:
        each.agrees(client)
    expect(daemon.worker_of(other.target.iqn(other.name)).pid == beside,
           "the other worker lives on")
    lab.note("worker %d was killed" % killed)


def restart(daemon, claims):
    daemon.start()
    client = daemon.client()
    expect(sorted(client.list()) == sorted(c.cid for c in claims),
           "the claims are there: %r" % client.list())
    for claim in claims:
        client.wait(claim.cid)
        claim.agrees(client)
    return client


def run(lab):
    target = lab.target({"one": {0: 16, 1: 16}, "two": None})
    lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    claims = [Claim("one", target, lun=1, name="one"),
              Claim("two", target, name="two")]
    sids = [claim.connect(client).sid for claim in claims]

    with SessionWatch(target, "one") as one, \
            SessionWatch(target, "two") as two:
        for _ in range(3):
            kill_worker(lab, daemon, client, claims)

        family = [p.pid for p in daemon.children()]
        daemon.kill()
        daemon.wait_without_processes(family)
        never_within(lambda: not all(c.session() for c in claims), 1,
                     "the end of the supervisor ends a session")
        client = restart(daemon, claims)

        family = [p.pid for p in daemon.children()]
        os.kill(daemon.launcher().pid, signal.SIGKILL)
        wait_until(lambda: not daemon.is_running(), 10,
                   "the supervisor ends with its launcher")
        daemon.wait_without_processes(family)
        client = restart(daemon, claims)

        expect(daemon.stop() == 0, "it ends as asked")
        client = restart(daemon, claims)
    for watch, sid in ((one, sids[0]), (two, sids[1])):
        watch.expect_states(sid, "LOGGED_IN")

    for claim in claims:
        client.unmanage(claim.cid)
    for claim in claims:
        claim.wait_until_gone()
