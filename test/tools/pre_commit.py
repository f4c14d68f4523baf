#!/usr/bin/env python3
"""pre_commit.py UPGC FOLDER REPOSITORY: runs the hooks as pre-commit does: the entry split like a shell's words, then the
arguments of the user, then the files."""

import pathlib
import re
import shlex
import subprocess
import sys

GOOD = "gate g { pass when true }\n"
BAD = "gate g { pass when tru }\n"
SPREAD = "gate   g{ pass when true }\n"
MENDABLE = "gate g { pass when true && true }\n"


def main():
    upgc, folder, repository = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    text = (repository / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    hooks = dict(re.findall(r"^- id: (\S+)\n(?:.*\n)*?  entry: (.*)$", text, re.M))
    for pattern in re.findall(r"^  files: (.*)$", text, re.M):
        if not re.search(pattern, "site/plan.upg") or re.search(pattern, "plan.upgb"):
            sys.exit(f"files: {pattern}")
    names = {"good one.upg": GOOD, "bad.upg": BAD, "other.upg": GOOD, "mendable.upg": MENDABLE, "spread.upg": SPREAD}

    def run(hook, *words):
        for name, content in names.items():
            (folder / name).write_text(content, encoding="utf-8")
        return subprocess.run(shlex.split(hooks[hook]) + list(words), cwd=folder, capture_output=True, text=True,
                              env={"PATH": f"{upgc.parent}:/usr/bin:/bin"}, timeout=60, check=False)

    wanted = [
        (("upgc-check", "good one.upg", "other.upg"), 0, ""),
        (("upgc-check", "good one.upg", "bad.upg", "other.upg"), 1, "E0209"),
        (("upgc-check", "--strict", "good one.upg"), 0, ""),
        (("upgc-check", "--format=json", "bad.upg"), 1, "upg.diagnostics"),
        (("upgc-fix", "good one.upg", "mendable.upg"), 0, "fixed mendable.upg"),
        (("upgc-fmt", "good one.upg", "spread.upg"), 0, "formatted spread.upg"),
        (("upgc-fmt", "--check", "good one.upg", "spread.upg"), 1, "not in the style: spread.upg"),
    ]
    bad = 0
    for words, code, shown in wanted:
        result = run(*words)
        if result.returncode != code or shown not in result.stdout + result.stderr:
            bad += 1
            print(f"{words}: exit {result.returncode}, wanted {code} and {shown!r}:\n{result.stdout}{result.stderr}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
