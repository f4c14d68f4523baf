"""Operators on statements: what an author of a plan forgets, moves or mixes up."""

from registry import drop, drop_item, insert, operator, replace
from trees import PLAN, inner_blocks, squeezed, walk


def text_of(seed, block, node):
    return seed.files[block.file].text(node)


def moved(seed, block, node, at):
    """`node` cut out and put in at another place of the same file."""
    return [drop(block.file, node), insert(block.file, at, f"\n{text_of(seed, block, node)}\n")]


def steps(seed, *kinds):
    for block, i, label, statement in seed.steps():
        if statement["kind"] in kinds:
            yield block, i, f"{block.place}/{label}", statement


def gate_name(statement):
    return statement["gate"]["name"]["text"]


def member(block):
    return "host" if not block.variables else block.variables[0]


def arguments(ref):
    return ref.get("arguments") or []


def hosts_in(seed, ref):
    """Arguments that are a host: a variable that stands for one, or a name."""
    return [a["value"] for a in arguments(ref) if a["value"]["kind"] in ("name", "literal")
            and a["value"].get("text") is not None]


def mentions(seed, block, node, words):
    return any(n.get("text") in words for n in walk(node))


def other_hosts(seed, text):
    return [h for h in seed.hosts if h != text]


# ---- gates

def awaits(seed, which):
    for block, i, place, statement in steps(seed, "await"):
        kind = gate_name(statement) if gate_name(statement) in ("in_service", "stoppable") else "gate"
        if kind == which:
            yield block, i, place, statement


@operator("await.drop", "a gate is not awaited")
def _(seed):
    for block, _, place, s in awaits(seed, "gate"):
        yield place, [drop(block.file, s)], ""


@operator("in_service.skip", "nobody asks whether the host is back")
def _(seed):
    for block, _, place, s in awaits(seed, "in_service"):
        yield place, [drop(block.file, s)], ""


@operator("stoppable.skip", "nobody asks whether the host may leave")
def _(seed):
    for block, _, place, s in awaits(seed, "stoppable"):
        yield place, [drop(block.file, s)], ""


@operator("await.later", "a gate is asked only after the next statement")
def _(seed):
    for block, i, place, s in steps(seed, "await"):
        if i + 1 < len(block.statements):
            yield place, moved(seed, block, s, block.statements[i + 1]["end"]), ""


@operator("await.earlier", "a gate is asked before the statement that comes before it")
def _(seed):
    for block, i, place, s in steps(seed, "await"):
        if i > 0:
            yield place, moved(seed, block, s, block.statements[i - 1]["begin"]), ""


@operator("await.first", "a gate is asked at the beginning of its block")
def _(seed):
    for block, i, place, s in steps(seed, "await"):
        if i > 1:
            yield place, moved(seed, block, s, block.statements[0]["begin"]), ""


@operator("await.out", "a gate is asked before the block that it stands in")
def _(seed):
    for block, _, place, s in steps(seed, "await"):
        if not block.parent or block.owner["kind"] == "phase":
            continue
        gone = block.variables[:len(block.variables) - len(block.parent.variables)]
        if not mentions(seed, block, s, gone):
            yield place, moved(seed, block, s, block.owner["begin"]), ""


@operator("await.into", "a gate is asked inside the block that follows it")
def _(seed):
    for block, i, place, s in steps(seed, "await"):
        if i + 1 < len(block.statements):
            for name, node in inner_blocks(block.statements[i + 1]):
                yield place, moved(seed, block, s, node["begin"] + 1), name


@operator("await.host", "a gate is asked about another host")
def _(seed):
    for block, _, place, s in steps(seed, "await"):
        for node in hosts_in(seed, s["gate"]):
            for host in other_hosts(seed, node["text"]):
                yield place, [replace(block.file, node, host)], host


