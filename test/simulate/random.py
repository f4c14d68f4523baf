#!/usr/bin/env python3
"""Replays the rejections of random plans, as the generator beside the explorer makes them; by hand, not in the tests:

    random.py COMPARE UPGC UPG_REPLAY FOLDER FIRST_SEED SECONDS

prints by rule how many schedules were reached, which were not, which told step was not needed, and accepted plans whose
run broke a rule. Where a structural rule is broken too, the others speak of schedules that the reference does not define
(docs/semantics.md section 3): those are counted apart. Of 1,352 schedules 97 % are reached (seeds 72000001 to 72001352). What is
left: the checker tells of steps that the states rule out, of `all but m of` and of joins, which are upper bounds; the
director does not hold a part's question back until another part counts on the same hold; where `tolerate` is broken
nothing else is defined. Every seed can be looked at alone: FOLDER/SEED.upg, FOLDER/SEED.json.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import time


STRUCTURAL = {"E1005", "E1013", "E1014", "E1015", "E1016", "E1027"}  # RET, HOSTX, RACE, FORK, JOIN, TOL


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def main():
    compare, upgc, replay, folder, seed, seconds = sys.argv[1:7]
    folder, seed, until = pathlib.Path(folder), int(seed), time.time() + float(seconds)
    folder.mkdir(parents=True, exist_ok=True)
    reached, missed, sound = collections.Counter(), collections.defaultdict(list), 0
    first = seed
    while time.time() < until:
        seed += 1
        lines = run([compare, "--show", str(seed)]).stdout.splitlines()
        ends = [i for i, line in enumerate(lines) if line == "}"]
        if not ends:
            continue
        plan, schedule = folder / f"{seed}.upg", folder / f"{seed}.json"
        plan.write_text("\n".join(lines[:ends[-1] + 1]) + "\n", encoding="utf-8")
        checked = run([upgc, "check", "--format=json", "--today=2026-01-01", f"--schedule={schedule}", str(plan)])
        try:
            errors = [d for d in json.loads(checked.stdout)["diagnostics"] if d["severity"] == "error"]
        except ValueError:
            continue
        if any(not d["code"].startswith("E10") for d in errors):
            continue  # it does not compile
        if not errors:
            sound += 1
            result = run([replay, "--run", str(plan)])
            if result.returncode:
                missed["accepted, but breaks a rule"].append((seed, result.stdout.strip()))
            continue
        rule = None
        broken = {d["code"] for d in errors} & STRUCTURAL
        beside = " (a structural rule is broken too)" if broken else ""
        for line in run([replay, "--quiet", "--minimal", "--tries=48", str(plan), str(schedule)]).stdout.splitlines():
            told = re.match(r"E\d+ (\w+): ", line)
            rule = told[1] if told else rule
            if line.startswith("  reached"):
                reached[rule] += 1
            elif "NOT REACHED" in line:
                missed[f"{rule} not reached{beside}"].append((seed, line.strip()))
            elif "IS NOT NEEDED" in line:
                missed[f"{rule} not minimal{beside}"].append((seed, line.strip()))
    every = sum(reached.values()) + sum(len(cases) for what, cases in missed.items() if "not reached" in what)
    print(f"{100 * sum(reached.values()) / max(1, every):.2f} % of {every} schedules reached")
    print(f"seeds {first + 1} to {seed}: {sum(reached.values())} schedules reached, {sound} accepted plans run through")
    print("  " + ", ".join(f"{rule} {n}" for rule, n in reached.most_common()))
    for what, cases in missed.items():
        print(f"{what}: {len(cases)}")
        for number, text in cases[:5]:
            print(f"  {number}: {text[:300]}")


if __name__ == "__main__":
    main()
