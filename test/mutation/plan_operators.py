"""Operators on the steps of a plan: what an author forgets, moves or mixes up."""

from registry import drop, drop_item, insert, operator, replace
from statements import arguments, carriers, hosts_in, hosty, member, mentions, moved, other_hosts, spelled, steps, substituted, swap, text_of, unwrapped, visible
from trees import PLAN, squeezed

# ---- holds

@operator("hold.drop", "a hold is never taken")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        yield place, unwrapped(block, s), ""


@operator("hold.one_of", "one of several holds is never taken")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        for i, hold in enumerate(s["holds"]):
            edit = drop_item(block.file, s["holds"], i)
            if edit:
                yield place, [edit], squeezed(text_of(seed, block, hold))


# A block that something is in force in: what stands at its edges moves out of it, and what stands beside it moves in.
for name, kind, what in (("hold.released_early", "with", "a hold is given back before the last of its statements"),
                         ("accept.short", "accept", "a waiver ends before its last statement"),
                         ("attempt.short", "attempt", "what comes last is done once, behind the attempt")):
    @operator(name, what)
    def _(seed, kind=kind):
        for block, _, place, s in steps(seed, kind):
            inside = s["body"]["statements"] if s["body"] else []
            for k in range(len(inside)):
                rest = {"begin": inside[k]["begin"], "end": s["body"]["end"] - 1}
                yield (place, [drop(block.file, rest), insert(block.file, s["end"], f"\n{text_of(seed, block, rest)}\n")],
                       f"last {len(inside) - k}")


for name, kind, what in (("hold.taken_late", "with", "a hold is taken after the first of its statements"),
                         ("accept.late", "accept", "a waiver begins after the first of its statements"),
                         ("attempt.late", "attempt", "what comes first is done once, in front of the attempt")):
    @operator(name, what)
    def _(seed, kind=kind):
        for block, _, place, s in steps(seed, kind):
            inside = s["body"]["statements"] if s["body"] else []
            for k in range(len(inside)):
                rest = {"begin": s["body"]["begin"] + 1, "end": inside[k]["end"]}
                yield (place, [insert(block.file, s["begin"], f"{text_of(seed, block, rest)}\n"), drop(block.file, rest)],
                       f"after {k + 1}")


for name, kind, side, what in (("hold.released_late", "with", 1, "what follows a hold moves into it"),
                               ("hold.taken_early", "with", -1, "what precedes a hold moves into it"),
                               ("accept.longer", "accept", 1, "what follows a waiver moves into it"),
                               ("accept.earlier", "accept", -1, "what precedes a waiver moves into it"),
                               ("attempt.longer", "attempt", 1, "what follows is tried again, too"),
                               ("attempt.earlier", "attempt", -1, "what precedes is tried again, too")):
    @operator(name, what)
    def _(seed, kind=kind, side=side):
        for block, i, place, s in steps(seed, kind):
            if s["body"] and 0 <= i + side < len(block.statements):
                other = block.statements[i + side]
                if other["kind"] not in ("phase", "no_return", "let"):
                    at = s["body"]["end"] - 1 if side == 1 else s["body"]["begin"] + 1
                    yield place, moved(seed, block, other, at), ""


for name, kind, refs, what in (("hold.host", "with", lambda s: s["holds"], "a hold on another host"),
                               ("step.host", "act", lambda s: [s["callee"]], "a step is done to another host")):
    @operator(name, what)
    def _(seed, kind=kind, refs=refs):
        for block, _, place, s in steps(seed, kind):
            for ref in refs(s):
                for node in hosts_in(seed, ref):
                    for host in other_hosts(seed, node["text"]):
                        yield place, [replace(block.file, node, host)], host


@operator("hold.swap", "another hold")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        for hold in s["holds"]:
            found = seed.find("hold", hold["name"]["text"])
            for name, d in seed.all_of("hold"):
                if found and found[1] is not d and hosty(seed, d) == hosty(seed, found[1]) and visible(seed, block, name):
                    yield place, [replace(block.file, hold["name"], spelled(block, name))], name


