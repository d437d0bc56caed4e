# SPDX-License-Identifier: LGPL-2.1-or-later
"""holders.py - what keeps a disk in use

Runs in: a lab guest, as root
Trusts: dmsetup, the kernel
Invariant: a holder is there when it was made, and is gone after close().
"""

import fcntl
import os
import struct

from iscsicheck import make_file_system
from kernel import Holder, read_text, sh


class OpenFile(Holder):
    """A process that has the disk open."""

    kind = "open"


class MountedDisk:
    kind = "mount"
    pid = None

    def __init__(self, disk):
        self._point = "/tmp/mounted-" + os.path.basename(disk)
        make_file_system(disk, self._point)

    def close(self):
        sh("umount", self._point)


class Mapped:
    """A device-mapper device on the disk, which nobody has open."""

    kind = "dm"
    pid = None

    def __init__(self, disk):
        sh("modprobe", "dm-mod")
        self._name = "lab-" + os.path.basename(disk)
        sectors = int(read_text("/sys/class/block/%s/size"
                                % os.path.basename(disk)))
        sh("dmsetup", "create", "--noudevsync", self._name, "--table",
           "0 %d linear %s 0" % (sectors, disk))

    def close(self):
        sh("dmsetup", "remove", "--noudevsync", self._name)


class Swap:
    kind = "swap"
    pid = None

    def __init__(self, disk):
        self._disk = disk
        sh("mkswap", disk)
        sh("swapon", disk)

    def close(self):
        sh("swapoff", self._disk)


# By the calls that mdadm --build makes, since mdadm would come with a monitor.
class Array:
    """An md array of one disk, without a superblock on it."""

    kind = "md"
    pid = None
    SET_ARRAY_INFO = 0x40480923
    ADD_NEW_DISK = 0x40140921
    RUN_ARRAY = 0x400c0930
    STOP_ARRAY = 0x00000932
    RAID1, MD_MAJOR, IN_SYNC_AND_ACTIVE = 1, 9, 6

    def __init__(self, disk):
        sh("modprobe", "-a", "md-mod", "raid1")
        self._node = "/run/lab/md0"
        if not os.path.exists(self._node):
            os.mknod(self._node, 0o600 | 0o060000, os.makedev(self.MD_MAJOR,
                                                              0))
        number = os.stat(disk).st_rdev
        array = struct.pack("18i", 0, 90, 0, 0, self.RAID1, 0, 1, 1, 0, 1, 0,
                            1, 1, 1, 0, 0, 0, 0)
        member = struct.pack("5i", 0, os.major(number), os.minor(number), 0,
                             self.IN_SYNC_AND_ACTIVE)
        self._order((self.SET_ARRAY_INFO, array), (self.ADD_NEW_DISK, member),
                    (self.RUN_ARRAY, bytes(12)))

    def _order(self, *orders):
        fd = os.open(self._node, os.O_RDWR)
        try:
            for order in orders:
                fcntl.ioctl(fd, *order)
        finally:
            os.close(fd)

    def close(self):
        self._order((self.STOP_ARRAY, 0))


ALL = (OpenFile, MountedDisk, Mapped, Swap, Array)
