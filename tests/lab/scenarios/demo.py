# SPDX-License-Identifier: LGPL-2.1-or-later
"""what `make demo` shows is so: each promise is checked, up to the end"""

from demo import run  # noqa: F401

NEEDS = ("nfs", "iscsi", "daemon", "command")
