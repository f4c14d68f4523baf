#!/usr/bin/env python3
"""Mutation score of the checker: sound plans with one mistake put into them, and whether each is rejected. See README.md."""

import argparse
import collections
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import contract_operators  # noqa: F401  (these five fill the registry)
import failure_operators  # noqa: F401
import gate_operators  # noqa: F401
import plan_operators  # noqa: F401
import site_operators  # noqa: F401
from judges import ROOT, Checker, Differ, Judge, Rooms
from registry import OPERATORS, mutants_of
from score import Reasons, Result, Score, Trust, by_hash, pairs_of, sample
from trees import PLAN, Seed, applied, read

SEEDS = {  # a plan, and what it is built for
    "first": "examples/first/first.upg",
    "lab": "examples/proxmox/lab.upg",
    "lost_quorum": "examples/proxmox/lost_quorum.upg",
    "edge": "test/mutation/Inputs/edge.upg -D release=2.1",
    "edge_two": "test/mutation/Inputs/edge.upg -D release=2.1 -D at_once=1 --limit c1,c2",
    "fleet": "test/mutation/Inputs/fleet.upg",
    "guests": "test/mutation/Inputs/guests.upg",
    "ledger": "test/mutation/Inputs/ledger.upg",
    "regions": "test/mutation/Inputs/regions.upg",
    "release": "test/mutation/Inputs/release.upg",
}


def load_seeds(build, names):
    modules = os.path.join(ROOT, "stdlib", "std")
    paths = {name[:-4]: os.path.join(modules, name) for name in sorted(os.listdir(modules)) if name.endswith(".upg")}
    tool = os.path.join(build, "bin", "upg_tree")
    files = read(tool, paths)
    seeds = {}
    for name in names:
        path, *options = SEEDS[name].split()
        seeds[name] = Seed(name, {**files, **read(tool, {PLAN: os.path.join(ROOT, path)})}, options)
    return seeds


class Bench:
    """Runs mutants through the checker and, where it matters, the explorer."""

    def __init__(self, options, seeds, top):
        self.options, self.seeds = options, seeds
        self.rooms = Rooms(top)
        self.unknown = []  # seeds with a construct that the explorer of this build does not walk
        self.checker, self.judge, self.differ = Checker(options.build), Judge(options.build), Differ(options.build, top)

    def sound(self):
        """Nothing means much unless the plans themselves are accepted, and safe by the explorer."""
        for name, seed in self.seeds.items():
            state, codes, found = self.checker.check(*self.rooms.write(seed, []), seed.options)
            judged, said = self.judge.judge(*self.rooms.write(seed, []), seed.options)
            if state == "accepted" and judged == "unjudged":
                self.unknown.append(name)
            elif state != "accepted" or judged != "safe":
                print(f"the seed {name} is {state} ({codes}) and judged {judged}: {said[:300]}",
                      [d["message"] for d in found])
                return False
        return True

    def run(self, mutant):
        seed = self.seeds[mutant.seed]
        written = self.rooms.write(seed, mutant.edits)
        if written is None:
            return Result(mutant, "broken", ["overlapping edits"])
        state, codes, found = self.checker.check(*written, mutant.options)
        result = Result(mutant, state, codes, found)
        if state == "accepted" or (self.options.full and state == "rejected"):
            result.judged, result.said = self.judged(mutant)
        return result

    def judged(self, mutant):
        """With the contracts as they were: only what was done to the plan counts."""
        seed, edits = self.seeds[mutant.seed], [e for e in mutant.edits if not e.contract]
        if not edits and mutant.options == seed.options:
            return "safe", "the plan is as it was"
        return self.judge.judge(*self.rooms.write(seed, edits), mutant.options)

    def run_pair(self, pair):
        """Is a mistake that is rejected still rejected when the contract that it offends is weakened?"""
        contract, plan = pair
        seed = self.seeds[contract.mutant.seed]
        written = self.rooms.write(seed, contract.mutant.edits + plan.mutant.edits)
        if written is None:
            return pair, "broken", []
        state, codes, _ = self.checker.check(*written, plan.mutant.options)
        if state == "accepted" and not plan.judged:
            plan.judged, plan.said = self.judged(plan.mutant)
        if state == "accepted" and plan.judged == "unsafe" and contract.told is None:
            contract.told = self.differ.weaker(seed, self.rooms, contract.mutant)
        return pair, state, codes

    def keep(self, folder, results):
        for i, r in enumerate(results):
            here = os.path.join(folder, f"{i:03d}-{r.mutant.seed}-{r.mutant.operator}")
            os.makedirs(here, exist_ok=True)
            plan, library = self.rooms.write(self.seeds[r.mutant.seed], r.mutant.edits)
            shutil.copy(plan, here)
            with open(os.path.join(here, "mutant.txt"), "w", encoding="utf-8") as file:
                file.write(f"{r.mutant.id}\n{' '.join(r.mutant.options)}\n{r.said}\n")
            for key in {e.file for e in r.mutant.edits} - {PLAN}:
                shutil.copy(os.path.join(library, "std", key + ".upg"), here)