@operator("await.swap", "another gate is asked in its place")
def _(seed):
    gates = [(name, d, hosty(seed, d)) for name, d in seed.all_of("gate")]
    for block, _, place, s in steps(seed, "await"):
        here = gate_name(s)
        found = seed.find("gate", here)
        shape = hosty(seed, found[1]) if found else "h" if here in ("in_service", "stoppable") else None
        for name, d, other in gates:
            if other == shape and not (found and found[1] is d) and visible(seed, block, name):
                yield place, [replace(block.file, s["gate"]["name"], spelled(block, name))], name


def hosty(seed, declaration):
    """The shape of the parameters that must be given: h for a host, x for anything else."""
    shape = ""
    for p in declaration["parameters"]:
        if not p["has_default"]:
            shape += "h" if p["type"]["text"] == "host" or p["type"]["text"] in seed.roles else "x"
    return shape


def visible(seed, block, name):
    """Whether the block's file may name it: its own declarations and those of the modules that it uses."""
    file = seed.files[block.file]
    module = name.partition(".")[0] if "." in name else PLAN
    return module == block.file or any(w["text"] == module for u in file.declarations("use") for w in u["modules"])


def spelled(block, name):
    return name.partition(".")[2] if name.startswith(block.file + ".") else name


@operator("await.in_branch", "a gate is asked in one branch only")
def _(seed):
    for block, _, place, s in steps(seed, "await"):
        if block.variables:
            yield place, [insert(block.file, s["begin"], f"if answers({member(block)}) {{ "),
                          insert(block.file, s["end"], " }")], ""


@operator("await.beside", "a gate is asked while the next statement runs")
def _(seed):
    for block, i, place, s in steps(seed, "await"):
        if i + 1 < len(block.statements) and not block.asks_only:
            after = block.statements[i + 1]
            if after["kind"] not in ("phase", "no_return", "let"):
                yield place, [insert(block.file, s["begin"], "parallel { "), insert(block.file, s["end"], " } and { "),
                              insert(block.file, after["end"], " }")], ""


@operator("await.twice", "a gate is asked a second time: no harm")
def _(seed):
    for block, _, place, s in steps(seed, "await"):
        yield place, [insert(block.file, s["end"], "\n" + text_of(seed, block, s))], ""


# ---- rollouts and sets

def options(statement, what):
    return [o for o in statement["options"] if o["what"] == what]


@operator("rolling.two_at_once", "two hosts at a time, or one more than there were")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        batch = options(s, "batch")
        if batch:
            if batch[0]["size"]["kind"] == "literal":
                size = int(text_of(seed, block, batch[0]["size"]))
                yield place, [replace(block.file, batch[0]["size"], str(size + 1))], f"batch {size + 1}"
        else:
            yield place, [insert(block.file, s["binder"]["end"], " batch 2")], "batch 2"


@operator("rolling.all_at_once", "all hosts at once")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        batch = options(s, "batch")
        many = str(max(len(seed.hosts), 3))
        yield place, ([replace(block.file, batch[0]["size"], many)] if batch
                      else [insert(block.file, s["binder"]["end"], f" batch {many}")]), ""


@operator("rolling.no_per", "a batch is no longer counted by group")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        for o in options(s, "batch"):
            if o["per"]:
                yield place, [replace(block.file, o, f"batch {text_of(seed, block, o['size'])}")], ""


@operator("rolling.no_canary", "no canary")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        for o in options(s, "canary"):
            yield place, [drop(block.file, o)], ""


@operator("rolling.canary_raised", "one canary more")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        for o in options(s, "canary"):
            if o["size"]["kind"] == "literal":
                yield place, [replace(block.file, o["size"], str(int(text_of(seed, block, o["size"])) + 1))], ""


@operator("rolling.no_soak", "nobody waits after the canary")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        for o in options(s, "canary"):
            if o["soak"]:
                yield place, [replace(block.file, o, f"canary {text_of(seed, block, o['size'])}")], ""


@operator("rolling.add_canary", "a canary that nobody asked for")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        if not options(s, "canary"):
            yield place, [insert(block.file, s["binder"]["end"], " canary 1 soak 10m")], ""


