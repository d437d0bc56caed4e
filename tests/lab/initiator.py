# SPDX-License-Identifier: LGPL-2.1-or-later
"""initiator.py - iSCSI sessions of a lab guest: iscsid, and what sysfs says

Runs in: a lab guest, as root
Trusts: sysfs, open-iscsi
Invariant: nothing here asks holdfast anything, and what sessions there are is
  asked of the kernel, not of iscsid.
"""

import os
import re
import signal
import socket
import stat
import subprocess

from kernel import Background, expect, read_text, sh, wait_until, write_text

SESSIONS = "/sys/class/iscsi_session"
CONNECTIONS = "/sys/class/iscsi_connection"
NODES = "/etc/iscsi/nodes"
CONFIG = "/etc/iscsi/iscsid.conf"
NAME_FILE = "/etc/iscsi/initiatorname.iscsi"
INITIATOR = "iqn.2012-06.example.holdfast:lab-initiator"
MODULES = ("iscsi_tcp", "sd_mod")
# Fast, so that a silent target is missed in seconds; what a test is about it
# sets itself.
QUICK = {"node.conn[0].timeo.noop_out_interval": 1,
         "node.conn[0].timeo.noop_out_timeout": 1}
SOCKET = "\0ISCSIADM_ABSTRACT_NAMESPACE"


class Session:
    """A session of the kernel's, as sysfs has it at this moment."""

    def __init__(self, folder):
        self.sid = int(os.path.basename(folder)[len("session"):])
        self.state = attribute(folder, "state")
        self.target = attribute(folder, "targetname")
        self.tpgt = int(attribute(folder, "tpgt") or -1)
        self.iface = attribute(folder, "ifacename")
        self.username = attribute(folder, "username")
        self.replacement_timeout = int(attribute(folder, "recovery_tmo") or -1)
        connection = os.path.join(CONNECTIONS, "connection%d:0" % self.sid)
        self.address = attribute(connection, "persistent_address")
        self.port = int(attribute(connection, "persistent_port") or -1)
        self.disks = disks(os.path.join(folder, "device"))

    def __repr__(self):
        return "<session %d %s %s at %s:%d, %s>" % (
            self.sid, self.state, self.target, self.address, self.port,
            self.disks)


def attribute(folder, name):
    """What sysfs says; "" when there is nothing, or nothing any more."""
    try:
        text = read_text(os.path.join(folder, name)).strip()
    except OSError:
        return ""
    return "" if text in ("<NULL>", "(null)") else text


def disks(session):
    """The disks below the folder of a session: {LUN: "sda"}."""
    found = {}
    for path, folders, _ in os.walk(session):
        match = re.search(r"/\d+:\d+:\d+:(\d+)/block$", path)
        if match and folders:
            found[int(match.group(1))] = folders[0]
    return found


def sessions():
    """Every iSCSI session of the kernel's, the oldest first."""
    try:
        names = os.listdir(SESSIONS)
    except FileNotFoundError:       # the modules are not loaded
        return []
    found = [Session(os.path.join(SESSIONS, name)) for name in names]
    return sorted((s for s in found if s.target), key=lambda s: s.sid)


def session_of(target, name=None):
    """The one session with a target of an ISCSITarget; None if there is
    none."""
    found = [s for s in sessions() if s.target == target.iqn(name)]
    expect(len(found) < 2, "one session, not %r" % found)
    return found[0] if found else None


class SessionWatch(Background):
    """Reads sysfs over and over; `seen` is what the session with a target was
    one after the other: [sid, state], or None for no session."""

    def __init__(self, target, name=None, every=0.01):
        super().__init__(every)
        self.target = target
        self.name = name
        self.seen = []

    def look(self):
        found = session_of(self.target, self.name)
        now = [found.sid, found.state] if found else None
        if not self.seen or self.seen[-1] != now:
            self.seen.append(now)

    def report(self):
        return self.seen

    def take(self, report):
        self.seen = report

    def expect_only(self, sid):
        expect(all(now and now[0] == sid for now in self.seen),
               "the session was %d all the time; it was %s"
               % (sid, self.seen))

    def expect_states(self, sid, *states):
        expect(self.seen == [[sid, state] for state in states],
               "session %d was %s; it was %s" % (sid, states, self.seen))


def is_disk(path):
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return False


