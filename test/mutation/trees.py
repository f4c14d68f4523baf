"""Syntax trees of plans and modules, as `upg_tree` prints them, and what operators ask of them: blocks, names, places."""

import json
import re
import subprocess
from dataclasses import dataclass

PLAN = "plan"  # the key of the plan's own file; modules have their name

# Clauses of an upgrade that are no statements.
CLAUSES = {"from_to", "window", "exclusive", "initially", "finally", "tolerate", "host_out", "param", "secret"}


@dataclass(frozen=True)
class Edit:
    """Bytes [begin, end) of `file` become `text`. `contract`: a premise is changed, not the plan."""
    file: str
    begin: int
    end: int
    text: str
    contract: bool = False


@dataclass(frozen=True)
class Mutant:
    id: str  # operator:seed:place, by names of declarations
    operator: str
    seed: str
    edits: tuple
    options: tuple  # of the build: -D and --limit


@dataclass(frozen=True)
class Built:
    """No edit: other options of the build."""
    options: tuple


@dataclass
class Block:
    """Statements in braces (or those of an upgrade), with all that is around."""
    file: str
    statements: list
    place: str
    begin: int  # inside the braces
    end: int
    parent: "Block" = None
    owner: dict = None  # the statement or declaration that has it
    variables: tuple = ()  # names of hosts in sight, innermost first
    bound: tuple = ()  # names that `rolling` and `for` give, innermost first
    asks_only: bool = False  # preflight and postflight


class File:
    def __init__(self, key, path, tree):
        self.key, self.path, self.tree = key, path, tree
        with open(path, "rb") as file:
            self.bytes = file.read()

    def text(self, node):
        return self.bytes[node["begin"]:node["end"]].decode()

    def declarations(self, *kinds):
        return [d for d in self.tree["declarations"] if d["kind"] in kinds]


