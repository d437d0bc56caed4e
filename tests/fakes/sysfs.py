# SPDX-License-Identifier: LGPL-2.1-or-later
"""sysfs.py - iSCSI sessions as a kernel would show them to the daemon

Runs in: the stories
Invariant: a session comes and goes by one rename, so that no reading finds
  half of it unless the story says so.
"""

import os
import shutil
import socket


class Sysfs:
    def __init__(self, folder):
        self._class = os.path.join(folder, "iscsi_session")
        self._events = os.path.join(folder, "uevents.sock")
        os.mkdir(self._class)

    def path(self, number, *parts):
        return os.path.join(self._class, "session%d" % number, *parts)

    def add(self, number, target, disks=(), address="192.0.2.7", port=3260,
            tpgt=1, iface="default", state="LOGGED_IN"):
        """disks is {LUN: name}; a name "" is one that has none yet."""
        fresh = os.path.join(self._class, ".fresh")
        connection = os.path.join(
            fresh, "device", "connection%d:0" % number, "iscsi_connection",
            "connection%d:0" % number)
        _write(fresh, targetname=target, tpgt=tpgt, ifacename=iface,
               state=state)
        _write(connection, persistent_address=address, persistent_port=port)
        for lun, name in dict(disks).items():
            unit = os.path.join(fresh, "device", "target%d:0:0" % number,
                                "%d:0:0:%d" % (number, lun))
            _write(unit, type=0)
            if name:
                os.makedirs(os.path.join(unit, "block", name))
        self.remove(number)
        os.rename(fresh, self.path(number))

    def set_state(self, number, state):
        _write(self.path(number), state=state)

    def remove(self, number):
        stale = os.path.join(self._class, ".stale")
        if os.path.exists(self.path(number)):
            os.rename(self.path(number), stale)
            shutil.rmtree(stale)

    def tell(self, number):
        """The uevent: something is new of that session."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"change@/devices/platform/host0/session%d\0"
                        % number, self._events)


def _write(folder, **files):
    os.makedirs(folder, exist_ok=True)
    for name, value in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("%s\n" % value)
