# SPDX-License-Identifier: LGPL-2.1-or-later
"""while paused nothing is repaired, probed or taken down; then all is, at once"""

from lab import (detach, expect, mount_id, mounts_at, never_within,
                 operations, sh, wait_until)

NEEDS = ("nfs", "daemon", "command")


def run(lab):
    server = lab.server({"/vms": None, "/iso": None, "/tmp1": None})
    daemon = lab.daemon()
    client = daemon.client()
    for cid in ("vms", "iso"):
        client.manage(server.uri("/" + cid), cid)
    paths = {cid: client.wait(cid)["path"] for cid in ("vms", "iso")}
    said = daemon.command("pause", check=True).stdout
    expect(said.startswith("paused"), "it says so: %r" % said)
    wait_until(lambda: not operations(), 10, "what ran has ended")

    # As a system does that stops: without an argument about it.
    sh("umount", paths["vms"])
    client.unmanage("iso")
    client.manage(server.uri("/tmp1"), "new")
    never_within(lambda: mount_id(paths["vms"]) or not mount_id(paths["iso"])
                 or operations(), 5, "something was done", every=0.05)
    entries = client.list()
    lab.note("vms: %s, %r" % (entries["vms"]["state"],
                              entries["vms"]["error"]))
    expect(entries["vms"]["held"] == "paused"
           and entries["vms"]["connected"] is False, "told: %r"
           % entries["vms"])
    expect(entries["new"]["connected"] is False, "not begun")

    daemon.kill()
    daemon.start()
    client = daemon.client()
    never_within(lambda: mount_id(paths["vms"]) or not mount_id(paths["iso"])
                 or operations(), 3, "a restart forgets the pause", every=0.05)

    daemon.command("resume", check=True)
    for cid in ("vms", "new"):
        client.wait(cid)
    wait_until(lambda: not mounts_at(paths["iso"]), 10,
               "what was let go is taken down")
    detach(paths["vms"])
    wait_until(lambda: mount_id(paths["vms"]), 10, "repaired again")
