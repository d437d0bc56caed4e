# SPDX-License-Identifier: LGPL-2.1-or-later
"""a name that stops resolving: what is up stays up, what is down comes back with it"""

from lab import Pinned, expect, nfs_mounts, wait_until

NEEDS = ("nfs", "netem", "daemon")
HOSTS = "/etc/hosts"


def write_hosts(text):
    """In place: the workers' jails show this very file."""
    with open(HOSTS, "r+", encoding="ascii") as file:
        file.truncate()
        file.write("127.0.0.1 localhost\n" + text)


def run(lab):
    first = lab.server({"/vms": None}, isolated=True)
    second = lab.server({"/vms": None}, isolated=True)
    name = "%s nas1\n"
    write_hosts(name % first.address)
    daemon = lab.daemon({"retry": {"min_ms": 200, "max_ms": 2000,
                                   "blocked_ms": 2000}})
    client = daemon.client()
    client.manage("nfs://nas1/vms", "up")
    pin = Pinned(client.wait("up")["path"])

    write_hosts("")
    client.manage("nfs://nas1/vms?vers=3", "down")
    wait_until(lambda: client.list()["down"]["lastError"] == 1020, 30,
               lambda: "no such name: %r" % client.list()["down"])
    expect(client.state("up") == "connected", "the mount needs no name")
    # Its server gone as well, it is out of reach, and left alone.
    first.link_down()
    wait_until(lambda: client.state("up") == "unresponsive", 20, "an outage")
    pin.expect_there("without its name")

    write_hosts(name % first.address)
    first.link_up()
    for cid in ("up", "down"):
        client.wait(cid, timeout=60)
    pin.expect_there("with its name again")
    pin.close()

    # The name moves: what is mounted anew goes to where it leads now.
    write_hosts(name % second.address)
    second.write("/vms/here", "second")
    for cid in ("up", "down"):
        client.unmanage(cid)
        client.wait(cid, until="gone")
    client.manage("nfs://nas1/vms", "moved")
    path = client.wait("moved")["path"]
    with open(path + "/here", encoding="ascii") as file:
        expect(file.read() == "second", "the name's new server")
    options = nfs_mounts()[0].super_options
    expect("addr=" + second.address in options, "by address: %r" % options)