def read_disk(path, size, offset=0):
    """What is on the disk itself, not what the page cache has of it."""
    done = subprocess.run(
        ["dd", "if=" + path, "bs=%d" % size, "count=1", "iflag=direct,"
         "skip_bytes", "skip=%d" % offset, "status=none"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    expect(done.returncode == 0, "read %s: %s" % (path, done.stderr))
    return done.stdout


def write_disk(path, data, offset=0):
    """Write, and make it durable on the target."""
    with open(path, "r+b", buffering=0) as disk:
        disk.seek(offset)
        disk.write(data)
        os.fsync(disk.fileno())


class Initiator:
    """open-iscsi as a boot of the guest has it: its configuration, its
    database of nodes, and iscsid, which start() starts.

    settings are lines of iscsid.conf that differ from the package's, besides
    QUICK. With kept, a folder that lasts over boots, the database does so too.
    Make one before a daemon is started: on a host it is there first as well.
    """

    def __init__(self, log_path, settings=None, kept=None):
        self.log_path = log_path
        self.name = INITIATOR
        self._child = None
        sh("modprobe", "-a", *MODULES)
        if kept:
            self._keep(os.path.join(kept, "iscsi"))
        os.makedirs(NODES, exist_ok=True)
        os.makedirs("/run/lock", exist_ok=True)
        write_text(NAME_FILE, "InitiatorName=%s\n" % self.name)
        self.configure(dict(QUICK, **(settings or {})))

    @staticmethod
    def _keep(folder):
        if not os.path.isdir(folder):
            sh("cp", "-a", "/etc/iscsi", folder)
            sh("sync", "-f", folder)
        sh("mount", "--bind", folder, "/etc/iscsi")

    @staticmethod
    def configure(settings):
        """Change lines of iscsid.conf, what new node records are made from.
        Without systemd no iscsid is started by who needs one."""
        settings = {"iscsid.startup": "/bin/false", **settings}
        lines = [line for line in read_text(CONFIG).splitlines()
                 if line.split("=")[0].strip() not in settings]
        lines += ["%s = %s" % item for item in settings.items()]
        write_text(CONFIG, "\n".join(lines) + "\n")

    # iscsid

    # In a group of its own: it ends all of its group when it ends.
    def start(self):
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                ["iscsid", "-f"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
        wait_until(self.answers, 10, "iscsid answers")
        return self

    def stop(self):
        """It ends; sessions stay in the kernel, but nobody mends them."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        self._child.send_signal(number)
        self._child.wait(10)
        self._child = None

    @property
    def pid(self):
        return self._child.pid

    def answers(self):
        """Whether iscsid takes requests."""
        expect(self._child is None or self._child.poll() is None,
               "iscsid runs; see iscsid.log")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            return client.connect_ex(SOCKET) == 0

    # What an administrator does by hand

    def iscsiadm(self, *argv, check=True, timeout=150):
        return sh("iscsiadm", *argv, check=check, timeout=timeout)

    def node(self, target, *argv, name=None, address=None, check=True):
        """iscsiadm for one node, e.g. node(target, "--login")."""
        return self.iscsiadm("-m", "node", "-T", target.iqn(name), "-p",
                             target.portal(address), *argv, check=check)

    def record(self, target, name=None, settings=None, address=None):
        """Make a node record, in place of one that is there."""
        portal = "%s,%d" % (target.portal(address), target.tpgt)
        self.iscsiadm("-m", "node", "-T", target.iqn(name), "-p", portal,
                      "-o", "new")
        for key, value in (settings or {}).items():
            self.node(target, "-o", "update", "-n", key, "-v", str(value),
                      name=name, address=address)

    def login(self, target, name=None, settings=None, address=None):
        """Make a node record and log in; returns the session."""
        self.record(target, name, settings, address)
        self.node(target, "--login", name=name, address=address)
        return self.wait_for_disks(target, name)

    def logout(self, target, name=None, check=True):
        return self.node(target, "--logout", name=name, check=check)

    @staticmethod
    def wait_for_disks(target, name=None, timeout=10):
        """The session, once all its disks are there."""
        wanted = set(target.targets[target._name(name)])

        def complete():
            found = session_of(target, name)
            if found and set(found.disks) == wanted and all(
                    is_disk("/dev/" + disk) for disk in found.disks.values()):
                return found
            return None
        return wait_until(complete, timeout, lambda: "disks of LUNs %s: %r"
                          % (sorted(wanted), sessions()))

    @staticmethod
    def records():
        """The files of the node database."""
        return sorted(os.path.join(folder, name) for folder, _, names
                      in os.walk(NODES) for name in names)
