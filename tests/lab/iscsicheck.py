# SPDX-License-Identifier: LGPL-2.1-or-later
"""iscsicheck.py - whether what holdfast says of iSCSI is so

Runs in: a lab guest, as root
Trusts: sysfs and the target's configfs
Invariant: an entry is never believed: each of its words that sysfs or the
  target knows as well is compared with them.
"""

import os

from daemon import by_id
from initiator import is_disk, session_of, sessions
from kernel import expect, sh, wait_until

UP_S = 20       # until what can be connected is, for most scenarios


class Claim:
    """A CID, and what it should lead to: an ISCSITarget, the short name of
    one of its targets, a LUN or None, an address if it is not the usual.
    `adopted` is whether the session should be one that was there before."""

    def __init__(self, cid, target, lun=None, name=None, address=None):
        self.cid = cid
        self.target = target
        self.lun = lun
        self.name = name
        self.address = address or target.address
        self.adopted = False

    def uri(self, query=""):
        return self.target.uri(self.lun, query, self.name, self.address)

    def manage(self, client, query="", **options):
        return client.manage(self.uri(query), self.cid, **options)

    def session(self):
        return session_of(self.target, self.name)

    def differences(self, entry):
        """Where the entry and the truth are not the same; [] if nowhere."""
        session = self.session()
        if not session:
            return ["no session with %s" % self.target.iqn(self.name)]
        wanted = dict(self._of_uri(), **self._of_session(session))
        found = dict(entry["connectionInfo"], path=entry["path"],
                     state=entry["state"])
        found["host"] = str(found.get("host")).strip("[]")
        found["devices"] = sorted((d["lun"], d["name"], d["path"])
                                  for d in found.get("devices") or ())
        return ["%s is %r, not %r" % (key, found.get(key), value)
                for key, value in wanted.items() if found.get(key) != value
                ] + self._at_the_target() + self._by_id(wanted["path"])

    def _of_uri(self):
        return {"type": "iscsi", "host": self.address,
                "port": self.target.port, "tpgt": self.target.tpgt,
                "iqn": self.target.iqn(self.name), "iface": "default",
                "lun": -1 if self.lun is None else self.lun}

    def _of_session(self, session):
        disks = session.disks
        lun = min(disks, default=None) if self.lun is None else self.lun
        return {"state": "connected", "session": session.sid,
                "sessionState": session.state, "adopted": self.adopted,
                "portal": self.target.portal(session.address),
                "devices": sorted((lun, disk, "/dev/" + disk)
                                  for lun, disk in disks.items()),
                "path": "/dev/" + disks[lun] if lun in disks else ""}

    def _at_the_target(self):
        found = self.target.sessions(self.name)
        return [] if len(found) == 1 else ["the target has sessions of %s"
                                           % found]

    def _by_id(self, path):
        link = by_id(self.cid)
        if not path:
            return ["%s exists" % link] if os.path.exists(link) else []
        if os.path.realpath(link) != path or not is_disk(link):
            return ["%s leads to %s" % (link, os.path.realpath(link))]
        return []

    def agrees(self, client, timeout=UP_S):
        """Wait until the entry says what is so; returns the entry. The lists
        of LUNs and disks fill after the login."""
        last = []

        def so():
            entry = client.list().get(self.cid)
            last[:] = self.differences(entry) if entry else ["not listed"]
            return None if last else entry
        return wait_until(so, timeout, lambda: "%s agrees: %s; %r"
                          % (self.cid, "; ".join(last), sessions()),
                          every=0.05)

    def connect(self, client, query="", **options):
        """Manage it and wait until all agree; returns the session."""
        self.manage(client, query, **options)
        client.wait(self.cid, timeout=UP_S)
        self.agrees(client)
        return self.session()

    def wait_until_gone(self, timeout=30):
        """Neither side has a session any more, nor is there a link."""
        wait_until(lambda: not self.session()
                   and not self.target.sessions(self.name), timeout,
                   lambda: "%s is logged out: %r; the target has %r"
                   % (self.cid, sessions(), self.target.sessions(self.name)))
        expect(not os.path.lexists(by_id(self.cid)), "by-id/%s is gone"
               % self.cid)


def wait_for_error(client, cid, states, slugs, timeout=30):
    """Wait until the state is one of the words and the error one of the
    {slug: number}; returns the entry."""
    def so():
        entry = client.list()[cid]
        error = entry["error"]
        return (entry if entry["state"] in states.split() and error
                and slugs.get(error["slug"]) == entry["lastError"] else None)
    return wait_until(so, timeout, lambda: "%s is %s with %r: %r"
                      % (cid, states, slugs, client.list().get(cid)))


def make_file_system(disk, point):
    """An ext4 on the disk, mounted."""
    sh("mkfs.ext4", "-q", disk)
    os.makedirs(point, exist_ok=True)
    sh("mount", "-t", "ext4", disk, point)


def expect_whole(target, writer, path, lun=0, name=None):
    """What the writer wrote to the file is on the target, and the file system
    is sound. It is unmounted."""
    sh("e2fsck", "-fn", target.backing(lun, name))
    writer.expect_whole(target.read_file(path, lun, name), "the target")
