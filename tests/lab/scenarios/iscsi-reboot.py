# SPDX-License-Identifier: LGPL-2.1-or-later
"""after a power cut every iSCSI claim is logged in again, by holdfast alone"""

import os

from lab import (Claim, by_id, expect, never_within, read_disk, read_text,
                 sessions, wait_until, write_credentials, write_disk)

NEEDS = ("iscsi", "daemon")
SECRET = {"username": "host", "password": "outlasts-a-boot"}
WRITTEN = b"written before the power cut"


def machines(lab):
    """The same target at every boot, with what is on its disks."""
    target = lab.target({"plain": {0: 4, 1: 4}, "inline": {0: 4},
                         "file": {0: 4}, "late": {0: 4}},
                        folder=os.path.join(lab.kept, "target"))
    target.chap(name="inline", **SECRET)
    target.chap(name="file", **SECRET)
    write_credentials("nas", **SECRET)
    claims = [Claim("plain", target, name="plain"),
              Claim("lun", target, lun=1, name="plain"),
              Claim("inline", target, name="inline"),
              Claim("file", target, name="file"),
              Claim("late", target, name="late")]
    return target, lab.initiator(kept=lab.kept), claims


def first(lab):
    target, _, claims = machines(lab)
    plain, lun, inline, file, late = claims
    client = lab.daemon().client()
    expect(client.list() == {}, "nothing is claimed at first")
    plain.connect(client)
    lun.connect(client)
    inline.connect(client, **SECRET)
    file.connect(client, auth="nas")
    write_disk(by_id("lun"), WRITTEN)
    expect(target.read(len(WRITTEN), lun=1, name="plain") == WRITTEN,
           "the target has it")
    released = Claim("released", target, name="late")
    released.connect(client)
    client.unmanage("released")
    released.wait_until_gone()
    # Answered, so durable: the power goes as soon as this returns.
    late.manage(client)


def second(lab):
    _, initiator, claims = machines(lab)
    expect(not sessions(), "the boot is a new one")
    records = initiator.records()
    expect(records, "open-iscsi's records are those of before")
    for record in records:
        expect("node.startup = manual" in read_text(record),
               "%s is not logged in at a boot" % record)
    never_within(sessions, 1, "somebody else logs in")

    client = lab.daemon().client()
    expect(sorted(client.list()) == sorted(c.cid for c in claims),
           "claims: %r" % sorted(client.list()))
    for claim in claims:
        client.wait(claim.cid)
        claim.agrees(client)
    expect(len(sessions()) == 4, "four sessions: %r" % sessions())
    expect(read_disk(by_id("lun"), 512).startswith(WRITTEN),
           "what was written is there")
    for claim in claims:
        client.unmanage(claim.cid)
    wait_until(lambda: not sessions(), 15, "what a boot logged in goes, too")


boots = [first, second]
