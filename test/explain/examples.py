#!/usr/bin/env python3
"""Compiles the examples that `upgc explain` shows: the failing one gets its code and no other error, the fixed one is
clean. Every kind has a text, every rule of the checker (E1...) both examples too."""

import json
import pathlib
import subprocess
import sys


def run(command):
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


def check(upgc, path):
    result = run([upgc, "check", "--format=json", "--today=2026-01-01", str(path)])
    try:
        codes = {d["code"] for d in json.loads(result.stdout)["diagnostics"] if d["severity"] == "error"}
        warnings = {d["code"] for d in json.loads(result.stdout)["diagnostics"] if d["severity"] == "warning"}
    except ValueError:
        return result.returncode, {result.stderr.decode(errors="replace")}, set()
    return result.returncode, codes, warnings


def faults(upgc, row, folder):
    code = row["code"]
    if not row["text"]:
        yield "no explanation"
    if code.startswith("E1") and not (row["failing"] and row["fixed"]):
        yield "a rule of the checker needs a failing and a fixed example"
    if bool(row["failing"]) != bool(row["fixed"]):
        yield "one example without the other"
    if row["failing"]:
        path = folder / f"{code}-failing.upg"
        path.write_text(row["failing"], encoding="utf-8")
        exit_code, codes, warnings = check(upgc, path)
        found, wanted_exit = (codes, 1) if row["severity"] == "error" else (warnings, 0)
        if found != {code} or exit_code != wanted_exit:
            yield f"the failing example ends with {exit_code} and gets {sorted(found) or 'nothing'}; see {path}"
    if row["fixed"]:
        path = folder / f"{code}-fixed.upg"
        path.write_text(row["fixed"], encoding="utf-8")
        exit_code, codes, warnings = check(upgc, path)
        if exit_code != 0 or codes or warnings:
            yield f"the fixed example ends with {exit_code} and gets {sorted(codes | warnings)}; see {path}"


def main():
    upgc, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rows = json.loads(run([upgc, "explain", "--list", "--format=json"]).stdout)
    bad = 0
    for row in rows:
        for fault in faults(upgc, row, folder):
            print(f"{row['code']} {row['kind']}: {fault}")
            bad += 1
    print(f"{sum(bool(row['failing']) for row in rows)} of {len(rows)} kinds have examples, {bad} faults")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
