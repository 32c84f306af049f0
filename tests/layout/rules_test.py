# SPDX-License-Identifier: BSD-3-Clause
"""The rules themselves: each finds what it is for, and lets the rest pass."""

import pathlib
import sys
import tempfile

import includes
import rules
from tree import SourceFile

SPDX = "// SPDX-License-Identifier: BSD-3-Clause\n"


def found(rule, path, text):
    return [v.text for v in rule([SourceFile(path, text)])]


def finds(rule, path, text):
    assert found(rule, path, text), f"missed in {path}: {text!r}"


def passes(rule, path, text):
    assert not found(rule, path, text), found(rule, path, text)


def include_table():
    def line(what):
        return f"#include {what}\n"
    check = includes.includes
    passes(check, "lib/tcp/a.cc", line('"packet/frame.h"'))
    passes(check, "lib/tcp/a.cc", line('"base/seq.h"'))
    passes(check, "lib/tcp/a.cc", line("<cstdint>"))
    finds(check, "lib/tcp/a.cc", line('"worker/worker.h"'))
    finds(check, "lib/base/a.h", line('"packet/frame.h"'))
    finds(check, "lib/offload/a.h", line('"daemon/session.h"'))
    finds(check, "lib/tcp/a.cc", line("<sys/socket.h>"))
    finds(check, "lib/tcp/a.cc", line('"engine.h"'))
    passes(check, "lib/kernel/a.cc", line("<sys/socket.h>"))
    finds(check, "lib/kernel/a.cc", line("<rte_mbuf.h>"))
    finds(check, "lib/kernel/a.cc", line("<glog/logging.h>"))
    passes(check, "lib/ring/a.h", line("<rte_ring.h>"))
    finds(check, "lib/ring/a.h", line("<rte_mempool.h>"))
    passes(check, "lib/dpdkio/a.cc", line("<rte_ethdev.h>"))
    passes(check, "daemon/a.cc", line('"absl/status/status.h"'))
    passes(check, "hostapi/client.cc", line('"absl/status/status.h"'))
    finds(check, "hostapi/include/chimney/chimney.hpp",
          line('"absl/status/status.h"'))
    finds(check, "hostapi/include/chimney/chimney.h", line('"abi/hello.h"'))
    finds(check, "hostapi/client.cc", line('"tcp/engine.h"'))
    finds(check, "hostapi/client.cc", line("<rte_eal.h>"))


def sizes():
    passes(rules.file_length, "lib/tcp/a.cc", "x\n" * 400)
    finds(rules.file_length, "lib/tcp/a.cc", "x\n" * 401)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for lines, wrong in ((58, 0), (59, 1)):
            text = "int F(int a) {\n" + "  ++a;\n" * lines + "}\n"
            (root / "a.cc").write_text(text)
            got = list(rules.function_size([SourceFile("a.cc", text)], root))
            assert len(got) == wrong, got
        text = "int G(int a, int b, M<int, int> c, int d, int e, int f)\n{}\n"
        for source, wrong in ((text, 0), (text.replace("d,", "d, int z,"), 1)):
            (root / "a.cc").write_text(source)
            got = list(rules.function_size([SourceFile("a.cc", source)], root))
            assert len(got) == wrong, got


def words():
    finds(rules.unfinished_words, "lib/tcp/a.cc", "// TO" "DO: later")
    passes(rules.unfinished_words, "lib/tcp/a.cc", "int todo_list;")
    finds(rules.licence_line, "lib/tcp/a.cc", "int a;\n")
    passes(rules.licence_line, "lib/tcp/a.cc", SPDX)
    finds(rules.licence_line, "configs/lab/up", "#!/bin/bash\necho\n")
    passes(rules.licence_line, "README.md", "# chimneyd\n")
    finds(rules.machine_paths, "configs/a", "cd /ho" "me/me/src")
    passes(rules.machine_paths, "configs/a", "cd /run/chimney/x")
    finds(rules.top_level, "notes.txt", "")
    finds(rules.top_level, "src/a.cc", "")
    passes(rules.top_level, ".ci/run", "")
    finds(rules.file_names, "lib/tcp/tcp_utils.cc", "")
    finds(rules.file_names, "lib/tcp/TcpInput.cc", "")
    passes(rules.file_names, "lib/tcp/input_ack.cc", "")


def code():
    nap = "std::this_thread::sle" "ep_for(1ms);"
    finds(rules.sleeps_in_tests, "tests/unit/tcp/a_test.cc", nap)
    passes(rules.sleeps_in_tests, "tests/integration/a.cc", nap)
    finds(rules.purity, "lib/tcp/a.cc", "auto t = steady_clock::now();")
    finds(rules.purity, "lib/worker/a.cc", "LOG(INFO) << 1;")
    passes(rules.purity, "lib/worker/a.cc", "// never LOG(INFO) here")
    passes(rules.purity, "daemon/a.cc", "auto t = steady_clock::now();")
    finds(rules.include_guards, "lib/tcp/a.h", "#pra" "gma once\n")
    passes(rules.include_guards, "lib/tcp/a.h",
           "#ifndef CHIMNEY_TCP_A_H_\n#define CHIMNEY_TCP_A_H_\n")


def main():
    failed = False
    for case in (include_table, sizes, words, code):
        try:
            case()
            print(f"ok the checker: {case.__name__}")
        except AssertionError as error:
            print(f"{error}\nnot ok the checker: {case.__name__}")
            failed = True
    return 1 if failed else 0


sys.exit(main())
