"""Tables for people, JSON lines for programs."""
import json
import statistics


class Record:
    """Every single run, as one JSON object a line, and the medians over the rounds."""

    def __init__(self, path):
        self.path = path
        self.runs = []

    def add(self, section, what, round_number, result):
        """The run, to which its section may add figures until the file is written."""
        run = {"section": section, "what": what, "round": round_number, **result}
        self.runs.append(run)
        return run

    def write(self):
        """After every section: what was measured stays, whatever becomes of the next."""
        with open(self.path, "w") as file:
            file.writelines(json.dumps(run) + "\n" for run in self.runs)

    def median(self, section, what):
        """The median of every figure over the rounds, each figure by itself."""
        runs = [run for run in self.runs if (run["section"], run["what"]) == (section, what)]
        numbers = [key for key, value in runs[0].items() if isinstance(value, (int, float))] if runs else []
        return {key: statistics.median(run[key] for run in runs) for key in numbers}

    def spread(self, section, what, key):
        values = [run[key] for run in self.runs if (run["section"], run["what"]) == (section, what)]
        return min(values), max(values)


def number(value, digits=0):
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:,.{digits}f}"


def table(title, heads, rows):
    print(f"\n{title}")
    rows = [heads] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    for row in rows:
        first = row[0].ljust(widths[0])
        print("  " + "  ".join([first] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]))
