"""What became of the mutants, and whether that is good enough."""

import collections
import hashlib
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
PAIRS_OF_ONE = 6  # mistakes that one weakened contract is paired with
MEANT_FOR = {"role.no_votes": "host.votes"}  # operators whose mistakes a weakened contract is paired with besides: what it is there for


class Result:
    """`state`: accepted, rejected or broken (not for the checker to say). `judged`: safe, unsafe, unjudged or not asked."""

    def __init__(self, mutant, state, codes, found=()):
        self.mutant, self.state, self.codes = mutant, state, codes
        self.messages = [d["message"] for d in found if d["severity"] == "error"]
        self.text = json.dumps(found) if state == "rejected" else ""
        self.judged, self.said = "", ""
        self.told = None  # whether `upgc diff` calls it weaker; of a contract that is trusted

    @property
    def contract_only(self):
        return bool(self.mutant.edits) and all(e.contract for e in self.mutant.edits)

    @property
    def plan_only(self):
        return not any(e.contract for e in self.mutant.edits)


class Reasons:
    """A reviewed file of lines `PATTERN | reason`; `*` in a pattern stands for anything."""

    def __init__(self, name):
        self.name, self.lines, self.used = name, [], set()
        path = os.path.join(HERE, name)
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if line and not line.startswith("#"):
                    pattern, bar, reason = line.partition(" | ")
                    if not bar or not reason.strip():
                        raise SystemExit(f"{name}: no reason: {line}")
                    expression = ".*".join(re.escape(part) for part in pattern.strip().split("*"))
                    self.lines.append((re.compile(expression + r"\Z"), pattern.strip()))

    def has(self, identity):
        for expression, pattern in self.lines:
            if expression.match(identity):
                self.used.add(pattern)
                return True
        return False

    def unused(self):
        return [pattern for _, pattern in self.lines if pattern not in self.used]


class Trust:
    """A reviewed file of lines `OPERATOR: PREDICATES | WHO | REASON`: contracts that, weakened by exactly this operator, let a plan through that
    breaks at most these predicates of the explorer. WHO finds out instead: `diff`, and then `upgc diff` has to call each of them weaker; or
    `run`, and the reason says where."""

    def __init__(self, name):
        self.name, self.lines, self.used = name, {}, set()
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if line and not line.startswith("#"):
                    head, who, reason = (line.split(" | ", 2) + ["", ""])[:3]
                    operator, _, predicates = head.partition(": ")
                    if who not in ("diff", "run") or not predicates or not reason.strip() or operator in self.lines:
                        raise SystemExit(f"{name}: not `OPERATOR: PREDICATES | WHO | REASON`, or a second line of an operator: {line}")
                    self.lines[operator] = (set(predicates.split(", ")), who)

    def has(self, contract, plan):
        predicates, who = self.lines.get(contract.mutant.operator, (set(), ""))
        broken = set(re.findall(r"(?:^|; )([a-z]+): ", plan.said))
        if not broken or not broken <= predicates or (who == "diff" and not contract.told):
            return False
        self.used.add(contract.mutant.operator)
        return True

    def unused(self):
        return [operator for operator in self.lines if operator not in self.used]


def by_hash(identity):
    return hashlib.sha256(identity.encode()).digest()


def sample(mutants, size):
    """The same mutants every time: the first of each operator by the hash of their ids, then the second, and so on."""
    by_operator = collections.defaultdict(list)
    for mutant in sorted(mutants, key=lambda m: by_hash(m.id)):
        by_operator[mutant.operator].append(mutant)
    chosen, depth = [], 0
    while len(chosen) < min(size, len(mutants)):
        chosen += [some[depth] for some in by_operator.values() if len(some) > depth]
        depth += 1
    return chosen[:size]


def pairs_of(results, seeds):
    """(weakened contract that is accepted alone, mistake that is rejected and speaks of what was weakened)."""
    mistakes = collections.defaultdict(list)
    for r in results:
        if r.state == "rejected" and r.plan_only and r.judged != "safe":
            mistakes[r.mutant.seed].append(r)
    pairs = []
    for r in results:
        if r.state == "accepted" and r.contract_only:
            words = spoken_of(r.mutant, seeds[r.mutant.seed])
            fitting = [m for m in mistakes[r.mutant.seed] if any(w in m.text for w in words)]
            # Those that one rule alone rejects first: what breaks three is rejected whatever one contract says.
            fitting.sort(key=lambda m: (len(set(m.codes)), by_hash(r.mutant.id + m.mutant.id)))
            pairs += [(r, m) for i, m in enumerate(fitting)
                      if i < PAIRS_OF_ONE or m.mutant.operator == MEANT_FOR.get(r.mutant.operator)]
    return pairs


