#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""configs/chimneyd.flags lists every flag of chimneyd with its default, and
no flagfile names a flag that chimneyd does not have.

    tests/integration/flagfile_test.py --print     what is missing, ready to be
                                                   put into the file
"""

import os
import pathlib
import re
import subprocess
import sys
import textwrap
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))

from lab import ROOT, cases  # noqa: E402

# What every program with gflags has.
GFLAGS_OWN = {"flagfile", "fromenv", "tryfromenv", "undefok", "help",
              "version"}
LISTED = re.compile(r"^(?:# )?--(\w+)(?:=(.*))?$")


def flags_of_chimneyd():
    """name → (default, meaning) of the flags that the daemon defines."""
    build = pathlib.Path(os.environ.get("CHIMNEY_BUILD", "build"))
    done = subprocess.run([ROOT / build / "daemon/chimneyd", "--helpxml"],
                          stdout=subprocess.PIPE, text=True)
    text = done.stdout[done.stdout.index("<?xml"):]
    flags = {}
    for flag in xml.etree.ElementTree.fromstring(text).iter("flag"):
        if re.search(r"(^|/)daemon/", flag.findtext("file") or ""):
            flags[flag.findtext("name")] = (flag.findtext("default") or "",
                                            flag.findtext("meaning") or "")
    return flags


def listed_in(path):
    """name → value of every flag line of a flagfile, comments included."""
    found = {}
    for line in path.read_text().splitlines():
        match = LISTED.match(line)
        if match:
            assert match[1] not in found, f"--{match[1]} stands there twice"
            found[match[1]] = match[2] or ""
    return found


def print_missing(flags, listed):
    for name, (default, meaning) in flags.items():
        if listed.get(name) != default:
            print(textwrap.fill(meaning, 78, initial_indent="# ",
                                subsequent_indent="# "))
            print(f"# --{name}={default}\n")


def main():
    flags = flags_of_chimneyd()
    full = ROOT / "configs/chimneyd.flags"
    if sys.argv[1:] == ["--print"]:
        print_missing(flags, listed_in(full))
        return
    with cases() as case:
        with case("chimneyd.flags lists every flag with its default"):
            listed = listed_in(full)
            wrong = [f"--{name}={default}"
                     for name, (default, _) in flags.items()
                     if listed.get(name) != default]
            assert not wrong, f"missing or different: {wrong}"
        for path in sorted((ROOT / "configs").rglob("*.flags")):
            with case(f"{path.name} names no unknown flag"):
                unknown = set(listed_in(path)) - set(flags) - GFLAGS_OWN
                assert not unknown, f"unknown: {sorted(unknown)}"


main()
