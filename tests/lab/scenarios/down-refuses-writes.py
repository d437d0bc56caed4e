# SPDX-License-Identifier: LGPL-2.1-or-later
"""what is written while a connection is down lands nowhere, root's too"""

import errno
import os

from lab import (NFSServer, by_id, detach, expect, mount_id, refused,
                 wait_until, write_text)


def check_refused(lab, what):
    for name, write in (
            ("file", lambda: write_text(by_id("vms", "lost"), "data")),
            ("directory", lambda: os.mkdir(by_id("vms", "lost-dir"))),
            ("link", lambda: os.symlink("x", by_id("vms", "lost-link")))):
        error = refused(write)
        expect(error in (errno.EROFS, errno.EACCES, errno.EPERM),
               "%s: a new %s is refused, not %r" % (what, name, error))
    expect(os.listdir(by_id("vms")) == [], "%s: the folder is empty" % what)
    lab.note("%s: refused (%s)" % (what, errno.errorcode[error]))


def is_gone_or_empty(path):
    try:
        return not os.listdir(path)
    except FileNotFoundError:
        return True


def run(lab):
    server = NFSServer({"/vms": None})
    daemon = lab.daemon()
    client = daemon.client()
    client.manage(server.uri("/vms"), "vms")
    wait_until(lambda: os.path.isdir(by_id("vms")), 5, "by-id/vms leads "
               "somewhere while down")
    check_refused(lab, "never connected")

    server.start()
    path = client.wait("vms", timeout=30)["path"]
    write_text(by_id("vms", "file"), "data")
    expect(server.read("/vms/file") == "data", "connected: it is written")

    server.stop()
    detach(path)
    wait_until(lambda: mount_id(path) == 0, 5, "the mount is gone")
    check_refused(lab, "connected before")

    server.start()
    client.wait("vms", timeout=60)
    expect(sorted(server.inside("ls", "/vms").stdout.split()) == ["file"],
           "nothing that was refused is on the server")
    client.unmanage("vms")
    wait_until(lambda: mount_id(path) == 0, 10, "it is disconnected")
    wait_until(lambda: is_gone_or_empty(path), 5,
               "nothing is below the mount point")
