# SPDX-License-Identifier: LGPL-2.1-or-later
"""two ifaces to one iSCSI target are two connections, each its own session"""

from lab import expect, sessions, wait_until

NEEDS = ("iscsi", "daemon")


def run(lab):
    target = lab.target()
    initiator = lab.initiator()
    for words in (("-o", "new"), ("-o", "update", "-n",
                                  "iface.transport_name", "-v", "tcp")):
        initiator.iscsiadm("-m", "iface", "-I", "second", *words)
    client = lab.daemon().client()
    client.manage(target.uri(), "default")
    client.manage(target.uri(query="iface=second"), "second")
    client.manage(target.uri(query="iface=nowhere"), "nowhere")
    found = {}
    for cid in ("default", "second"):
        client.wait(cid)
        entry = wait_until(lambda: [e for e in (client.list()[cid],)
                                    if e["path"]], 10, cid + " has a disk")[0]
        found[entry["connectionInfo"]["session"]] = (
            entry["connectionInfo"]["iface"], entry["path"])
    expect(found == {s.sid: (s.iface, "/dev/" + s.disks[0])
                     for s in sessions()} and len(found) == 2,
           "two sessions: %r; %r" % (found, sessions()))
    wait_until(lambda: client.list()["nowhere"]["error"], 15,
               "an iface that there is not is an error")
    lab.note("nowhere: %r" % client.list()["nowhere"]["error"])

    client.unmanage("default")
    wait_until(lambda: [s.iface for s in sessions()] == ["second"], 10,
               lambda: "one is gone: %r" % sessions())
    client.unmanage("second")
    wait_until(lambda: not sessions(), 10, lambda: "both are gone: %r"
               % sessions())
