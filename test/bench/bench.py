#!/usr/bin/env python3
"""Measures the compiler, the plan reader, SSH and a run; run it as `./dev bench`.

Compiler and checker: user + system CPU time of the whole process (the machine may have other work; waiting is not
counted) and its largest resident set, the best of several runs. Growth is the exponent k of time ~ size^k, between two
sizes and over all of a family; 1 is linear. What is started here is stopped here.
"""

import argparse
import json
import math
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import generate
import others

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))

FULL = {
    "lines": (12_500, 25_000, 50_000, 100_000),
    "hosts": (1_250, 2_500, 5_000, 10_000),
    "scattered": (1_250, 2_500, 5_000, 10_000),
    "fleet": (1_250, 2_500, 5_000, 10_000),
    "backlog": (500, 1_000, 2_000, 4_000),
    "named": (500, 1_000, 2_000, 4_000),
    "phases": (100, 200, 400, 800),
    "chain": (100, 200, 400, 800),
    "wide": (100, 200, 400, 800),
    "cells": (100, 200, 400, 800),
    "asked": (100, 200, 400, 800),
    "roles": (25, 50, 100, 200),
    "gates": (150, 300, 600, 1_200),
    "calls": (375, 750, 1_500, 3_000),
    "nested": (50, 100, 200, 400),
    "states": (500, 1_000, 2_000, 4_000),
    "counts": (500, 1_000, 2_000, 4_000),
    "undos": (500, 1_000, 2_000, 4_000),
    "aborts": (500, 1_000, 2_000, 4_000),
    "tolerant": (500, 1_000, 2_000, 4_000),
    "ranked": (500, 1_000, 2_000, 4_000),
    "parts": (500, 1_000, 2_000, 4_000),
    "branches": (500, 1_000, 2_000, 4_000),
    "attempts": (250, 500, 1_000, 2_000),
    "commands": (500, 1_000, 2_000, 4_000),
    "bastions": (500, 1_000, 2_000, 4_000),
    "modules": (50, 100, 200, 400),
    "waived": (100, 200, 400, 800),
    "relay": (100, 200, 400, 800),
    "unheld": (500, 1_000, 2_000, 4_000),
    "racks": (100, 200, 400, 800),
    "derived": (100, 200, 400, 800),
    "contrary": (500, 1_000, 2_000, 4_000),
    "lossy_order": (500, 1_000, 2_000, 4_000),
    "retried": (500, 1_000, 2_000, 4_000),
    "boots": (500, 1_000, 2_000, 4_000),
}
SMOKE = {"lines": (200, 400), "scattered": (5, 10), "phases": (8, 16), "chain": (2, 4), "wide": (2, 4), "cells": (8, 16),
         "asked": (2, 4), "roles": (2, 4), "gates": (3, 6), "nested": (1, 2), "states": (4, 8), "counts": (4, 8),
         "undos": (4, 8), "aborts": (4, 8), "tolerant": (4, 8), "ranked": (4, 8), "parts": (4, 8), "branches": (2, 4),
         "attempts": (2, 4), "commands": (2, 4), "bastions": (4, 8), "modules": (2, 4), "hosts": (5, 10), "fleet": (20, 40),
         "waived": (2, 4), "relay": (2, 4), "unheld": (4, 8), "racks": (2, 4), "derived": (4, 8), "contrary": (4, 8),
         "lossy_order": (4, 8), "retried": (4, 8), "boots": (40, 80), "named": (3, 6), "backlog": (12, 24), "calls": (100, 200)}
