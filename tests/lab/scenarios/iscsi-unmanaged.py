# SPDX-License-Identifier: LGPL-2.1-or-later
"""iSCSI sessions without a claim are listed as they are and left alone"""

from lab import Claim, SessionWatch, expect, sessions, wait_until

NEEDS = ("iscsi", "daemon")


def listed(client):
    return {i: e for i, e in client.list().items() if not e["managed"]}


def disks(entry):
    return {d["lun"]: d["name"] for d in entry["connectionInfo"]["devices"]}


def check(client, target, names):
    """The sessions with targets of these names are what is listed."""
    found = {s.sid: s for s in sessions()
             if s.target in [target.iqn(n) for n in names]}
    wanted = {"unmanaged/iscsi_session_%d" % sid for sid in found}
    wait_until(lambda: set(listed(client)) == wanted, 10, lambda:
               "listed: %s; not %s" % (sorted(wanted), client.list()))
    # The kernel tells of a disk after sysfs shows it.
    wait_until(lambda: all(
        disks(e) == found[int(i.rsplit("_", 1)[1])].disks
        for i, e in listed(client).items()), 10, lambda:
        "their disks are listed: %r; not %r" % (found, client.list()))
    for name, entry in listed(client).items():
        session = found[int(name.rsplit("_", 1)[1])]
        info = entry["connectionInfo"]
        expect(entry["state"] == "unmanaged" and entry["connected"] is True
               and entry["uri"] == "", "%s: %r" % (name, entry))
        expect([info[key] for key in ("type", "iqn", "tpgt", "iface", "port",
                                      "session", "sessionState")]
               == ["iscsi", session.target, session.tpgt, session.iface,
                   session.port, session.sid, session.state],
               "%s is %r: %r" % (name, session, info))
        expect(disks(entry) == session.disks,
               "its disks are %r: %r" % (session, info))


def run(lab):
    target = lab.target({"before": None, "after": {0: 16, 3: 8},
                         "own": None}, tpgt=2)
    initiator = lab.initiator()
    initiator.login(target, "before")
    daemon = lab.daemon()
    client = daemon.client()
    check(client, target, ["before"])
    after = initiator.login(target, "after")
    check(client, target, ["before", "after"])

    with SessionWatch(target, "after") as watch:
        claim = Claim("own", target, name="own")
        claim.connect(client, "tpgt=2")
        check(client, target, ["before", "after"])
        client.unmanage("own")
        claim.wait_until_gone()
        check(client, target, ["before", "after"])
        daemon.stop()
        daemon.start()
        client = daemon.client()
        check(client, target, ["before", "after"])
    watch.expect_states(after.sid, "LOGGED_IN")

    target.portal_off("after")
    wait_until(lambda: any(s.state == "FAILED" for s in sessions()), 10,
               "one session has failed")
    check(client, target, ["before", "after"])
    initiator.logout(target, "before")
    check(client, target, ["after"])
