# SPDX-License-Identifier: LGPL-2.1-or-later
"""link.py - what servers of a lab guest share: a network of their own

Runs in: a lab guest, as root
Trusts: iproute2
Invariant: every link has addresses and a name that no other in the guest has,
  whatever kind of server is behind it.
"""

from kernel import Failed, sh


class Linked:
    """A server that can live in a network namespace behind a veth pair.

    Whoever inherits calls make_link() with a process of that namespace; then
    the server's address is `address`, with ipv6=True also `address6`, and this
    host's end is the interface `link`. Without, it is on the loopback and has
    no link.
    """

    _links = 0

    address = "127.0.0.1"
    address6 = "::1"
    link = None

    def make_link(self, pid, ipv6=False):
        sh("modprobe", "-a", "veth", *(["ipv6"] if ipv6 else []))
        Linked._links += 1
        number = Linked._links
        self.link = "lab%d" % number
        self._namespace = str(pid)
        here, self.address = ("10.77.%d.%d" % (number, n) for n in (1, 2))
        here6, self.address6 = ("fd77:%d::%d" % (number, n) for n in (1, 2))
        self._here6 = here6 if ipv6 else None
        sh("ip", "link", "add", self.link, "type", "veth", "peer", "name",
           "eth0", "netns", self._namespace)
        for run, link, address, address6 in (
                (sh, self.link, here, here6),
                (self._there, "eth0", self.address, self.address6)):
            run("ip", "addr", "add", address + "/24", "dev", link)
            if ipv6:
                self._give6(run, link, address6)
            run("ip", "link", "set", link, "up")
        self._there("ip", "link", "set", "lo", "up")

    # Without waiting for who else might have that address.
    @staticmethod
    def _give6(run, link, address6):
        run("ip", "addr", "replace", address6 + "/64", "dev", link, "nodad")

    def _there(self, *argv):
        return sh("nsenter", "-t", self._namespace, "--net", *argv)

    def _need_link(self):
        if not self.link:
            raise Failed("this needs %s(isolated=True)" % type(self).__name__)

    def link_down(self):
        """The cable is out: this host knows."""
        self._need_link()
        sh("ip", "link", "set", self.link, "down")

    # With the link down the kernel has forgotten its address of IPv6.
    def link_up(self):
        sh("ip", "link", "set", self.link, "up")
        if self._here6:
            self._give6(sh, self.link, self._here6)

    # By netem at both ends, since this kernel has no nftables for IP. What
    # netem loses, the sender believes sent.
    def drop(self):
        """Packets vanish on the way, in both directions; nobody is told."""
        self.netem("loss", "100%")
        self._there("tc", "qdisc", "add", "dev", "eth0", "root", "netem",
                    "loss", "100%")

    def undrop(self):
        self._there("tc", "qdisc", "del", "dev", "eth0", "root")
        self.netem()

    def netem(self, *words):
        """What this host sends, e.g. netem("delay", "200ms", "loss", "5%");
        netem() ends it."""
        self._need_link()
        sh("modprobe", "sch_netem")
        if words:
            sh("tc", "qdisc", "replace", "dev", self.link, "root", "netem",
               *words)
        else:
            sh("tc", "qdisc", "del", "dev", self.link, "root")
