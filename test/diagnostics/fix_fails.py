#!/usr/bin/env python3
"""fix_fails.py UPGC FOLDER: a folder without room for the draft of one file leaves the other file as it is too.

The second file is a link into a folder that holds no further entry: a file of that name stands where the draft would."""

import pathlib
import subprocess
import sys


def main():
    upgc, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    original = {path: path.read_bytes() for path in sorted(folder.glob("*.upg"))}
    # upgc writes NAME.PID.tmp beside the file; the child's PID is this process's, kept by exec.
    script = "import os, sys\nopen(f'more.upg.{os.getpid()}.tmp', 'x').close()\nos.execv(sys.argv[1], sys.argv[1:])\n"
    result = subprocess.run([sys.executable, "-c", script, upgc, "check", "--fix", "plan.upg"], cwd=folder,
                            capture_output=True, text=True, timeout=60, check=False)
    for path in folder.glob("more.upg.*.tmp"):
        path.unlink()
    if result.returncode != 2 or "nothing was fixed: cannot write `more.upg`" not in result.stderr:
        print(f"exit {result.returncode}: {result.stderr}")
        return 1
    changed = [path.name for path, text in original.items() if path.read_bytes() != text]
    if changed:
        print(f"changed all the same: {changed}")
        return 1
    left = [path.name for path in folder.glob("*.tmp")]
    if left:
        print(f"left behind: {left}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
