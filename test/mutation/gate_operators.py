"""Operators on the gates that a plan awaits, and on its rollouts."""

from registry import drop, insert, operator, replace
from statements import carriers, gate_name, hosts_in, hosty, mentions, moved, other_hosts, spelled, steps, substituted, text_of, unwrapped, visible
from trees import PLAN, inner_blocks

# ---- gates

def awaits(seed, which):
    for block, i, place, statement in steps(seed, "await"):
        kind = gate_name(statement) if gate_name(statement) in ("in_service", "stoppable") else "gate"
        if kind == which:
            yield block, i, place, statement


for name, asked, what in (("await.drop", "gate", "a gate is not awaited"),
                          ("in_service.skip", "in_service", "nobody asks whether the host is back"),
                          ("stoppable.skip", "stoppable", "nobody asks whether the host may leave")):
    @operator(name, what)
    def _(seed, asked=asked):
        for block, _, place, s in awaits(seed, asked):
            yield place, [drop(block.file, s)], ""


def at_edge(block, i, edge):
    """Where the statement beside another one begins or ends; nothing if there is none."""
    return block.statements[i][edge] if 0 <= i < len(block.statements) else None


for name, target, what in (
        ("await.later", lambda block, i: at_edge(block, i + 1, "end"), "a gate is asked only after the next statement"),
        ("await.earlier", lambda block, i: at_edge(block, i - 1, "begin"), "a gate is asked before the statement that comes before it"),
        ("await.first", lambda block, i: at_edge(block, 0, "begin") if i > 1 else None, "a gate is asked at the beginning of its block")):
    @operator(name, what)
    def _(seed, target=target):
        for block, i, place, s in steps(seed, "await"):
            at = target(block, i)
            if at is not None:
                yield place, moved(seed, block, s, at), ""


@operator("await.out", "a gate is asked before the block that it stands in")
def _(seed):
    for block, _, place, s in steps(seed, "await"):
        if not block.parent or block.owner["kind"] == "phase":
            continue
        gone = block.bound[:len(block.bound) - len(block.parent.bound)]
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


for name, option, what in (("rolling.no_canary", "canary", "no canary"),
                           ("rolling.not_tolerant", "tolerant", "a rollout that stops at the first lost host: less, not more")):
    @operator(name, what)
    def _(seed, option=option):
        for block, _, place, s in steps(seed, "rolling"):
            for o in options(s, option):
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


for name, option, written, what in (("rolling.add_canary", "canary", "canary 1 soak 10m", "a canary that nobody asked for"),
                                    ("rolling.tolerant", "tolerant", "tolerant", "a rollout that goes on past lost hosts")):
    @operator(name, what)
    def _(seed, option=option, written=written):
        for block, _, place, s in steps(seed, "rolling"):
            if not options(s, option):
                yield place, [insert(block.file, s["binder"]["end"], " " + written)], ""


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
