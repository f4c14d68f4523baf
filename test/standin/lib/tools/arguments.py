"""Command lines, strictly: an option that a tool does not know is an error, as everything else that it does not know."""
from engine import Refused


def parse(args, flags=(), values=(), code=2, usage=""):
    """(positional words, options). `--name=value`, `--name value`, `-n value`; flags take no value."""
    words, found, rest = [], {}, list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        name, eq, value = word.partition("=")
        if name in flags and not eq:
            found[name.lstrip("-")] = True
        elif name in flags and value in ("0", "1"):
            found[name.lstrip("-")] = value == "1"
        elif name in values:
            if not eq:
                if not rest:
                    raise Refused(code, "option %s needs a value%s" % (name, "\n" + usage if usage else ""))
                value = rest.pop(0)
            found[name.lstrip("-")] = value
        else:
            raise Refused(code, "Unknown option: %s%s" % (name.lstrip("-"), "\n" + usage if usage else ""))
    return words, found


def integer(text, what, code=2):
    try:
        return int(text)
    except ValueError:
        raise Refused(code, "%s: not a number: %s" % (what, text))


def need_root(cluster, call):
    """Where the scenario wants sudo, a changing command without it fails as for an ordinary user."""
    if cluster.settings["require_sudo"] and call.env.get("STANDIN_SUDO") != "1":
        raise Refused(1, "%s: permission denied (you must be root)" % call.tool)
