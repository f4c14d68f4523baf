"""Operators on contracts: roles, gates, actions, holds, states and rules that promise less than they did.

The checker sees the weakened contract. Whether a plan is safe is judged with the contract as it was: alone such a mutant leaves the plan
as safe as it is, so each is also paired with the mistakes in the plan that the contract was there to catch (mutate.py)."""

from registry import drop, drop_item, insert, operator, replace
from trees import PLAN, squeezed


def declared(seed, *kinds):
    """(file key, place, declaration) of what the plan reaches."""
    names = seed.reached
    for key, file in seed.files.items():
        for d in file.declarations(*kinds):
            if d["name"]["text"] in names:
                module = "" if key == PLAN else key + "."
                yield key, f"{d['kind']} {module}{d['name']['text']}", d


def clauses(seed, declaration_kinds, *kinds):
    """Clauses of a kind, those inside `acquire`, `release`, `undo` and `for` too."""
    for key, place, d in declared(seed, *declaration_kinds):
        if d["kind"] == "action":
            yield from found_in(key, place, d["body"]["clauses"], kinds)
        else:
            yield from found_in(key, place, d["items"], kinds)


def found_in(key, place, items, kinds):
    for item in items:
        if item["kind"] in kinds:
            yield key, place, item, items
        if item["kind"] in ("acquire", "release", "undo", "for_clause") and item.get("body"):
            yield from found_in(key, f"{place}/{item['kind']}", item["body"]["clauses"], kinds)


def text_of(seed, key, node):
    return squeezed(seed.files[key].text(node))


# ---- what is no longer said: one clause, wherever it stands

ROLE, GATE, ACTION, HOLD, STATE = ("role",), ("gate",), ("action",), ("hold",), ("state",)
DOERS = ACTION + HOLD

for name, declarations, clause, what in (
        ("role.not_serial",        ROLE,   "serial", "members of a role may be under change together"),
        ("role.no_stoppable",      ROLE,   "stoppable", "a role without a question before a host leaves"),
        ("role.no_health",         ROLE,   "health", "a role without health"),
        ("role.no_roster",         ROLE,   "roster", "the members that the system knows are not compared"),
        ("role.no_votes",          ROLE,   "votes", "every member has one vote"),
        ("role.no_settles",        ROLE,   "settles", "health counts at once"),
        ("role.down_anywhere",     ROLE,   "down_only_under", "a role may go down outside the hold that protects it"),
        ("role.no_boot",           ROLE,   "boot", "nobody can tell a boot from the one before"),
        ("role.no_identity",       ROLE,   "identity", "nobody can tell one machine from another"),
        ("gate.watches_default",   GATE,   "watches", "what makes a gate stale is not said"),
        ("gate.no_fail",           GATE,   "fail_when", "a gate never gives up early"),
        ("gate.not_stable",        GATE,   "stable", "one pass is enough"),
        ("gate.no_poll",           GATE,   "poll", "a gate is asked once"),
        ("gate.no_clears",         GATE,   "clears", "a gate no longer frees a host of its guests"),
        ("contract.no_changes",    DOERS,  "changes", "an action does not say what it changes"),
        ("contract.no_disrupts",   DOERS,  "disrupts", "an action does not say what it takes down"),
        ("contract.no_destroys",   DOERS,  "destroys", "what is destroyed is not said"),
        ("contract.no_reinstalls", DOERS,  "reinstalls", "that a host is installed anew is not said"),
        ("contract.no_moves",      DOERS,  "moves", "the state that moves is not said"),
        ("contract.no_spills",     DOERS,  "spills", "load that lands on others is not said"),
        ("contract.no_reaches",    DOERS,  "reaches", "what an action touches elsewhere is not said"),
        ("contract.no_done_when",  ACTION, "done_when", "nobody can tell whether an action is done"),
        ("contract.no_retry",      ACTION, "retry", "no second try"),
        ("contract.not_once",      ACTION, "once", "what may start once may start again"),
        ("contract.no_boot",       ACTION, "awaits_boot", "nobody waits for the boot"),
        ("contract.no_takes",      DOERS,  "takes", "how long an action takes is not said"),
        ("contract.no_undo",       ACTION, "undo", "the way back is not said"),
        ("hold.no_taints",         HOLD,   "taints", "a hold does not say which gate it starves"),
        ("state.no_on_boot",       STATE,  "on_boot", "a boot moves nothing, it says"),
        ("state.no_taints",        STATE,  "while_taints", "a state does not say which gate it starves"),
        ("hold.no_on_wait",        HOLD,   "on_wait", "what becomes of a hold while the run waits for a window is not said")):
    @operator(name, what)
    def _(seed, declarations=declarations, clause=clause):
        for key, place, item, _ in clauses(seed, declarations, clause):
            yield place, [drop(key, item, True)], text_of(seed, key, item)[:60]


