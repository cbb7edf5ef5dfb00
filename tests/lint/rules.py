"""
The rules of the house that a machine can check. Each is a function of one source and the set of all paths (or, in
TREE_RULES, of all sources) that yields (line, text) or (path, line, text).
"""
import re

import layers

MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 80

PRODUCT = ("server", "ca", "db", "web")

BANNED = {
    "strcpy": "it cannot know the room: buf, snprintf or memcpy with a length",
    "strcat": "it cannot know the room: buf or snprintf",
    "sprintf": "it cannot know the room: snprintf",
    "vsprintf": "it cannot know the room: vsnprintf",
    "gets": "it cannot know the room",
    "atoi": "it cannot fail: strtol with its end looked at",
    "atol": "it cannot fail: strtol with its end looked at",
    "strtok": "it keeps state between calls and writes into its input",
    "system": "it starts a shell",
    "popen": "it starts a shell",
    "alloca": "the stack has no room to spare and cannot say so",
    "rand": "base/rnd.h",
    "srand": "base/rnd.h",
    "gmtime": "base/clock.h: its result is shared between threads",
    "localtime": "base/clock.h: a line has no time zone",
}
ONLY_IN_BASE = {
    "time": "time is an input: struct clock",
    "gettimeofday": "time is an input: struct clock",
    "clock_gettime": "time is an input: struct clock, or clock_monotonic_us",
    "getrandom": "chance is an input: struct rnd",
}

SQL = re.compile(r'^"\s*SELECT\s|\bINSERT (OR \w+ )?INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b|\bPRAGMA \w'
                 r"|\b(CREATE|DROP|ALTER) (UNIQUE )?(TABLE|INDEX|TRIGGER|VIEW)\b|\bBEGIN IMMEDIATE\b")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
FETCHED = re.compile(r"""(\b(src|href|action)\s*=\s*|url\(\s*|@import\s+|\bfetch\(\s*|\bimport\s+)["'`]?\s*(https?:)?//""")


def calls(source, names):
    for match in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(names), source.code):
        yield source.line_of(match.start()), match.group(1)


def banned_calls(source, _):
    """Calls that are never right."""
    if source.is_c:
        for line, name in calls(source, BANNED):
            yield line, f"{name}() is banned: {BANNED[name]}"


def inputs_only_in_base(source, _):
    """Time and chance are asked for in server/base alone."""
    if source.is_c and source.is_under(*PRODUCT) and not source.is_under("server/base"):
        for line, name in calls(source, ONLY_IN_BASE):
            yield line, f"{name}() outside server/base: {ONLY_IN_BASE[name]}"


def sql_only_in_db(source, _):
    """SQL is a closed list of db/."""
    if source.is_c and not source.is_under("db", "tests/unit/db", "tests/bench"):
        for line, literal in source.strings:
            if SQL.search(literal):
                yield line, f"SQL outside db/: {literal[:40]}"


def file_length(source, _):
    """A file has one noun."""
    if source.is_c or source.path.endswith(".py"):
        count = len(source.text.splitlines())
        if count > MAX_FILE_LINES:
            yield count, f"{count} lines, at most {MAX_FILE_LINES}"


def function_length(source, _):
    """From a brace alone in the first column to its fellow: how KNF writes functions and nothing else."""
    begin = None
    for line, text in enumerate(source.code.splitlines(), 1) if source.is_c else ():
        if text.rstrip() == "{":
            begin = line
        elif text.rstrip() == "}" and begin is not None:
            if line - begin - 1 > MAX_FUNCTION_LINES:
                yield begin, f"a function of {line - begin - 1} lines, at most {MAX_FUNCTION_LINES}"
            begin = None


def white_space(source, _):
    """No blanks at the end of a line, one newline at the end of the file, no carriage returns."""
    for line, text in source.lines():
        if text != text.rstrip():
            yield line, "white space at the end of the line"
    if source.text and (not source.text.endswith("\n") or source.text.endswith("\n\n")):
        yield len(source.lines()), "the file does not end with one newline"


def unfinished(source, _):
    """What is not done belongs into an issue."""
    for line, text in source.lines():
        if UNFINISHED.search(text):
            yield line, "unfinished work is an issue, not a comment"


def header_guard(source, _):
    """#ifndef FOLDER_NAME_H, #define of the same, and the #endif last."""
    if not source.path.endswith(".h"):
        return
    code = [text.strip() for text in source.code.splitlines() if text.strip()]
    guard = re.fullmatch(r"#ifndef (\w+_H)", code[0]) if code else None
    if not guard or len(code) < 3 or code[1] != "#define " + guard.group(1) or code[-1] != "#endif":
        yield 1, "no header guard around everything"
    elif not (guard.group(1) + "_").endswith("_" + re.sub(r"\W", "_", source.name).upper() + "_"):
        yield 1, f"the guard {guard.group(1)} does not end with the name of the file"


def header_says_what(source, _):
    """A header begins with what it is about."""
    if source.path.endswith(".h") and not source.text.startswith("/*"):
        yield 1, "the header does not begin with a comment"


def no_struct_typedef(source, _):
    """struct noun is written as it is."""
    if source.is_c:
        for match in re.finditer(r"\btypedef\s+(struct|union|enum)\b", source.code):
            yield source.line_of(match.start()), "a typedef hides what it is"


def nothing_fetched(source, _):
    """The page works where there is no internet."""
    if source.is_under("web"):
        for line, text in source.lines():
            if FETCHED.search(text):
                yield line, "fetched from elsewhere: the line is offline"


def run_bit(source, _):
    """A script can be started."""
    if source.is_script() and not source.executable:
        yield 1, "a script without its run bit"


SOURCE_RULES = (layers.includes, banned_calls, inputs_only_in_base, sql_only_in_db, file_length, function_length, white_space,
                unfinished, header_guard, header_says_what, no_struct_typedef, nothing_fetched, run_bit)


def listed_in_cmake(sources):
    """Every .c file is built: a CMakeLists.txt of its folder or one above names it."""
    lists = {s.folder: s.text for s in sources if s.name == "CMakeLists.txt"}
    for source in sources:
        if not source.path.endswith(".c"):
            continue
        folder = source.folder
        while True:
            name = source.path[len(folder) + 1 if folder else 0:-len(".c")]
            if re.search(r"(?<![\w/.-])%s(\.c)?(?![\w/.-])" % re.escape(name), lists.get(folder, "")):
                break
            if not folder:
                yield source.path, 1, "no CMakeLists.txt names this file"
                break
            folder = folder.rpartition("/")[0]


def guards_differ(sources):
    """Two headers with one guard: the second would be empty."""
    seen = {}
    for source in sources:
        guard = re.search(r"^#ifndef (\w+_H)$", source.code, re.M) if source.path.endswith(".h") else None
        if guard and guard.group(1) in seen:
            yield source.path, 1, f"the guard {guard.group(1)} is also that of {seen[guard.group(1)]}"
        elif guard:
            seen[guard.group(1)] = source.path


TREE_RULES = (listed_in_cmake, guards_differ)


def check(sources):
    """All that is wrong, as (path, line, rule name, text)."""
    paths = {source.path for source in sources}
    found = []
    for source in sources:
        for rule in SOURCE_RULES:
            found += [(source.path, line, rule.__name__, text) for line, text in rule(source, paths)]
    for rule in TREE_RULES:
        found += [(path, line, rule.__name__, text) for path, line, text in rule(sources)]
    return sorted(found)
