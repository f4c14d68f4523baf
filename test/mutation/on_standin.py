#!/usr/bin/env python3
"""Mutants of examples/proxmox/lab.upg that the checker accepts, run on the stand-in cluster, whose laws know nothing of contracts. Takes minutes; no test.

on_standin.py --build BUILD REGEX...: one line for each mutant whose id matches: how the run ended, and the laws that it broke.
Exit code 1 if a law was broken.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

from judges import ROOT, Rooms
from mutate import load_seeds
from registry import mutants_of
from trees import PLAN

SCENARIO = os.path.join(ROOT, "test", "laws", "Inputs", "fast.json")
INSIDE = 'timeout "$LIMIT" "$0" run "$1" --yes --ssh-config "$DIR/ssh_config" --no-agent --runs "$DIR/runs" >"$DIR/../run.log" 2>&1; code=$?; ' \
         '"$STANDIN" ledger "$DIR" --violations --json >"$DIR/../violations" || true; exit $code'


def run(build, seed, mutant, limit):
    with tempfile.TemporaryDirectory() as top:
        plan, library = Rooms(top).write(seed, mutant.edits)
        built = os.path.join(top, "plan.upgb")
        made = subprocess.run([os.path.join(build, "bin", "upgc"), "build", "--stdlib", library, plan, "-o", built],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            return "not accepted", made.stderr.splitlines()[:1], []
        standin = os.path.join(ROOT, "test", "standin", "standin")
        done = subprocess.run([standin, "with", os.path.join(top, "lab"), "--scenario", SCENARIO, "--", "bash", "-c", INSIDE,
                               os.path.join(build, "bin", "upgrun"), built], env={**os.environ, "STANDIN": standin, "LIMIT": str(limit)},
                              capture_output=True, text=True, timeout=3600, check=False)
        with open(os.path.join(top, "violations"), encoding="utf-8") as file:
            broken = [json.loads(line) for line in file.read().splitlines() if line.strip().startswith("{")]
        with open(os.path.join(top, "run.log"), encoding="utf-8", errors="replace") as file:
            last = [line.strip() for line in file.read().splitlines() if line.strip()][-2:]
        state = f"still waiting after {limit} s" if done.returncode == 124 else f"ended with {done.returncode}"
        return state, last, broken


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, default=900, help="what still waits then is stopped: a gate may wait for 45 minutes")
    parser.add_argument("id", nargs="+", help="a regular expression")
    options = parser.parse_args()
    seed = load_seeds(options.build, ["lab"])["lab"]
    status = 0
    for mutant in mutants_of(seed):
        if any(re.search(p, mutant.id) for p in options.id) and all(e.file == PLAN or not e.contract for e in mutant.edits):
            state, last, broken = run(options.build, seed, mutant, options.seconds)
            print(f"{mutant.id}\n    {state}: {' / '.join(last)[:300]}")
            for law in broken:
                status = 1
                print(f"    BROKEN: {json.dumps(law)[:300]}")
            if not broken:
                print("    no law broken")
            sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