# ---- roles

def role_items(seed, *kinds):
    for key, place, item, _ in clauses(seed, ("role",), *kinds):
        yield key, place, item


@operator("role.available_weaker", "one more of a role may be down than it can do without")
def _(seed):
    for key, place, item in role_items(seed, "available"):
        if item["what"] == "quorum":
            for weaker in ("available >= 1", "available all but 2"):
                yield place, [replace(key, item, weaker, True)], weaker
        elif item.get("amount", {}) and item["amount"]["kind"] == "literal":
            text = text_of(seed, key, item["amount"])
            if text.isdigit():
                number = int(text) + (1 if item["what"] == "all but" else -1)
                yield place, [replace(key, item["amount"], str(number), True)], str(number)
            elif text.endswith("%"):
                yield place, [replace(key, item["amount"], "1%", True)], "1%"


@operator("role.may_be_down", "a role may be down")
def _(seed):
    for key, place, item in role_items(seed, "available"):
        if item["what"] != "may be down":
            yield place, [replace(key, item, "available may be down", True)], ""


@operator("role.no_group", "a policy by group without its group")
def _(seed):
    for key, place, item in role_items(seed, "available"):
        if item.get("group"):
            yield place, [drop(key, {"begin": item["amount"]["end"], "end": item["end"]}, True)], ""


@operator("role.no_policy", "a role says nothing of availability")
def _(seed):
    for key, place, item in role_items(seed, "available"):
        yield place, [drop(key, item, True)], ""


@operator("role.health_other", "another gate says that a host is healthy")
def _(seed):
    for key, place, item in role_items(seed, "health"):
        here = item["gate"]["name"]["text"]
        for file_key, _, d in declared(seed, "gate"):
            if file_key == key and d["name"]["text"] != here and len(d["parameters"]) == 1:
                yield place, [replace(key, item["gate"], d["name"]["text"], True)], d["name"]["text"]


@operator("role.stoppable_always", "nobody need ask whether a host may leave")
def _(seed):
    for key, place, item in role_items(seed, "stoppable"):
        if item["gate"]:
            yield place, [replace(key, item, 'stoppable always "why not"', True)], ""


# ---- gates

@operator("gate.watches_narrow", "less makes a gate stale")
def _(seed):
    for key, place, item, _ in clauses(seed, ("gate",), "watches"):
        for i, part in enumerate(item["items"]):
            edit = drop_item(key, item["items"], i, True)
            if edit:
                yield place, [edit], text_of(seed, key, part)


@operator("gate.watches_nothing", "nothing makes a gate stale")
def _(seed):
    for key, place, item, _ in clauses(seed, ("gate",), "watches"):
        if item["items"]:
            yield place, [replace(key, item, "watches nothing", True)], "written"
    for key, place, d in declared(seed, "gate"):
        if not any(i["kind"] == "watches" for i in d["items"]):
            yield place, [insert(key, d["items"][-1]["end"], "\n  watches nothing", True)], "default"


@operator("gate.pass_half", "a gate asks for half of what it asked")
def _(seed):
    for key, place, item, _ in clauses(seed, ("gate",), "pass_when"):
        condition = item["condition"]
        if condition["kind"] == "binary" and condition["op"] == "and":
            for side in ("left", "right"):
                yield place, [replace(key, condition, seed.files[key].text(condition[side]), True)], side


