#!/usr/bin/env python3
"""Simulates every plan of the suites that is accepted: campaign.py UPGC UPGRUN FOLDER WHAT FIRST PLAN...

WHAT is `faults:SEEDS:MOST`, so many runs of each plan with at most so many faults in one; `aborts:SEEDS:MOST`, the same with
aborts; `kills:SAMPLE`, a controller that dies at so many of the moments of each plan (0: at every one), and as often in a run that
is aborted on its way. FIRST is the first seed, or `fresh`; it is printed. No rule may be broken; a run is replayed from its seed,
step by step. A plan that is named and does not compile, or cannot be simulated, is a failure.
By hand, for a longer run: larger numbers, and JOBS in the environment.
"""

import json
import os
import pathlib
import subprocess
import sys


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)


def plans(upgc, folder, named):
    """Compiled: those named, and the fixed examples of the checker's rules."""
    sources = [pathlib.Path(name) for name in named]
    for row in json.loads(run([upgc, "explain", "--list", "--format=json"]).stdout):
        if row["code"].startswith("E1") and row["fixed"]:
            path = folder / f"{row['code']}-fixed.upg"
            path.write_text(row["fixed"], encoding="utf-8")
            sources.append(path)
    for source in sources:
        compiled = folder / (source.stem + ".upgb")
        built = run([upgc, "build", str(source), "-o", str(compiled)])
        yield source, compiled, "" if built.returncode == 0 else built.stderr


def ways(what, seed):
    """The options of each simulation of one plan; `seed` is its own."""
    kind, *numbers = what.split(":")
    if kind == "kills":
        sample = [f"--seeds={numbers[0]}", f"--seed={seed}"] if int(numbers[0]) else []
        return [["--every-kill", *sample], ["--every-kill", f"--abort-at={seed * 37 % 100}", *sample]]
    extra = ["--abort"] if kind == "aborts" else []
    return [[f"--seeds={numbers[0]}", f"--faults={numbers[1]}", f"--seed={seed}", *extra]]


def main():
    upgc, upgrun, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    what, first = sys.argv[4], sys.argv[5]
    folder.mkdir(parents=True, exist_ok=True)
    seed = 1 + int.from_bytes(os.urandom(5), "big") if first == "fresh" else int(first)
    apart = max(1, int(what.split(":")[1]))
    count, runs, deaths, bad, outcomes = 0, 0, 0, 0, {}
    print(f"first seed {seed}, {what}", flush=True)
    for source, plan, refused in plans(upgc, folder, sys.argv[6:]):
        if refused:
            print(f"{source}: does not compile\n{refused}")
            bad += 1
            continue
        # Every seed of one plan is another than those of the next: more of the space with the same number of runs.
        for options in ways(what, seed + count * apart):
            command = [upgrun, "simulate", str(plan), *options, f"-j{os.environ.get('JOBS', '1')}", "--format=json"]
            result = run(command)
            if result.returncode not in (0, 1) or not result.stdout:
                print(f"{' '.join(command)}: exit code {result.returncode}\n{result.stderr}")
                bad += 1
                continue
            told = json.loads(result.stdout)
            runs += told["runs"]
            deaths += told["faults"].get("controller", {}).get("runs", 0)
            for name, times in told["outcomes"].items():
                outcomes[name] = outcomes.get(name, 0) + times
            for v in told["violations"]:
                bad += 1
                rest = [o for o in options if not o.startswith("--seed")]
                print(f"{plan.name}: {v['runs']} runs break {v['rule']} at {v['key'] or 'the end'}: {v['text']}\n"
                      f"  upgrun simulate {plan} {' '.join(rest)} --seed {v['seed']} --trace")
        count += 1
    print(f"{count} plans, {runs} runs, {deaths} of them with a controller that died: "
          + ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())) + f"; {bad} rules broken")
    wanted = ["done"] if what.startswith("faults") else ["done", "aborted"]
    return 1 if bad or not deaths or any(name not in outcomes for name in wanted) else 0


if __name__ == "__main__":
    sys.exit(main())
