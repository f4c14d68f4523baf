"""What the operators on plans share: statements of a kind, their texts, hosts and roles."""

from registry import drop, insert, replace
from trees import PLAN, walk


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


def unwrapped(block, statement):
    """A block's statements without what stands around them."""
    body = statement["body"]
    return [drop(block.file, {"begin": statement["begin"], "end": body["begin"] + 1}),
            drop(block.file, {"begin": body["end"] - 1, "end": body["end"]})]


def drop_all(file, block, kind):
    """Every statement of a kind inside a block is left out."""
    return [drop(file, n) for n in walk(block) if n.get("kind") == kind]


def swap(seed, block, a, b):
    return [replace(block.file, a, text_of(seed, block, b)), replace(block.file, b, text_of(seed, block, a))]