WHAT = {
    "lines": "lines of source, nine hosts",
    "hosts": "hosts that fold, fifty steps each, one at a time",
    "scattered": "hosts of which no two fold, fifty steps and a hold each, three at a time",
    "fleet": "hosts in racks, three roles, one of each rack at a time",
    "backlog": "hosts of which no two fold, ten at a time, each turn leaving what a later one closes",
    "named": "hosts, no rollout: every host's steps written out",
    "phases": "phases in layers of eight that may run side by side, 64 hosts",
    "chain": "phases, each after the one before",
    "wide": "phases that nothing orders, each with its own role",
    "cells": "phases in layers that move states",
    "asked": "phases in a chain, each relying on a gate that the one before asked",
    "roles": "roles that are ranked, a phase each",
    "gates": "gates and holds, thirty hosts",
    "calls": "calls of a procedure inside procedures, nine hosts",
    "nested": "calls of a procedure fifty deep, nine hosts",
    "states": "hosts of which no two fold, each with two states",
    "counts": "hosts of which no two fold, each turn requiring a count over all",
    "undos": "hosts of which no two fold, each with a step that can be undone",
    "aborts": "hosts of which no two fold, and an `on abort` over all",
    "tolerant": "hosts of which no two fold, two of which may be lost",
    "ranked": "hosts of which no two fold, of two ranks, with an order",
    "parts": "hosts side by side in one `parallel`",
    "branches": "`if`s, one after the other, nine hosts",
    "attempts": "attempts with a recovery, one after the other, nine hosts",
    "commands": "lines that say what commands imply, and as many actions",
    "bastions": "hosts behind bastions, ten behind each",
    "modules": "modules with an action each",
    "waived": "phases that nothing orders, each accepting the outage of its own role",
    "relay": "phases in a chain that each close what the one before left open, nine hosts",
    "unheld": "hosts of which no two fold, each turn with a hold and a step that must not run under it",
    "racks": "phases that nothing orders, over hosts that are ranked",
    "derived": "phases that an order between two roles puts one half after the other",
    "contrary": "hosts of which no two fold, of two ranks, and an order that visits them the other way round",
    "lossy_order": "hosts of which no two fold, two of which may be lost, and an order between other roles",
    "retried": "hosts of which no two fold, their rollout inside of one attempt",
    "boots": "hosts of which no two fold, each restarted; a fortieth as many states that a boot may move",
}
MOST = 1.2  # no family's growth may exceed it


class Bench:
    def __init__(self, build, smoke, scratch, families=None):
        self.build, self.smoke, self.scratch = build, smoke, scratch
        self.runs = 1 if smoke else 5
        self.families = families or list(FULL)

    def sizes(self, shape):
        return (SMOKE if self.smoke else FULL)[shape]

    def program(self, name):
        return os.path.join(self.build, "bench" if name.endswith("_bench") else "bin", name)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def measure(self, command, runs):
        """Median (CPU seconds, wall seconds, MB) of a command that must succeed."""
        cpu, wall, size = [], [], []
        for _ in range(runs):
            # Through a file: a pipe that nobody reads would block it.
            with open(self.path("output"), "w+", encoding="utf-8") as output:
                began = time.perf_counter()
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
                _, status, usage = os.wait4(process.pid, 0)
                wall.append(time.perf_counter() - began)
                process.returncode = os.waitstatus_to_exitcode(status)
                output.seek(0)
                text = output.read()
            if process.returncode != 0:
                sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{text[-3000:]}")
            cpu.append(usage.ru_utime + usage.ru_stime)
            size.append(usage.ru_maxrss / 1024)
        return statistics.median(cpu), statistics.median(wall), statistics.median(size)


def heading(text):
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def machine():
    """One line: when, what, and on what; figures without it mean little."""
    model, memory = "unknown", 0
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1]) / 2**20
    commit = subprocess.run(["git", "-C", REPOSITORY, "describe", "--always", "--dirty"], capture_output=True, text=True,
                            check=False).stdout.strip() or "unknown"
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d')}, commit {commit}; {os.cpu_count()} cores of {model}, {memory:.0f} GB; load before: {load:.1f}"
          + (" (others are at work: trust ratios and CPU times, not wall times)" if load > os.cpu_count() / 2 else ""))


