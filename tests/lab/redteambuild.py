# SPDX-License-Identifier: LGPL-2.1-or-later
"""redteambuild.py - where the attacking programs of tests/redteam are

Runs in: a lab guest
"""

import os

RED = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "build", "tests", "redteam")
# The real one, as it is installed.
WORKER = "/usr/libexec/holdfast/holdfast-worker"
