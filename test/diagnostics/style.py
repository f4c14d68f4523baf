#!/usr/bin/env python3
"""One style for all messages, as they are seen: in every .expected file, in every JSON that the examples of the pages give,
and in the pages themselves. Lower case, no full stop, no "please", no tabs; one diagnostic for one cause.

usage: style.py UPGC FOLDER REPOSITORY"""

import json
import pathlib
import re
import subprocess
import sys

# What may begin a text with a capital: names of things, in backquotes or not, and what is spelt so.
NAMES = re.compile(r"(`|\"|E\d{4}|W\d{4}|[A-Z][A-Z0-9-]+\b|U\+|NUL|JSON|UTF-8|UTF-16|SHA-256|ANTLR|Unicode|ASCII)")
HEADER = re.compile(r"^(?:error|warning)\[([EW]\d{4})\]: (.*)$")
NOTE = re.compile(r"^ *= (note|help): (.*)$")
HELP = re.compile(r"^help: (.*)$")


def faults(text, what):
    if not text.strip():
        yield f"{what} is empty"
        return
    first = text.lstrip()
    if first[0].isupper() and not NAMES.match(first):
        yield f"{what} begins with a capital"
    if re.search(r"(?<!\.)\.$", text.rstrip()) and not text.rstrip().endswith(" etc."):
        yield f"{what} ends with a full stop"
    if re.search(r"\bplease\b", text, re.I):
        yield f"{what} says please"
    if "\t" in text:
        yield f"{what} has a tab"
    if re.search(r"\berror:|\bwarning:", text):
        yield f"{what} says its severity twice"
    if re.search(r"[^.]!$", text):
        yield f"{what} shouts"
    if "  " in text.strip() and "`" not in text:
        yield f"{what} has two blanks"


def in_expected(path):
    """Texts of one golden file: (line number, kind of text, text)."""
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        line = re.sub(r"\x1b\[[0-9;]*m", "", line)
        for pattern, what in ((HEADER, "message"), (NOTE, "note"), (HELP, "help")):
            if match := pattern.match(line):
                yield number, what, match.groups()[-1]


def in_json(upgc, path):
    result = subprocess.run([upgc, "check", "--format=json", "--today=2026-01-01", path.name], cwd=path.parent,
                            capture_output=True, timeout=60, check=False)
    for d in json.loads(result.stdout)["diagnostics"]:
        yield d["code"], "message", d["message"]
        for label in [d["label"]] + [label["text"] for label in d["labels"]]:
            if label:
                yield d["code"], "label", label
        for key in ("note", "help"):
            for text in d[key + "s"]:
                yield d["code"], key, text
        for fix in d["fixes"]:
            yield d["code"], "fix", fix["title"]
        for step in d["schedule"]:
            yield d["code"], "step", step["text"]
        yield d["code"], "place", f"{d['location'] and (d['location']['file'], d['location']['begin']['byte'], d['location']['end']['byte'])}"


def main():
    upgc, folder, repository = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    bad, seen = [], 0
    for path in sorted(p for top in ("test", "examples") for p in (repository / top).rglob("*.expected")):
        for number, what, text in in_expected(path):
            seen += 1
            bad += [f"{path.relative_to(repository)}:{number}: {fault}: {text}" for fault in faults(text, what)]
    pages = json.loads(subprocess.run([upgc, "explain", "--list", "--format=json"], capture_output=True, check=True,
                                      timeout=60).stdout)
    for page in pages:
        code = page["code"]
        bad += [f"{code}: {fault}: {page['title']}" for fault in faults(page["title"], "title")]
        text = page["text"]
        if text and (text[0].islower() or not text.rstrip().endswith((".", ")", ":"))):
            bad.append(f"{code}: a page is made of sentences: {text[:60]!r} ... {text[-40:]!r}")
        if re.search(r"\bplease\b", text, re.I) and code != "E0003":
            bad.append(f"{code}: the page says please")
        if "\t" in text or "\t" in page["failing"] + page["fixed"]:
            bad.append(f"{code}: the page has a tab")
        if any(len(line) > 160 for line in text.splitlines()):
            bad.append(f"{code}: a line of the page is longer than 160 characters")
        seen += 1
        if not page["failing"]:
            continue
        path = folder / f"{code}.upg"
        path.write_text(page["failing"], encoding="utf-8")
        places = {}
        for of, what, words in in_json(upgc, path):
            if what == "place":
                # one cause, one diagnostic: no two errors mark the same words
                if words in places and words != "None":
                    bad.append(f"{code}: {places[words]} and {of} mark the same place")
                places[words] = of
                continue
            seen += 1
            bad += [f"{code}: {fault}: {words}" for fault in faults(words, what)]
    for line in dict.fromkeys(bad):
        print(line)
    print(f"{seen} texts, {len(set(bad))} faults")
    return 1 if bad or seen < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
