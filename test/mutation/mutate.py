#!/usr/bin/env python3
"""Mutation score of the checker: plans with one mistake put into them, and whether each is rejected. See README.md.

mutate.py --build BUILD [--full] [--pairs] [--seed NAME]... [--only REGEX]... [--list] [--show ID] [--keep FOLDER] [--table FILE]
"""

import argparse
import collections
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import contract_operators  # noqa: F401  (they fill the registry)
import plan_operators  # noqa: F401
import site_operators  # noqa: F401
from registry import OPERATORS, mutants_of
from trees import PLAN, Seed, applied, read

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SEEDS = {
    "first": "examples/first/first.upg",
    "lab": "examples/proxmox/lab.upg",
    "lost_quorum": "examples/proxmox/lost_quorum.upg",
    "fleet": "test/mutation/Inputs/fleet.upg",
    "guests": "test/mutation/Inputs/guests.upg",
    "regions": "test/mutation/Inputs/regions.upg",
    "release": "test/mutation/Inputs/release.upg",
}
TODAY = "2026-11-20"  # waivers and windows: the same answer on every day


def load_seeds(build, names):
    modules = os.path.join(ROOT, "stdlib", "std")
    paths = {name[:-4]: os.path.join(modules, name) for name in sorted(os.listdir(modules)) if name.endswith(".upg")}
    tool = os.path.join(build, "bin", "upg_tree")
    files = read(tool, paths)
    seeds = {}
    for name in names:
        plan = read(tool, {PLAN: os.path.join(ROOT, SEEDS[name])})
        seeds[name] = Seed(name, {**files, **plan})
    return seeds


class Rooms:
    """A folder for each thread: a plan and a standard library of its own, written only where it differs."""

    def __init__(self, top):
        self.top = top
        self.local = threading.local()
        self.count = 0
        self.lock = threading.Lock()

    def room(self):
        if not hasattr(self.local, "path"):
            with self.lock:
                self.count += 1
                self.local.path = os.path.join(self.top, f"room{self.count}")
            os.makedirs(os.path.join(self.local.path, "lib", "std"))
            self.local.dirty = set()
        return self.local.path

    def write(self, seed, edits):
        """The plan's path with the edits made, and the folder of its library. Nothing if the edits overlap."""
        room = self.room()
        by_file = collections.defaultdict(list)
        for edit in edits:
            by_file[edit.file].append(edit)
        texts = {}
        for key, some in by_file.items():
            texts[key] = applied(seed.files[key].bytes, some)
            if texts[key] is None:
                return None
        library = os.path.join(room, "lib", "std")
        modules = os.path.join(ROOT, "stdlib", "std")
        for name in os.listdir(modules):
            key, path = name[:-4], os.path.join(library, name)
            if key in texts:
                with open(path, "wb") as file:
                    file.write(texts[key])
                self.local.dirty.add(name)
            elif name in self.local.dirty or not os.path.exists(path):
                shutil.copyfile(os.path.join(modules, name), path)
                self.local.dirty.discard(name)
        plan = os.path.join(room, os.path.basename(seed.plan.path))
        with open(plan, "wb") as file:
            file.write(texts.get(PLAN, seed.plan.bytes))
        return plan, os.path.join(room, "lib")


class Checker:
    """`upgc check`: what it says of a plan."""

    def __init__(self, build):
        self.tool = os.path.join(build, "bin", "upgc")

    def check(self, plan, library):
        """('accepted', []), ('rejected', codes of rules) or ('broken', other codes); and the diagnostics."""
        done = subprocess.run([self.tool, "check", "--format=json", "--today", TODAY, "--stdlib", library, plan],
                              capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"upgc ended with {done.returncode} on {plan}: {done.stderr}")
        found = json.loads(done.stdout)["diagnostics"]
        errors = [d for d in found if d["severity"] == "error"]
        others = sorted({d["code"] for d in errors if not d["code"].startswith("E1")})
        if others:
            return "broken", others, found
        if errors:
            return "rejected", [d["code"] for d in errors], found
        return "accepted", [], found


