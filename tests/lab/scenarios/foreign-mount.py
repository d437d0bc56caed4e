# SPDX-License-Identifier: LGPL-2.1-or-later
"""an NFS mount that somebody else made is listed and never touched"""

from lab import (Pinned, RPCError, expect, mount_id, mount_nfs, read_text,
                 wait_until)


def foreign(client):
    return {i: e for i, e in client.list().items() if e["managed"] is False}


def by_hand(server, point):
    mount_nfs(server, "/vms", point)
    return Pinned(point)


def check(client, pins):
    """Every mount made by hand is as it was and listed as what it is."""
    ids = {"unmanaged/nfs_%d" % pin.id for pin in pins}
    wait_until(lambda: set(foreign(client)) == ids, 5, lambda:
               "listed: %s; not %s" % (ids, sorted(foreign(client))))
    for name, entry in foreign(client).items():
        expect(entry["connected"] is True, "%s: %r" % (name, entry))
    untouched(pins)
    return ids


def untouched(pins):
    for pin in pins:
        pin.expect_there("made by hand")


def run(lab):
    server = lab.server()
    server.write("/vms/here", "yes")
    pins = [by_hand(server, "/tmp/before")]
    daemon = lab.daemon()
    client = daemon.client()
    pins.append(by_hand(server, "/tmp/after"))
    ids = check(client, pins)

    for name in ids:
        try:
            client.unmanage(name)
            expect(False, "unmanage(%s) is refused" % name)
        except RPCError as error:
            expect(error.slug in ("bad-cid", "no-such-cid"), str(error))
    check(client, pins)

    client.manage(server.uri("/vms"), "own")
    path = client.wait("own")["path"]
    check(client, pins)
    client.unmanage("own")
    wait_until(lambda: mount_id(path) == 0, 10, "its own mount goes")
    check(client, pins)

    daemon.stop()
    untouched(pins)
    daemon.start()
    check(daemon.client(), pins)
    daemon.kill()
    untouched(pins)
    daemon.start()
    check(daemon.client(), pins)
    expect(read_text("/tmp/before/here") == "yes", "they work")