@operator("gate.passes_always", "a gate that always passes")
def _(seed):
    for key, place, item, _ in clauses(seed, ("gate",), "pass_when"):
        yield place, [replace(key, item["condition"], "1 == 1", True)], ""


@operator("gate.clears", "a gate frees a host of its guests, it says")
def _(seed):
    roles = [name for name, _ in seed.all_of("role")]
    for key, place, d in declared(seed, "gate"):
        if len(d["parameters"]) == 1:
            for role in roles[:3]:
                name = role.partition(".")[2] if role.startswith(key + ".") else role
                yield place, [insert(key, d["items"][-1]["end"],
                                     f"\n  clears {name} on {d['parameters'][0]['name']['text']}", True)], role


# ---- actions and holds

@operator("contract.no_requires", "a thing is no longer required")
def _(seed):
    for key, place, item, _ in clauses(seed, DOERS, "requires"):
        for i, need in enumerate(item["needs"]):
            edit = drop_item(key, item["needs"], i, True) or drop(key, item, True)
            yield place, [edit], text_of(seed, key, need)


@operator("contract.fewer_roles", "one role of an effect is not named")
def _(seed):
    for key, place, item, _ in clauses(seed, DOERS, "changes", "disrupts", "spills"):
        for i, role in enumerate(item["roles"]):
            edit = drop_item(key, item["roles"], i, True)
            if edit:
                yield place, [edit], f"{item['kind']} {text_of(seed, key, role)}"


@operator("contract.other_role", "an effect names another role")
def _(seed):
    for key, place, item, _ in clauses(seed, DOERS, "disrupts"):
        for name, _ in seed.all_of("role"):
            short = name.partition(".")[2] if name.startswith(key + ".") else name
            if len(item["roles"]) == 1 and text_of(seed, key, item["roles"][0]) != short:
                yield place, [replace(key, item["roles"][0], short, True)], name


@operator("contract.changes_only", "an action that takes down says that it changes")
def _(seed):
    for key, place, item, _ in clauses(seed, DOERS, "disrupts"):
        yield place, [replace(key, {"begin": item["begin"], "end": item["begin"] + len("disrupts")}, "changes", True)], ""


@operator("contract.moves_from_any", "a state moves from anywhere")
def _(seed):
    for key, place, item, _ in clauses(seed, DOERS, "moves"):
        if item["from"]:
            yield place, [replace(key, {"begin": item["from"][0]["begin"], "end": item["from"][-1]["end"]}, "any", True)], ""


@operator("contract.reaches_one", "an action touches one thing only, it says")
def _(seed):
    for key, place, d in declared(seed, "action"):
        for role in [n for n, _ in seed.all_of("role")][:2]:
            name = role.partition(".")[2] if role.startswith(key + ".") else role
            yield place, [insert(key, d["body"]["begin"] + 1, f"\n  reaches {name}", True)], role


@operator("contract.retry_added", "a second try of what may not be repeated")
def _(seed):
    for key, place, d in declared(seed, "action"):
        if not any(c["kind"] == "retry" for c in d["body"]["clauses"]):
            yield place, [insert(key, d["body"]["begin"] + 1, "\n  retry 2 every 10s", True)], ""


@operator("contract.takes_longer", "an action takes ten days")
def _(seed):
    for key, place, item, _ in clauses(seed, DOERS, "takes"):
        yield place, [replace(key, item["worst"], "240h", True)], ""


@operator("contract.undo_nothing", "there is nothing to undo, it says")
def _(seed):
    for key, place, item, _ in clauses(seed, ("action",), "undo"):
        if item.get("body"):
            yield place, [replace(key, item, 'undo nothing "as good as before"', True)], ""


@operator("contract.undo_more", "the way back takes a host down")
def _(seed):
    for key, place, item, _ in clauses(seed, ("action",), "undo"):
        for _, d in declared_with_host(seed, key, place):
            yield place, [replace(key, item, f"undo {{ disrupts all on {d} run(\"systemctl\", \"reboot\") on {d} awaits boot of {d} }}",
                                  True)], ""


