"""What says something of a mutant: the checker that is tested, and the explorer that is not the checker."""

import collections
import json
import os
import re
import shutil
import subprocess
import threading

from trees import PLAN, applied

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TODAY = "2026-11-20"  # waivers and windows: the same answer on every day


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


class Programs:
    """`upgc` and `upg_oracle` of a build: in a process for each thread that stays (`upg_warm`), or by themselves in a build without one."""

    LONGEST = 600  # seconds of one call

    def __init__(self, build, seeds):
        self.folder = os.path.join(build, "bin")
        self.seeds, self.local = seeds, threading.local()
        self.warm = os.path.join(self.folder, "upg_warm")

    def has(self, program):
        return os.path.exists(os.path.join(self.folder, program))

    def run(self, *words):
        if not os.path.exists(self.warm):
            return subprocess.run([os.path.join(self.folder, words[0]), *words[1:]], capture_output=True, text=True,
                                  timeout=self.LONGEST, check=False)
        if not hasattr(self.local, "process"):
            self.local.process = subprocess.Popen([self.warm], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for seed in self.seeds.values():
                self._ask(0, "upg_oracle", "--states", "1", *seed.options, seed.plan.path)
        self._ask(self.LONGEST, *words)
        answers = self.local.process.stdout
        head = answers.readline().split()
        if len(head) != 3:
            raise SystemExit(f"{self.warm} ended at {words}")
        code, out, err = (int(word) for word in head)
        done = subprocess.CompletedProcess(words, code, answers.read(out).decode(), answers.read(err).decode())
        if code == -14:
            raise subprocess.TimeoutExpired(words, self.LONGEST)
        return done

    def _ask(self, seconds, *words):
        self.local.process.stdin.write(("\t".join((str(seconds), *words)) + "\n").encode())
        self.local.process.stdin.flush()


class Checker:
    """`upgc check`: what it says of a plan."""

    def __init__(self, programs):
        self.programs = programs

    def check(self, plan, library, options):
        """('accepted', []), ('rejected', codes of rules) or ('broken', other codes); and the diagnostics."""
        done = self.programs.run("upgc", "check", "--format=json", "--today", TODAY, "--stdlib", library, *options, plan)
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


class Differ:
    """`upgc diff`: what a reviewer is told of a changed contract."""

    def __init__(self, programs, top):
        self.programs, self.top = programs, top
        self.lock, self.built = threading.Lock(), {}

    def old(self, seed, plan, library):
        """The seed as a plan file; made once, from what `plan` and `library` hold before an edit."""
        path = os.path.join(self.top, seed.name + ".upgb")
        done = self.programs.run("upgc", "build", "--today", TODAY, "--stdlib", library, *seed.options, plan, "-o", path)
        if done.returncode != 0:
            raise SystemExit(f"upgc build ended with {done.returncode} on {plan}: {done.stderr}")
        return path

    def weaker(self, seed, rooms, mutant):
        """Whether a change of a contract, and not only what follows from it, is called weaker."""
        with self.lock:
            if seed.name not in self.built:
                self.built[seed.name] = self.old(seed, *rooms.write(seed, []))
        plan, library = rooms.write(seed, mutant.edits)
        done = self.programs.run("upgc", "diff", "--format=json", "--today", TODAY, "--stdlib", library, *mutant.options,
                                 self.built[seed.name], plan)
        if done.returncode not in (0, 1):
            raise SystemExit(f"upgc diff ended with {done.returncode} on {plan}: {done.stderr}")
        return any(c["danger"] == "weaker" and c["kind"] not in ("margin", "proof_lost") for c in json.loads(done.stdout)["changes"])


class Judge:
    """The explorer, which knows nothing of the checker: the predicates that a plan breaks."""

    def __init__(self, programs):
        self.programs = programs

    def judge(self, plan, library, options, states):
        """('safe' | 'unsafe' | 'unjudged', what it says)"""
        try:
            done = self.programs.run("upg_oracle", "--stdlib", library, "--states", str(states), *options, plan)
        except subprocess.TimeoutExpired:
            return "unjudged", "the explorer takes too long"
        return verdict(done)


def verdict(done):
    """What is found is found, even if not every configuration was looked at."""
    findings = [line for line in done.stdout.splitlines() if re.match(r"[a-z]+: ", line)]
    if findings and done.returncode in (1, 3):
        return "unsafe", "; ".join(findings)
    text = " ".join((done.stdout + done.stderr).split())
    return ("safe" if done.returncode == 0 else "unjudged"), text
