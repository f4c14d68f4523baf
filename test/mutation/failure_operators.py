"""Operators on what a plan does where a part of it fails, on the failures it accepts, and on what it is built for."""

from registry import built, drop, insert, operator, replace, unbuilt
from statements import carriers, drop_all, spelled, steps, swap, text_of, unwrapped, visible
from trees import PLAN, squeezed, walk

# ---- attempts: a round that fails, what mends it, the round again


@operator("attempt.once", "what failed is not tried again")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        text = text_of(seed, block, {"begin": s["body"]["begin"] + 1, "end": s["body"]["end"] - 1})
        yield place, [replace(block.file, s, text)], ""


@operator("attempt.rounds", "more rounds, or fewer")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        for times in ("1", "3", "50"):
            if text_of(seed, block, s["times"]) != times:
                yield place, [replace(block.file, s["times"], times)], times


@operator("attempt.no_recovery", "one recovery is left out")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        for i, branch in enumerate(s["recover"]):
            yield place, [drop(block.file, branch)], f"recover {i + 1}"


@operator("attempt.no_otherwise", "nobody says what to do when all rounds have failed")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        if s["otherwise"]:
            word = seed.files[block.file].bytes.rindex(b"otherwise", 0, s["otherwise"]["begin"])
            yield place, [drop(block.file, {"begin": word, "end": s["otherwise"]["end"]})], ""


@operator("attempt.recovery_of_another", "a recovery does what another one does")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        bodies = [b["body"] for b in s["recover"]] + ([s["otherwise"]] if s["otherwise"] else [])
        for i, branch in enumerate(s["recover"]):
            for k, body in enumerate(bodies):
                if body is not branch["body"]:
                    yield place, [replace(block.file, branch["body"], text_of(seed, block, body))], f"recover {i + 1} as {k + 1}"


@operator("attempt.conditions_swapped", "two recoveries change their conditions")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        for a, b in zip(s["recover"], s["recover"][1:]):
            yield place, swap(seed, block, a["condition"], b["condition"]), ""


@operator("attempt.recover_without_asking", "a recovery asks for no gate again")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        for i, branch in enumerate(s["recover"]):
            yield place, drop_all(block.file, branch["body"], "await"), f"recover {i + 1}"


@operator("attempt.round_without_asking", "a round relies on what was asked before it")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        asked = [n for n in walk(s["body"]) if n.get("kind") == "await"]
        texts = "\n".join(text_of(seed, block, a) for a in asked)
        yield place, [insert(block.file, s["begin"], texts + "\n")] + [drop(block.file, a) for a in asked], ""


@operator("attempt.recover_by_hand", "a recovery is a person's word")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        for i, branch in enumerate(s["recover"]):
            yield place, [replace(block.file, branch["body"], '{ ask "is it mended?" }')], f"recover {i + 1}"


@operator("attempt.recover_elsewhere", "a recovery acts on another host meanwhile")
def _(seed):
    for block, _, place, s in steps(seed, "attempt"):
        for name, d in host_breakers(seed):
            for host in carriers(seed, kind_of(d))[:3]:
                for i, branch in enumerate(s["recover"]):
                    if visible(seed, block, name):
                        yield (place, [insert(block.file, branch["body"]["end"] - 1, f" {spelled(block, name)}({host}) ")],
                               f"recover {i + 1} {name}({host})")


for name, rounds, mended, what in (
        ("attempt.added", 2, 'ask "again?"', "a step is tried again after a person's word"),
        ("attempt.added_after_health", 3, "await in_service(all)", "a step is tried again once all is healthy")):
    @operator(name, what)
    def _(seed, rounds=rounds, mended=mended):
        for block, _, place, s in steps(seed, "act", "with", "rolling"):
            if block.file == PLAN and not block.asks_only:
                yield place, [insert(block.file, s["begin"], f"attempt {rounds} {{ "),
                              insert(block.file, s["end"], f" }} recover when answers({seed.hosts[0]}) {{ {mended} }}")], ""


def host_breakers(seed):
    """Actions on one host that take it down."""
    return [(name, d) for name, d in seed.all_of("action")
            if len(d["parameters"]) == 1 and any(c["kind"] == "disrupts" for c in d["body"]["clauses"])]


def kind_of(declaration):
    kind = declaration["parameters"][0]["type"]["text"]
    return "all" if kind == "host" else kind


# ---- the way back


@operator("on_abort.empty", "the way back asks nothing and does nothing")
def _(seed):
    for d, item in clauses(seed, "on_abort"):
        yield d["name"]["text"], [replace(PLAN, item["body"], "{ }")], ""


@operator("on_abort.without_asking", "the way back asks for nothing")
def _(seed):
    for d, item in clauses(seed, "on_abort"):
        yield d["name"]["text"], drop_all(PLAN, item["body"], "await"), ""


@operator("on_abort.reversed", "the way back in the other order")
def _(seed):
    for d, item in clauses(seed, "on_abort"):
        parts = item["body"]["statements"]
        text = "\n".join(seed.plan.text(p) for p in reversed(parts))
        yield d["name"]["text"], [replace(PLAN, item["body"], "{ " + text + " }")], ""


@operator("on_abort.added", "a way back that only asks whether all is well")
def _(seed):
    for d in seed.plan.declarations("upgrade"):
        if not any(i["kind"] == "on_abort" for i in d["items"]):
            for what in ("await in_service(all)", 'ask "shall it stay as it is?"'):
                yield d["name"]["text"], [insert(PLAN, d["end"] - 1, f"on abort {{ {what} }}\n")], what


