#!/usr/bin/env python3
"""Compares what a command prints with the file `INPUT.expected` beside its input.

    RUN: %expect %s -- %upgc check %s

The command runs in the folder of INPUT and sees INPUT by its bare name, so that nothing of the machine is in its
output; the repository, the build folder and the test's temporary path become <repository>, <build> and <tmp>.
The expected file holds exit code, standard output and standard error. With UPG_UPDATE=1 (`./dev test --update`) it is
written instead; the change is then reviewed as a diff. `--name X` compares with `INPUT.X.expected`: several commands
on one input.
"""

import argparse
import difflib
import os
import subprocess
import sys

LIMIT_SECONDS = 120


def shown(result, replacements):
    def text(data):
        out = data.decode("utf-8", "backslashreplace")
        for path, name in replacements:
            out = out.replace(path, name)
        return out if out.endswith("\n") or not out else out + "\n(no line feed at the end)\n"

    parts = [f"exit {result.returncode}\n"]
    for title, data in (("stdout", result.stdout), ("stderr", result.stderr)):
        if data:
            parts.append(f"-- {title}\n{text(data)}")
    return "".join(parts)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--repository", required=True)
    options.add_argument("--build", required=True)
    options.add_argument("--tmp", required=True)
    options.add_argument("--name")
    options.add_argument("input")
    options.add_argument("command", nargs=argparse.REMAINDER)
    o = options.parse_args()
    command = o.command[1:] if o.command[:1] == ["--"] else o.command
    if not command:
        options.error("no command after --")
    source = os.path.abspath(o.input)
    command = [os.path.basename(source) if part == source else part for part in command]
    result = subprocess.run(command, cwd=os.path.dirname(source), stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=LIMIT_SECONDS, check=False)
    replacements = [(os.path.abspath(path), name) for path, name in
                    ((o.tmp, "<tmp>"), (o.build, "<build>"), (o.repository, "<repository>"))]  # innermost first
    actual = shown(result, replacements)

    expected_path = f"{source}.{o.name}.expected" if o.name else f"{source}.expected"
    try:
        with open(expected_path, encoding="utf-8") as file:
            expected = file.read()
    except FileNotFoundError:
        expected = None
    if actual == expected:
        return 0
    if os.environ.get("UPG_UPDATE") == "1":
        with open(expected_path, "w", encoding="utf-8") as file:
            file.write(actual)
        print(f"updated {expected_path}")
        return 0
    if expected is None:
        print(f"{expected_path} does not exist (./dev test --update writes it); the output was:\n{actual}")
        return 1
    print("".join(difflib.unified_diff(expected.splitlines(True), actual.splitlines(True), expected_path, "actual")))
    print("if the new output is right: ./dev test --update, and review the diff")
    return 1


if __name__ == "__main__":
    sys.exit(main())
