# SPDX-License-Identifier: LGPL-2.1-or-later
"""random faults and calls against a model of what must be true at the end"""

import os

from chaos import Chaos
from kernel import Failed
from lab import read_text

NEEDS = ("nfs", "iscsi", "netem", "daemon")
TIME_LIMIT_S = 600
STEPS = 150
SECONDS = 100


def word(name, otherwise):
    """What tests/lab/run --seed and --steps pass on."""
    for part in read_text("/proc/cmdline").split():
        if part.startswith(name + "="):
            return int(part.split("=")[1])
    return otherwise


def run(lab):
    seed = word("lab_seed", int.from_bytes(os.urandom(4), "big"))
    steps = word("lab_steps", 0)
    lab.note("seed %d: tests/lab/run --seed %d --steps %d chaos"
             % (seed, seed, steps or STEPS))
    chaos = Chaos(lab, seed)
    try:
        chaos.run(steps or STEPS, 10 ** 6 if steps else SECONDS)
        chaos.end()
    except Failed:
        lab.note("events: %r" % chaos.client.call(
            "events", max(0, chaos.seen_events - 60))["events"])
        raise
    lab.note("seed %d: %d steps, and the end is as the model says"
             % (seed, chaos.number))
