# SPDX-License-Identifier: LGPL-2.1-or-later
"""three CIDs on two exports: two workers, two mounts, gone with their last"""

import os

from lab import (by_id, expect, mount_id, never_within, nfs_mounts, read_text,
                 wait_until)

URIS = {"a": "/vms", "b": "/vms", "c": "/iso"}
ORDERS = ("abc", "cba", "bca")


def manage_all(server, client):
    paths = {}
    for cid, export in URIS.items():
        # The forms of 2012 name the same connection.
        uri = ("nfs://%s:%s" % (server.address, export) if cid == "b"
               else server.uri(export))
        client.manage(uri, cid)
    for cid in URIS:
        paths[cid] = client.wait(cid)["path"]
    return paths


def check_connected(server, daemon, paths):
    expect(len(nfs_mounts()) == 2, "two mounts, not %r" % nfs_mounts())
    expect(len(daemon.workers()) == 2, "two workers, not %r"
           % daemon.workers())
    expect(paths["a"] == paths["b"] != paths["c"], "paths: %r" % paths)
    for cid, export in URIS.items():
        server.write(export + "/from-server", export)
        expect(os.path.realpath(by_id(cid)) == paths[cid],
               "by-id/%s leads to %s" % (cid, os.path.realpath(by_id(cid))))
        expect(read_text(by_id(cid, "from-server")) == export,
               "the server's file is read through by-id/" + cid)


def release(client, order, paths):
    left = set(URIS)
    for cid in order:
        left.remove(cid)
        still_used = any(URIS[other] == URIS[cid] for other in left)
        before = mount_id(paths[cid])
        last = client.unmanage(cid)["last"]
        expect(last is not still_used, "%s: last is %r" % (cid, last))
        expect(not os.path.lexists(by_id(cid)), "by-id/%s is gone" % cid)
        if still_used:
            never_within(lambda: mount_id(paths[cid]) != before, 1,
                         "%s: the mount goes before the last CID" % order)
        else:
            wait_until(lambda: mount_id(paths[cid]) == 0, 10,
                       "%s: the mount goes with the last CID" % order)
        for other in left:
            expect(mount_id(paths[other]), "%s is mounted" % other)


def run(lab):
    server = lab.server({"/vms": None, "/iso": None})
    daemon = lab.daemon()
    client = daemon.client()
    for order in ORDERS:
        paths = manage_all(server, client)
        check_connected(server, daemon, paths)
        release(client, order, paths)
        wait_until(lambda: not daemon.workers(), 10, "the workers end")
        expect(client.list() == {}, "nothing is listed: %r" % client.list())
        lab.note("order %s: all gone" % order)
