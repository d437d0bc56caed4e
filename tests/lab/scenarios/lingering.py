# SPDX-License-Identifier: LGPL-2.1-or-later
"""in use at its last unmanage it lingers, says who, is taken back or let go"""

from lab import Holder, by_id, expect, mount_id, never_within, wait_until


def lingering(client):
    return {i: e for i, e in client.list().items()
            if i.startswith("lingering/")}


def wait_for_lingering(client, holder):
    """The entry, once it lingers and names who holds it."""
    def named():
        return [(entry, found) for entry in lingering(client).values()
                if entry["state"] == "lingering"
                for found in entry["holders"] or []
                if found["pid"] == holder.pid]
    entry, found = wait_until(named, 15, lambda: "the holder %d is named: %r"
                              % (holder.pid, lingering(client)))[0]
    expect("sleep" in found["command"] and found["kind"],
           "command and kind: %r" % found)
    return entry


def run(lab):
    server = lab.server()
    daemon = lab.daemon()
    client = daemon.client()
    server.write("/vms/disk", "data")
    client.manage(server.uri("/vms"), "one")
    path = client.wait("one")["path"]
    before = mount_id(path)

    with Holder(by_id("one", "disk")) as holder:
        expect(client.unmanage("one")["last"] is True, "it was the last")
        entry = wait_for_lingering(client, holder)
        lab.note("lingers: %r" % entry)
        expect("one" not in client.list(), "the claim is gone")
        expect(mount_id(path) == before, "the mount is still there")

        client.manage(server.uri("/vms"), "two")
        client.wait("two")
        expect(not lingering(client), "taken back: %r" % client.list())
        never_within(lambda: mount_id(path) != before, 3,
                     "what was taken back is unmounted after all")

        client.unmanage("two")
        wait_for_lingering(client, holder)
        expect(mount_id(path) == before, "still no new mount")
    wait_until(lambda: mount_id(path) == 0, 20,
               "it goes when the file is closed")
    wait_until(lambda: client.list() == {}, 5,
               lambda: "nothing is listed: %r" % client.list())