def show(seeds, mutants):
    for mutant in mutants:
        seed = seeds[mutant.seed]
        for key in sorted({e.file for e in mutant.edits}):
            data = applied(seed.files[key].bytes, [e for e in mutant.edits if e.file == key])
            sys.stdout.write(data.decode() if data is not None else "edits overlap\n")
    return 0 if mutants else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="build folder with bin/upgc, bin/upg_tree and bin/upg_oracle")
    parser.add_argument("--full", action="store_true", help="every mutant; the explorer judges the rejected ones, too")
    parser.add_argument("--size", type=int, default=300, help="mutants of a sample")
    parser.add_argument("--pairs", type=int, default=40, help="pairs of a weakened contract and a mistake in the plan; 0: none")
    parser.add_argument("--seed", action="append", choices=sorted(SEEDS))
    parser.add_argument("--only", action="append", help="only mutants whose id matches this regular expression")
    parser.add_argument("--operators", action="store_true", help="list the operators")
    parser.add_argument("--list", action="store_true", help="list the mutants")
    parser.add_argument("--show", metavar="ID", help="the edited files of one mutant")
    parser.add_argument("--keep", metavar="FOLDER", help="for mutants that fail the test")
    parser.add_argument("--table", metavar="FILE", help="a line for each mutant and each pair")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def main():
    options = arguments()
    if options.operators:
        for name, (what, _) in OPERATORS.items():
            print(f"{name:28} {what}")
        return 0
    seeds = load_seeds(options.build, options.seed or list(SEEDS))
    mutants = [m for seed in seeds.values() for m in mutants_of(seed)]
    twice = [i for i, n in collections.Counter(m.id for m in mutants).items() if n > 1]
    assert not twice, twice
    if options.only:
        mutants = [m for m in mutants if any(re.search(p, m.id) for p in options.only)]
    if options.list:
        print("\n".join(m.id for m in mutants))
        return 0
    if options.show:
        return show(seeds, [m for m in mutants if m.id == options.show])

    score = Score(len(mutants), options, Reasons("equivalent.txt"), Trust("trusted.txt"))
    if not options.full:
        mutants = sample(mutants, options.size)
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(options, seeds, top)
        if not bench.judge.there:
            print(f"there is no {bench.judge.tool}")
            return 1
        if not bench.sound():
            return 1
        if bench.unknown:
            score.unknown = bench.unknown
            failures = ("attempt.", "on_abort.", "tolerate.")
            mutants = [m for m in mutants if m.seed not in bench.unknown and not m.operator.startswith(failures)]
        results = list(pool.map(bench.run, mutants))
        score.add(results)
        pairs = pairs_of(results, seeds)
        if not options.full:
            pairs = sorted(pairs, key=lambda p: by_hash(p[0].mutant.id + p[1].mutant.id))[:options.pairs]
        score.add_pairs(list(pool.map(bench.run_pair, pairs)))
        if options.keep:
            bench.keep(options.keep, score.bad)
    return score.print()


if __name__ == "__main__":
    sys.exit(main())
