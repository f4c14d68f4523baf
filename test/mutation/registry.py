"""The list of operators. An operator takes a seed and yields (place, edits, detail) for each mutant that it makes."""

from trees import Built, Edit, Mutant

OPERATORS = {}  # name -> (what it does, function)


def operator(name, what):
    def add(function):
        assert name not in OPERATORS, name
        OPERATORS[name] = (what, function)
        return function
    return add


def mutants_of(seed):
    """Every mutant of a seed; ids are unique and do not depend on line numbers."""
    seen = {}
    for name, (_, function) in OPERATORS.items():
        for place, edits, detail in function(seed):
            if edits is None:
                continue
            identity = f"{name}:{seed.name}:{place}" + (f" -> {detail}" if detail else "")
            seen[identity] = seen.get(identity, 0) + 1
            if seen[identity] > 1:
                identity += f" ({seen[identity]})"
            if isinstance(edits, Built):
                yield Mutant(identity, name, seed.name, (), edits.options)
            else:
                yield Mutant(identity, name, seed.name, tuple(edits), seed.options)


# ---- edits

def built(seed, option, value):
    """The plan as it is, built with one option in the place of what the seed says of it."""
    pairs = list(zip(seed.options[::2], seed.options[1::2]))
    name = value.partition("=")[0] + "="
    rest = [(o, v) for o, v in pairs if o != option or (option == "-D" and not v.startswith(name))]
    return Built(tuple(word for pair in rest + [(option, value)] for word in pair))


def unbuilt(seed, option, name):
    """The plan as it is, built without one option of the seed."""
    pairs = zip(seed.options[::2], seed.options[1::2])
    return Built(tuple(word for o, v in pairs if o != option or not v.startswith(name) for word in (o, v)))


def drop(file, node, contract=False):
    return Edit(file, node["begin"], node["end"], "", contract)


def replace(file, node, text, contract=False):
    return Edit(file, node["begin"], node["end"], text, contract)


def insert(file, at, text, contract=False):
    return Edit(file, at, at, text, contract)


def drop_item(file, items, i, contract=False):
    """One of several between commas, with one comma. Nothing if it is the only one."""
    if len(items) < 2:
        return None
    if i + 1 < len(items):
        return Edit(file, items[i]["begin"], items[i + 1]["begin"], "", contract)
    return Edit(file, items[i - 1]["end"], items[i]["end"], "", contract)
