# SPDX-License-Identifier: LGPL-2.1-or-later
"""a writer is blocked in a hard mount while all is unmanaged and managed again"""

import time

from lab import (MountWatch, Pinned, Writer, by_id, expect, mounts_at,
                 never_within, wait_until)

NEEDS = ("nfs", "netem", "daemon")
TIME_LIMIT_S = 200


def ride_out(lab, client, server, version):
    uri = server.uri("/vms", "hard&vers=" + version)
    cids = ["a-" + version, "b-" + version]
    for cid in cids:
        client.manage(uri, cid)
    path = client.wait(cids[0])["path"]
    name = "/written-" + version
    pin = Pinned(path)
    with MountWatch(path, every=0.05) as watch:
        with Writer(path + name) as writer:
            writer.wait_for_more()
            server.drop()
            # It is blocked now, and what has to be unmounted is in use.
            time.sleep(3)
            for cid in cids:
                client.unmanage(cid)
            never_within(lambda: not mounts_at(path), 6,
                         "a mount in use is gone", every=0.1)
            left = [e for i, e in client.list().items()
                    if i.startswith("lingering/") and e["uri"].startswith(uri)]
            lab.note("%s: %s, held by %r" % (version, left[0]["state"],
                                             left[0]["holders"]))
            for cid in cids:
                client.manage(uri, cid)
            never_within(lambda: not pin.is_there(), 3,
                         "taken back is not mounted anew", every=0.1)
            server.undrop()
            client.wait(cids[1], timeout=60)
            writer.wait_for_more(timeout=60)
    watch.expect_only(pin.id)
    pin.close()
    writer.expect_whole(server.read("/vms" + name).encode(),
                        "the server's file")
    expect(len(mounts_at(path)) == 1, "one mount: %r" % mounts_at(path))
    for cid in cids:
        expect(client.wait(cid)["path"] == path and by_id(cid), "claimed")
    lab.note("%s: %d records, pauses %r" % (version, writer.count,
                                            writer.pauses))
    for cid in cids:
        client.unmanage(cid)
    wait_until(lambda: not mounts_at(path), 20, "it goes with the last claim")


def run(lab):
    server = lab.server({"/vms": None}, isolated=True)
    client = lab.daemon().client()
    for version in ("4.2", "3"):
        ride_out(lab, client, server, version)
    wait_until(lambda: client.list() == {}, 20,
               lambda: "nothing is left: %r" % client.list())