def declared_with_host(seed, key, place):
    for file_key, where, d in declared(seed, "action"):
        if file_key == key and where == place:
            for p in d["parameters"]:
                if p["type"]["text"] == "host" or p["type"]["text"] in seed.roles:
                    yield d, p["name"]["text"]
                    return


def idle(key, clause):
    """A command in the place of another, which does nothing."""
    return replace(key, {"begin": clause["run"]["begin"], "end": clause["run"]["target"]["begin"]}, 'run("true") ', True)


@operator("contract.no_run", "an action that does nothing")
def _(seed):
    for key, place, item, _ in clauses(seed, ("action",), "run_clause"):
        yield place, [idle(key, item)], text_of(seed, key, item)[:60]


for name, clause, word, what in (("hold.other_at_halt", "on_halt", "halt", "a hold is kept at a halt, or given back, where the other was chosen"),
                                 ("hold.other_at_wait", "on_wait", "wait", "a hold is kept between windows, or given back, where the other was chosen")):
    @operator(name, what)
    def _(seed, clause=clause, word=word):
        for key, place, item, _ in clauses(seed, HOLD, clause):
            yield place, [replace(key, item, f"on {word} " + ("release" if item["keep"] else "keep"), True)], ""


@operator("hold.never_released", "giving a hold back does nothing")
def _(seed):
    for key, place, item, _ in clauses(seed, ("hold",), "release"):
        runs = [c for c in item["body"]["clauses"] if c["kind"] == "run_clause"]
        yield place, [idle(key, c) for c in runs], ""


# ---- states

@operator("state.not_armed", "an armed value is an ordinary one")
def _(seed):
    for key, place, d in declared(seed, "state"):
        for v in d["values"]:
            if v["transient"]:
                at = seed.files[key].bytes.rindex(b"transient", 0, v["begin"])
                yield place, [drop(key, {"begin": at, "end": v["begin"]}, True)], v["text"]


# ---- rules of modules

def rules(seed, kind):
    for key, file in seed.files.items():
        for d in file.declarations(kind):
            module = "" if key == PLAN else key + ": "
            yield key, module + squeezed(file.text(d))[:60], d


for name, kind, what in (("order.drop", "order", "no order of roles"),
                         ("rank.drop", "rank", "no rank of roles"),
                         ("versions.drop", "versions", "the steps that are supported are not listed"),
                         ("command.drop", "command", "what a command implies is not known")):
    @operator(name, what)
    def _(seed, kind=kind):
        for key, place, d in rules(seed, kind):
            yield place, [drop(key, d, True)], ""


@operator("order.shorter", "one role of an order is left out")
def _(seed):
    for key, place, d in rules(seed, "order"):
        for i, step in enumerate(d["steps"]):
            if len(d["steps"]) > 2:
                spans = [{"begin": s[0]["begin"], "end": s[-1]["end"]} for s in d["steps"]]
                yield place, [drop_item(key, spans, i, True)], text_of(seed, key, spans[i])


@operator("order.swapped", "two roles of an order change places")
def _(seed):
    for key, place, d in rules(seed, "order"):
        spans = [{"begin": s[0]["begin"], "end": s[-1]["end"]} for s in d["steps"]]
        for a, b in zip(spans, spans[1:]):
            yield place, [replace(key, a, text_of(seed, key, b), True), replace(key, b, text_of(seed, key, a), True)], \
                f"{text_of(seed, key, a)} {text_of(seed, key, b)}"


@operator("order.per_host", "an order holds on each host only")
def _(seed):
    for key, place, d in rules(seed, "order"):
        if not d["on_each_host"]:
            yield place, [insert(key, d["steps"][-1][-1]["end"], " on each host", True)], ""


@operator("rank.reversed", "the most sensitive first")
def _(seed):
    for key, place, d in rules(seed, "rank"):
        first, last = d["roles"][0], d["roles"][-1]
        yield place, [replace(key, first, last["text"], True), replace(key, last, first["text"], True)], ""
