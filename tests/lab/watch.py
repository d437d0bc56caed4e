# SPDX-License-Identifier: LGPL-2.1-or-later
"""watch.py - what is looked at all the time: the list, and the processes

Runs in: a lab guest, as root
Trusts: /proc
Invariant: what is seen is remembered if it is wrong, or counted.
"""

import os
import time

import client
from kernel import Background, expect, nfs_mounts, processes


class ListWatch(Background):
    """Asks for the list over and over. `wrong` are (seconds, cid, state) of
    those cids that are not `state`; `times` how long each call took, with its
    begin."""

    def __init__(self, cids, state="connected", every=0.05):
        super().__init__(every)
        self.cids = set(cids)
        self.state = state
        self.wrong = []
        self.timings = []
        self._client = None
        self._begun = time.monotonic()

    def look(self):
        if not self._client:
            os.nice(-10)        # measures the daemon, not who else runs
            self._client = client.Client()
        self._client.call("hello")      # as fast as an answer can be
        entries = self._client.list()
        for cid in self.cids:
            state = entries.get(cid, {}).get("state")
            if state != self.state and len(self.wrong) < 20:
                self.wrong.append((time.monotonic() - self._begun, cid,
                                   state))

    def report(self):
        return [self.wrong, self._client.timings]

    def take(self, report):
        self.wrong, self.timings = report

    def expect_right(self):
        expect(not self.wrong, "all %d are %s all the time: %r"
               % (len(self.cids), self.state, self.wrong))


def operations():
    """{(worker, kind): [processes]} of the operation children now."""
    found = {}
    for process in processes():
        if process.cmdline.startswith("holdfast-worker: ") \
                and process.cmdline.endswith(")") and process.state != "Z":
            kind = process.cmdline.rsplit("(", 1)[1][:-1]
            found.setdefault((process.ppid, kind), []).append(process.pid)
    return found


class OperationWatch(Background):
    """Counts the operation children over and over: `most` at one time, and
    `doubled`: more than one of a kind and worker."""

    def __init__(self, every=0.5):
        super().__init__(every)
        self.most = 0
        self.doubled = []
        self._is_nice = False

    def look(self):
        if not self._is_nice:
            os.nice(19)         # so as not to be what makes others slow
            self._is_nice = True
        found = operations()
        self.most = max(self.most, sum(map(len, found.values())))
        self.doubled += [(key, pids) for key, pids in found.items()
                         if len(pids) > 1]

    def report(self):
        return [self.most, self.doubled[:10]]

    def take(self, report):
        self.most, self.doubled = report

    def expect_one_each(self):
        expect(not self.doubled, "at most one of a kind and connection: %r"
               % self.doubled)


def mount_ids():
    """{mount point: mount ID} of all NFS mounts."""
    return {mount.point: mount.id for mount in nfs_mounts()}