@operator("hold.twice", "a hold inside itself: no harm")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        head = text_of(seed, block, {"begin": s["begin"], "end": s["body"]["begin"]})
        yield place, [insert(block.file, s["begin"], head + "{ "), insert(block.file, s["end"], " }")], ""


@operator("hold.around_plan", "a hold around the whole plan")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        if block.file != PLAN or block.variables or not block.parent:
            continue
        spine = block
        while spine.parent:
            spine = spine.parent
        head = text_of(seed, block, {"begin": s["begin"], "end": s["body"]["begin"]})
        yield place, [insert(block.file, spine.statements[0]["begin"], head + "{ "),
                      insert(block.file, spine.statements[-1]["end"], " }")], ""


# ---- steps

@operator("step.swap", "two statements change places")
def _(seed):
    for block, i, place, s in steps(seed, "act", "with", "rolling", "for", "unless", "if", "parallel", "operator", "ask",
                                    "expect", "await"):
        if i + 1 < len(block.statements) and block.statements[i + 1]["kind"] not in ("phase", "no_return", "let"):
            if s["kind"] == "await" and block.statements[i + 1]["kind"] != "await":
                continue  # that is await.later
            yield place, swap(seed, block, s, block.statements[i + 1]), ""


# What is left out, by kinds of statements.
for name, kinds, what in (
        ("step.drop", ("act", "with", "rolling", "for", "unless", "if", "parallel", "attempt"), "a step is left out"),
        ("pause.drop", ("ask", "operator"), "nobody is asked"),
        ("expect.drop", ("expect",), "a state is not asked for"),
        ("no_return.drop", ("no_return",), "no point of no return")):
    @operator(name, what)
    def _(seed, kinds=kinds):
        for block, _, place, s in steps(seed, *kinds):
            yield place, [drop(block.file, s)], ""


for name, kinds, what in (("step.twice", ("act",), "a step is done a second time"),
                          ("block.twice", ("rolling", "with", "for", "attempt"), "a block with all that is in it is done a second time")):
    @operator(name, what)
    def _(seed, kinds=kinds):
        for block, _, place, s in steps(seed, *kinds):
            yield place, [insert(block.file, s["end"], "\n" + text_of(seed, block, s))], ""


@operator("step.swap_hosts", "the hosts of a call change places")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
        given = arguments(s["callee"])
        found = seed.find("action", s["callee"]["name"]["text"])
        for i in range(len(given) - 1):
            if not found or len({p["type"]["text"] for p in found[1]["parameters"][i:i + 2]}) > 1:
                continue
            yield place, swap(seed, block, given[i]["value"], given[i + 1]["value"]), ""


@operator("step.instead", "another action in its place")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
        found = seed.find("action", s["callee"]["name"]["text"])
        if not found:
            continue
        for name, d in seed.all_of("action"):
            if d is not found[1] and hosty(seed, d) == hosty(seed, found[1]) and visible(seed, block, name):
                yield place, [replace(block.file, s["callee"]["name"], spelled(block, name))], name


for name, side, what in (("step.before_block", "begin", "a step moves in front of the block that it stands in"),
                         ("step.after_block", "end", "a step moves behind the block that it stands in")):
    @operator(name, what)
    def _(seed, side=side):
        for block, _, place, s in steps(seed, "act", "with"):
            if block.parent and block.owner["kind"] not in ("phase", "on_abort"):
                gone = block.bound[:len(block.bound) - len(block.parent.bound)]
                if not mentions(seed, block, s, gone):
                    yield place, moved(seed, block, s, block.owner[side]), ""


@operator("step.out_of_rollout", "a step is done to one host, in front of the rollout")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
        outer = block
        while outer.parent and not (outer.owner["kind"] == "rolling"):
            outer = outer.parent
        if outer.parent and block.file == PLAN:
            variable = outer.owner["binder"]["variable"]["text"]
            for host in carriers(seed, text_of(seed, block, outer.owner["binder"]["set"]))[:1]:
                whole = {"begin": s["begin"] - 1, "end": s["end"] + 1, "statements": [s]}
                if mentions(seed, block, s, [v for v in block.bound if v != variable]):
                    continue
                text = substituted(seed.plan, whole, variable, host)
                yield place, [drop(block.file, s), insert(block.file, outer.owner["begin"], text + "\n")], host


