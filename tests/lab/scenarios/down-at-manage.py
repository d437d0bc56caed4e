# SPDX-License-Identifier: LGPL-2.1-or-later
"""manage answers at once when the server is down; it connects by itself"""

import time

from lab import NFSServer, expect, mount_id, nfs_mounts, wait_until

NEEDS = ("nfs", "netem", "daemon", "command")


def run(lab):
    refusing = NFSServer({"/vms": None})
    lost = lab.server({"/iso": None}, isolated=True)
    lost.drop()
    daemon = lab.daemon({"operation": {"connect_ms": 3000}})
    client = daemon.client()

    for cid, uri in (("refusing", refusing.uri("/vms")),
                     ("lost", lost.uri("/iso"))):
        begun = time.monotonic()
        result = client.manage(uri, cid)
        took = time.monotonic() - begun
        expect(result["created"] is True, "created: %r" % result)
        expect(took < 0.5, "manage answers at once, not after %.3f s" % took)
    for cid in ("refusing", "lost"):
        done = daemon.command("wait", cid, "-t", "2s")
        expect(done.returncode == 7, "`holdfast wait %s` exits 7, not %d: %s"
               % (cid, done.returncode, done.stderr))
    expect(not nfs_mounts(), "nothing is mounted: %r" % nfs_mounts())
    wait_until(lambda: all(e["error"] for e in client.list().values()), 15,
               "both say why they are down")
    for cid, entry in client.list().items():
        lab.note("%s: %s, %r" % (cid, entry["state"], entry["error"]))
        expect(entry["connected"] is False and entry["lastError"] != 0,
               "%s is listed as down: %r" % (cid, entry))

    refusing.start()
    lost.undrop()
    for cid in ("refusing", "lost"):
        wait_until(lambda: client.state(cid) == "connected", 30,
                   cid + " connects by itself")
        expect(mount_id(client.list()[cid]["path"]), cid + " is mounted")
        done = daemon.command("wait", cid, "-t", "2s")
        expect(done.returncode == 0, "`holdfast wait %s` exits 0, not %d: %s"
               % (cid, done.returncode, done.stderr))