# ---- hosts that may be lost


@operator("tolerate.number", "more hosts may be lost, or fewer")
def _(seed):
    for d, item in clauses(seed, "tolerate"):
        for number in ("0", "1", "2", "3", "50"):
            if seed.plan.text(item["hosts"]) != number:
                yield d["name"]["text"], [replace(PLAN, item["hosts"], number)], number


@operator("tolerate.added", "a rollout goes on past hosts that are lost")
def _(seed):
    upgrade = seed.plan.declarations("upgrade")[0]
    allowed = [i for i in upgrade["items"] if i["kind"] == "tolerate"]
    for block, _, place, s in steps(seed, "rolling"):
        if any(o["what"] == "tolerant" for o in s["options"]):
            continue
        for number in ("1", "2"):
            budget = replace(PLAN, allowed[0]["hosts"], number) if allowed else insert(PLAN, upgrade["items"][0]["begin"], f"tolerate {number}\n  ")
            yield place, [budget, insert(block.file, s["binder"]["end"], " tolerant")], number


# ---- outages that are accepted


@operator("accept.other_role", "the outage of another role is accepted")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        if s["rule"]["text"] == "outage" and s["of"]:
            for name, _ in seed.all_of("role"):
                if spelled(block, name) != squeezed(text_of(seed, block, s["of"])) and visible(seed, block, name):
                    yield place, [replace(block.file, s["of"], spelled(block, name))], name


@operator("accept.expired", "the waiver is over")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        if s["until"]:
            yield place, [replace(block.file, s["until"], "2020-01-01")], ""
        else:
            yield place, [insert(block.file, s["reason"]["end"], " until 2020-01-01")], "added"


@operator("accept.without_end", "the waiver has no end, or no limit")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        if s["until"]:
            yield place, [drop(block.file, {"begin": s["reason"]["end"], "end": s["until"]["end"]})], "until"
        if s["at_most"]:
            word = seed.files[block.file].bytes.rindex(b"for at most", 0, s["at_most"]["begin"])
            yield place, [drop(block.file, {"begin": word, "end": s["at_most"]["end"]})], "for at most"


@operator("accept.short_limit", "the accepted outage may last one second")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        if s["at_most"]:
            yield place, [replace(block.file, s["at_most"], "1s")], ""


@operator("accept.more_down", "one host more goes down in the block of a waiver")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        for name, d in host_breakers(seed):
            for host in carriers(seed, kind_of(d)):
                if s["body"] and visible(seed, block, name):
                    for end, where in ((s["body"]["begin"] + 1, "first"), (s["body"]["end"] - 1, "last")):
                        yield place, [insert(block.file, end, f" {spelled(block, name)}({host}) ")], f"{where} {name}({host})"


@operator("accept.added", "a whole rollout at once, because the outage is accepted")
def _(seed):
    for block, _, place, s in steps(seed, "rolling"):
        if block.file != PLAN or any(o["what"] == "batch" for o in s["options"]):
            continue
        for name, _ in seed.all_of("role"):
            yield (place, [insert(block.file, s["begin"], f'accept outage of {name} reason "why not" {{ '),
                           insert(block.file, s["binder"]["end"], f" batch {len(seed.hosts)}"), insert(block.file, s["end"], " }")], name)


@operator("accept.unwrapped", "an accepted outage becomes the waiver of a rule")
def _(seed):
    for block, _, place, s in steps(seed, "accept"):
        if s["rule"]["text"] == "outage" and s["body"]:
            for rule in ("avail", "serial", "guard"):
                yield (place, [insert(block.file, s["begin"], f'accept {rule} reason "as good as that" {{ '),
                               *unwrapped(block, s), insert(block.file, s["end"], " }")], rule)


def clauses(seed, kind):
    for d in seed.plan.declarations("upgrade"):
        for item in d["items"]:
            if item["kind"] == kind:
                yield d, item


# ---- what the plan is built for: -D and --limit


@operator("define.number", "the build is told another number")
def _(seed):
    for d in seed.plan.declarations("param"):
        if d["type"]["text"] == "int":
            for number in ("0", "1", "2", "3", "4", "100", "-1"):
                yield d["name"]["text"], built(seed, "-D", f"{d['name']['text']}={number}"), number


@operator("define.nothing", "the build is not told a value")
def _(seed):
    for d in seed.plan.declarations("param"):
        yield d["name"]["text"], built(seed, "-D", f"{d['name']['text']}="), "empty"
        yield d["name"]["text"], unbuilt(seed, "-D", d["name"]["text"] + "="), "dropped"


@operator("param.default", "a parameter has another default")
def _(seed):
    for d in seed.plan.declarations("param"):
        if d["default"] and d["type"]["text"] == "int":
            for number in ("0", "1", "3", "4"):
                yield d["name"]["text"], [replace(PLAN, d["default"], number)], number


@operator("limit.hosts", "the plan is built for one host, for all but one, or for a role")
def _(seed):
    for host in seed.hosts:
        yield "build", built(seed, "--limit", host), host
        if len(seed.hosts) > 2:
            yield "build", built(seed, "--limit", f"all except {host}"), f"all except {host}"
    for name, _ in seed.all_of("role"):
        yield "build", built(seed, "--limit", name), name
