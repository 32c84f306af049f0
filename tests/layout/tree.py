# SPDX-License-Identifier: BSD-3-Clause
"""The files that the layout rules look at, and what a rule reports."""

import dataclasses
import pathlib
import subprocess

CPP = {".cc", ".h", ".hpp", ".c"}
HEADERS = {".h", ".hpp"}


@dataclasses.dataclass(frozen=True)
class Violation:
    path: str
    line: int
    text: str
    fix: str

    def __str__(self):
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.text}; {self.fix}"


class SourceFile:
    """A text file, by its path relative to the top of the tree."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.splitlines()
        self.suffix = pathlib.PurePosixPath(path).suffix

    @property
    def is_cpp(self):
        return self.suffix in CPP

    @property
    def is_python(self):
        return self.suffix == ".py" or self._interpreter("python")

    @property
    def is_shell(self):
        return self.suffix == ".sh" or self._interpreter("sh")

    def _interpreter(self, word):
        first = self.lines[0] if self.lines else ""
        return first.startswith("#!") and word in first

    @property
    def room(self):
        """The room of design: lib/<name>, daemon, hostapi, tests, configs;
        empty for files at the top."""
        parts = self.path.split("/")
        if len(parts) < 2:
            return ""
        return "/".join(parts[:2]) if parts[0] == "lib" else parts[0]


def paths_of(root):
    """Tracked and new files, without what .gitignore names."""
    done = subprocess.run(
        ["git", "-c", f"safe.directory={root}", "ls-files", "-z", "--cached",
         "--others", "--exclude-standard"],
        cwd=root, stdout=subprocess.PIPE, check=True)
    return sorted(path for path in done.stdout.decode().split("\0")
                  if path and (root / path).is_file())


def read_tree(root):
    """Every file that is UTF-8 text."""
    files = []
    for path in paths_of(root):
        try:
            files.append(SourceFile(path, (root / path).read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return files
