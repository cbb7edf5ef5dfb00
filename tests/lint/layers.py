"""Who may include whom: the folders of the house, and the room of each library."""
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)

# The innermost room that holds a folder comes first.
ROOMS = ("server/base", "server/http", "server/aws", "server", "ca", "db", "web", "tests")

MAY_INCLUDE = {
    "server/base": {"server/base"},
    "ca": {"ca", "server/base"},
    "db": {"db", "server/base"},
    "web": {"web", "server/base"},
    "server/aws": {"server/aws", "server/base"},
    "server/http": {"server/http", "server/base"},
    "server": {"server", "server/http", "server/aws", "server/base", "ca", "db", "web"},
    "tests": set(ROOMS),
}

# A header of a library, and the only folders that may see it.
LIBRARIES = (
    (r"sqlite3(ext)?\.h", ("db/sqlite", "tests/unit/db", "tests/bench")),
    (r"microhttpd\.h", ("server/http",)),
    (r"curl/.*", ("server/aws",)),
    (r"gnutls/.*", ("server/http", "tests/unit/http")),
    (r"openssl/.*", ("ca", "server/access", "server/aws", "tests")),
    (r"cjson/.*|cJSON\.h", ("server", "tests/unit/server", "tests/unit/doors")),
    (r"ini\.h", ("server",)),
    (r"systemd/.*", ("server/upload", "tests/unit/upload")),
    (r"cmocka\.h", ("tests/unit",)),
)

# Headers that are the inside of a folder: its own files and its tests may see them.
PRIVATE = (
    (r"(.*/)?[a-z_]*internal\.h", None),
    (r"ca/(stages|key_ops|ossl)\.h", "ca"),
    (r"db/sqlite/.*", "db/sqlite"),
)


def room_of(path):
    for room in ROOMS:
        if path.startswith(room + "/"):
            return room
    return None


def candidates(source, name):
    """Where the compiler would look for "name", nearest first."""
    yield source.folder + "/" + name
    yield "server/" + name
    yield name


def resolve(source, name, paths):
    for path in candidates(source, name):
        if path in paths:
            return path
    return None


def check_own(source, line, name, paths):
    target = resolve(source, name, paths)
    if target is None:
        return      # generated at build time, or the compiler complains
    room, target_room = room_of(source.path), room_of(target)
    if room and target_room not in MAY_INCLUDE[room]:
        yield line, f'{room}/ may not include "{name}" of {target_room}/'
    if room == "tests":
        return
    for pattern, home in PRIVATE:
        if re.fullmatch(pattern, target):
            home = home or target.rsplit("/", 1)[0]
            if not source.is_under(home):
                yield line, f'"{name}" is the inside of {home}/'
            break


def check_library(source, line, name):
    for pattern, folders in LIBRARIES:
        if not re.fullmatch(pattern, name):
            continue
        if not source.is_under(*folders) or room_of(source.path) == "server/base":
            yield line, f"<{name}> may be seen only in {', '.join(folders)}"


def includes(source, paths):
    """Layers: what a file may include."""
    if not source.is_c:
        return
    for match in INCLUDE.finditer(source.code):
        line = source.line_of(match.start(1))
        yield from check_library(source, line, match.group(2))
        if match.group(1) == '"':
            yield from check_own(source, line, match.group(2), paths)
