# SPDX-License-Identifier: LGPL-2.1-or-later
"""what was made durable lasts over boots, and what was not is lost"""

import os

from lab import expect, mounts_at

NEEDS = ()


def first(lab):
    expect(mounts_at("/var/lib/holdfast"), "the store is on the image")
    lab.keep("durable", "kept")
    with open("/var/lib/holdfast/lazy", "w", encoding="utf-8") as file:
        file.write("written, not synced")


def second(lab):
    expect(lab.stage == 1, "the second boot is stage 1")
    expect(lab.kept_text("durable") == "kept", "the file is there")
    lazy = "/var/lib/holdfast/lazy"
    expect(not os.path.exists(lazy) or os.path.getsize(lazy) == 0,
           "a boot ends with a power cut, not with a sync")


boots = [first, second]
