#!/usr/bin/python3
"""lint.py [ROOT]: holds the sources against the rules of the house, and says where they break them."""
import os
import sys

import rules
import source


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    sources = source.load(root)
    if not any(s.path == "server/base/err.h" for s in sources):
        sys.exit(f"{root}: not this project")
    found = rules.check(sources)
    for path, line, rule, text in found:
        print(f"{path}:{line}: {text} [{rule}]")
    print(f"{len(sources)} files, {len(rules.SOURCE_RULES) + len(rules.TREE_RULES)} rules, {len(found)} found")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
