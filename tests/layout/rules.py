# SPDX-License-Identifier: BSD-3-Clause
"""The rules about names, sizes and words. Each takes the list of files and
yields violations."""

import json
import pathlib
import re
import subprocess

from tree import CPP, HEADERS, Violation

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6

TOP_LEVEL = {
    "daemon", "hostapi", "lib", "tests", "configs", "meson.build",
    "meson_options.txt", "README.md", "LICENSE", ".ci", ".clang-format",
    ".clang-tidy", ".editorconfig", ".gitignore",
}
PURE_ROOMS = {"lib/base", "lib/packet", "lib/tcp", "lib/offload",
              "lib/worker", "lib/abi"}
NEEDS_LICENCE = CPP | {".py", ".sh", ".def", ".flags", ".service", ".map",
                       ".lua"}

# Spelled so that this file does not contain what it forbids.
_UNFINISHED = re.compile(r"\b(" + "|".join(
    ("TO" "DO", "FIX" "ME", "X" "X" "X", "HA" "CK")) + r")\b")
_MACHINE_PATH = re.compile(r"(?<![\w.}$*])/(work|home|root|Users|tmp)/\w")
_SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
_CLOCK = re.compile(r"(_clock::now|\brdtsc|rte_rdtsc|__rdtsc|clock_gettime"
                    r"|gettimeofday|std::time\()")
_IMPURE = re.compile(r"\b(printf|fprintf|std::cout|std::cerr|LOG\(|throw\b"
                     r"|try\s*\{|malloc\(|calloc\()")
_VAGUE = re.compile(r"(^|_)(utils?|common|misc|helpers?)(_|\.|$)")


def top_level(files):
    for name in sorted({f.path.split("/")[0] for f in files}):
        if name not in TOP_LEVEL:
            yield Violation(name, 0, "is not a name of the top level",
                            "move it into a room")


def file_length(files):
    for f in files:
        if (f.is_cpp or f.is_python or f.is_shell) and \
                len(f.lines) > MAX_FILE_LINES:
            yield Violation(f.path, 0, f"has {len(f.lines)} lines",
                            f"split it by verb, at most {MAX_FILE_LINES}")


def licence_line(files):
    for f in files:
        wanted = f.suffix in NEEDS_LICENCE or f.is_python or f.is_shell or \
            f.path.endswith("meson.build")
        if wanted and not any("SPDX-License-Identifier: BSD-3-Clause" in line
                              for line in f.lines[:3]):
            yield Violation(f.path, 1, "no SPDX line",
                            "begin it with SPDX-License-Identifier: "
                            "BSD-3-Clause")


def unfinished_words(files):
    for f in files:
        for number, line in enumerate(f.lines, 1):
            match = _UNFINISHED.search(line)
            if match:
                yield Violation(f.path, number, f"says {match[1]}",
                                "finish it or open an issue")


def machine_paths(files):
    for f in files:
        for number, line in enumerate(f.lines, 1):
            match = _MACHINE_PATH.search(line)
            # The template of a temporary name is no path of one machine.
            if match and "XXXXXX" not in line:
                yield Violation(f.path, number,
                                f"names a path of one machine ({match[0]}...)",
                                "use a path relative to the source tree, "
                                "/run, or a temporary name")


def sleeps_in_tests(files):
    for f in files:
        if f.room != "tests" or f.path.startswith("tests/integration/") or \
                not (f.is_cpp or f.is_python):
            continue
        for number, line in enumerate(f.lines, 1):
            match = _SLEEP.search(line)
            if match:
                yield Violation(f.path, number, f"sleeps ({match[1]})",
                                "use the virtual clock, or move the test to "
                                "tests/integration")


def purity(files):
    for f in files:
        if f.room not in PURE_ROOMS or not f.is_cpp:
            continue
        for number, line in enumerate(f.lines, 1):
            code = line.split("//")[0]
            match = _CLOCK.search(code)
            if match:
                yield Violation(f.path, number, f"reads a clock ({match[1]})",
                                "take the time as an argument (D7)")
            match = _IMPURE.search(code)
            if match:
                yield Violation(f.path, number,
                                f"a pure room may not use {match[1].strip()}",
                                "return a reason or a value instead (D7)")


def file_names(files):
    for f in files:
        name = pathlib.PurePosixPath(f.path).name
        if not f.is_cpp and not f.is_python:
            continue
        if _VAGUE.search(name):
            yield Violation(f.path, 0, "its name says nothing",
                            "name it after what it does")
        elif not re.fullmatch(r"[a-z0-9_]+(\.[a-z]+)?", name):
            yield Violation(f.path, 0, "its name is not snake_case",
                            "rename it")


def include_guards(files):
    for f in files:
        if f.suffix not in HEADERS:
            continue
        guard = re.search(r"^#ifndef (CHIMNEY_\w+_H(PP)?_)\n#define \1$",
                          f.text, re.MULTILINE)
        if not guard:
            yield Violation(f.path, 1, "no include guard of the house",
                            "use #ifndef CHIMNEY_ROOM_FILE_H_ and #define")


def function_size(files, root=None):
    """Lines and parameters of functions, from universal-ctags."""
    names = [f.path for f in files if f.is_cpp or f.is_python]
    if not names:
        return
    done = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+neS", "-L", "-",
         "--kinds-C++=f", "--kinds-C=f", "--kinds-Python=fm",
         "--langmap=C++:+.h", "-f", "-"],
        cwd=root, input="\n".join(names), stdout=subprocess.PIPE, text=True,
        check=True)
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        if "end" not in tag:
            continue
        length = tag["end"] - tag["line"] + 1
        if length > MAX_FUNCTION_LINES:
            yield Violation(tag["path"], tag["line"],
                            f"{tag['name']} has {length} lines",
                            f"split it, at most {MAX_FUNCTION_LINES}")
        count = _parameters(tag.get("signature", "()"))
        if count > MAX_PARAMETERS and not tag["path"].endswith(".py"):
            yield Violation(tag["path"], tag["line"],
                            f"{tag['name']} takes {count} parameters",
                            "pass a struct with designated initialisers")


def _parameters(signature):
    """Parameters of "(int a, std::map<int, int> b)": commas at depth one."""
    depth, count, empty = 0, 1, True
    for character in signature:
        if character in "(<[{":
            depth += 1
        elif character in ")>]}":
            depth -= 1
        elif character == "," and depth == 1:
            count += 1
        elif not character.isspace():
            empty = False
    return 0 if empty else count
