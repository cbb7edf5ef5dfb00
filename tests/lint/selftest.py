#!/usr/bin/python3
"""Shows for every rule that it can fail, and that it leaves the right thing alone."""
import unittest

import rules
from source import Source

HEADER = "/* About it. */\n#ifndef BASE_X_H\n#define BASE_X_H\n\nint x;\n\n#endif\n"
TREE = [Source("server/base/err.h", ""), Source("ca/csr.h", ""), Source("ca/stages.h", ""), Source("db/store.h", ""),
        Source("server/http/http.h", ""), Source("server/http/internal.h", ""), Source("server/view.h", ""),
        Source("server/aws/sigv4.h", ""), Source("db/sqlite/connection.h", "")]
BODY = "int\nf(void)\n{\n%s}\n"
HALF = "TO" + "DO"

# rule: ((path, text that breaks it), ...), ((path, text that does not), ...)
CASES = {
    "includes": (
        [("ca/a.c", '#include "db/store.h"\n'), ("db/a.c", '#include "ca/csr.h"\n'), ("ca/a.c", '#include "view.h"\n'),
         ("server/base/a.c", '#include "ca/csr.h"\n'), ("server/base/a.c", "#include <cjson/cJSON.h>\n"),
         ("server/http/a.c", '#include "db/store.h"\n'), ("server/aws/a.c", '#include "db/store.h"\n'),
         ("server/a.c", "#include <sqlite3.h>\n"), ("server/a.c", "#include <microhttpd.h>\n"),
         ("server/a.c", "#include <curl/curl.h>\n"), ("server/a.c", "#include <openssl/evp.h>\n"),
         ("db/a.c", "#include <openssl/sha.h>\n"), ("db/writer.c", "#include <sqlite3.h>\n"),
         ("server/a.c", '#include "http/internal.h"\n'), ("server/a.c", '#include "ca/stages.h"\n'),
         ("server/a.c", '#include "db/sqlite/connection.h"\n'), ("ca/a.c", "  #  include <cjson/cJSON.h>\n")],
        [("ca/a.c", '#include "base/err.h"\n#include <openssl/evp.h>\n#include "ca/stages.h"\n'),
         ("db/sqlite/a.c", '#include <sqlite3.h>\n#include "db/store.h"\n'), ("server/http/a.c", "#include <microhttpd.h>\n"),
         ("server/a.c", '#include "ca/csr.h"\n#include "db/store.h"\n#include "http/http.h"\n#include <cjson/cJSON.h>\n'),
         ("server/aws/a.c", '#include "sigv4.h"\n#include <curl/curl.h>\n'), ("server/access/a.c", "#include <openssl/evp.h>\n"),
         ("ca/a.c", '/* #include "db/store.h" */\n'), ("tests/unit/db/a.c", '#include <sqlite3.h>\n')]),
    "banned_calls": (
        [("server/a.c", BODY % f"\t{name}(x);\n") for name in rules.BANNED] + [("tests/unit/a.c", "x = atoi (y);\n")],
        [("server/a.c", "/* never strcpy(a, b) */\n"), ("server/a.c", 'log("gets(x)");\n'), ("server/a.c", "my_gets(x);\n"),
         ("server/a.c", "clock->system(x);\n"), ("server/a.c", "snprintf(x); gmtime_r(a, b);\n")]),
    "inputs_only_in_base": (
        [("db/a.c", f"{name}(x);\n") for name in rules.ONLY_IN_BASE],
        [("server/base/a.c", "clock_gettime(x, y);\n"), ("tests/bench/a.c", "time(NULL);\n"), ("ca/a.c", "runtime(1);\n")]),
    "sql_only_in_db": (
        [("server/a.c", f's = "{text}";\n') for text in (
            "SELECT x", "INSERT INTO t", "INSERT OR IGNORE INTO t", "UPDATE t SET x", "DELETE FROM t", "PRAGMA x",
            "CREATE TABLE t", "BEGIN IMMEDIATE")],
        [("db/a.c", 's = "SELECT x FROM t";\n'), ("server/a.c", 's = "please SELECT one";\n/* SELECT x */\n'),
         ("tests/unit/db/a.c", 's = "DELETE FROM t";\n')]),
    "file_length": (
        [("ca/a.c", "int x;\n" * (rules.MAX_FILE_LINES + 1)), ("tests/a.py", "x\n" * (rules.MAX_FILE_LINES + 1))],
        [("ca/a.c", "int x;\n" * rules.MAX_FILE_LINES)]),
    "function_length": (
        [("ca/a.c", BODY % ("\tx();\n" * (rules.MAX_FUNCTION_LINES + 1)))],
        [("ca/a.c", BODY % ("\tx();\n" * rules.MAX_FUNCTION_LINES) * 3),
         ("ca/a.c", "struct x {\n" + "\tint y;\n" * 200 + "};\n")]),
    "white_space": (
        [("ca/a.c", "int x; \n"), ("web/a.css", "a\t\n"), ("a.md", "a\r\n"), ("ca/a.c", "int x;"), ("ca/a.c", "int x;\n\n")],
        [("ca/a.c", "int x;\n\nint y;\n"), ("ca/a.c", "")]),
    "unfinished": (
        [("ca/a.c", f"/* {HALF}: the rest */\n"), ("deploy/run", f"# {HALF}\n")],
        [("ca/a.c", "/* done */\n"), ("deploy/run", "mktemp check.XXXXXX\n")]),
    "header_guard": (
        [("server/base/x.h", "/* About it. */\nint x;\n"), ("server/base/y.h", HEADER),
         ("server/base/x.h", HEADER + "int y;\n"), ("server/base/x.h", HEADER.replace("#define BASE", "#define BASS"))],
        [("server/base/x.h", HEADER), ("server/base/x.h", HEADER.replace("#endif", "#endif /* BASE_X_H */"))]),
    "header_says_what": (
        [("server/base/x.h", HEADER.partition("\n")[2])],
        [("server/base/x.h", HEADER)]),
    "no_struct_typedef": (
        [("ca/a.h", "typedef struct a {\n\tint x;\n} a;\n")],
        [("ca/a.h", "typedef int (*f)(void);\n/* typedef struct */\n")]),
    "nothing_fetched": (
        [("web/index.html", '<script src="https://cdn.example/x.js">\n'), ("web/a.css", "a { b: url(//x.example/y) }\n"),
         ("web/app.js", 'fetch("http://x.example/")\n'), ("web/a.css", '@import "https://x.example/";\n')],
        [("web/index.html", '<script src="/app.js"></script>\n<svg xmlns="http://www.w3.org/2000/svg">\n')]),
    "run_bit": (
        [("deploy/x", "#!/bin/sh\n")],
        []),
}