@operator("rolling.tolerant", "a rollout that goes on past lost hosts")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        yield place, [insert(block.file, s["binder"]["end"], " tolerant")], ""


@operator("deadline.drop", "`at most` is not written")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        for o in options(s, "at most"):
            yield place, [drop(block.file, o)], ""
    for block, _, place, s in steps(seed, "deadline"):
        yield place, unwrapped(block, s), ""


@operator("deadline.short", "`at most` is shorter than one step")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        for o in options(s, "at most"):
            yield place, [replace(block.file, o["size"], "1s")], ""
    for block, _, place, s in steps(seed, "deadline"):
        yield place, [replace(block.file, s["limit"], "1s")], ""


@operator("rolling.unrolled", "the body once for every host, without turns of its own")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        found = seed.plan
        variable = s["binder"]["variable"]["text"]
        role = text_of(seed, block, s["binder"]["set"])
        hosts = carriers(seed, role)
        if not hosts or block.file != PLAN:
            continue
        copies = " ".join(substituted(found, s["body"], variable, host) for host in hosts)
        yield place, [replace(block.file, s, copies)], ""


@operator("rolling.beside", "the body for two hosts in parallel parts")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        hosts = carriers(seed, text_of(seed, block, s["binder"]["set"]))
        if len(hosts) < 2 or block.file != PLAN:
            continue
        variable = s["binder"]["variable"]["text"]
        parts = " and ".join("{ " + substituted(seed.plan, s["body"], variable, host) + " }" for host in hosts)
        yield place, [replace(block.file, s, "parallel " + parts)], ""


def carriers(seed, role):
    """Hosts of the plan's cluster that carry a role."""
    found = []
    for cluster in seed.plan.declarations("cluster"):
        for item in cluster["items"]:
            if item["kind"] == "host":
                roles = [r["name"]["text"] for i in item["items"] if i["kind"] == "roles" for r in i["roles"]]
                if role == "all" or any(r == role or r.endswith("." + role) for r in roles):
                    found += [h["text"] for h in item["hosts"]]
    return found


def substituted(file, block, variable, host):
    """The text inside a block with a variable replaced by a host, by the tree."""
    result, at = [], block["begin"] + 1
    words = sorted((n["begin"], n["end"]) for n in walk(block["statements"])
                   if n.get("kind") == "name" and n.get("text") == variable)
    for begin, end in words:
        if begin < at:
            continue
        result += [file.bytes[at:begin].decode(), host]
        at = end
    return "".join(result) + file.bytes[at:block["end"] - 1].decode() + "\n"


@operator("set.widen", "every host, not only those of the role")
def _(seed):
    for block, _, place, s in steps(seed, "rolling", "for"):
        node = s["binder"]["set"]
        if seed.is_host_set(seed.files[block.file], node) and text_of(seed, block, node) != "all":
            yield place, [replace(block.file, node, "all")], ""


@operator("set.narrow", "one host is left out")
def _(seed):
    for block, _, place, s in steps(seed, "rolling", "for"):
        node = s["binder"]["set"]
        if seed.is_host_set(seed.files[block.file], node) and block.file == PLAN:
            for host in carriers(seed, text_of(seed, block, node)):
                yield place, [insert(block.file, node["end"], f" except {host}")], host


@operator("set.swap", "the hosts of another role")
def _(seed):
    roles = [name for name, _ in seed.all_of("role")]
    for block, _, place, s in steps(seed, "rolling", "for"):
        node = s["binder"]["set"]
        here = text_of(seed, block, node)
        if seed.is_host_set(seed.files[block.file], node):
            for role in roles:
                if spelled(block, role) != here and visible(seed, block, role):
                    yield place, [replace(block.file, node, spelled(block, role))], role