def start_up(bench):
    heading("start-up: --version, wall time")
    for name in ("upgc", "upgrun"):
        times = []
        for _ in range(3 if bench.smoke else 100):
            times.append(bench.measure([bench.program(name), "--version"], 1)[1])
        # The same for a program that does nothing: starting a process is not upg's to spend.
        floor = [bench.measure(["/bin/true"], 1)[1] for _ in times]
        print(f"{name:8} median {statistics.median(times) * 1e3:5.1f} ms, least {min(times) * 1e3:4.1f} ms"
              f"   (true: median {statistics.median(floor) * 1e3:.1f} ms, least {min(floor) * 1e3:.1f} ms)", flush=True)


def growth(bench):
    heading("upgc check, and then upgrun's share: reading the .upgb file and proving it once more")
    floor = bench.measure(["/bin/true"], 1)[2]  # a child's largest size counts from its parent's: this is the least to be seen
    print(f"CPU time, the least of {bench.runs} rounds over all sizes of a family; memory below {floor:.0f} MB is not told apart")
    fits, largest = {}, 0
    for shape in bench.families:
        print(f"\n{shape}: {WHAT[shape]}")
        print(f"{'size':>8} {'lines':>8} {'check':>9} {'growth':>7} {'memory':>8} {'.upgb':>9} {'read':>9} {'prove':>9} {'growth':>7} {'memory':>8}")
        sizes = bench.sizes(shape)
        plans = {size: write_plan(bench, shape, size) for size in sizes}
        for source, plan, _ in plans.values():
            bench.measure([bench.program("upgc"), "build", source, "-o", plan], 1)
        # A slow moment of the machine must not be that of one size alone: each round measures all of them.
        checks, owns = {size: [] for size in sizes}, {size: [] for size in sizes}
        for _ in range(bench.runs):
            for size, (source, plan, _) in plans.items():
                checks[size].append(bench.measure([bench.program("upgc"), "check", source], 1))
                owns[size].append(prove(bench, plan, owns[size]))
        rows = []
        for size, (_, _, lines) in plans.items():
            check, memory = min(c[0] for c in checks[size]), max(c[2] for c in checks[size])
            own = min(owns[size], key=lambda o: o["check_ms"])
            peak = max(o["peak_mb"] for o in owns[size])
            rows.append((size, check, own["check_ms"]))
            largest = max(largest, memory, peak)
            before = rows[-2] if len(rows) > 1 else None
            print(f"{size:8} {lines:8} {check:7.3f} s {exponent(before, rows[-1], 1):>7} {memory:5.0f} MB "
                  f"{own['bytes'] / 1e6:6.2f} MB {own['read_ms']:6.1f} ms {own['check_ms']:6.1f} ms {exponent(before, rows[-1], 2):>7} "
                  f"{peak:5.0f} MB", flush=True)
        fits[shape] = (fit(rows, 1), fit(rows, 2))
        print(f"over all sizes: check ~ size^{fits[shape][0]:.2f}, prove ~ size^{fits[shape][1]:.2f}", flush=True)
    print("\ngrowth of CPU time over all sizes, steepest first:")
    for shape, (check, proof) in sorted(fits.items(), key=lambda item: -max(item[1])):
        print(f"  {shape:10} check {check:5.2f}   prove {proof:5.2f}")
    print(f"largest memory of a process: {largest:.0f} MB")
    worst = max(fits, key=lambda shape: max(fits[shape]))
    print(f"worst exponent: {max(fits[worst]):.2f} ({worst}); it should stay below {MOST}", flush=True)


