# SPDX-License-Identifier: LGPL-2.1-or-later
"""redteambuild.py - the attacking programs of tests/redteam, and what they say

Runs in: a lab guest
"""

import os
import re

from kernel import expect, read_text, sh

RED = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "build", "tests", "redteam")
# The real one, as it is installed.
WORKER = "/usr/libexec/holdfast/holdfast-worker"

# FAILED of tests/redteam/control.c: it could not even take the step, or died.
NOT_TRIED = 255


def control(step):
    """{act: errno}, 0 for done, by root and with that step alone."""
    done = sh(os.path.join(RED, "control"), step, timeout=120)
    result = {name: int(number) for name, number in
              (line.split() for line in done.stdout.splitlines())}
    lost = [name for name, number in result.items() if number == NOT_TRIED]
    expect(not lost, "with %s not tried: %s" % (step, lost))
    return result


def said(path, role):
    """{act: errno} of what a process has logged."""
    found = {}
    for line in read_text(path).splitlines():
        match = re.search(r"redteam %s: (.*)" % role, line)
        if match:
            found.update((name, int(number)) for name, number in re.findall(
                r"(\w+)=(\d+)", match.group(1)))
    return found
