#!/usr/bin/env python3
"""properties.py REPOSITORY BUILD: what `upgc fmt` promises, tried on the files of the tree and on random texts.

A text is varied where a line may be varied: indentation, blanks between words, empty lines, comments. Nothing inside
a string is touched. UPG_TEST_SEED gives the seed, which is printed.
"""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

SENTENCES = 300
OTHERS = 40  # files of the tests that are tried; those of stdlib/ and examples/ are all


class Tree:
    def __init__(self, repository, build):
        self.repository = pathlib.Path(repository)
        self.upgc = os.path.join(build, "bin", "upgc")
        self.parse = os.path.join(build, "bin", "upg-parse")

    def files(self):
        listed = subprocess.run(["git", "-C", str(self.repository), "ls-files", "*.upg"], capture_output=True, text=True, check=True)
        return [self.repository / name for name in listed.stdout.split()]

    def format(self, text):
        """The formatted text, or None for a text with errors; an error of the formatter itself ends everything."""
        done = subprocess.run([self.upgc, "fmt", "-"], input=text.encode(), capture_output=True, timeout=60, check=False)
        if done.returncode not in (0, 1):
            sys.exit(f"upgc fmt ended with {done.returncode}:\n{done.stderr.decode()}\n{text}")
        if b"would change what the file says" in done.stderr:
            sys.exit(f"the formatter lost something of:\n{text}")
        return done.stdout.decode() if done.returncode == 0 else None

    def words(self, path):
        """(line, column, kind, text) of each token."""
        out = subprocess.run([self.parse, "--tokens", str(path)], capture_output=True, text=True, check=True).stdout
        found = []
        for line in out.splitlines():
            m = re.match(r"(\d+):(\d+) (\w+) (.*)$", line)
            if m:
                found.append((int(m[1]), int(m[2]), m[3], m[4]))
        return found


def varied(text, words, rng, more):
    """The text with other blanks; `more`: and with comments and broken lines."""
    lines = text.split("\n")
    cuts = {}  # line -> [(column, may be widened, may be broken)]
    quotes = 0
    for i, (line, column, kind, _) in enumerate(words):
        inside = quotes > 0
        quotes += (kind == "quote_open") - (kind == "quote_close")
        if inside or i == 0 or words[i - 1][0] != line:
            continue
        if lines[line - 1][column - 2: column - 1] == " ":
            cuts.setdefault(line, []).append((column - 1, "comment" in kind))
    out = []
    comment = 0
    commented = {line for line, _, kind, _ in words if "comment" in kind}
    for number, line in enumerate(lines, 1):
        for column, before_comment in reversed(cuts.get(number, [])):
            gap = " " * rng.randint(1, 3)
            if more and not before_comment and rng.random() < 0.05:
                gap = "\n   "
            line = line[:column] + gap[:-1] + line[column:] if gap != "\n   " else line[:column] + gap + line[column:]
        stripped = line.lstrip(" ")
        if line.startswith(" ") and stripped:
            line = " " * rng.randint(1, 9) + stripped
        if more and number not in commented and rng.random() < 0.1:
            line += f"  // added {comment}"
            comment += 1
        if more and stripped and line.startswith(" ") and rng.random() < 0.05:
            out.append(f"      // added {comment}")
            comment += 1
        out.append(line + " " * (rng.randint(0, 2) if number in commented or not stripped else 0))
        if not stripped and rng.random() < 0.3:
            out.append("")
    return "\n".join(out)


def check_text(tree, text, findings, what):
    once = tree.format(text)
    if once is None:
        return None
    twice = tree.format(once)
    if twice != once:
        findings.append(f"{what}: formatting twice differs from formatting once")
    if sorted(re.findall(r"// added \d+", text)) != sorted(re.findall(r"// added \d+", once)):
        findings.append(f"{what}: a comment is lost")
    if re.search(r"[ \t]$", once, re.M) or "\n\n\n" in once or not once.endswith("\n"):
        findings.append(f"{what}: blanks at the end of a line, or two empty lines, or no line end")
    return once


def same_plan(tree, path, formatted, folder):
    """None if the file is no plan; else whether it builds to the same plan."""

    def plan(text):
        done = subprocess.run([tree.upgc, "disasm", "--stdin-name", str(path), "--today", "2026-11-20", "-"], input=text, capture_output=True,
                              text=True, timeout=60, check=False, cwd=folder)
        if done.returncode != 0:
            return None
        without_places = re.sub(r"\S+\.upg:\d+:\d+(-\d+:\d+)?", "AT", done.stdout)
        return re.sub(r"(?m)^ +(bytes \d+|sha256 \w+|text .*)$", "", without_places)

    before = plan(path.read_text(encoding="utf-8"))
    return None if before is None else before == plan(formatted)


def main():
    tree = Tree(sys.argv[1], sys.argv[2])
    seed = int(os.environ.get("UPG_TEST_SEED", random.SystemRandom().randint(1, 10**9)))
    rng = random.Random(seed)
    print(f"seed {seed}", flush=True)
    findings, texts, same, differ = [], 0, 0, 0
    files = tree.files()
    shipped = [path for path in files if not path.is_relative_to(tree.repository / "test")]
    others = [path for path in files if path not in shipped]
    for path in shipped + rng.sample(others, min(OTHERS, len(others))):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(tree.repository))
        formatted = check_text(tree, text, findings, name)
        if formatted is None:
            continue
        texts += 1
        words = tree.words(path)
        blanks = check_text(tree, varied(text, words, rng, False), findings, f"{name}, other blanks")
        if blanks != formatted:
            findings.append(f"{name}: blanks make a difference")
        texts += check_text(tree, varied(text, words, rng, True), findings, f"{name}, other lines") is not None
        verdict = same_plan(tree, path, formatted, tree.repository)
        same += verdict is True
        differ += verdict is False
        if verdict is False:
            findings.append(f"{name}: another plan when it is formatted")

    made = subprocess.run([sys.executable, str(tree.repository / "test/syntax/fuzz_grammar.py"), str(tree.repository), "sentences", str(seed),
                           str(SENTENCES)], capture_output=True, text=True, check=True).stdout.splitlines()
    # One text for all; if it is refused, they are tried one by one.
    read = len(made) if check_text(tree, "\n".join(made) + "\n", findings, "sentences") is not None else sum(
        check_text(tree, sentence + "\n", findings, sentence) is not None for sentence in made)
    for finding in findings:
        print(finding)
    print(f"{texts} texts formatted, {read} of {len(made)} sentences, {len(findings)} findings")
    print(f"{same} plans are the same when formatted, {differ} differ")


main()
