# SPDX-License-Identifier: BSD-3-Clause
"""Builds and runs suites; called by tests/run, which documents the options."""

import argparse
import concurrent.futures
import os
import sys
import time

import fuzzing
import line_coverage
import programs
import scripts
import sim_long
from results import FAILED, Case, Reporter, Result

# In this order. Suites that are not named here come last, by name.
ORDER = ("layout", "unit", "property", "script", "sim", "fuzz-corpus",
         "conformance", "integration")
# Only run when named: they measure, or take very long.
LONG = ("bench", "soak", "differential")
# Long ones with a build or a way of running of their own.
STUDIES = {"coverage": line_coverage.run, "fuzz": fuzzing.run,
           "sim-long": sim_long.run}
# A program that is in this suite too (suite: ['unit', 'thread']) is also run
# in the ThreadSanitizer build.
THREAD_SUITE = "thread"


def parse_arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no_sanitizers", action="store_true")
    parser.add_argument("--no_build", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("selected", nargs="*")
    return parser.parse_args()


class Selection:
    """Which tests the command line names: SUITE or SUITE/TEST."""

    def __init__(self, selected):
        self._selected = selected

    def takes(self, suite, name, is_long):
        if not self._selected:
            return not is_long and suite not in LONG
        return suite in self._selected or f"{suite}/{name}" in self._selected

    def unknown(self, known):
        return [word for word in self._selected if word not in known]


def suite_of(program):
    """The suite that a program is counted in."""
    others = [suite for suite in program.suites if suite != THREAD_SUITE]
    return others[0] if others else "unit"


def rank(suite):
    return (ORDER.index(suite) if suite in ORDER else len(ORDER), suite)


def list_suites(declared, found):
    by_suite = {}
    for program in declared:
        by_suite.setdefault(suite_of(program), []).append(program.name)
    long_scripts = set()
    for script in found:
        by_suite.setdefault(script.suite, []).append(script.name)
        if script.long:
            long_scripts.add(script.suite)
    for suite in sorted(by_suite, key=rank):
        note = ""
        if suite in LONG or suite in long_scripts:
            note = " (only when named)"
        print(f"{suite}{note}: {' '.join(sorted(by_suite[suite]))}")
    for study in STUDIES:
        parts = fuzzing.names(declared) if study == "fuzz" else []
        print(f"{study} (only when named): {' '.join(parts)}".rstrip(": "))


def build_variant(variant, chosen, reporter, everything=False,
                  daemon=False):
    start = time.monotonic()
    error = programs.build(variant, None if everything else chosen, daemon)
    seconds = time.monotonic() - start
    if error:
        reporter.add(Result("build", variant.folder,
                            [Case("everything compiles", FAILED)], seconds,
                            error))
    else:
        print(f"built {variant.folder} in {seconds:.0f} s", flush=True)


def run_programs(chosen, variant, jobs, reporter):
    """Several at once, then one by one those that say is_parallel: false."""
    ordered = sorted(chosen, key=lambda p: (rank(suite_of(p)), p.name))
    for together in (True, False):
        part = [p for p in ordered if p.is_parallel == together]
        with concurrent.futures.ThreadPoolExecutor(
                jobs if together else 1) as pool:
            for result in pool.map(
                    lambda p: programs.run(p, variant, suite_of(p)), part):
                reporter.add(result)


def run_scripts(chosen, suite_is, reporter):
    for script in chosen:
        if suite_is(script.suite):
            reporter.add(scripts.run(script, programs.RELEASE,
                                     programs.RELEASE.folder))


def run_sanitized(chosen, chosen_scripts, arguments, reporter):
    """Programs with every sanitizer that is for them, and the scripts that ask
    for it with the address sanitizer in the daemon."""
    wanted = [s for s in chosen_scripts if s.sanitized]
    threaded = [p for p in chosen if THREAD_SUITE in p.suites]
    for variant, part in ((programs.ADDRESS, chosen),
                          (programs.THREAD, threaded)):
        daemon = bool(wanted) and variant is programs.ADDRESS
        if not part and not daemon:
            continue
        error = programs.configure(variant)
        if error:
            reporter.add(Result("build", variant.folder,
                                [Case("meson setup", FAILED)], 0.0, error))
            continue
        names = {p.name for p in part}
        same = [p for p in programs.introspect(variant) if p.name in names]
        if not arguments.no_build:
            build_variant(variant, same, reporter, daemon=daemon)
        run_programs(same, variant, arguments.jobs, reporter)
        for script in wanted if daemon else ():
            reporter.add(scripts.run(script, variant,
                                     programs.RELEASE.folder))


def known_words(declared, found):
    known = {word for p in declared
             for word in (suite_of(p), f"{suite_of(p)}/{p.name}")}
    known |= {f"fuzz/{target}" for target in fuzzing.names(declared)}
    return known | set(STUDIES) | {
        word for s in found for word in (s.suite, f"{s.suite}/{s.name}")}


def discover(reporter):
    """(programs, scripts). When meson cannot configure the tree, that is a
    failure of its own, and the scripts are still there."""
    error = programs.configure(programs.RELEASE)
    if error:
        reporter.add(Result("build", programs.RELEASE.folder,
                            [Case("meson setup", FAILED)], 0.0, error))
        return [], scripts.find()
    return programs.introspect(programs.RELEASE), scripts.find()


def run_studies(arguments, reporter):
    named = {word.partition("/")[0] for word in arguments.selected}
    for study, run in STUDIES.items():
        if study in named:
            run(arguments, reporter)


def main():
    arguments = parse_arguments()
    reporter = Reporter(arguments.verbose)
    declared, found = discover(reporter)
    if arguments.list:
        list_suites(declared, found)
        return 0
    selection = Selection(arguments.selected)
    unknown = selection.unknown(known_words(declared, found))
    if unknown and not reporter.failed:
        print(f"no such suite or test: {' '.join(unknown)} (see --list)")
        return 2
    chosen = [p for p in declared
              if selection.takes(suite_of(p), p.name, False)]
    chosen_scripts = [s for s in found
                      if selection.takes(s.suite, s.name, s.long)]
    run_scripts(chosen_scripts, lambda suite: suite == "layout", reporter)
    others = [s for s in chosen_scripts if s.suite != "layout"]
    if (chosen or others) and declared and not arguments.no_build:
        build_variant(programs.RELEASE, chosen, reporter,
                      everything=bool(others) or not arguments.selected)
    run_programs(chosen, programs.RELEASE, arguments.jobs, reporter)
    if not arguments.no_sanitizers:
        run_sanitized([p for p in chosen if suite_of(p) not in LONG],
                      chosen_scripts, arguments, reporter)
    run_scripts(chosen_scripts, lambda suite: suite != "layout", reporter)
    run_studies(arguments, reporter)
    return reporter.finish()


sys.exit(main())
