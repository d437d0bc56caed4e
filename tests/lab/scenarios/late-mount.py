# SPDX-License-Identifier: LGPL-2.1-or-later
"""a mount that was given up succeeds late: it is adopted, or taken away again"""

import os

from heldlock import HeldDirectory
from lab import (MOUNTS, expect, is_alive, nfs_mount_at, nfs_mounts,
                 never_within, wait_until)

NEEDS = ("nfs", "daemon")
TIME_LIMIT_S = 180
BASE = "/run/holdfast/base"


def stuck_mount(lab, client, server, cid, query):
    """The claim, whose mount(2) waits for the lock of its mount point; the
    lock; the process."""
    server.stop()
    client.manage(server.uri("/vms", query), cid)
    wait_until(lambda: client.state(cid) == "backoff", 20, "it is refused")
    path = client.list()[cid]["path"] or os.readlink(
        "/run/holdfast/by-id/" + cid)
    held = HeldDirectory(path.replace(MOUNTS, BASE))
    server.start()
    client.call("retry", cid)
    wait_until(lambda: client.list()[cid]["stuck"], 30, lambda:
               "mount(2) does not end: %r" % client.list()[cid])
    entry = client.list()[cid]
    with open("/proc/%d/stat" % entry["stuck"]["pid"],
              encoding="ascii") as file:
        state = file.read().rsplit(")", 1)[1].split()[0]
    lab.note("%s: %s, process %d is in %s, and was killed: %r" % (
        cid, entry["state"], entry["stuck"]["pid"], state, entry["error"]))
    expect(state == "D" and entry["state"] == "stuck", "it is stuck")
    expect(not nfs_mount_at(path), "nothing is mounted yet")
    return path, held, entry["stuck"]["pid"]


def run(lab):
    server = lab.server({"/vms": None})
    daemon = lab.daemon({"operation": {"mount_ms": 2000}})
    client = daemon.client()

    path, held, pid = stuck_mount(lab, client, server, "kept", "vers=4.2")
    held.release()
    wait_until(lambda: not is_alive(pid), 10, "it ends")
    client.wait("kept", timeout=20)
    mount = nfs_mount_at(path)
    expect(mount and len(nfs_mounts()) == 1, "one mount: %r" % nfs_mounts())
    entry = client.list()["kept"]
    lab.note("kept: mount %d, attempts %d" % (mount.id, entry["attempts"]))
    expect(entry["mount_id"] == mount.id and not entry["stuck"],
           "it is the one that is listed: %r" % entry)
    client.unmanage("kept")
    client.wait("kept", until="gone", timeout=20)

    path, held, pid = stuck_mount(lab, client, server, "gone", "vers=3")
    client.unmanage("gone")
    held.release()
    wait_until(lambda: not is_alive(pid), 10, "it ends")
    wait_until(lambda: not client.list(), 20, lambda:
               "nothing is listed: %r" % client.list())
    never_within(nfs_mounts, 3, "a mount stays, or comes")
