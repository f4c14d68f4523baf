#!/usr/bin/env python3
"""Fails if a diagnostic kind exists that no test shows.

The kinds are those of `upgc explain --list`. A kind is shown where a test holds its code (`E0101`): an .expected file,
a lit test (.test, or an .upg with RUN or CHECK lines), or a unit test (code or Kind::name). A kind whose explanation
has a failing example is shown by test/explain/examples.test, which compiles it.
"""

import json
import pathlib
import re
import subprocess
import sys


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
    repository, upgc = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    kinds = json.loads(subprocess.run([upgc, "explain", "--list", "--format=json"], capture_output=True, check=True,
                                      timeout=60).stdout)
    if not kinds:
        sys.exit("no kinds found")
    text = shown_text(repository)
    shown = set(re.findall(r"\b[EWN]\d{4}\b", text)) | set(re.findall(r"\bKind::(\w+)", text))
    missing = [row for row in kinds if not row["failing"] and shown.isdisjoint((row["code"], row["kind"]))]
    for row in missing:
        print(f"{row['code']} {row['kind']}: no test shows it")
    print(f"{len(kinds) - len(missing)} of {len(kinds)} kinds are shown")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
