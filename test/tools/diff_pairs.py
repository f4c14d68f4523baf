#!/usr/bin/env python3
"""One small edit of a plan for each kind of change: `upgc diff` finds exactly what was edited, and finds nothing in edits that
change nothing.

usage: diff_pairs.py UPGC FOLDER REPOSITORY"""

import json
import pathlib
import re
import subprocess
import sys

TODAY = "--today=2026-01-01"
BASE = pathlib.Path(__file__).parent / "Inputs" / "diff_base.upg"

# (name, [(old text, new text)...], {(kind, danger)...}): margins and durations that follow are left out of account.
PAIRS = [
    # ---- nothing
    ("same", [], set()),
    ("comment", [("/// A shard.", "/// A shard of the database, told at more length.")], set()),
    ("moved lines", [("cluster lab {", "\n\n\ncluster lab {")], set()),
    ("renamed binder", [("rolling n in shard { await copies  await spare(n)  restart(n)  await in_service(n) }",
                         "rolling h in shard { await copies  await spare(h)  restart(h)  await in_service(h) }")], set()),
    ("renamed parameter", [("gate spare(h: host) { pass when (run(\"spare\") on h)", "gate spare(x: host) { pass when (run(\"spare\") on x)")], set()),
    # ---- steps
    ("parallelism", [("rolling n in web {", "rolling n in web batch 2 {")], {("parallelism", "weaker")}),
    ("less parallelism", [("rolling n in cache batch 2 {", "rolling n in cache {")], {("parallelism", "stronger")}),
    ("gate removed", [("await copies  await spare(n)  restart(n)", "await spare(n)  restart(n)")], {("gate_removed", "weaker")}),
    ("gate added", [("rolling n in web { await", "rolling n in web { await calm  await")], {("gate_added", "stronger")}),
    ("gate moved", [("await copies  await spare(n)  restart(n)  await in_service(n)", "await spare(n)  restart(n)  await copies  await in_service(n)")],
     {("guard_moved", "weaker")}),
    ("gate about another host", [("await up(node1)", "await up(node2)")], {("gate_changed", "different")}),
    ("expectation removed", [("expect mode() == \"open\"", "")], {("gate_removed", "weaker")}),
    ("hold removed", [("with quiet { rolling n in cache batch 2 { await up(n)  flush(n)  await in_service(n) } }",
                       "rolling n in cache batch 2 { await up(n)  flush(n)  await in_service(n) }")], {("hold_removed", "weaker")}),
    ("hold added", [("rolling n in web { await up(n)  flush(n)  await in_service(n) }",
                     "with quiet { rolling n in web { await up(n)  flush(n)  await in_service(n) } }")], {("hold_added", "stronger")}),
    ("person removed", [("ask \"Does the console work?\"", "")], {("person_removed", "weaker")}),
    ("person added", [("await in_service(all)\n  }\n\n", "await in_service(all)\n  }\n  ask \"Is the pager on?\"\n\n")], {("person_added", "stronger")}),
    ("no return moved", [("  point of no return \"data of 2 cannot be read by 1\"\n", ""),
                         ("  ask \"Does", "  point of no return \"data of 2 cannot be read by 1\"\n  ask \"Does")], {("no_return", "different")}),
    ("no return removed", [("  point of no return \"data of 2 cannot be read by 1\"\n", "")], {("no_return", "weaker")}),
    ("order of steps", [("flush(node1)  polish(node1)", "polish(node1)  flush(node1)")], {("order_changed", "different")}),
    ("step added", [("flush(node1)  polish(node1)", "flush(node1)  flush(node2)  polish(node1)")], {("step_added", "different")}),
    ("step removed", [("flush(node1)  polish(node1)", "flush(node1)")], {("step_removed", "different")}),
    ("step about another host", [("flush(node1)  polish(node1)", "flush(node1)  polish(node2)")], {("step_changed", "different")}),
    ("phase order", [("phase second after first {", "phase second {")], {("parallelism", "weaker")}),
    ("host order", [("host node1 \"10.0.0.1\", node2 \"10.0.0.2\",", "host node2 \"10.0.0.2\", node1 \"10.0.0.1\",")], {("order_changed", "different")}),
    ("deadline of turns", [("at most 30m {", "at most 40m {")], {("deadline", "different")}),
    ("condition", [("if mode() == \"open\" {", "if mode() != \"open\" {")], {("question_changed", "different")}),
    # ---- waivers
    ("waiver added", [("rolling n in cache batch 2 { await up(n)  flush(n)  await in_service(n) }",
                       "accept guard reason \"a cache\" until 2030-01-01 { rolling n in cache batch 2 { await up(n)  flush(n)  await in_service(n) } }")],
     {("waiver_added", "weaker")}),
    ("waiver removed", [("accept guard reason \"the lab has no clients\" until 2030-01-01 { flush(node1)  polish(node1) }",
                         "flush(node1)  polish(node1)")], {("waiver_removed", "stronger"), ("proof_lost", "weaker")}),
    ("waiver for longer", [("until 2030-01-01 { flush", "until 2031-01-01 { flush")], {("waiver_changed", "weaker")}),
    ("waiver wider", [("{ flush(node1)  polish(node1) }\n", "{ flush(node1)  polish(node1)\n"),
                      ("  await up(node1)\n", "  await up(node1) }\n")], {("waiver_changed", "weaker")}),
    # ---- gates
    ("gate weakened", [("pass when mode() == \"open\" and answers(node1)", "pass when mode() == \"open\"")], {("gate_weakened", "weaker")}),
    ("gate strengthened", [("gate up(h: host) { pass when answers(h)", "gate up(h: host) { pass when answers(h) and mode() == \"open\"")],
     {("gate_strengthened", "stronger")}),
    ("gate changed", [("(run(\"copies\") on any shard).code == 0", "(run(\"copies\") on any shard).code < 2")], {("gate_changed", "different")}),
    ("stable", [("stable 3", "stable 1")], {("gate_weakened", "weaker")}),
    ("deadline", [("poll 10s for 20m", "poll 10s for 50m")], {("deadline", "different")}),
    ("watches unwritten", [("for 5m  watches web }", "for 5m }")], {("gate_weakened", "weaker")}),
    ("reaches less", [("  changes cache on h\n", "  changes cache on h\n  reaches cache\n")],
     {("contract_changed", "weaker"), ("effect_added", "stronger")}),
    ("watches less", [("for 5m  watches web }", "for 5m  watches cache }")], {("gate_weakened", "weaker")}),
    ("watches more", [("for 5m  watches web }", "for 5m  watches web, cache }")], {("gate_changed", "different")}),
    ("watches nothing", [("watches shard", "watches nothing")], {("gate_weakened", "weaker")}),
    ("probe", [("run(\"mode\")", "run(\"mode\", \"-q\")")], {("question_changed", "different")}),
    # ---- contracts
    ("effect dropped", [("  changes  shard on h\n", "")], {("effect_dropped", "weaker")}),
    ("effect added", [("action polish(h: host) {\n", "action polish(h: host) {\n  changes shard on h\n")], {("effect_added", "stronger")}),
    ("need dropped", [("  requires spare(h)\n", "")], {("need_dropped", "weaker")}),
    ("need added", [("action polish(h: host) {\n", "action polish(h: host) {\n  requires up(h)\n")], {("need_added", "stronger")}),
    ("commands", [("run(\"systemctl\", \"restart\", \"db\") on h", "run(\"systemctl\", \"restart\", \"--force\", \"db\") on h")], {("commands", "different")}),
    ("duration", [("takes 10s..5m", "takes 10s..6m")], {("duration", "different")}),
    ("once", [("  once\n", "")], {("contract_changed", "weaker")}),
    ("retries", [("  idempotent\n", "  idempotent\n  retry 2 every 5s\n")], {("contract_changed", "different")}),
    ("no taint", [("  taints room", "")], {("hold_changed", "weaker")}),
    ("another taint", [("  taints room", "  taints room, copies")], {("hold_changed", "different")}),
    ("on halt", [("on halt keep", "on halt release")], {("hold_changed", "different")}),
    # ---- site and rules
    ("host added", [("host node1 \"10.0.0.1\", node2 \"10.0.0.2\", node3 \"10.0.0.3\"",
                     "host node1 \"10.0.0.1\", node2 \"10.0.0.2\", node3 \"10.0.0.3\", node4 \"10.0.0.4\"")], {("hosts_added", "different")}),
    ("host removed", [(", node3 \"10.0.0.3\"", "")], {("hosts_removed", "different"), ("proof_lost", "weaker")}),
    ("address", [("10.0.0.3", "10.0.0.33")], {("host_changed", "different")}),
    ("host out", [("upgrade fresh of lab {\n", "upgrade fresh of lab {\n  host node3 out \"burnt\"\n")], {("host_out", "weaker"), ("hosts_removed", "different"), ("proof_lost", "weaker")}),
    ("policy weakened", [("available >= 2", "available >= 1")], {("policy_weakened", "weaker")}),
    ("policy strengthened", [("available >= 1", "available >= 2")], {("policy_strengthened", "stronger")}),
    ("serial dropped", [("  serial\n", "")], {("policy_weakened", "weaker")}),
    ("order dropped", [("order shard before web\n", "")], {("order_dropped", "weaker")}),
    ("order added", [("order shard before web\n", "order shard before web before cache\n")], {("order_dropped", "weaker"), ("order_added", "stronger")}),
    ("command rule dropped", [("command \"systemctl restart db*\" implies disrupts shard\n", "")], {("command_rule_dropped", "weaker")}),
    ("state", [("{ old, transient half, new }", "{ old, transient half, more, new }")], {("state_changed", "different")}),
    ("state no longer armed", [("{ old, transient half, new }", "{ old, half, new }")], {("state_changed", "weaker")}),
    # ---- plan
    ("window", [("for 10h tz", "for 12h tz")], {("window", "different")}),
    ("claim", [("  finally every n in shard: release(n) == old\n", "")], {("claim_changed", "different")}),
    ("parameter", [("param least: int = 5", "param least: int = 6")], {("parameter", "different"), ("gate_changed", "different")}),
    ("versions", [("from \"1\" to \"2\"", "from \"2\" to \"3\"")], {("identity", "different")}),
    ("tolerance", [("upgrade fresh of lab {\n", "upgrade fresh of lab {\n  tolerate 1\n"), ("rolling n in cache batch 2 {", "rolling n in cache batch 2 tolerant {")],
     {("tolerance", "weaker"), ("proof_lost", "weaker")}),
    ("broken rule", [("rolling n in shard {", "rolling n in shard batch 2 {")], {("proof_lost", "weaker"), ("parallelism", "weaker")}),
]
FOLLOWS = {("margin", "weaker"), ("margin", "stronger"), ("duration", "different")}


