# SPDX-License-Identifier: LGPL-2.1-or-later
"""claims of different LUNs share a session, each leads to its own disk"""

from lab import Claim, by_id, expect, read_disk, sessions

NEEDS = ("iscsi", "daemon")


def run(lab):
    target = lab.target({"disks": {0: 8, 1: 8, 12: 8}, "high": {3: 8, 5: 8}})
    for name, luns in target.targets.items():
        for lun in luns:
            with open(target.backing(lun, name), "r+b") as file:
                file.write(b"%s %d." % (name.encode(), lun))
    lab.initiator()
    daemon = lab.daemon()
    client = daemon.client()
    claims = [Claim("zero", target, 0, "disks"),
              Claim("one", target, 1, "disks"),
              Claim("twelve", target, 12, "disks"),
              Claim("lowest", target, None, "disks"),
              Claim("absent", target, 7, "disks"),
              Claim("high", target, None, "high"),
              Claim("five", target, 5, "high")]
    sids = {claim.connect(client).sid for claim in claims}
    expect(len(sids) == len(sessions()) == 2, "two sessions: %r" % sessions())
    expect(len(daemon.workers()) == 2, "two workers: %r" % daemon.workers())
    paths = {cid: entry["path"] for cid, entry in client.list().items()}
    lab.note("paths: %r" % paths)
    for cid, has in (("zero", b"disks 0."), ("one", b"disks 1."),
                     ("twelve", b"disks 12."), ("lowest", b"disks 0."),
                     ("high", b"high 3."), ("five", b"high 5.")):
        found = read_disk(by_id(cid), 512)[:len(has)]
        expect(found == has, "by-id/%s has %r, not %r" % (cid, found, has))
    expect(paths["absent"] == "" and paths["zero"] == paths["lowest"],
           "paths: %r" % paths)

    # A disk's claim goes without the others' disks.
    client.unmanage("zero")
    client.unmanage("lowest")
    for claim in claims:
        if claim.cid not in ("zero", "lowest"):
            claim.agrees(client)
    for cid in list(client.list()):
        client.unmanage(cid)
    for claim in claims:
        claim.wait_until_gone()
