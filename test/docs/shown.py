#!/usr/bin/env python3
"""Compares the blocks of a Markdown page with what really comes out.

    RUN: %python %S/shown.py --repository %repository --path %build/bin --tmp %t README.md

A comment on the line before a block says what the block is:

    <!-- file NAME -->    the block is written to NAME in the page's own temporary folder
    <!-- show COMMAND --> the block is what COMMAND prints (both outputs, run by bash in that folder); lines that begin
                          with `$ ` are left out; a line `...` or one ending in ` ...` stands for anything

Fenced and indented blocks alike. REPOSITORY in a command stands for the repository's folder. With UPG_UPDATE=1 a block
without such gaps is rewritten in place.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys

LIMIT_SECONDS = 60
MARK = re.compile(r"^\s*<!-- (file|show) (.+) -->$")


class Block:
    """Lines [begin, end) of the page, without fences, and by how much they are indented."""

    def __init__(self, lines, after):
        at = after
        while at < len(lines) and not lines[at].strip():
            at += 1
        self.fenced = at < len(lines) and lines[at].lstrip().startswith("```")
        if self.fenced:
            self.indent = lines[at][:len(lines[at]) - len(lines[at].lstrip())]
            self.begin = self.end = at + 1
            while self.end < len(lines) and lines[self.end].strip() != "```":
                self.end += 1
        else:
            self.indent = "    "
            self.begin = self.end = at
            while self.end < len(lines) and (lines[self.end].startswith("    ") or not lines[self.end].strip()):
                self.end += 1
            while self.end > self.begin and not lines[self.end - 1].strip():
                self.end -= 1
        self.lines = [line.removeprefix(self.indent) for line in lines[self.begin:self.end]]


def gap(line):
    return line == "..." or line.endswith(" ...")


def fits(expected, actual):
    """Whether `actual` is `expected`, where gaps stand for anything."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(fits(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    if not actual:
        return False
    same = actual[0].startswith(expected[0][:-4]) if gap(expected[0]) else actual[0] == expected[0]
    return same and fits(expected[1:], actual[1:])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--repository", required=True)
    options.add_argument("--path", required=True)
    options.add_argument("--tmp", required=True)
    options.add_argument("page")
    o = options.parse_args()
    page = os.path.join(o.repository, o.page)
    with open(page, encoding="utf-8") as file:
        lines = file.read().split("\n")
    shutil.rmtree(o.tmp, ignore_errors=True)
    os.makedirs(o.tmp)
    environment = dict(os.environ, PATH=os.path.abspath(o.path) + os.pathsep + os.environ["PATH"])
    failed = shown = 0
    for at in range(len(lines) - 1, -1, -1):  # from the end: a rewritten block does not move those before it
        mark = MARK.match(lines[at])
        if mark and mark[1] == "file":
            with open(os.path.join(o.tmp, mark[2]), "w", encoding="utf-8") as file:
                file.write("\n".join(Block(lines, at + 1).lines) + "\n")
    for at in range(len(lines) - 1, -1, -1):
        mark = MARK.match(lines[at])
        if not mark or mark[1] != "show":
            continue
        shown += 1
        block = Block(lines, at + 1)
        result = subprocess.run(["bash", "-c", mark[2].replace("REPOSITORY", o.repository)], cwd=o.tmp, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=LIMIT_SECONDS, check=False)
        actual = result.stdout.decode("utf-8", "backslashreplace").rstrip("\n").split("\n")
        typed = [line for line in block.lines if line.startswith("$ ")]
        expected = [line for line in block.lines if not line.startswith("$ ")]
        if fits(expected, actual):
            continue
        if os.environ.get("UPG_UPDATE") == "1" and not any(gap(line) for line in expected):
            lines[block.begin:block.end] = [(block.indent + line).rstrip() for line in typed + actual]
            continue
        failed += 1
        print(f"{o.page}:{at + 1}: `{mark[2]}` prints something else:")
        print("\n".join(difflib.unified_diff(expected, actual, o.page, "printed", lineterm="")))
    if os.environ.get("UPG_UPDATE") == "1":
        with open(page, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
    if failed:
        print("if the output is right: ./dev test --update rewrites blocks without gaps; review the diff")
    if not shown:
        print(f"{o.page}: no block says what shows it")
    return 1 if failed or not shown else 0


if __name__ == "__main__":
    sys.exit(main())