def diff(upgc, before, after, *options):
    return subprocess.run([upgc, "diff", TODAY, *options, str(before), str(after)], capture_output=True, text=True,
                          timeout=60, check=False)


def main():
    upgc, folder, repository = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    only = set(sys.argv[4:])
    folder.mkdir(parents=True, exist_ok=True)
    base, bad, shown = BASE.read_text(encoding="utf-8"), 0, set()
    old = folder / "plan.upg"
    old.write_text(base, encoding="utf-8")
    for name, edits, wanted in PAIRS:
        if only and name not in only:
            continue
        text = base
        for before, after in edits:
            if before not in text:
                sys.exit(f"{name}: the base plan has no {before!r}")
            text = text.replace(before, after, 1)
        new = folder / "new" / "plan.upg"
        new.parent.mkdir(exist_ok=True)
        new.write_text(text, encoding="utf-8")
        result = diff(upgc, old, new, "--format=json")
        try:
            changes = json.loads(result.stdout)["changes"]
        except ValueError:
            print(f"{name}: exit {result.returncode}: {result.stderr[:1500]}")
            bad += 1
            continue
        found = {(c["kind"], c["danger"]) for c in changes}
        shown |= found
        faults = []
        if wanted - found:
            faults.append(f"not found: {sorted(wanted - found)}")
        extra = found - wanted - (FOLLOWS if wanted else set())
        if extra:
            faults.append(f"found too: {sorted(extra)}")
        if result.returncode != (1 if changes else 0):
            faults.append(f"exit {result.returncode}")
        order = [("weaker", "different", "stronger").index(c["danger"]) for c in changes]
        if order != sorted(order):
            faults.append("not the most dangerous first")
        back = diff(upgc, new, old, "--format=json")
        if (back.returncode != 0) != bool(changes):
            faults.append(f"the other way round: exit {back.returncode}")
        for fault in faults:
            bad += 1
            print(f"{name}: {fault}")
            for c in changes:
                print(f"    {c['danger']} {c['kind']}: {c['subject']}: {c['text']}: {c['before']} -> {c['after']}")
    rows = re.findall(r"^UPG_CHANGE\((\w+), (\w+)", (repository / "runtime/report/diff_kinds.def").read_text(), re.M)
    missing = [] if only else [row for row, _ in rows if row not in {kind for kind, _ in shown}]
    for row in missing:
        print(f"{row}: no pair shows it")
    print(f"{len(PAIRS)} pairs, {len(rows) - len(missing)} of {len(rows)} kinds of change shown, {bad} faults")
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main())