def read(tool, paths):
    """{key: path} -> {key: File}"""
    keys = list(paths)
    out = subprocess.run([tool] + [paths[key] for key in keys], capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise SystemExit(f"upg_tree failed: {out.stderr}")
    return {key: File(key, paths[key], json.loads(line)) for key, line in zip(keys, out.stdout.splitlines())}


def walk(node):
    """Every node under `node`, itself first."""
    if isinstance(node, list):
        for part in node:
            yield from walk(part)
    elif isinstance(node, dict):
        yield node
        for part in node.values():
            if isinstance(part, (dict, list)):
                yield from walk(part)


def inner_blocks(statement):
    """(name, block node) of every block directly inside a statement."""
    kind = statement["kind"]
    if kind == "parallel":
        return [(f"part {i + 1}", b) for i, b in enumerate(statement["branches"])]
    if kind == "if":
        found = [(f"branch {i + 1}", b["body"]) for i, b in enumerate(statement["branches"])]
        return found + ([("else", statement["otherwise"])] if statement["otherwise"] else [])
    if kind == "attempt":
        found = [("", statement["body"])] + [(f"recover {i + 1}", b["body"]) for i, b in enumerate(statement["recover"])]
        return found + ([("otherwise", statement["otherwise"])] if statement["otherwise"] else [])
    return [("", statement["body"])] if statement.get("body") else []


def words(text):
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def code(text):
    """Without comments and texts, except for what texts interpolate."""
    def spoken(found):
        return " ".join(re.findall(r"\$\{[^}]*", found.group(0))) if found.group(0).startswith('"') else " "
    return re.sub(r'//[^\n]*|"(?:\\.|[^"\\])*"', spoken, text)


def squeezed(text):
    return " ".join(text.split())


class Seed:
    """A plan with the modules that it uses."""

    def __init__(self, name, files, options=()):
        self.name, self.options = name, tuple(options)
        self.files = {PLAN: files[PLAN]}
        waiting = [files[PLAN]]
        while waiting:
            for use in waiting.pop().declarations("use"):
                for word in use["modules"]:
                    if word["text"] in files and word["text"] not in self.files:
                        self.files[word["text"]] = files[word["text"]]
                        waiting.append(files[word["text"]])
        self.plan = self.files[PLAN]
        self.hosts = [h["text"] for c in self.plan.declarations("cluster") for i in c["items"] if i["kind"] == "host"
                      for h in i["hosts"]]
        self.named = {}  # (kind, name as written) -> (file, declaration); with and without the module's name
        for key, file in self.files.items():
            for d in file.tree["declarations"]:
                if isinstance(d.get("name"), dict):
                    self.named[d["kind"], d["name"]["text"]] = (file, d)
                    if key != PLAN:
                        self.named[d["kind"], f"{key}.{d['name']['text']}"] = (file, d)
        self.reached = self._reached()
        self.roles = {name for kind, name in self.named if kind == "role"} | {"all"}
        self.blocks = list(self._blocks())

    def _reached(self):
        """Names that the plan speaks of, through the declarations that it names: what it does not reach is not mutated."""
        texts = {}
        for kind in ("role", "gate", "action", "hold", "state", "procedure", "probe", "hosts"):
            for file in self.files.values():
                for d in file.declarations(kind):
                    texts.setdefault(d["name"]["text"], []).append(file.text(d))
        found, waiting = {"alive"}, [words(code(self.plan.bytes.decode()))]
        while waiting:
            for word in waiting.pop():
                if word in texts and word not in found:
                    found.add(word)
                    waiting += [words(code(text)) for text in texts[word]]
        return found

    # ---- names

    def written(self, file, declaration):
        """How the plan names it."""
        name = declaration["name"]["text"]
        return name if file.key == PLAN else f"{file.key}.{name}"

    def all_of(self, kind):
        """(name as the plan writes it, declaration), each once, in order."""
        return [(self.written(file, d), d) for file in self.files.values() for d in file.declarations(kind)]

    def find(self, kind, text):
        return self.named.get((kind, text))

    def is_host_set(self, file, node):
        text = file.text(node)
        words = text.replace("+", " ").replace("&", " ").replace("except", " ").replace("(", " ").replace(")", " ").split()
        return bool(words) and all(w in self.roles or w in self.hosts for w in words)

    def label(self, file, statement):
        kind = statement["kind"]
        if kind == "await":
            return "await " + squeezed(file.text(statement["gate"]))
        if kind == "act":
            return squeezed(file.text(statement["callee"]))
        if kind == "with":
            return "with " + ", ".join(squeezed(file.text(h)) for h in statement["holds"])
        if kind in ("rolling", "for"):
            return f"{kind} {squeezed(file.text(statement['binder']))}"
        if kind == "phase":
            return "phase " + statement["name"]["text"]
        if kind in ("unless", "expect"):
            return f"{kind} {squeezed(file.text(statement['condition']))}"
        return kind.replace("_", " ")

    def labels(self, file, statements):
        """One for each statement of a block; a number tells equal ones apart."""
        seen, result = {}, []
        for statement in statements:
            label = self.label(file, statement)
            seen[label] = seen.get(label, 0) + 1
            result.append(label if seen[label] == 1 else f"{label} #{seen[label]}")
        return result

    # ---- blocks

    def _blocks(self):
        for key, file in self.files.items():
            for d in file.declarations("upgrade", "procedure"):
                place = d["name"]["text"]
                if d["kind"] == "procedure" and place not in self.reached:
                    continue
                if d["kind"] == "procedure":
                    variables = tuple(p["name"]["text"] for p in d["parameters"]
                                      if p["type"]["text"] == "host" or p["type"]["text"] in self.roles)
                    yield from self._inside(key, file, d["body"], place, None, d, variables, (), False)
                    continue
                spine = [i for i in d["items"] if i["kind"] not in CLAUSES | {"preflight", "postflight", "on_abort"}]
                if spine:
                    block = Block(key, spine, place, spine[0]["begin"], d["end"] - 1, None, d)
                    yield block
                    yield from self._under(file, block)
                for i in d["items"]:
                    if i["kind"] in ("preflight", "postflight", "on_abort"):
                        yield from self._inside(key, file, i["body"], f"{place}/{i['kind']}", None, i, (), (),
                                                i["kind"] != "on_abort")

    def _inside(self, key, file, node, place, parent, owner, variables, bound, asks_only):
        block = Block(key, node["statements"], place, node["begin"] + 1, node["end"] - 1, parent, owner, variables, bound,
                      asks_only)
        yield block
        yield from self._under(file, block)

    def _under(self, file, block):
        for label, statement in zip(self.labels(file, block.statements), block.statements):
            variables, bound = block.variables, block.bound
            if statement["kind"] in ("rolling", "for"):
                bound = (statement["binder"]["variable"]["text"],) + bound
                if self.is_host_set(file, statement["binder"]["set"]):
                    variables = bound[:1] + variables
            for name, node in inner_blocks(statement):
                place = f"{block.place}/{label}" + (f"/{name}" if name else "")
                yield from self._inside(block.file, file, node, place, block, statement, variables, bound, block.asks_only)

    def steps(self):
        """(block, index, label, statement) of every statement of the plan and the procedures."""
        for block in self.blocks:
            labels = self.labels(self.files[block.file], block.statements)
            for i, (label, statement) in enumerate(zip(labels, block.statements)):
                yield block, i, label, statement


def applied(data, edits):
    """`data` with the edits made; nothing if two of them overlap."""
    result, at = [], 0
    for edit in sorted(edits, key=lambda e: (e.begin, e.end)):
        if edit.begin < at:
            return None
        result += [data[at:edit.begin], edit.text.encode()]
        at = edit.end
    return b"".join(result + [data[at:]])