def prove(bench, plan, before):
    """One measurement of plan_bench; a short proof is repeated until a tenth of a second is full, and the least counts."""
    times = 1
    if before and not bench.smoke:
        times = max(1, min(20, int(100 / max(before[0]["check_ms"], 1))))
    answer = subprocess.run([bench.program("plan_bench"), plan, str(times)], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        sys.exit(f"bench: {answer.stderr}")
    return json.loads(answer.stdout)


def instructions(bench):
    """The proof's growth in instructions: the same on every machine and under any load, but blind to caches and page faults."""
    heading("the proof alone, in instructions of the processor (valgrind)")
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: left out (apt-get install valgrind)")
        return

    def count(shape, size):
        source, plan, _ = write_plan(bench, shape, size)
        bench.measure([bench.program("upgc"), "build", source, "-o", plan], 1)
        answer = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
                                 "--toggle-collect=upg::safety::check(*", bench.program("plan_bench"), plan, "1"],
                                capture_output=True, text=True, check=False)
        found = re.search(r"Collected : (\d+)", answer.stderr)
        if answer.returncode != 0 or not found or int(found[1]) == 0:
            sys.exit(f"bench: nothing counted of {shape} {size}: {answer.stderr[-2000:]}")
        return int(found[1]) / 1e6

    fits = {}
    for shape in bench.families:
        rows = [(size, count(shape, size)) for size in bench.sizes(shape)]
        steps = [f"{size}: {millions:,.1f}" + (f" ({exponent(rows[i - 1], row, 1)})" if i else "")
                 for i, row in enumerate(rows) for size, millions in [row]]
        fits[shape] = fit(rows, 1)
        print(f"{shape:10} {fits[shape]:5.2f}   millions at {', '.join(steps)}", flush=True)
    worst = max(fits, key=fits.get)
    print(f"worst exponent in instructions: {fits[worst]:.2f} ({worst}); it should stay below {MOST}", flush=True)


