"""The boxed tables of the OpenStack clients and their kin."""
import json


def boxed(columns, rows):
    """The table that the clients print for a person; with no rows only an empty line, as they do."""
    if not rows:
        return "\n"
    cells = [[str(c) for c in columns]] + [[str(v) for v in row] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(columns))]
    line = "+" + "+".join("-" * (w + 2) for w in widths) + "+\n"
    body = ["|" + "|".join(" %s " % v.ljust(w) for v, w in zip(row, widths)) + "|\n" for row in cells]
    return line + body[0] + line + "".join(body[1:]) + line


def formatted(form, columns, rows):
    """What `-f table`, `-f json` and `-f value` print."""
    if form == "json":
        return json.dumps([dict(zip(columns, row)) for row in rows], indent=2) + "\n"
    if form == "value":
        return "".join(" ".join(str(v) for v in row) + "\n" for row in rows)
    return boxed(columns, rows)
