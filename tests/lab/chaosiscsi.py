# SPDX-License-Identifier: LGPL-2.1-or-later
"""chaosiscsi.py - chaos.py's sessions: steps with iSCSI, and what must hold

Runs in: a lab guest, as root
Trusts: sysfs
Invariant: as in chaos.py. A session is known by its number: one that is new has
  another.
"""

import os

from initiator import read_disk, sessions
from kernel import expect, wait_until

SECTOR = 512

WEIGHTS = {
    "drop_target": 3, "undrop_target": 6, "close_portal": 3, "open_portal": 6,
    "logout": 3, "kill_iscsid": 1, "start_iscsid": 6,
}


def is_session(uri):
    return uri.startswith("iscsi:")


def connection_of(uri):
    """Several claims, of one LUN each or of all, share a session."""
    return uri[:-len("/0")] if is_session(uri) and uri.endswith("/0") else uri


def key_of(uri):
    """What a connection's directory is called: FNV-1a of 64 bits."""
    key = 0xcbf29ce484222325
    for byte in uri.encode():
        key = (key ^ byte) * 0x100000001b3 % 2 ** 64
    return "%016x" % key


class ISCSISteps:
    """Of a Chaos, which has `lab`, `rng`, `claims`, `say`, `calm`."""

    def make_targets(self):
        self.target = self.lab.target({"hard1": None, "hard2": None},
                                      isolated=True)
        self.calm_target = self.lab.target({"calm": None})
        self.initiator = self.lab.initiator()
        self.is_target_dropped = False
        self.is_portal_open = True
        self.has_iscsid = True
        self.disk_uris = [self.target.uri(None, "", name)
                          for name in ("hard1", "hard2")]
        self.disk_uris.append(self.target.uri(0, "", "hard2"))

    def calm_session(self):
        return [s.sid for s in sessions()
                if s.target == self.calm_target.iqn()]

    def check_sessions(self):
        """Never two of one target; the one left in peace is the same."""
        found = [s.target for s in sessions()]
        expect(len(found) == len(set(found)), "sessions: %r" % sessions())
        expect(self.calm_session() == [self.calm_sid], "the calm target's: %r"
               % sessions())

    # The network

    def may_drop_target(self):
        return not self.is_target_dropped

    def step_drop_target(self):
        self.target.drop()
        self.is_target_dropped = True

    def may_undrop_target(self):
        return self.is_target_dropped

    def step_undrop_target(self):
        self.target.undrop()
        self.is_target_dropped = False

    def may_close_portal(self):
        return self.is_portal_open

    def step_close_portal(self):
        """Sessions are closed, new connections are refused."""
        self.target.stop()
        self.is_portal_open = False

    def may_open_portal(self):
        return not self.is_portal_open

    def step_open_portal(self):
        self.target.start()
        self.is_portal_open = True

    # An administrator, and his iscsid

    def may_logout(self):
        return (self.has_iscsid and self.is_portal_open
                and not self.is_target_dropped)

    def step_logout(self):
        """By hand; nobody minds whether there was a session."""
        name = self.rng.choice(["hard1", "hard2"])
        self.say(name)
        self.initiator.logout(self.target, name, check=False)

    def may_kill_iscsid(self):
        return self.has_iscsid

    def step_kill_iscsid(self):
        self.initiator.kill()
        self.has_iscsid = False

    def may_start_iscsid(self):
        return not self.has_iscsid

    def step_start_iscsid(self):
        self.initiator.start()
        self.has_iscsid = True

    # The end

    def calm_targets(self):
        if self.is_target_dropped:
            self.step_undrop_target()
        if not self.is_portal_open:
            self.step_open_portal()
        if not self.has_iscsid:
            self.step_start_iscsid()

    def settle_sessions(self):
        """Kernel and target have the sessions that are claimed, no other;
        returns {IQN: number}."""
        wanted = {uri.split("/")[3] for uri in self.claims.values()
                  if is_session(uri)}
        # A second claim of the session may wait for the disk, the list not.
        wait_until(lambda: {s.target for s in sessions()} == wanted
                   and all(s.state == "LOGGED_IN" for s in sessions()), 20,
                   lambda: "sessions: %r; not %r" % (sessions(), wanted))
        for name in self.target.targets:
            expected = 1 if self.target.iqn(name) in wanted else 0
            wait_until(lambda name=name, expected=expected:
                       len(self.target.sessions(name)) == expected, 20,
                       lambda name=name: "the target has %r of %s"
                       % (self.target.sessions(name), name))
        return {s.target: s.sid for s in sessions()}

    def use_disk(self, cid, link):
        """It leads to the target that was claimed."""
        mine = self.claims[cid].split("/")[3].rsplit(":", 1)[1]
        target = (self.target if mine in self.target.targets
                  else self.calm_target)
        mark = ("disk of %s" % mine).encode()
        with open(target.backing(0, mine), "r+b") as file:
            file.write(mark)
            file.flush()
            os.fsync(file.fileno())
        read = read_disk(link, SECTOR)
        expect(read.startswith(mark), "%s leads to %s: %r"
               % (cid, os.path.realpath(link), read[:len(mark)]))