@operator("set.where_dropped", "the filter of a set is dropped")
def _(seed):
    for block, _, place, s in steps(seed, "rolling", "for"):
        if s["binder"]["where"]:
            b = s["binder"]
            yield place, [replace(block.file, b, f"{b['variable']['text']} in {text_of(seed, block, b['set'])}"
                                  + (" if any" if b["if_any"] else ""))], ""


@operator("set.if_any", "whether an empty set is meant is no longer said, or now said")
def _(seed):
    for block, _, place, s in steps(seed, "rolling", "for"):
        b = s["binder"]
        if b["if_any"]:
            end = (b["where"] or b["set"])["end"]
            yield place, [drop(block.file, {"begin": end, "end": b["end"]})], "dropped"
        else:
            yield place, [insert(block.file, b["end"], " if any")], "added"


@operator("for.at_most", "a list without a bound, or with a huge one")
def _(seed):
    for block, _, place, s in steps(seed, "for"):
        if s["at_most"]:
            yield place, [drop(block.file, {"begin": s["binder"]["end"], "end": s["at_most"]["end"]})], "dropped"
            yield place, [replace(block.file, s["at_most"], "5000")], "5000"


# ---- holds

def unwrapped(block, statement):
    """A block's statements without what stands around them."""
    body = statement["body"]
    return [drop(block.file, {"begin": statement["begin"], "end": body["begin"] + 1}),
            drop(block.file, {"begin": body["end"] - 1, "end": body["end"]})]


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


@operator("hold.released_early", "a hold is given back before the last of its statements")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        inside = s["body"]["statements"]
        for k in range(len(inside)):
            rest = {"begin": inside[k]["begin"], "end": s["body"]["end"] - 1}
            text = text_of(seed, block, rest)
            yield place, [drop(block.file, rest), insert(block.file, s["end"], f"\n{text}\n")], f"last {len(inside) - k}"


@operator("hold.taken_late", "a hold is taken after the first of its statements")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        inside = s["body"]["statements"]
        for k in range(len(inside)):
            rest = {"begin": s["body"]["begin"] + 1, "end": inside[k]["end"]}
            text = text_of(seed, block, rest)
            yield place, [insert(block.file, s["begin"], f"{text}\n"), drop(block.file, rest)], f"after {k + 1}"


@operator("hold.released_late", "what follows a hold moves into it")
def _(seed):
    for block, i, place, s in steps(seed, "with"):
        if i + 1 < len(block.statements) and block.statements[i + 1]["kind"] not in ("phase", "no_return"):
            after = block.statements[i + 1]
            yield place, moved(seed, block, after, s["body"]["end"] - 1), ""


@operator("hold.taken_early", "what precedes a hold moves into it")
def _(seed):
    for block, i, place, s in steps(seed, "with"):
        if i > 0 and block.statements[i - 1]["kind"] not in ("phase", "no_return", "let"):
            yield place, moved(seed, block, block.statements[i - 1], s["body"]["begin"] + 1), ""


@operator("hold.host", "a hold on another host")
def _(seed):
    for block, _, place, s in steps(seed, "with"):
        for hold in s["holds"]:
            for node in hosts_in(seed, hold):
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

def swap(seed, block, a, b):
    return [replace(block.file, a, text_of(seed, block, b)), replace(block.file, b, text_of(seed, block, a))]


@operator("step.swap", "two statements change places")
def _(seed):
    for block, i, place, s in steps(seed, "act", "with", "rolling", "for", "unless", "if", "parallel", "operator", "ask",
                                    "expect", "await"):
        if i + 1 < len(block.statements) and block.statements[i + 1]["kind"] not in ("phase", "no_return", "let"):
            if s["kind"] == "await" and block.statements[i + 1]["kind"] != "await":
                continue  # that is await.later
            yield place, swap(seed, block, s, block.statements[i + 1]), ""


@operator("step.drop", "a step is left out")
def _(seed):
    for block, _, place, s in steps(seed, "act", "with", "rolling", "for", "unless", "if", "parallel", "expect"):
        yield place, [drop(block.file, s)], ""


