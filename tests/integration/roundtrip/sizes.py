# SPDX-License-Identifier: BSD-3-Clause
"""How much the round-trip tests do: little by default, all that the project
promises with CHIMNEY_TEST_FULL=1; single values by their own variables."""

import os

FULL = os.environ.get("CHIMNEY_TEST_FULL", "") not in ("", "0")


def size(name, short, full):
    """The value of the environment variable `name`, or one of the two."""
    return int(os.environ.get(name) or (full if FULL else short))


MIB = 1 << 20
