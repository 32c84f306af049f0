# SPDX-License-Identifier: BSD-3-Clause
"""Applies every rule to the tree; one case a rule."""

import pathlib
import sys

import includes
import rules
from tree import read_tree

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    files = read_tree(ROOT)
    checks = {
        "top level": rules.top_level,
        "may use": includes.includes,
        "file length": rules.file_length,
        "function size": lambda fs: rules.function_size(fs, ROOT),
        "licence line": rules.licence_line,
        "unfinished words": rules.unfinished_words,
        "paths of one machine": rules.machine_paths,
        "sleeps in tests": rules.sleeps_in_tests,
        "pure rooms": rules.purity,
        "file names": rules.file_names,
        "include guards": rules.include_guards,
    }
    failed = False
    for name, check in checks.items():
        violations = list(check(files))
        for violation in violations:
            print(violation)
        print(f"{'not ok' if violations else 'ok'} {name}")
        failed = failed or bool(violations)
    return 1 if failed else 0


sys.exit(main())
