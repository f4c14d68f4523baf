"""Operators on what a plan promises (the clauses of an upgrade) and on what it says about the site."""

from registry import drop, drop_item, insert, operator, replace
from trees import PLAN, squeezed, walk


def clauses(seed, *kinds):
    for d in seed.plan.declarations("upgrade"):
        for item in d["items"]:
            if item["kind"] in kinds:
                yield d, f"{d['name']['text']}/{squeezed(seed.plan.text(item))[:60]}", item


# ---- clauses that are not written

for name, kind, what in (
        ("preflight.drop", "preflight", "nothing is asked before the plan starts"),
        ("postflight.drop", "postflight", "nothing is asked when the plan is through"),
        ("finally.drop", "finally", "the plan does not say how it ends"),
        ("initially.drop", "initially", "the plan does not say how it begins"),
        ("exclusive.drop", "exclusive", "two such plans may run at once"),
        ("window.drop", "window", "no window"),
        ("out.drop", "host_out", "a host is no longer declared out"),
        ("on_abort.drop", "on_abort", "no way back as a whole, only each action's `undo`"),
        ("tolerate.drop", "tolerate", "no host may be lost, and rollouts that would go on")):
    @operator(name, what)
    def _(seed, kind=kind):
        for d, place, item in clauses(seed, kind):
            whole = kind in ("preflight", "postflight", "on_abort")
            yield d["name"]["text"] if whole else place, [drop(PLAN, item, kind == "finally")], ""


# ---- what is asked before and after

@operator("preflight.no_baseline", "the preflight asks for no health: the plan has no baseline")
def _(seed):
    for d, _, item in clauses(seed, "preflight"):
        asked = [s for s in item["body"]["statements"]
                 if s["kind"] == "await" and s["gate"]["name"]["text"] == "in_service"]
        if asked:
            yield d["name"]["text"], [drop(PLAN, s) for s in asked], ""


@operator("preflight.baseline_narrow", "the baseline is asked of one role only")
def _(seed):
    roles = [name for name, _ in seed.all_of("role")]
    for d, _, item in clauses(seed, "preflight"):
        for s in item["body"]["statements"]:
            if s["kind"] == "await" and s["gate"]["name"]["text"] == "in_service":
                for role in roles + seed.hosts:
                    yield d["name"]["text"], [replace(PLAN, s["gate"]["arguments"][0], role)], role


@operator("preflight.late", "what the preflight asks is asked at the end")
def _(seed):
    for d, _, item in clauses(seed, "preflight"):
        text = seed.plan.text({"begin": item["body"]["begin"] + 1, "end": item["body"]["end"] - 1})
        yield d["name"]["text"], [drop(PLAN, item), insert(PLAN, d["end"] - 1, text)], ""


# ---- promises

@operator("finally.other_value", "the plan promises another end than it reaches")
def _(seed):
    yield from other_values(seed, "finally")


@operator("initially.other_value", "the plan begins elsewhere")
def _(seed):
    yield from other_values(seed, "initially")


def other_values(seed, kind):
    values = {}
    for _, d in seed.all_of("state"):
        for v in d["values"]:
            values.setdefault(v["text"], set()).update(w["text"] for w in d["values"])
    for _, place, item in clauses(seed, kind):
        for node in walk(item["conditions"]):
            if node.get("kind") == "binary" and node["op"] == "==" and node["right"].get("text") in values:
                right = node["right"]
                for value in sorted(values[right["text"]] - {right["text"]}):
                    yield place, [replace(PLAN, right, value)], value


@operator("versions.other_step", "another step of versions, or none")
def _(seed):
    for _, place, item in clauses(seed, "from_to"):
        yield place, [replace(PLAN, item["to"], seed.plan.text(item["from"])),
                      replace(PLAN, item["from"], seed.plan.text(item["to"]))], "downgrade"
        yield place, [replace(PLAN, item["from"], '"1"')], "from 1"
        yield place, [drop(PLAN, item)], "dropped"


for name, written, what in (
        ("window.short", 'window every "Sat 20:00" for 1m tz "UTC"', "a window of one minute"),
        ("window.long", 'window every "Sat 20:00" for 100h tz "UTC"', "a window that is longer than the weekend"),
        ("window.past", 'window "2020-02-29 20:00" for 9h tz "UTC"', "a window that is over"),
        ("window.other_zone", 'window every "Sun 02:30" for 9h tz "America/New_York"', "a window of another place, on the hour that is skipped in spring"),
        ("window.cut", 'window every "Sat 20:00" for 20m tz "UTC"\n  window every "Sat 21:00" for 20m tz "UTC"', "two short windows for a long one")):
    @operator(name, what)
    def _(seed, written=written):
        for _, place, item in clauses(seed, "window"):
            yield place, [replace(PLAN, item, written)], ""


@operator("window.added", "a window where there was none, or one more")
def _(seed):
    for d in seed.plan.declarations("upgrade"):
        for length in ("9h", "10m"):
            yield d["name"]["text"], [insert(PLAN, d["items"][0]["begin"], f'window every "Sun 20:00" for {length} tz "UTC"\n  ')], length


@operator("out.add", "a host is declared out")
def _(seed):
    for d in seed.plan.declarations("upgrade"):
        for host in seed.hosts:
            yield d["name"]["text"], [insert(PLAN, d["items"][0]["begin"], f'host {host} out "it burns"\n  ')], host


