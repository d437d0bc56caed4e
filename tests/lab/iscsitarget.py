# SPDX-License-Identifier: LGPL-2.1-or-later
"""iscsitarget.py - iSCSI targets of a lab guest: the kernel's LIO, for real

Runs in: a lab guest, as root
Trusts: LIO's configfs
Invariant: what a target has on its disks is in ordinary files, which nobody
  but the target writes while it serves them.
"""

import os
import subprocess

from kernel import expect, read_text, sh, wait_until, write_text
from link import Linked

CONFIG = "/sys/kernel/config/target"
FOLDER = "/run/lab/iscsi%d"         # in memory
IQN = "iqn.2012-06.example.holdfast:%s"
MODULES = ("target_core_mod", "target_core_file", "iscsi_target_mod", "ipv6")
PORT = 3260
MIB = 1 << 20
# By what LIO unsets a name or a password.
UNSET = "NULL"


def load_modules():
    sh("modprobe", "-a", *MODULES)
    if not os.path.ismount("/sys/kernel/config"):
        sh("mount", "-t", "configfs", "none", "/sys/kernel/config")


class ISCSITarget(Linked):
    """One machine that serves iSCSI targets at one address, its portal.

    targets maps a short name to its disks, {LUN: MiB}, or to None for one of
    16 MiB that is LUN 0. The methods take the short name as `name`, or mean
    the first. Alone in the guest's network the portal is 127.0.0.1:3260; with
    isolated=True it is in a network namespace behind a veth pair, see link.py.
    IPv4 and IPv6 are served. Two machines that are not isolated need different
    ports, and different names always. What is in `folder`, if it is there
    already, is served as it is.
    """

    _count = 0

    def __init__(self, targets=None, isolated=False, port=PORT, tpgt=1,
                 folder=None):
        ISCSITarget._count += 1
        self.number = ISCSITarget._count
        self.targets = {name: dict(disks or {0: 16}) for name, disks
                        in (targets or {"disk": None}).items()}
        self.isolated = isolated
        self.port = port
        self.tpgt = tpgt
        self.folder = folder or FOLDER % self.number
        self._holder = None
        load_modules()
        if isolated:
            self._make_namespace()
        os.makedirs(self.folder, exist_ok=True)
        for name in self.targets:
            self._make(name)

    def _make_namespace(self):
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c",
             "echo ready; exec sleep infinity"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        expect(self._holder.stdout.readline() == "ready\n",
               "the target's namespace could not be made")
        self.make_link(self._holder.pid, ipv6=True)

    def inside(self, *argv, **kwargs):
        """Run a program on the target's machine."""
        if self._holder:
            argv = ("nsenter", "-t", str(self._holder.pid), "--net") + argv
        return sh(*argv, **kwargs)

    # What it is called

    def _name(self, name):
        return next(iter(self.targets)) if name is None else name

    def iqn(self, name=None):
        return IQN % self._name(name)

    def backing(self, lun=0, name=None):
        """The file that has what is on the disk."""
        return os.path.join(self.folder, "%s-%d" % (self._name(name), lun))

    def portal(self, address=None):
        """HOST:PORT, as iscsiadm and URIs write it."""
        address = address or self.address
        return "%s:%d" % ("[%s]" % address if ":" in address else address,
                          self.port)

    def uri(self, lun=None, query="", name=None, address=None):
        return "iscsi://%s/%s%s%s" % (
            self.portal(address).removesuffix(":%d" % PORT), self.iqn(name),
            "" if lun is None else "/%d" % lun, "?" + query if query else "")

    # Its configfs

    def tpg(self, name=None, *below):
        """The folder of the portal group, or something below it."""
        return os.path.join(CONFIG, "iscsi", self.iqn(name),
                            "tpgt_%d" % self.tpgt, *below)

    # Without a newline, which LIO would take for a part of a password.
    def set(self, where, value, name=None):
        """Write an attribute of the portal group, e.g. "attrib/t10_pi"."""
        write_text(self.tpg(name, *where.split("/")), str(value))

    def get(self, where, name=None):
        return read_text(self.tpg(name, *where.split("/"))).strip()

    def _make(self, name):
        os.makedirs(self.tpg(name))
        for lun, size in self.targets[name].items():
            self._make_disk(name, lun, size)
        for attribute, value in (("authentication", 0),
                                 ("generate_node_acls", 1),
                                 ("demo_mode_write_protect", 0)):
            self.set("attrib/%s" % attribute, value, name)

    def _make_disk(self, name, lun, size):
        file = self.backing(lun, name)
        if not os.path.exists(file):
            with open(file, "wb") as made:
                made.truncate(size * MIB)
        label = "%s-%d" % (name, lun)
        store = os.path.join(CONFIG, "core", "fileio_%d" % self.number, label)
        os.makedirs(store)
        write_text(store + "/control", "fd_dev_name=%s,fd_dev_size=%d"
                   % (file, size * MIB))
        # The same at every boot, and nobody else's.
        write_text(store + "/wwn/vpd_unit_serial", "holdfast-lab-" + label)
        write_text(store + "/enable", "1")
        there = self.tpg(name, "lun", "lun_%d" % lun)
        os.mkdir(there)
        os.symlink(store, there + "/" + label)

    # Who may log in

    def chap(self, username, password, username_in=None, password_in=None,
             name=None):
        """From now on a login needs these; with *_in the target proves itself
        with those. Who is logged in stays so."""
        self._set_auth("auth", (username, password, username_in, password_in),
                       name)
        self.set("attrib/authentication", 1, name)

    def no_chap(self, name=None):
        self._set_auth("auth", (None,) * 4, name)
        self.set("attrib/authentication", 0, name)

    def _set_auth(self, where, values, name):
        for key, value in zip(("userid", "password", "userid_mutual",
                               "password_mutual"), values):
            self.set("%s/%s" % (where, key), value or UNSET, name)

    def admit(self, initiator, username=None, password=None, username_in=None,
              password_in=None, name=None):
        """Only initiators that are named may log in, each with what is its
        own; a second call gives it other credentials. Whoever was logged in
        before the first call may still: LIO remembers them."""
        acl = self.tpg(name, "acls", initiator)
        self.set("attrib/generate_node_acls", 0, name)
        if not os.path.isdir(acl):
            os.mkdir(acl)
            for lun in self.targets[self._name(name)]:
                self._map(name, acl, lun)
        self._set_auth("acls/%s/auth" % initiator,
                       (username, password, username_in, password_in), name)
        self.set("attrib/authentication", 1 if username else 0, name)

    def _map(self, name, acl, lun):
        mapped = os.path.join(acl, "lun_%d" % lun)
        os.mkdir(mapped)
        os.symlink(self.tpg(name, "lun", "lun_%d" % lun), mapped + "/map")

    # Starting and stopping

    def start(self, name=None):
        """Serve all targets, or the one named; a second call after stop() is
        a machine that came back."""
        for each in self.targets if name is None else (name,):
            self.portal_on(each)
            self.set("enable", 1, each)
        return self

    def stop(self, name=None):
        """The service ends, the machine stays: sessions are closed and new
        connections refused (when no other target is at the same portal)."""
        for each in self.targets if name is None else (name,):
            self.portal_off(each, is_closed=True)

    def portal_off(self, name=None, is_closed=True):
        """The portal goes away: nobody listens there any more, and unless
        is_closed is false every session's connection is closed."""
        for portal in self._portals():
            if os.path.isdir(self.tpg(name, "np", portal)):
                os.rmdir(self.tpg(name, "np", portal))
        if is_closed:
            self.set("enable", 0, name)

    # LIO listens in the network namespace of who makes the folder.
    def portal_on(self, name=None):
        for portal in self._portals():
            if not os.path.isdir(self.tpg(name, "np", portal)):
                self.inside("mkdir", self.tpg(name, "np", portal))
        self.set("enable", 1, name)

    def _portals(self):
        return [self.portal(a) for a in (self.address, self.address6)]

    def refuse(self, name=None):
        """The portal is there, the target answers that it is not available;
        sessions are closed."""
        self.set("enable", 0, name)

    # Who is logged in, as the target sees it

    def sessions(self, name=None):
        """The names of the initiators that have a session, one each."""
        found = read_text(self.tpg(name, "dynamic_sessions"))
        found = found.replace("\0", "\n").split()
        for initiator in os.listdir(self.tpg(name, "acls")):
            info = read_text(self.tpg(name, "acls", initiator, "info"))
            if "No active iSCSI Session" not in info:
                found.append(initiator)
        return found

    def wait_for_sessions(self, count, timeout=10, name=None):
        wait_until(lambda: len(self.sessions(name)) == count, timeout,
                   lambda: "the target has %d sessions, not %s"
                   % (count, self.sessions(name)))

    # What is on its disks

    def read(self, size, offset=0, lun=0, name=None):
        with open(self.backing(lun, name), "rb") as file:
            file.seek(offset)
            return file.read(size)

    def read_file(self, path, lun=0, name=None):
        """A file of the ext4 that is on the disk and not mounted."""
        done = subprocess.run(["debugfs", "-R", "cat " + path,
                               self.backing(lun, name)], timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(done.returncode == 0, "debugfs: %s" % done.stderr)
        return done.stdout