@operator("step.twice", "a step is done a second time")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
        yield place, [insert(block.file, s["end"], "\n" + text_of(seed, block, s))], ""


@operator("block.twice", "a rollout or a hold with all that is in it is done a second time")
def _(seed):
    for block, _, place, s in steps(seed, "rolling", "with", "for"):
        yield place, [insert(block.file, s["end"], "\n" + text_of(seed, block, s))], ""


@operator("step.host", "a step is done to another host")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
        for node in hosts_in(seed, s["callee"]):
            for host in other_hosts(seed, node["text"]):
                yield place, [replace(block.file, node, host)], host


@operator("step.swap_hosts", "the hosts of a call change places")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
        given = arguments(s["callee"])
        for i in range(len(given) - 1):
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


@operator("step.before_block", "a step moves in front of the block that it stands in")
def _(seed):
    for block, _, place, s in steps(seed, "act", "with"):
        if block.parent and block.owner["kind"] != "phase":
            gone = block.variables[:len(block.variables) - len(block.parent.variables)]
            if not mentions(seed, block, s, gone):
                yield place, moved(seed, block, s, block.owner["begin"]), ""


@operator("step.after_block", "a step moves behind the block that it stands in")
def _(seed):
    for block, _, place, s in steps(seed, "act", "with"):
        if block.parent and block.owner["kind"] != "phase":
            gone = block.variables[:len(block.variables) - len(block.parent.variables)]
            if not mentions(seed, block, s, gone):
                yield place, moved(seed, block, s, block.owner["end"]), ""


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
                if mentions(seed, block, s, [v for v in block.variables if v != variable]):
                    continue
                text = substituted(seed.plan, whole, variable, host)
                yield place, [drop(block.file, s), insert(block.file, outer.owner["begin"], text + "\n")], host


@operator("step.beside", "two steps at once")
def _(seed):
    for block, i, place, s in steps(seed, "act", "with", "rolling", "for", "unless"):
        if i + 1 < len(block.statements):
            after = block.statements[i + 1]
            if after["kind"] not in ("phase", "no_return", "let"):
                yield place, [insert(block.file, s["begin"], "parallel { "), insert(block.file, s["end"], " } and { "),
                              insert(block.file, after["end"], " }")], ""


@operator("step.in_branch", "a step is done in one branch only")
def _(seed):
    for block, _, place, s in steps(seed, "act"):
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


@operator("pause.drop", "nobody is asked")
def _(seed):
    for block, _, place, s in steps(seed, "ask", "operator"):
        yield place, [drop(block.file, s)], ""


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


@operator("expect.drop", "a state is not asked for")
def _(seed):
    for block, _, place, s in steps(seed, "expect"):
        yield place, [drop(block.file, s)], ""


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
            if other and len(s["after"]) == 1:
                yield place, [drop(block.file, {"begin": s["name"]["end"], "end": s["after"][-1]["end"]}),
                              insert(block.file, (other[0]["after"] or [other[0]["name"]])[-1]["end"],
                                     (", " if other[0]["after"] else " after ") + s["name"]["text"])], word["text"]


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
            if other["kind"] == "phase" and len(other["after"]) == 1 and other["after"][0]["text"] == s["name"]["text"]:
                edits.append(drop(block.file, {"begin": other["name"]["end"], "end": other["after"][-1]["end"]}))
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

@operator("no_return.drop", "no point of no return")
def _(seed):
    for block, _, place, s in steps(seed, "no_return"):
        yield place, [drop(block.file, s)], ""


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


@operator("accept.short", "a waiver ends before its last statement")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        inside = s["body"]["statements"] if s["body"] else []
        for k in range(len(inside)):
            rest = {"begin": inside[k]["begin"], "end": s["body"]["end"] - 1}
            text = text_of(seed, block, rest)
            yield place, [drop(block.file, rest), insert(block.file, s["end"], f"\n{text}\n")], f"last {len(inside) - k}"
