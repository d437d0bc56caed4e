# SPDX-License-Identifier: LGPL-2.1-or-later
"""a volume that was replaced is mounted anew, though an old file is held"""

from lab import (Holder, Pinned, by_id, expect, mount_id, read_text,
                 wait_until)


def run(lab):
    server = lab.server({"/vms": None, "/iso": None})
    daemon = lab.daemon()
    client = daemon.client()
    client.manage(server.uri("/vms"), "vms")
    client.manage(server.uri("/iso"), "iso")
    path = client.wait("vms")["path"]
    other = client.wait("iso")["path"]
    before, other_mount = mount_id(path), Pinned(other)
    server.write("/vms/which", "old")
    with Holder(by_id("vms", "which")):
        server.replace_export("/vms")
        server.write("/vms/which", "new")
        wait_until(lambda: mount_id(path) not in (0, before), 30,
                   "there is a new mount")
    client.wait("vms")
    expect(read_text(by_id("vms", "which")) == "new",
           "the new volume is read")
    lab.note("mount %d became %d" % (before, mount_id(path)))
    other_mount.expect_there("the other mount was left alone")
