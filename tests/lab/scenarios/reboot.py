# SPDX-License-Identifier: LGPL-2.1-or-later
"""after a power cut and a boot every claim is back and connected"""

from lab import by_id, expect, mount_id, nfs_mounts, read_text

EXPORTS = {"/vms": None, "/iso": None}
CLAIMS = {"a": "/vms", "b": "/vms", "c": "/iso"}


def first(lab):
    server = lab.server(EXPORTS)
    client = lab.daemon().client()
    expect(client.list() == {}, "nothing is claimed at first")
    for cid in ("a", "b"):
        client.manage(server.uri(CLAIMS[cid]), cid)
    expect(mount_id(client.wait("a")["path"]), "connected before the cut")
    client.manage(server.uri("/iso"), "released")
    client.unmanage("released")
    # Answered, so durable: the power goes as soon as this returns.
    client.manage(server.uri(CLAIMS["c"]), "c")


def second(lab):
    expect(not nfs_mounts(), "the boot is a new one")
    server = lab.server(EXPORTS)
    for export in EXPORTS:
        server.write(export + "/which", export)
    daemon = lab.daemon()
    client = daemon.client()
    expect(sorted(client.list()) == sorted(CLAIMS), "claims: %r"
           % sorted(client.list()))
    for cid, export in CLAIMS.items():
        client.wait(cid)
        expect(read_text(by_id(cid, "which")) == export,
               "by-id/%s works" % cid)
    expect(len(nfs_mounts()) == 2, "two mounts: %r" % nfs_mounts())


boots = [first, second]