def spoken_of(mutant, seed):
    """Names under which diagnostics speak of the declarations that a mutant edits; of rules without a name, those inside."""
    words = set()
    for edit in mutant.edits:
        for d in seed.files[edit.file].tree["declarations"]:
            if d["begin"] <= edit.begin < d["end"] or d["begin"] < edit.end <= d["end"]:
                if isinstance(d.get("name"), dict):
                    words.add(d["name"]["text"])
                else:
                    words |= set(re.findall(r"[a-z_]{3,}", seed.files[edit.file].text(d))) - {"order", "before", "rank", "implies"}
    return words


class Score:
    def __init__(self, made, options, equivalent, trusted):
        self.made, self.options, self.equivalent, self.trusted = made, options, equivalent, trusted
        self.count, self.rules, self.discards = collections.Counter(), collections.Counter(), collections.Counter()
        self.operators, self.rejecting = set(), set()
        self.bad, self.lines, self.pairs = [], [], collections.Counter()

    def add(self, results):
        for r in results:
            word = r.state
            self.operators.add(r.mutant.operator)
            if r.state == "broken":
                self.discards[r.codes[0]] += 1
            elif r.state == "rejected":
                self.rejecting.add(r.mutant.operator)
                self.rules[r.codes[0]] += 1
                self.count["rejected, judged " + r.judged] += 1
            else:
                word = self.accepted(r)
                self.count[word] += 1
            self.count[r.state] += 1
            self.lines.append((word, r.judged, ",".join(r.codes), r.mutant.id, (r.messages or [""])[0], r.said))

    def accepted(self, r):
        known = self.equivalent.has(r.mutant.id)
        if r.judged == "safe":
            return "accepted, safe"
        if r.judged == "unjudged" and known:
            return "accepted, equivalent"
        self.bad.append(r)
        return "UNSAFE" if r.judged == "unsafe" else "NOT JUDGED"

    def add_pairs(self, pairs):
        for (contract, plan), state, codes in pairs:
            identity = f"{contract.mutant.id} + {plan.mutant.id}"
            word = "pair " + state
            if state == "accepted":
                if plan.judged == "safe":
                    word = "pair safe"
                elif self.trusted.has(contract, plan):
                    word = "pair trusted"
                else:
                    word = "PAIR"
                    self.bad.append(self.pair(contract, plan, identity))
            self.pairs[word] += 1
            self.lines.append((word, plan.judged, ",".join(codes), identity, "", plan.said))

    @staticmethod
    def pair(contract, plan, identity):
        both = Result(contract.mutant.__class__(identity, "pair", contract.mutant.seed,
                                                contract.mutant.edits + plan.mutant.edits, plan.mutant.options), "accepted", [])
        both.judged, both.said = plan.judged, plan.said
        return both

    def print(self):
        if self.options.table:
            with open(self.options.table, "w", encoding="utf-8") as file:
                file.writelines("\t".join(line) + "\n" for line in self.lines)
        for r in self.bad:
            print(f"{'UNSAFE' if r.judged == 'unsafe' else 'not judged'}: {r.mutant.id}\n    {r.said[:200]}")
        failed = bool(self.bad)
        if self.options.full and not self.options.only and not self.options.seed:
            for reasons in (self.equivalent, self.trusted):
                for pattern in reasons.unused():
                    print(f"{reasons.name}: nothing that is accepted matches: {pattern}")
                    failed = True
        self.summary()
        return 1 if failed else 0

    def summary(self):
        count, total = self.count, sum(self.count[s] for s in ("accepted", "rejected", "broken"))
        print(f"mutants                {total}" + (f" (a sample of {self.made})" if total != self.made else ""))
        print(f"operators              {len(self.operators)}, of them {len(self.rejecting)} with a mutant that the checker rejects")
        print(f"discarded              {count['broken']} (refused before the checker)")
        if self.options.full:
            print("  " + ", ".join(f"{code} {n}" for code, n in self.discards.most_common()))
        print(f"rejected               {count['rejected']}")
        print("  " + ", ".join(f"{code} {n}" for code, n in sorted(self.rules.items())))
        if self.options.judge_rejected:
            print("  " + ", ".join(f"{word[17:]} {n}" for word, n in sorted(count.items()) if word.startswith("rejected, ")))
        print(f"accepted, safe         {count['accepted, safe']}")
        print(f"accepted, equivalent   {count['accepted, equivalent']} (equivalent.txt)")
        print(f"accepted, not judged   {count['NOT JUDGED']}")
        print(f"unsafe accepted        {count['UNSAFE']}")
        if self.pairs:
            print(f"pairs                  {sum(self.pairs.values())} (a weakened contract, and a mistake that it was there for)")
            print(f"  rejected all the same {self.pairs['pair rejected']}, discarded {self.pairs['pair broken']}, "
                  f"safe {self.pairs['pair safe']}, trusted {self.pairs['pair trusted']} (trusted.txt), "
                  f"unexplained {self.pairs['PAIR']}")
        dangerous = count["rejected"] + count["UNSAFE"] + count["NOT JUDGED"]
        print(f"score                  {count['rejected']} of {dangerous} that are not proved harmless")
