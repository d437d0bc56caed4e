# SPDX-License-Identifier: LGPL-2.1-or-later
"""who logs in by hand during an attempt that fails keeps his session"""

from kernel import Background
from lab import Claim, expect, never_within, sessions, wait_until

NEEDS = ("iscsi", "netem", "daemon")


class Retries(Background):
    """So that an attempt is under way whenever he does."""

    def __init__(self, daemon):
        super().__init__(0.1)
        self.daemon = daemon
        self.client = None

    def look(self):
        self.client = self.client or self.daemon.client()
        self.client.call("retry", "a")

    def report(self):
        return None

    def take(self, report):
        pass


def run(lab):
    target = lab.target(isolated=True)
    target.chap("user", "right-secret")
    initiator = lab.initiator()
    # Before: a record that he makes during an attempt races with ours.
    initiator.record(target, settings={
        "node.session.auth.authmethod": "CHAP",
        "node.session.auth.username": "user",
        "node.session.auth.password": "right-secret"})
    daemon = lab.daemon()
    client = daemon.client()
    claim = Claim("a", target)
    target.netem("delay", "400ms")
    claim.manage(client, username="user", password="wrong-secret-1")
    with Retries(daemon):
        wait_until(lambda: client.list()["a"]["attempts"] > 1, 20, "attempts")
        initiator.node(target, "--login")
        wait_until(lambda: client.state("a") == "connected", 20,
                   "what he made is used")
    expect(client.list()["a"]["connectionInfo"]["adopted"] is True,
           "it is his: %r" % client.list())
    target.netem()
    client.unmanage("a")
    never_within(lambda: not sessions(), 4, "it is logged out")
