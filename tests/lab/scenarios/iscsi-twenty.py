# SPDX-License-Identifier: LGPL-2.1-or-later
"""twenty iSCSI targets, one of them dead: the others connect as without it"""

import time

from lab import Claim, expect, sessions, wait_for_error, wait_until

NEEDS = ("iscsi", "netem", "daemon")
ALONE = True
SLOWER = 4              # twenty logins at once are much for its processor
TIME_LIMIT_S = 300
LIVE = 19
# What the dead one may cost the others, and what a busy host may. Of two rounds
# each the faster counts: a busy host slows some, a dead target all.
RATIO = 1.3
SLACK_S = 1.0


def connect_all(client, claims):
    """How long it takes until the last of them is connected."""
    begun = time.monotonic()
    for claim in claims:
        claim.manage(client)
    left = {claim.cid for claim in claims}

    def connected():
        entries = client.list()
        return all(entries[cid]["state"] == "connected" for cid in left)
    wait_until(connected, 120, lambda: "all are connected: %r"
               % {i: (e["state"], e["error"]) for i, e
                  in client.list().items()}, every=0.05)
    return time.monotonic() - begun


def release_all(client):
    for cid in list(client.list()):
        client.unmanage(cid)
    wait_until(lambda: not sessions(), 60, lambda: "all are gone: %r"
               % sessions())
    wait_until(lambda: not client.list(), 30, lambda: "nothing is listed: %r"
               % client.list())


def beside_dead(client, claims, lost):
    lost.manage(client)
    took = connect_all(client, claims)
    entry = client.list()["dead"]
    expect(entry["connected"] is False, "the dead one is down: %r" % entry)
    for claim in claims:
        claim.agrees(client)
    wait_for_error(client, "dead", "backoff connecting",
                   {"unreachable": 451, "timed-out": 1021})
    return took


def rounded(times):
    return ["%.2f" % seconds for seconds in times]


def run(lab):
    names = ["t%d" % n for n in range(LIVE)]
    live = lab.target({name: {0: 1} for name in names})
    dead = lab.target({"dead": {0: 1}}, isolated=True)
    dead.drop()
    lab.initiator()
    client = lab.daemon({"operation": {"connect_ms": 30000}}).client()
    claims = [Claim(name, live, name=name) for name in names]

    without, with_dead = [], []
    for _ in range(2):
        without.append(connect_all(client, claims))
        release_all(client)
        with_dead.append(beside_dead(client, claims, Claim("dead", dead)))
        release_all(client)

    lab.note("%d targets: %s s with a dead one, %s s without"
             % (LIVE, rounded(with_dead), rounded(without)))
    expect(min(with_dead) < min(without) * RATIO + SLACK_S,
           "%s s with a dead one, %s s without" % (rounded(with_dead),
                                                   rounded(without)))