for name, kinds, what in (("step.beside", ("act", "with", "rolling", "for", "unless"), "two steps at once"),
                          ("await.beside", ("await",), "a gate is asked while the next statement runs")):
    @operator(name, what)
    def _(seed, kinds=kinds):
        for block, i, place, s in steps(seed, *kinds):
            if i + 1 < len(block.statements) and not (block.asks_only and s["kind"] == "await"):
                after = block.statements[i + 1]
                if after["kind"] not in ("phase", "no_return", "let"):
                    yield place, [insert(block.file, s["begin"], "parallel { "), insert(block.file, s["end"], " } and { "),
                                  insert(block.file, after["end"], " }")], ""


for name, kind, what in (("step.in_branch", "act", "a step is done in one branch only"),
                         ("await.in_branch", "await", "a gate is asked in one branch only")):
    @operator(name, what)
    def _(seed, kind=kind):
        for block, _, place, s in steps(seed, kind):
            if block.variables:
                yield place, [insert(block.file, s["begin"], f"if answers({member(block)}) {{ "),
                              insert(block.file, s["end"], " }")], ""


@operator("step.inserted", "a destructive action that nobody planned")
def _(seed):
    chosen = [(name, d) for name, d in seed.all_of("action")
              if hosty(seed, d) == "h" and any(c["kind"] == "disrupts" for c in d["body"]["clauses"])]
    for block, i, label, s in seed.steps():
        if block.asks_only:
            continue
        for name, d in chosen:
            kind = d["parameters"][0]["type"]["text"]
            if not visible(seed, block, name):
                continue
            for host in [member(block)] if block.variables else carriers(seed, "all" if kind == "host" else kind)[:1]:
                yield (f"{block.place}/{label}", [insert(block.file, s["begin"], f"{spelled(block, name)}({host})\n")],
                       f"{name}({host})")


@operator("pause.inserted", "a person is asked in between")
def _(seed):
    for block, i, label, s in seed.steps():
        if not block.asks_only and s["kind"] != "let":
            yield f"{block.place}/{label}", [insert(block.file, s["begin"], 'ask "does all look well?"\n')], ""


@operator("operator.no_takes", "how long a person may take is not said")
def _(seed):
    for block, _, place, s in steps(seed, "operator"):
        if s["takes"]:
            yield place, [drop(block.file, s["takes"])], ""


# ---- conditions

@operator("unless.always", "what depends on a state is done always")
def _(seed):
    for block, _, place, s in steps(seed, "unless"):
        yield place, unwrapped(block, s), ""


@operator("unless.value", "the test is for another value")
def _(seed):
    for block, _, place, s in steps(seed, "unless"):
        right = s["condition"].get("right")
        for name, d in seed.all_of("state"):
            values = [v["text"] for v in d["values"]]
            if right and right.get("text") in values:
                for value in values:
                    if value != right["text"]:
                        yield place, [replace(block.file, right, value)], value


@operator("if.no_else", "the other branch is empty")
def _(seed):
    for block, _, place, s in steps(seed, "if"):
        if s["otherwise"]:
            yield place, [replace(block.file, s["otherwise"], "{ }")], ""


@operator("if.always", "the first branch always")
def _(seed):
    for block, _, place, s in steps(seed, "if"):
        body = s["branches"][0]["body"]
        yield place, [drop(block.file, {"begin": s["begin"], "end": body["begin"] + 1}),
                      drop(block.file, {"begin": body["end"] - 1, "end": s["end"]})], ""


# ---- phases and parallel parts

@operator("phase.no_after", "a phase no longer waits for another")
def _(seed):
    for block, _, place, s in steps(seed, "phase"):
        if not s["after"]:
            continue
        yield place, [drop(block.file, {"begin": s["name"]["end"], "end": s["after"][-1]["end"]})], ""
        for i, name in enumerate(s["after"]):
            edit = drop_item(block.file, s["after"], i)
            if edit:
                yield place, [edit], name["text"]


