#!/usr/bin/env python3
"""Replays the schedule of every rejected plan of the suites: the mistakes of the examples, the failing example of every
rule, what the comparison of checker and explorer has found, and plans beside this file. (Those that unit tests build are
replayed there.) What the checker accepts runs through without a violation. And each rejected plan is compiled all the same,
into a file that no upgc would write: upgrun must refuse it for the same rules.

    replay_all.py UPGC UPG_REPLAY UPGRUN EXAMPLES FOLDER [PLANS...]
"""

import json
import pathlib
import subprocess
import sys

# Rules that explain themselves in words: they speak about the text, not about a moment of a run.
IN_WORDS = {"E1008", "E1015", "E1016", "E1019", "E1020", "E1021", "E1022", "E1023", "E1024", "E1025",
            "E1026", "E1027"}
TODAY = "--today=2026-01-01"


def run(command):
    return subprocess.run(command, capture_output=True, timeout=120, check=False)


class Suite:
    def __init__(self, upgc, replay, upgrun, folder):
        self.upgc, self.replay, self.upgrun, self.folder = upgc, replay, upgrun, folder
        self.refused = 0
        self.plans = self.rejections = self.words = self.sound = self.bad = 0
        self.stopped_by = {}

    def fault(self, path, text):
        self.bad += 1
        print(f"{path}: {text}")

    def rejected(self, path):
        schedule = self.folder / (path.stem + ".schedule.json")
        schedule.unlink(missing_ok=True)
        checked = run([self.upgc, "check", "--format=json", TODAY, f"--schedule={schedule}", str(path)])
        try:
            found = [d for d in json.loads(checked.stdout)["diagnostics"] if d["code"].startswith("E1")]
        except ValueError:
            return self.fault(path, "upgc check: " + checked.stderr.decode(errors="replace"))
        if not found:
            return None  # no rule of the checker is broken: a mistake of another kind
        self.plans += 1
        self.crafted(path, {d["code"] for d in found if d["severity"] == "error"})
        for d in found:
            in_words = d["code"] in IN_WORDS or "one moves what the other tests" in d["message"]
            if not d["schedule"] and not in_words:
                self.fault(path, f"{d['code']} is judged at a step and tells no schedule: {d['message']}")
            self.words += not d["schedule"]
        told = json.loads(schedule.read_text(encoding="utf-8"))["rejections"]
        if len(told) != sum(bool(d["schedule"]) for d in found):
            self.fault(path, "the file of schedules misses one")
        if not told:
            return None
        self.rejections += len(told)
        replayed = run([self.replay, "--quiet", "--minimal", str(path), str(schedule)])
        output = replayed.stdout.decode(errors="replace")
        for line in output.splitlines():
            if line.startswith("  a real run "):
                kind = line[len("  a real run "):].split(":")
                kind = kind[0] + (":" + kind[1] if kind[0] == "stops there" else "")
                self.stopped_by[kind] = self.stopped_by.get(kind, 0) + 1
        if replayed.returncode != 0:
            self.fault(path, f"the replay ends with {replayed.returncode}\n{output}{replayed.stderr.decode(errors='replace')}")
        return None

    def crafted(self, path, codes):
        """Past upgc: the file as it would be if nobody had checked the plan."""
        file, runs = self.folder / "crafted.upgb", self.folder / "runs"
        file.unlink(missing_ok=True)
        if run([self.replay, f"--write={file}", str(path)]).returncode != 0:
            return self.fault(path, "it cannot be compiled unchecked")
        for command in (["verify"], ["run", "--yes", "--now", f"--runs={runs}"]):
            result = run([self.upgrun, *command, str(file)])
            said = result.stderr.decode(errors="replace")
            if result.returncode != 1:
                self.fault(path, f"upgrun {command[0]} ends with {result.returncode} for a plan that is refused\n{said}")
            for code in codes:
                if f"error[{code}]" not in said:
                    self.fault(path, f"upgrun {command[0]} does not tell {code}\n{said}")
        if runs.exists():
            self.fault(path, "a folder was made for a run that never was")
        self.refused += 1

    def accepted(self, path):
        if run([self.upgc, "check", TODAY, str(path)]).returncode != 0:
            return
        result = run([self.replay, "--run", str(path)])
        self.sound += 1
        if result.returncode != 0:
            self.fault(path, f"accepted, but the run breaks a rule\n{(result.stdout + result.stderr).decode(errors='replace')}")


def main():
    upgc, replay, upgrun = sys.argv[1:4]
    examples, folder = pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[5])
    folder.mkdir(parents=True, exist_ok=True)
    suite = Suite(upgc, replay, upgrun, folder)
    for path in sorted(examples.glob("*/mistakes/*.upg")):
        suite.rejected(path)
    for row in json.loads(run([upgc, "explain", "--list", "--format=json"]).stdout):
        if not row["code"].startswith("E1") or not row["failing"]:
            continue
        for which, judge in (("failing", suite.rejected), ("fixed", suite.accepted)):
            path = folder / f"{row['code']}-{which}.upg"
            path.write_text(row[which], encoding="utf-8")
            judge(path)
    for found in sys.argv[6:]:
        for path in sorted(pathlib.Path(found).glob("*.upg")):
            suite.rejected(path)
            suite.accepted(path)
    for path in sorted(examples.glob("*/*.upg")):
        suite.accepted(path)
    print(f"{suite.plans} rejected plans, {suite.rejections} schedules replayed, {suite.words} rejections in words, "
          f"{suite.sound} accepted plans run through, {suite.refused} crafted files refused by upgrun, {suite.bad} faults")
    for how, times in sorted(suite.stopped_by.items()):
        print(f"  with what a real run asks at the act: {how}: {times}")
    return 1 if suite.bad or not suite.rejections else 0


if __name__ == "__main__":
    sys.exit(main())
