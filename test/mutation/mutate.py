#!/usr/bin/env python3
"""Mutation score of the checker: sound plans with one mistake put into them, and whether each is rejected. See README.md."""

import argparse
import collections
import glob
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
from judges import ROOT, Checker, Differ, Judge, Programs, Rooms
from registry import OPERATORS, mutants_of
from score import Reasons, Result, Score, Trust, by_hash, pairs_of, sample
from trees import PLAN, Seed, applied, read

MANY = 1000000  # configurations that the explorer looks at
FEW = 4000  # where the checker has refused already, and the answer only counts what it is too strict about

FOR_A_SAMPLE = 60000  # configurations of a plan; mutants of larger ones take the explorer seconds each, so only `--full` has them

BUILT_FOR = {  # plans that want to be told something: a seed's name, what it is built for
    "edge": {"edge": "-D release=2.1", "edge_two": "-D release=2.1 -D at_once=1 --limit c1,c2"},
}


def plans():
    """Every plan of the examples and of Inputs: {seed: (path, options)}."""
    found = {}
    for pattern in ("examples/*/*.upg", "test/mutation/Inputs/*.upg"):
        for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
            with open(path, encoding="utf-8") as file:
                if not re.search(r"^(upgrade|repair) ", file.read(), re.MULTILINE):
                    continue
            name = os.path.basename(path)[:-4]
            for seed, options in BUILT_FOR.get(name, {name: ""}).items():
                if seed in found:  # of two examples
                    seed = f"{os.path.basename(os.path.dirname(path))}_{seed}"
                assert seed not in found, seed
                found[seed] = (path, tuple(options.split()))
    return found


SEEDS = plans()


def load_seeds(build, names):
    modules = os.path.join(ROOT, "stdlib", "std")
    paths = {name[:-4]: os.path.join(modules, name) for name in sorted(os.listdir(modules)) if name.endswith(".upg")}
    tool = os.path.join(build, "bin", "upg_tree")
    files = read(tool, paths)
    seeds = {}
    for name in names:
        path, options = SEEDS[name]
        seeds[name] = Seed(name, {**files, **read(tool, {PLAN: path})}, options)
    return seeds


class Bench:
    """Runs mutants through the checker and, where it matters, the explorer."""

    def __init__(self, options, seeds, asked, top):
        self.options, self.seeds = options, seeds
        self.asked, self.large = set(asked), []
        self.rooms = Rooms(top)
        self.programs = Programs(options.build, seeds)
        self.checker, self.judge, self.differ = Checker(self.programs), Judge(self.programs), Differ(self.programs, top)

    def sound(self):
        """Nothing means much unless the plans themselves are accepted, and safe by the explorer."""
        for name, seed in self.seeds.items():
            if name not in self.asked:
                continue
            state, codes, found = self.checker.check(*self.rooms.write(seed, []), seed.options)
            judged, said = self.judge.judge(*self.rooms.write(seed, []), seed.options, MANY)
            if state != "accepted" or judged != "safe":
                print(f"the seed {name} is {state} ({codes}) and judged {judged}: {said[:300]}",
                      [d["message"] for d in found])
                return False
            if int(said.split()[0]) > FOR_A_SAMPLE:
                self.large.append(name)
        return True

    def run(self, mutant):
        seed = self.seeds[mutant.seed]
        written = self.rooms.write(seed, mutant.edits)
        if written is None:
            return Result(mutant, "broken", ["overlapping edits"])
        state, codes, found = self.checker.check(*written, mutant.options)
        result = Result(mutant, state, codes, found)
        if state == "accepted":
            result.judged, result.said = self.judged(mutant)
        elif self.options.judge_rejected and state == "rejected":
            result.judged, result.said = self.judged(mutant, FEW)
        return result

    def judged(self, mutant, states=MANY):
        """With the contracts as they were: only what was done to the plan counts."""
        seed, edits = self.seeds[mutant.seed], [e for e in mutant.edits if not e.contract]
        if not edits and mutant.options == seed.options:
            return "safe", "the plan is as it was"
        return self.judge.judge(*self.rooms.write(seed, edits), mutant.options, states)

    def run_pair(self, pair):
        """Is a mistake that is rejected still rejected when the contract that it offends is weakened?"""
        contract, plan = pair
        seed = self.seeds[contract.mutant.seed]
        written = self.rooms.write(seed, contract.mutant.edits + plan.mutant.edits)
        if written is None:
            return pair, "broken", []
        state, codes, _ = self.checker.check(*written, plan.mutant.options)
        if state == "accepted" and plan.judged in ("", "unjudged"):
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
    parser.add_argument("--full", action="store_true", help="every mutant, and every pair")
    parser.add_argument("--judge-rejected", action="store_true", help="the explorer says of those that are rejected, too, how many are safe")
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
    with tempfile.TemporaryDirectory() as top, ThreadPoolExecutor(options.jobs) as pool:
        bench = Bench(options, seeds, {m.seed for m in mutants}, top)
        if not bench.programs.has("upg_oracle"):
            print(f"there is no upg_oracle in {options.build}")
            return 1
        if not bench.sound():
            return 1
        if not options.full:
            if options.seed:
                bench.large = []  # who names one wants it
            if bench.large:
                print(f"left out of the sample: {', '.join(bench.large)}, of more than {FOR_A_SAMPLE} configurations")
            mutants = sample([m for m in mutants if m.seed not in bench.large], options.size)
        results = []
        for result in pool.map(bench.run, mutants):
            results.append(result)
            if options.full and len(results) % 500 == 0:
                print(f"{len(results)} of {len(mutants)}: {result.mutant.id}", file=sys.stderr, flush=True)
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
