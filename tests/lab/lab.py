# SPDX-License-Identifier: LGPL-2.1-or-later
"""lab.py - all that a scenario imports, and the object it is given

Runs in: a lab guest, as root
Trusts: tests/lab/boot, which made the guest
Invariant: none of it works outside a guest, so that no scenario can mount or
  kill anything on the host.
"""

import os
import sys
import time

from client import (SOCKET, Client, Closed, ProtocolError,  # noqa: F401
                    RPCError)
from daemon import (BY_ID, CREDENTIALS, MOUNTS, STORE,  # noqa: F401
                    Daemon, by_id, write_credentials)
from faultserver import FaultServer  # noqa: F401
from initiator import (Initiator, SessionWatch, is_disk,  # noqa: F401
                       read_disk, session_of, sessions, write_disk)
from iscsicheck import (Claim, expect_whole, make_file_system,  # noqa: F401
                        wait_for_error)
from iscsitarget import ISCSITarget  # noqa: F401
from kernel import (Failed, Holder, Mount, MountWatch,  # noqa: F401
                    Pinned, detach, expect, in_child, is_alive, mount_id,
                    mounts, mounts_at, never_within, nfs_mount_at, nfs_mounts,
                    process, processes, read_text, refused, sh, wait_until,
                    write_text)
from nfsserver import NFSServer  # noqa: F401
from stalls import Stalls, expect_fast  # noqa: F401
from watch import (ListWatch, OperationWatch, mount_ids,  # noqa: F401
                   operations)
from writer import Writer  # noqa: F401

OUT = "/run/lab/out"
KEPT = "/run/lab/kept"

if not os.path.isdir(OUT):
    raise SystemExit("lab: only in a guest, see tests/lab/run")

# Errors soon, so that an outage is seen in seconds; not for what holdfast
# mounts: its defaults are part of what is tested.
SOFT = "softerr,timeo=10,retrans=1"


class Lab:
    def __init__(self, stage):
        self.stage = stage      # 0 in the first boot
        self.kept = KEPT        # a folder that lasts over boots
        self.denials = None     # selinux.Denials, where a policy is enforced

    def note(self, text):
        """One line in the scenario's output."""
        print("[%8.3f] %s" % (time.monotonic(), text))
        sys.stdout.flush()
        os.fsync(sys.stdout.fileno())

    def server(self, exports=None, **kwargs):
        """A server that runs; see NFSServer."""
        server = NFSServer(exports, **kwargs).start()
        self.note("server: %s on %s" % (sorted(server.exports),
                                        server.address))
        return server

    def target(self, targets=None, **kwargs):
        """A machine with iSCSI targets that serves; see ISCSITarget."""
        target = ISCSITarget(targets, **kwargs).start()
        self.note("target: %s at %s" % (sorted(target.targets),
                                        target.portal()))
        return target

    def initiator(self, settings=None, kept=None, is_started=True):
        """open-iscsi, with an iscsid that runs; see Initiator."""
        initiator = Initiator(os.path.join(OUT, "iscsid.log"), settings, kept)
        return initiator.start() if is_started else initiator

    def daemon(self, config=None, cgroup=None):
        """A holdfastd that runs; see Daemon."""
        daemon = Daemon(os.path.join(OUT, "holdfastd.log"), config)
        daemon.cgroup = cgroup
        daemon.start()
        self.note("holdfastd: process %d" % daemon.pid)
        return daemon

    def keep(self, name, text):
        """Make a file last over boots, durably; read it with kept_text()."""
        path = os.path.join(self.kept, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fd = os.open(self.kept, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)

    def kept_text(self, name):
        return read_text(os.path.join(self.kept, name))


def mount_nfs(server, path, point, options="vers=4.2"):
    """Mount by hand, as an administrator does, without holdfast."""
    os.makedirs(point, exist_ok=True)
    version = options.split("vers=")[1][0]
    # Without mount.nfs, which would retry for two minutes on its own.
    more = ("" if version == "4" else
            ",proto=tcp,mountproto=tcp,mountvers=3,nolock")
    sh("mount", "-i", "-t", "nfs4" if version == "4" else "nfs", "-o",
       "addr=%s,%s,%s%s" % (server.address, options, SOFT, more),
       "%s:%s" % (server.address, path), point)
    return nfs_mount_at(point)
