#!/usr/bin/env python3
"""Simulates every plan of the suites that is accepted, with faults: campaign.py UPGC UPGRUN FOLDER SEEDS FAULTS FIRST PLAN...

FIRST is the first seed, or `fresh`; it is printed. No rule may be broken; a run is replayed from its seed, step by step.
By hand, for a longer run: SEEDS 2500 or more, and JOBS in the environment.
"""

import json
import os
import pathlib
import subprocess
import sys

TODAY = "--today=2026-01-01"


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)


def plans(upgc, folder, named):
    """The accepted ones as compiled plans: those named, and the fixed examples of the checker's rules."""
    sources = [pathlib.Path(name) for name in named]
    for row in json.loads(run([upgc, "explain", "--list", "--format=json"]).stdout):
        if row["code"].startswith("E1") and row["fixed"]:
            path = folder / f"{row['code']}-fixed.upg"
            path.write_text(row["fixed"], encoding="utf-8")
            sources.append(path)
    for source in sources:
        compiled = folder / (source.stem + ".upgb")
        if run([upgc, "build", str(source), "-o", str(compiled)]).returncode == 0:
            yield compiled


def main():
    upgc, upgrun, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    seeds, faults, first = int(sys.argv[4]), sys.argv[5], sys.argv[6]
    folder.mkdir(parents=True, exist_ok=True)
    seed = 1 + int.from_bytes(os.urandom(5), "big") if first == "fresh" else int(first)
    count, runs, done, deaths, bad, outcomes = 0, 0, 0, 0, 0, {}
    print(f"first seed {seed}, at most {faults} faults", flush=True)
    for plan in plans(upgc, folder, sys.argv[7:]):
        # Every seed of one plan is another than those of the next: more of the space with the same number of runs.
        mine = seed + count * seeds
        result = run([upgrun, "simulate", str(plan), f"--faults={faults}", f"--seeds={seeds}", f"--seed={mine}",
                      f"-j{os.environ.get('JOBS', '1')}", "--format=json"])
        count += 1
        if result.returncode == 1 and not result.stdout:
            continue  # its waivers have expired, or so
        if result.returncode not in (0, 1):
            print(f"{plan.name}: exit code {result.returncode}\n{result.stderr}")
            bad += 1
            continue
        told = json.loads(result.stdout)
        runs += told["runs"]
        done += told["outcomes"].get("done", 0)
        deaths += told["faults"].get("controller", {}).get("runs", 0)
        for name, times in told["outcomes"].items():
            outcomes[name] = outcomes.get(name, 0) + times
        for v in told["violations"]:
            bad += 1
            print(f"{plan.name}: {v['runs']} runs break {v['rule']} at {v['key'] or 'the end'}: {v['text']}\n"
                  f"  upgrun simulate {plan} --faults {faults} --seed {v['seed']} --trace")
    print(f"{count} plans, {runs} runs, {deaths} of them with a controller that died: "
          + ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())) + f"; {bad} rules broken")
    return 1 if bad or not done or not deaths else 0


if __name__ == "__main__":
    sys.exit(main())