class Judge:
    """The explorer, which knows nothing of the checker: the predicates that a plan breaks."""

    def __init__(self, build):
        self.tool = os.path.join(build, "bin", "upg_oracle")
        self.there = os.path.exists(self.tool)

    def judge(self, plan, library):
        """('safe' | 'unsafe' | 'unjudged', what it says)"""
        if not self.there:
            return "unjudged", "no explorer in this build"
        try:
            done = subprocess.run([self.tool, "--stdlib", library, plan], capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            return "unjudged", "the explorer takes longer than 2 minutes"
        return verdict(done)


def verdict(done):
    """What is found is found, even if not every configuration was looked at."""
    findings = [line for line in done.stdout.splitlines() if re.match(r"[a-z]+: ", line)]
    if findings and done.returncode in (1, 3):
        return "unsafe", "; ".join(findings)
    text = " ".join((done.stdout + done.stderr).split())
    return ("safe" if done.returncode == 0 else "unjudged"), text


def read_reasons(path):
    """Lines `PATTERN | reason`: a mutant's id, `*` stands for anything."""
    reasons = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if line and not line.startswith("#"):
                    pattern, bar, reason = line.partition(" | ")
                    if not bar or not reason.strip():
                        raise SystemExit(f"{path}: no reason: {line}")
                    expression = ".*".join(re.escape(p) for p in pattern.strip().split("*"))
                    reasons.append((re.compile(expression + r"\Z"), pattern.strip(), reason.strip()))
    return reasons


def place_in_line(identity):
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")


def sample(mutants, size):
    """The same mutants every time: of each operator the first few by hash of their id, then by hash until `size`."""
    by_operator = collections.defaultdict(list)
    for mutant in sorted(mutants, key=lambda m: place_in_line(m.id)):
        by_operator[mutant.operator].append(mutant)
    chosen, depth = [], 0
    while len(chosen) < size and any(len(some) > depth for some in by_operator.values()):
        for operator in sorted(by_operator):
            if depth < len(by_operator[operator]):
                chosen.append(by_operator[operator][depth])
        depth += 1
    return chosen[:size] if len(chosen) > size else chosen


class Result:
    def __init__(self, mutant, state, codes, judged="", said="", messages=()):
        self.mutant, self.state, self.codes, self.judged, self.said, self.messages = mutant, state, codes, judged, said, messages


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--full", action="store_true", help="every mutant, and the explorer on the rejected ones too")
    parser.add_argument("--size", type=int, default=1200, help="mutants of a sample")
    parser.add_argument("--seed", action="append", choices=sorted(SEEDS))
    parser.add_argument("--only", action="append", help="only mutants whose id matches")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--operators", action="store_true")
    parser.add_argument("--show", help="the edited files of one mutant")
    parser.add_argument("--keep", help="folder for accepted mutants that are unsafe or not judged")
    parser.add_argument("--table", help="file for one line per mutant")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.operators:
        for name, (what, _) in OPERATORS.items():
            print(f"{name:28} {what}")
        return 0

    seeds = load_seeds(options.build, options.seed or list(SEEDS))
    mutants = [m for seed in seeds.values() for m in mutants_of(seed)]
    ids = collections.Counter(m.id for m in mutants)
    assert max(ids.values()) == 1, [i for i, n in ids.items() if n > 1][:5]
    if options.only:
        mutants = [m for m in mutants if any(re.search(p, m.id) for p in options.only)]
    if options.list:
        print("\n".join(m.id for m in mutants))
        return 0
    if options.show:
        return show(seeds, [m for m in mutants if m.id == options.show])
    made = len(mutants)
    if not options.full:
        mutants = sample(mutants, options.size)

    checker, judge = Checker(options.build), Judge(options.build)
    reasons = read_reasons(os.path.join(HERE, "equivalent.txt"))
    with tempfile.TemporaryDirectory() as top:
        rooms = Rooms(top)

        def one(mutant):
            seed = seeds[mutant.seed]
            written = rooms.write(seed, mutant.edits)
            if written is None:
                return Result(mutant, "broken", ["overlapping edits"])
            state, codes, found = checker.check(*written)
            messages = [d["message"] for d in found if d["severity"] == "error"]
            result = Result(mutant, state, codes, messages=messages)
            if state == "accepted" or (options.full and state == "rejected"):
                plan_edits = [e for e in mutant.edits if not e.contract]
                if not plan_edits:
                    result.judged, result.said = "safe", "the plan is as it was"
                else:
                    result.judged, result.said = judge.judge(*rooms.write(seed, plan_edits))
            return result

        # What is proved of the seeds themselves comes first: nothing else means much without it.
        for name, seed in seeds.items():
            state, codes, found = checker.check(*rooms.write(seed, []))
            if state != "accepted":
                print(f"the seed {name} is not accepted: {codes}", [d["message"] for d in found])
                return 1
            judged, said = judge.judge(*rooms.write(seed, []))
            print(f"seed {name}: accepted; judged {judged}" + (f": {said[:300]}" if judged != "safe" else ""))
            if judged == "unsafe":
                return 1
        with ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(one, mutants))
        return report(options, seeds, made, results, reasons, rooms)