# rule: ([sources that break it], [sources that do not]), each with the whole tree
TREE_CASES = {
    "listed_in_cmake": (
        [("ca/a.c", ""), ("ca/CMakeLists.txt", "add_library(x aa.c b/a.c a.cc)\n"), ("CMakeLists.txt", "a.c\n")],
        [("ca/a.c", ""), ("db/sqlite/b.c", ""), ("tests/unit/ca/test_c.c", ""),
         ("ca/CMakeLists.txt", "add_library(x\n    a.c)\n"), ("db/CMakeLists.txt", "add_library(x sqlite/b.c)\n"),
         ("tests/unit/ca/CMakeLists.txt", "lineca_unit_test(test_c lineca_ca)\n")]),
    "guards_differ": (
        [("server/base/x.h", HEADER), ("ca/x.h", HEADER)],
        [("server/base/x.h", HEADER), ("ca/x.h", HEADER.replace("BASE_X_H", "CA_X_H"))]),
}


class EveryRule(unittest.TestCase):

    def test_has_cases(self):
        self.assertEqual(set(CASES), {rule.__name__ for rule in rules.SOURCE_RULES})
        self.assertEqual(set(TREE_CASES), {rule.__name__ for rule in rules.TREE_RULES})

    def test_can_fail(self):
        for name, (bad, good) in CASES.items():
            rule = next(r for r in rules.SOURCE_RULES if r.__name__ == name)
            for path, text in bad:
                with self.subTest(rule=name, breaks=path, text=text[:80]):
                    self.assertTrue(list(rule(Source(path, text), {s.path for s in TREE})))
            for path, text in good:
                with self.subTest(rule=name, keeps=path, text=text[:80]):
                    self.assertEqual(list(rule(Source(path, text), {s.path for s in TREE})), [])

    def test_over_the_tree_can_fail(self):
        for name, (bad, good) in TREE_CASES.items():
            rule = next(r for r in rules.TREE_RULES if r.__name__ == name)
            with self.subTest(rule=name):
                self.assertEqual(len(list(rule([Source(*case) for case in bad]))), 1)
                self.assertEqual(list(rule([Source(*case) for case in good])), [])

    def test_is_called_by_check_and_names_the_line(self):
        found = rules.check([Source("ca/a.c", "int x;\nint y; \n"), Source("ca/CMakeLists.txt", "a.c\n")])
        self.assertEqual([(path, line, rule) for path, line, rule, _ in found], [("ca/a.c", 2, "white_space")])

    def test_run_bit_is_enough(self):
        self.assertEqual(list(rules.run_bit(Source("deploy/x", "#!/bin/sh\n", executable=True), set())), [])


if __name__ == "__main__":
    unittest.main()