def write_plan(bench, shape, size):
    """The plan's path, that of its compiled form, and how many lines it has."""
    made = generate.SHAPES[shape](size)
    files = made if isinstance(made, dict) else {"plan.upg": made}
    folder = bench.path(f"{shape}-{size}")
    os.makedirs(folder, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return os.path.join(folder, "plan.upg"), os.path.join(folder, "plan.upgb"), sum(text.count("\n") for text in files.values())


def fit(rows, column):
    """k of time ~ size^k, by least squares over all rows."""
    points = [(math.log(row[0]), math.log(max(row[column], 1e-6))) for row in rows]
    x, y = statistics.mean(p[0] for p in points), statistics.mean(p[1] for p in points)
    return sum((p[0] - x) * (p[1] - y) for p in points) / sum((p[0] - x) ** 2 for p in points)


def exponent(before, now, column):
    if before is None or min(before[column], now[column]) <= 0:
        return ""
    return f"{math.log(now[column] / before[column]) / math.log(now[0] / before[0]):.2f}"


def ssh(bench):
    heading("SSH, over sshds of an ordinary user on this machine, which share its cores with the client")
    amount = ["3", "40"] if bench.smoke else ["100", "2000"]  # hosts, commands
    answer = subprocess.run([bench.program("ssh_bench"), *amount], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=300, check=False)
    if answer.returncode != 0:
        sys.exit(f"bench: ssh_bench: {answer.stdout}{answer.stderr}")
    print(answer.stdout, end="", flush=True)
    return answer.stdout


def simulate(bench):
    """A night's plan in virtual time; the run that is measured first, to know where faults may fall, is part of it."""
    heading("upgrun simulate: packages, a hold and a reboot on one host after the other")
    runs = 3 if bench.smoke else 100
    print(f"{'hosts':>8} {'virtual':>9} {'one run':>9} {'with faults':>12}   (CPU; read and proved again first)")
    for size in (5,) if bench.smoke else (10, 100, 1_000):
        source, plan = bench.path("night.upg"), bench.path("night.upgb")
        with open(source, "w", encoding="utf-8") as file:
            file.write(generate.night(size))
        bench.measure([bench.program("upgc"), "build", source, "-o", plan], 1)
        command = [bench.program("upgrun"), "simulate", plan, "--format=json"]
        alone = bench.measure(command + ["--faults=0", "--seeds=1"], bench.runs)[0]
        told = json.loads(subprocess.run(command + ["--faults=0", "--seeds=1"], capture_output=True, text=True, check=True).stdout)
        many = bench.measure(command + ["--faults=2", f"--seeds={runs}"], 1)[0] if size <= 100 else 0.0
        hours = told["duration_ms"]["worst"] / 3.6e6
        print(f"{size:8} {hours:7.1f} h {alone / 2:7.3f} s {many / runs * 1e3:9.1f} ms" + ("   each" if many else ""), flush=True)


def run(bench, direct):
    """Actions of a real run, with its journal on disk; times are those of the journal."""
    heading("a run over SSH with its journal on disk: actions that do nothing, one after the other on one host")
    count = 5 if bench.smoke else 100
    source, plan = bench.path("steps.upg"), bench.path("steps.upgb")
    runs = bench.path("runs")
    with others.Fleet(bench.scratch, 1) as fleet:
        with open(source, "w", encoding="utf-8") as file:
            file.write(generate.steps(count, fleet.addresses[0]))
        bench.measure([bench.program("upgc"), "build", source, "-o", plan], 1)
        began = time.perf_counter()
        cpu, wall, _ = bench.measure([bench.program("upgrun"), "run", plan, "--yes", "--no-agent", "--ssh-config",
                                      bench.path("ssh_config"), "--runs", runs], 1)
        wall = time.perf_counter() - began
    [folder] = [entry.path for entry in os.scandir(runs) if entry.is_dir()]
    with sqlite3.connect(os.path.join(folder, "journal.sqlite")) as journal:
        rows = journal.execute("SELECT unix_ms, event, key FROM events ORDER BY number").fetchall()
    intended = {key: at for at, event, key in rows if event == "act_intended"}
    ended = {key: at for at, event, key in rows if event == "act_ended"}
    if len(ended) != count or intended.keys() != ended.keys():
        sys.exit(f"bench: {len(ended)} of {count} actions ended")
    total = max(ended.values()) - min(intended.values())
    each = total / count
    print(f"{count} actions in {total / 1e3:.2f} s: {1e3 / each:.0f} actions/s, {each:.2f} ms each from one's start to the next one's;"
          f" {len(rows) / count:.1f} records each")
    print(f"act_intended to act_ended: median {statistics.median(ended[k] - intended[k] for k in ended):.0f} ms")
    print(f"the whole of upgrun: {wall:.2f} s, {cpu / count * 1e3:.2f} ms of its CPU per action")
    found = re.search(r"step on a warm session.*?median\s+([\d.]+) ms", direct)
    if found:
        print(f"the same step without machine and journal takes {float(found[1]):.2f} ms: they add {each - float(found[1]):.2f} ms")
    commits(bench)


def commits(bench):
    """What the disk takes for one durable record: a commit as the journal makes it."""
    count = 20 if bench.smoke else 500
    with sqlite3.connect(bench.path("commits.sqlite"), isolation_level=None) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE events(number INTEGER PRIMARY KEY, data TEXT)")
        began = time.perf_counter()
        for i in range(count):
            db.execute("INSERT INTO events VALUES(?, ?)", (i, "x" * 200))
        took = (time.perf_counter() - began) / count * 1e3
    print(f"one durable record on this disk: {took:.2f} ms (SQLite, WAL, synchronous=FULL)")


PARTS = ("start-up", "growth", "instructions", "simulate", "ssh", "run", "others")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(REPOSITORY, "build", "default"), help="the build tree to measure")
    parser.add_argument("--smoke", action="store_true", help="small sizes, one run: only shows that it still works")
    parser.add_argument("--family", action="append", choices=list(FULL), help="only this family of plans (growth, instructions); may be repeated")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    arguments = parser.parse_args()
    parts = arguments.parts or [part for part in PARTS if part != "instructions"]  # that takes ten minutes
    for part in parts:
        if part not in PARTS:
            parser.error(f"no part {part}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="upg-bench.") as scratch:
        bench = Bench(os.path.abspath(arguments.build), arguments.smoke, scratch, arguments.family)
        machine()
        if "start-up" in parts:
            start_up(bench)
        if "growth" in parts:
            growth(bench)
        if "instructions" in parts:
            instructions(bench)
        if "simulate" in parts:
            simulate(bench)
        direct = ssh(bench) if "ssh" in parts else ""
        if "run" in parts:
            run(bench, direct)
        if "others" in parts:
            others.compare(bench, heading)


if __name__ == "__main__":
    main()