def show(seeds, mutants):
    for mutant in mutants:
        seed = seeds[mutant.seed]
        for key in sorted({e.file for e in mutant.edits}):
            data = applied(seed.files[key].bytes, [e for e in mutant.edits if e.file == key])
            sys.stdout.write(data.decode() if data is not None else "edits overlap\n")
    return 0 if mutants else 1


def report(options, seeds, made, results, reasons, rooms):
    table = open(options.table, "w", encoding="utf-8") if options.table else None
    count, rules, used = collections.Counter(), collections.Counter(), set()
    bad, killed_operators, all_operators = [], set(), set()
    for r in results:
        count[r.state] += 1
        all_operators.add(r.mutant.operator)
        verdict_text = r.state
        if r.state == "rejected":
            killed_operators.add(r.mutant.operator)
            rules[r.codes[0]] += 1
            if r.judged:
                count["rejected " + r.judged] += 1
        elif r.state == "accepted":
            reason = next(((p, why) for e, p, why in reasons if e.match(r.mutant.id)), None)
            if reason:
                used.add(reason[0])
            if r.judged == "unsafe":
                verdict_text = "UNSAFE"
                bad.append(r)
            elif r.judged == "safe":
                verdict_text = "accepted, safe"
            elif reason:
                verdict_text = "accepted, equivalent"
            else:
                verdict_text = "NOT JUDGED"
                bad.append(r)
            count[verdict_text] += 1
        if table:
            table.write(f"{verdict_text}\t{r.judged}\t{','.join(r.codes)}\t{r.mutant.id}\t{(r.messages or [''])[0]}\t{r.said}\n")
    if options.keep:
        for i, r in enumerate(bad):
            folder = os.path.join(options.keep, f"{i:03d}-{r.mutant.seed}-{r.mutant.operator}")
            os.makedirs(folder, exist_ok=True)
            plan, library = rooms.write(seeds[r.mutant.seed], r.mutant.edits)
            shutil.copy(plan, folder)
            with open(os.path.join(folder, "mutant.txt"), "w", encoding="utf-8") as file:
                file.write(f"{r.mutant.id}\n{r.said}\n")
            for key in {e.file for e in r.mutant.edits} - {PLAN}:
                shutil.copy(os.path.join(library, "std", key + ".upg"), folder)
    for r in bad:
        print(f"{'UNSAFE' if r.judged == 'unsafe' else 'not judged'}: {r.mutant.id}\n    {r.said[:200]}")
    if options.full and not options.only and not options.seed:
        for _, pattern, _ in reasons:
            if pattern not in used:
                print(f"equivalent.txt: nothing accepted matches: {pattern}")
                bad.append(pattern)
    valid = len(results) - count["broken"]
    print(f"mutants                {len(results)}" + (f" (a sample of {made})" if made != len(results) else ""))
    print(f"operators              {len(all_operators)}, of them {len(killed_operators)} with a mutant that is rejected")
    print(f"discarded              {count['broken']}  (do not compile apart from the checker)")
    print(f"rejected               {count['rejected']}")
    for code, n in sorted(rules.items()):
        print(f"  {code}                {n}")
    for judged in ("unsafe", "safe", "unjudged"):
        if count["rejected " + judged]:
            print(f"  judged {judged:15} {count['rejected ' + judged]}")
    print(f"accepted, safe         {count['accepted, safe']}")
    print(f"accepted, equivalent   {count['accepted, equivalent']}")
    print(f"accepted, not judged   {count['NOT JUDGED']}")
    print(f"unsafe accepted        {count['UNSAFE']}")
    print(f"score                  {count['rejected']} of {valid - count['accepted, safe'] - count['accepted, equivalent']} that are not harmless")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
