"""The files of the repository as the rules see them."""
import os
import re

SKIPPED_FOLDERS = re.compile(r"^(build.*|var|__pycache__|\.(?!ci$).*)$")
TEXT_SUFFIXES = (".c", ".h", ".py", ".sh", ".sql", ".md", ".txt", ".cmake", ".html", ".css", ".js", ".conf", ".service",
                 ".timer", ".json", ".ini")

# Comments and literals of C, whichever begins first.
C_TOKEN = re.compile(r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""", re.S | re.X)


def blank(text):
    """The same shape without content, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One file. path is relative to the repository and has forward slashes."""

    def __init__(self, path, text, executable=False):
        self.path = path
        self.folder, self.name = os.path.split(path)
        self.text = text
        self.executable = executable
        self.is_c = path.endswith((".c", ".h"))
        self.strings = []       # (line number, literal) of C
        self.code = self._without_comments_and_strings() if self.is_c else text

    def _without_comments_and_strings(self):
        def replace(match):
            token = match.group()
            if token[0] == '"':
                self.strings.append((self.line_of(match.start()), token))
                line = self.text[self.text.rfind("\n", 0, match.start()) + 1:match.start()]
                if re.match(r"\s*#\s*include\s*$", line):
                    return token
            return blank(token)
        return C_TOKEN.sub(replace, self.text)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def lines(self):
        lines = self.text.split("\n")
        return list(enumerate(lines[:-1] if lines[-1] == "" else lines, 1))

    def is_under(self, *folders):
        return any(self.path.startswith(folder + "/") for folder in folders)

    def is_script(self):
        return self.text.startswith("#!")


def load(root):
    """Every text file under root that belongs to the project."""
    sources = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if not SKIPPED_FOLDERS.match(f))
        for name in sorted(names):
            full = os.path.join(folder, name)
            if os.path.islink(full):
                continue
            with open(full, "rb") as file:
                start = file.read(2)
                if not name.endswith(TEXT_SUFFIXES) and start != b"#!":
                    continue
                text = (start + file.read()).decode("utf-8", errors="surrogateescape")
            path = os.path.relpath(full, root).replace(os.sep, "/")
            sources.append(Source(path, text, os.access(full, os.X_OK)))
    return sources
