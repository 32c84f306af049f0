#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every test that lib/tcp/COMPLIANCE.md names as a proof is there."""

import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "lib/tcp/COMPLIANCE.md"
DEFINED = re.compile(r"TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)")
NAMED = re.compile(r"\b([A-Z]\w+)\.([A-Z]\w*\*?|\*)")


def defined():
    """Suite.Test of every GoogleTest case."""
    names = set()
    for path in (ROOT / "tests").rglob("*.cc"):
        for suite, test in DEFINED.findall(path.read_text(errors="replace")):
            names.add(f"{suite}.{test}")
    return names


def named():
    """(line number, Suite.Test, * for any) in the last column of the table."""
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line.startswith("| ") or line.startswith("| RFC"):
            continue
        for suite, test in NAMED.findall(line.rstrip(" |").split("|")[-1]):
            yield number, f"{suite}.{test}"


def main():
    there = defined()
    missing = [(number, name) for number, name in named()
               if not fnmatch.filter(there, name)]
    for number, name in missing:
        print(f"not ok {TABLE.relative_to(ROOT)}:{number}: no test {name}")
    if not missing:
        print("ok every proof in COMPLIANCE.md is a test")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
