# SPDX-License-Identifier: LGPL-2.1-or-later
"""an iSCSI session whose disk is in use lingers, says who, goes when free"""

import holders
from lab import Claim, SessionWatch, expect, never_within, wait_until

NEEDS = ("iscsi", "daemon")
TIME_LIMIT_S = 180


def lingering(client, claim):
    """The entry of what was the claim's connection; None if it is none."""
    for name, entry in client.list().items():
        if (name.startswith("lingering/") and entry["connectionInfo"]["iqn"]
                == claim.target.iqn(claim.name)):
            return entry
    return None


def is_named(entry, holder):
    """Whether it lingers and says what holds it."""
    if not entry or entry["state"] != "lingering":
        return False
    return any(found["kind"] and found["command"]
               and (found["pid"] == holder.pid if holder.pid else True)
               for found in entry["holders"] or ())


def check_lingers(lab, client, claim, holder):
    entry = wait_until(lambda: [e for e in (lingering(client, claim),)
                                if is_named(e, holder)], 60, lambda:
                       "%s: lingers and names what holds it: %r"
                       % (holder.kind, lingering(client, claim)))[0]
    lab.note("%s: %r" % (holder.kind, entry["holders"]))
    expect(entry["managed"] is False or entry["wanted"] == "down",
           "nobody claims it: %r" % entry)


def run(lab):
    kinds = holders.ALL
    target = lab.target({kind.kind: {0: 16, 1: 16} for kind in kinds})
    lab.initiator()
    client = lab.daemon().client()
    claims = {kind.kind: Claim(kind.kind, target, name=kind.kind)
              for kind in kinds}
    sids = {cid: claim.connect(client).sid for cid, claim in claims.items()}
    # The disk that no claim asked for: any of a session's disks holds it.
    held = [kind("/dev/" + claims[kind.kind].session().disks[1])
            for kind in kinds]

    watches = [SessionWatch(target, cid, every=0.1) for cid in claims]
    for watch in watches:
        watch.__enter__()
    for cid in claims:
        expect(client.unmanage(cid)["last"] is True, "it was the last")
    for holder in held:
        check_lingers(lab, client, claims[holder.kind], holder)
    never_within(lambda: any(claim.session().state != "LOGGED_IN"
                             for claim in claims.values()), 2,
                 "a session in use goes")

    # One is taken back, and let go again.
    back = Claim("back", target, name="mount")
    expect(back.connect(client).sid == sids["mount"], "the same session")
    expect(not lingering(client, back), "it lingers no more")
    client.unmanage("back")
    check_lingers(lab, client, back, held[[h.kind for h in held].index(
        "mount")])
    for watch in watches:
        watch.__exit__(None)
        watch.expect_states(sids[watch.name], "LOGGED_IN")

    for holder in held:
        holder.close()
    for claim in claims.values():
        claim.wait_until_gone(timeout=20)
    wait_until(lambda: client.list() == {}, 10,
               lambda: "nothing is listed: %r" % client.list())
