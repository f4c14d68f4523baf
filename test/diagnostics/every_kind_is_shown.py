#!/usr/bin/env python3
"""Fails if a diagnostic kind exists that no test shows.

Kinds are the rows of runtime/diagnostics/kinds/*.def. A kind is shown where a test holds its code (`E0101`): an
.expected file, a lit test (.test, or an .upg with RUN or CHECK lines), or a unit test (code or Kind::name). The rule
examples do not count by themselves: the test that compiles them names the code it expects.
"""

import pathlib
import re
import sys

ROW = re.compile(r'^\s*UPG_DIAGNOSTIC\(\s*(\w+)\s*,\s*"([EWN]\d{4})"', re.MULTILINE)


def kinds(repository):
    for path in sorted((repository / "runtime/diagnostics/kinds").glob("*.def")):
        text = path.read_text(encoding="utf-8")
        rows = ROW.findall(text)
        if len(rows) != len(re.findall(r"^\s*UPG_DIAGNOSTIC\(", text, re.MULTILINE)):
            sys.exit(f"{path}: a row does not have the form of runtime/diagnostics/kinds.def")
        for name, code in rows:
            yield path.name, name, code


def shown_text(repository):
    parts = []
    for folder in ("test", "examples"):
        for path in sorted((repository / folder).rglob("*")):
            if path.suffix not in (".expected", ".test", ".upg", ".cpp") or not path.is_file():
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            if path.suffix == ".upg":
                text = "\n".join(line for line in text.splitlines() if "CHECK" in line or "RUN:" in line)
            parts.append(text)
    return "\n".join(parts)


def main():
    repository = pathlib.Path(sys.argv[1]).resolve()
    text = shown_text(repository)
    shown = set(re.findall(r"\b[EWN]\d{4}\b", text)) | set(re.findall(r"\bKind::(\w+)", text))
    everything = list(kinds(repository))
    if not everything:
        sys.exit("no kinds found")
    missing = [row for row in everything if shown.isdisjoint(row)]
    for file, name, code in missing:
        print(f"{code} {name} (kinds/{file}): no test shows it")
    print(f"{len(everything) - len(missing)} of {len(everything)} kinds are shown")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