@operator("phase.reversed", "a phase waits for the one that waited for it")
def _(seed):
    for block, _, place, s in steps(seed, "phase"):
        for word in s["after"]:
            other = [p for p in block.statements if p["kind"] == "phase" and p["name"]["text"] == word["text"]]
            if not other or len(s["after"]) > 1:
                continue
            head = {"begin": other[0]["name"]["end"], "end": other[0]["body"]["begin"]}
            wait = squeezed(text_of(seed, block, head))
            first = f"phase {s['name']['text']} {wait} {text_of(seed, block, s['body'])}\n"
            yield place, [drop(block.file, s), insert(block.file, other[0]["begin"], first),
                          replace(block.file, head, f" after {s['name']['text']} ")], word["text"]


@operator("phase.swap_bodies", "two phases change places")
def _(seed):
    for block, i, place, s in steps(seed, "phase"):
        for other in block.statements[i + 1:]:
            if other["kind"] == "phase":
                yield place, swap(seed, block, s["body"], other["body"]), other["name"]["text"]


@operator("phase.unwrapped", "a phase is plain sequence")
def _(seed):
    for block, _, place, s in steps(seed, "phase"):
        body = s["body"]
        inside = {"begin": body["begin"] + 1, "end": body["end"] - 1}
        for other in block.statements:
            if other["kind"] == "phase" and any(w["text"] == s["name"]["text"] for w in other["after"]):
                break
        else:
            yield place, [replace(block.file, s, text_of(seed, block, inside))], ""


@operator("phase.drop", "a phase is left out")
def _(seed):
    for block, _, place, s in steps(seed, "phase"):
        edits = [drop(block.file, s)]
        for other in block.statements:
            names = [w["text"] for w in other.get("after", [])]
            if other["kind"] == "phase" and s["name"]["text"] in names:
                wait = [w["text"] for w in s["after"]] + [n for n in names if n != s["name"]["text"]]
                edits.append(replace(block.file, {"begin": other["name"]["end"], "end": other["after"][-1]["end"]},
                                     f" after {', '.join(wait)}" if wait else ""))
        yield place, edits, ""


@operator("parallel.sequence", "parallel parts one after the other: less, not more")
def _(seed):
    for block, _, place, s in steps(seed, "parallel"):
        parts = [text_of(seed, block, {"begin": b["begin"] + 1, "end": b["end"] - 1}) for b in s["branches"]]
        yield place, [replace(block.file, s, "\n".join(parts))], ""


@operator("parallel.same_part", "one parallel part is another's copy")
def _(seed):
    for block, _, place, s in steps(seed, "parallel"):
        yield place, [replace(block.file, s["branches"][1], text_of(seed, block, s["branches"][0]))], ""


# ---- the point of no return, waivers

@operator("no_return.later", "the point of no return stands later")
def _(seed):
    for block, i, place, s in steps(seed, "no_return"):
        for k in range(i + 1, len(block.statements)):
            yield place, moved(seed, block, s, block.statements[k]["end"]), f"by {k - i}"


@operator("no_return.inside", "the point of no return stands in a block that follows")
def _(seed):
    for block, i, place, s in steps(seed, "no_return"):
        for other in seed.blocks:
            if other.parent and other.file == block.file and other.begin > s["end"] and other.statements:
                yield place, moved(seed, block, s, other.statements[0]["begin"]), other.place


@operator("no_return.earlier", "the point of no return stands first")
def _(seed):
    for block, i, place, s in steps(seed, "no_return"):
        if i > 0:
            yield place, moved(seed, block, s, block.statements[0]["begin"]), ""


@operator("accept.drop", "a waiver is not given")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        yield place, (unwrapped(block, s) if s["body"] else [drop(block.file, s)]), ""


@operator("accept.other_rule", "a waiver for another rule")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        if s["rule"]["text"] != "outage":
            for rule in ("avail", "serial", "guard", "base", "state", "hold", "order", "rank"):
                if rule != s["rule"]["text"]:
                    yield place, [replace(block.file, s["rule"], rule)], rule