@operator("plan.repair", "an upgrade that calls itself a repair")
def _(seed):
    for d in seed.plan.declarations("upgrade"):
        word = "upgrade" if not d["repair"] else "repair"
        yield (d["name"]["text"], [replace(PLAN, {"begin": d["begin"], "end": d["begin"] + len(word)},
                                           "upgrade" if d["repair"] else "repair")], "")


# ---- the site

def hosts(seed):
    for cluster in seed.plan.declarations("cluster"):
        for item in cluster["items"]:
            if item["kind"] == "host":
                yield cluster, item


def split(seed, item):
    """One text for each host of a shared declaration: name and address, and the body."""
    body = seed.plan.text({"begin": item["items"][0]["begin"], "end": item["end"] - 1}) if item["items"] else ""
    heads = []
    for head in item["hosts"]:
        heads.append(head["text"] + (" " + seed.plan.text(head["address"]) if "address" in head else ""))
    return heads, body


@operator("role.drop_from_host", "a host no longer carries a role")
def _(seed):
    for _, item in hosts(seed):
        for part in item["items"]:
            if part["kind"] != "roles":
                continue
            for i, head in enumerate(item["hosts"]):
                for k in range(len(part["roles"])):
                    heads, _ = split(seed, item)
                    rest = [seed.plan.text(r) for n, r in enumerate(part["roles"]) if n != k]
                    before = seed.plan.text({"begin": item["items"][0]["begin"], "end": part["begin"]})
                    after = seed.plan.text({"begin": part["end"], "end": item["end"] - 1})
                    one = f"host {heads[i]} {{ {before}{'roles ' + ', '.join(rest) if rest else ''}{after} }}"
                    others = [h for n, h in enumerate(heads) if n != i]
                    body = seed.plan.text({"begin": item["items"][0]["begin"], "end": item["end"]})
                    text = (f"host {', '.join(others)} {{ {body}\n  " if others else "") + one
                    yield head["text"], [replace(PLAN, item, text)], seed.plan.text(part["roles"][k])


@operator("role.add_to_host", "a host carries one role more: a second node in a role")
def _(seed):
    for _, item in hosts(seed):
        for part in item["items"]:
            if part["kind"] == "roles":
                have = {seed.plan.text(r) for r in part["roles"]}
                for name, _ in seed.all_of("role"):
                    if name not in have and name != "linux.alive":
                        yield (", ".join(h["text"] for h in item["hosts"]),
                               [insert(PLAN, part["roles"][-1]["end"], f", {name}")], name)


@operator("host.drop", "a host of the cluster is not in the plan")
def _(seed):
    for _, item in hosts(seed):
        for i, head in enumerate(item["hosts"]):
            edit = drop_host(item, i)
            yield head["text"], [edit], ""


def drop_host(item, i):
    heads = [{"begin": h["begin"], "end": h.get("address", h)["end"]} for h in item["hosts"]]
    return drop_item(PLAN, heads, i) or drop(PLAN, item)


@operator("host.twice", "one machine under two names")
def _(seed):
    for _, item in hosts(seed):
        heads, body = split(seed, item)
        head = item["hosts"][0]
        address = seed.plan.text(head["address"]) if "address" in head else f'"{head["text"]}"'
        yield head["text"], [insert(PLAN, item["end"], f"\n  host twin {address} {{ {body} }}")], ""


@operator("host.more", "one host more than the plan was written for")
def _(seed):
    for _, item in hosts(seed):
        _, body = split(seed, item)
        yield item["hosts"][0]["text"], [insert(PLAN, item["end"], f'\n  host another "10.99.0.9" {{ {body} }}')], ""


@operator("host.votes", "a host has other votes")
def _(seed):
    for _, item in hosts(seed):
        for part in item["items"]:
            if part["kind"] == "attribute" and part["name"]["text"] == "votes":
                for votes in ("0", "2", "5"):
                    yield (", ".join(h["text"] for h in item["hosts"]), [replace(PLAN, part["value"], votes)], votes)


@operator("host.group", "all hosts stand in one rack")
def _(seed):
    found = [(item, part) for _, item in hosts(seed) for part in item["items"]
             if part["kind"] == "attribute" and part["name"]["text"] in ("rack", "zone", "site")]
    if found:
        first = seed.plan.text(found[0][1]["value"])
        yield "cluster", [replace(PLAN, part["value"], first) for _, part in found[1:]], ""


@operator("host.no_via", "the way to a host is not said")
def _(seed):
    for _, item in hosts(seed):
        for part in item["items"]:
            if part["kind"] == "via":
                yield ", ".join(h["text"] for h in item["hosts"]), [drop(PLAN, part, True)], ""


@operator("host.add_via", "a host is reached through another one")
def _(seed):
    for _, item in hosts(seed):
        names = [h["text"] for h in item["hosts"]]
        for host in seed.hosts:
            if host not in names and item["items"]:
                yield ", ".join(names), [insert(PLAN, item["items"][0]["begin"], f"via {host}  ")], host


@operator("host.no_guest", "what a host is a guest of is not said")
def _(seed):
    for _, item in hosts(seed):
        for part in item["items"]:
            if part["kind"] == "guest":
                yield ", ".join(h["text"] for h in item["hosts"]), [drop(PLAN, part, True)], ""


@operator("host.add_guest", "a host is a guest of others")
def _(seed):
    for _, item in hosts(seed):
        for role in [name for name, _ in seed.all_of("role")][:4]:
            if item["items"] and role != "linux.alive":
                yield (", ".join(h["text"] for h in item["hosts"]),
                       [insert(PLAN, item["items"][0]["begin"], f"guest of {role}  ")], role)
