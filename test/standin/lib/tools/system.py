"""systemctl, journalctl, reboot and its kin, uname, hostname, df, ip."""
import json
import re
import time

from engine import Refused
from .arguments import need_root, parse

def strip(unit):
    return "ssh" if unit in ("sshd", "sshd.service") else unit[:-len(".service")] if unit.endswith(".service") else unit


def unit_state(c, host, unit):
    return c.unit_state(host, strip(unit))


def running_word(c, host):
    h = c.host(host)
    if h["power"] == "stopping":
        return "stopping"
    if not h["settled"]:
        return "starting"
    return "degraded" if any(unit_state(c, host, u) == "failed" for u in c.units(host)) else "running"


def systemctl(c, call):
    flags = ("--now", "--no-pager", "--no-legend", "--plain", "--failed", "--quiet", "-q", "--all", "-a", "--wait", "--no-block",
             "--no-wall", "--force", "-f", "--full", "-l", "-i")
    words, options = parse(call.args, flags=flags, values=("--state", "--type", "-t", "--property", "-p", "--output", "-o"), code=1)
    verb, units = (words[0], words[1:]) if words else ("list-units", [])
    name = call.host
    if verb in ("reboot", "poweroff", "halt"):
        need_root(c, call)
        c.hosts.reboot(name, back=verb == "reboot")
        return 0
    if verb == "is-system-running":
        return (yield from is_system_running(c, call, options))
    if verb == "is-active":
        states = [unit_state(c, name, u) or "inactive" for u in units]
        if not ("quiet" in options or "q" in options):
            call.out("".join(s + "\n" for s in states))
        return 0 if "active" in states else 3
    if verb == "is-failed":
        states = [unit_state(c, name, u) or "inactive" for u in units] or [running_word(c, name)]
        call.out("".join(s + "\n" for s in states))
        return 0 if "failed" in states or "degraded" in states else 1
    if verb == "is-enabled":
        call.out("".join("enabled\n" if unit_state(c, name, u) else "not-found\n" for u in units))
        return 0 if all(unit_state(c, name, u) for u in units) else 1
    if verb == "list-units":
        return list_units(c, call, options, units)
    if verb == "status":
        for u in units:
            state = unit_state(c, name, u)
            if state is None:
                raise Refused(4, "Unit %s could not be found." % u)
            call.out("* %s\n     Loaded: loaded\n     Active: %s\n" % (u, state))
            if state != "active":
                return 3
        return 0
    if verb == "show":
        for u in units:
            state = unit_state(c, name, u)
            table = {"Id": u, "LoadState": "loaded" if state else "not-found", "ActiveState": state or "inactive",
                     "SubState": {"active": "running", "failed": "failed"}.get(state, "dead")}
            for key in (options.get("property") or options.get("p") or ",".join(table)).split(","):
                call.out("%s=%s\n" % (key, table.get(key, "")))
        return 0
    if verb in ("daemon-reload", "reset-failed"):
        need_root(c, call)
        return 0
    if verb in ("restart", "start", "stop", "try-restart", "reload", "reload-or-restart") and units:
        need_root(c, call)
        for u in units:
            if unit_state(c, name, u) is None:
                raise Refused(5, "Failed to %s %s: Unit %s not found." % (verb, u, u))
        code = 0
        for u in units:
            code = (yield from c.unit_act(call, verb, strip(u))) or code
        return code
    raise Refused(1, "Unknown command verb %s (the stand-in knows reboot, poweroff, is-active, is-failed, is-enabled, is-system-running, list-units, "
                  "status, show, start, stop, restart, daemon-reload, reset-failed)." % verb)


def is_system_running(c, call, options):
    while "wait" in options and running_word(c, call.host) in ("starting",):
        yield 0.05
    word = running_word(c, call.host)
    call.out(word + "\n")
    return 0 if word == "running" else 1


def list_units(c, call, options, patterns):
    rows = [(u, unit_state(c, call.host, u)) for u in c.units(call.host)]
    wanted = "failed" if "failed" in options else options.get("state")
    if wanted:
        rows = [(u, s) for u, s in rows if s in wanted.split(",")]
    else:
        rows = [(u, s) for u, s in rows if s != "inactive"]
    if patterns:
        rows = [(u, s) for u, s in rows if u in patterns or strip(u) in patterns]
    if "no-legend" not in options:
        call.out("  UNIT LOAD ACTIVE SUB DESCRIPTION\n")
    for u, s in rows:
        call.out("%s%s loaded %s %s %s\n" % ("" if "plain" in options else "* " if s == "failed" else "  ", u, s,
                                             "running" if s == "active" else s, strip(u)))
    if "no-legend" not in options:
        call.out("\n%d loaded units listed.\n" % len(rows))
    return 0


def power(word):
    def tool(c, call):
        need_root(c, call)
        text = " ".join(call.args)
        if call.tool == "shutdown" and not re.fullmatch(r"(-r|-h|-P)\s+(now|\+0)", text):
            raise Refused(1, "stand-in: shutdown knows -r now, -h now")
        if call.tool != "shutdown" and text not in ("", "-f", "--force"):
            raise Refused(1, "stand-in: %s knows no options" % call.tool)
        c.hosts.reboot(call.host, back=call.tool == "reboot" or text.startswith("-r"))
        return 0
    return tool


def since(text, now):
    """journalctl's --since, the forms that people use; None if it is another."""
    m = re.fullmatch(r"-?(\d+)\s*(s|sec|seconds?|m|min|minutes?|h|hours?)(?:\s+ago)?", text.strip())
    if m and (text.strip().startswith("-") or "ago" in text):
        return now - int(m.group(1)) * {"s": 1, "m": 60, "h": 3600}[m.group(2)[0]]
    if text.startswith("@") and text[1:].replace(".", "", 1).isdigit():
        return float(text[1:])
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        return 0.0 if text == "boot" else None


def journalctl(c, call):
    words, options = parse(call.args, flags=("--no-pager", "-b", "-q", "--quiet", "-k", "-r"), code=1,
                           values=("-u", "--unit", "-n", "--lines", "-o", "--output", "--since", "-S", "--grep", "-g", "-p", "--until"))
    unit = strip(options.get("u") or options.get("unit") or "")
    lines = [row for row in c.s["journal"][call.host] if not unit or row[1] == unit]
    text = options.get("since") or options.get("S")
    if text is not None:
        start = since(text, c.now())
        if start is None:
            raise Refused(1, "Failed to parse timestamp: %s" % text)
        lines = [row for row in lines if row[0] >= start]
    if "b" in options:
        lines = [row for row in lines if row[0] >= c.host(call.host)["since"]]
    pattern = options.get("grep") or options.get("g")
    if pattern:
        lines = [row for row in lines if re.search(pattern, row[2])]
    count = options.get("n") or options.get("lines")
    if count and count.isdigit():
        lines = lines[-int(count):]
    form = options.get("o") or options.get("output") or "short"
    if words or form not in ("short", "cat", "json"):
        raise Refused(1, "stand-in: journalctl knows -u, -n, -o short|cat|json, --since, --grep, -b")
    for stamp, what, line in lines:
        if form == "json":
            call.out(json.dumps({"__REALTIME_TIMESTAMP": str(int(stamp * 1e6)), "_SYSTEMD_UNIT": what + ".service",
                                 "MESSAGE": line}) + "\n")
        else:
            call.out(line + "\n" if form == "cat" else "%s %s %s[1234]:   %s\n" % (
                time.strftime("%b %d %H:%M:%S", time.localtime(stamp)), call.host, what, line))
    if not lines and form == "short":
        call.out("-- No entries --\n")
    return 0


def uname(c, call):
    h = c.host(call.host)
    parts = {"s": "Linux", "n": call.host, "r": h["kernel"], "v": "#1 SMP PREEMPT_DYNAMIC PMX", "m": "x86_64", "o": "GNU/Linux"}
    letters = "".join(a[1:] for a in call.args) or "s"
    if any(not re.fullmatch("-[asnrvmo]+", a) for a in call.args):
        raise Refused(1, "uname: unrecognized option '%s'" % " ".join(call.args))
    wanted = "snrvmo" if "a" in letters else letters
    call.out(" ".join(parts[k] for k in "snrvmo" if k in wanted) + "\n")
    return 0


def hostname(c, call):
    table = {(): call.host, ("-s",): call.host, ("--short",): call.host, ("-f",): call.host + ".lab.test",
             ("--fqdn",): call.host + ".lab.test",
             ("-I",): c.host(call.host)["address"] + " ", ("-i",): c.host(call.host)["address"]}
    if tuple(call.args) not in table:
        raise Refused(1, "hostname: the stand-in knows -s, -f, -i, -I")
    call.out(table[tuple(call.args)] + "\n")
    return 0


def df(c, call):
    args = ["-B" if a == "-B1" else a for a in call.args if a != "1"]
    words, options = parse([a for a in args if a not in ("-B", "--block-size=1")], values=("--output",), code=1)
    if options.get("output") != "avail" or not ("-B" in args or "--block-size=1" in args) or not words:
        raise Refused(1, "stand-in: df knows --output=avail -B1 PATH...")
    call.out("%10s\n" % "Avail")
    table = c.disk_free(call.host)
    for path in words:
        if not path.startswith("/"):
            raise Refused(1, "df: %s: No such file or directory" % path)
        mount = max((m for m in table if path == m or path.startswith(m.rstrip("/") + "/")), key=len, default="/")
        call.out("%10d\n" % int(table.get(mount, 0)))
    return 0


def ip(c, call):
    args = [a for a in call.args if a not in ("-json", "-j", "-details", "-4")]
    if args not in (["addr", "show"], ["addr"], ["address", "show"], ["a"], ["addr", "list"]):
        raise Refused(1, "stand-in: ip knows [-json] addr show")
    links = c.links(call.host)
    if "-json" in call.args or "-j" in call.args:
        call.out(json.dumps([{"ifindex": n, "ifname": name, "link_type": kind, "operstate": "UP", "flags": ["UP"], "addr_info": [
            {"family": "inet", "local": address, "prefixlen": bits, "scope": "host" if name == "lo" else "global"}
            for address, bits in addresses]} for n, (name, kind, addresses) in enumerate(links, 1)]) + "\n")
    else:
        for n, (name, kind, addresses) in enumerate(links, 1):
            call.out("%d: %s: <UP> mtu 1500 state UP\n    link/%s\n" % (n, name, kind))
            for address, bits in addresses:
                call.out("    inet %s/%d scope global %s\n" % (address, bits, name))
    return 0


def refuse(why):
    def tool(c, call):
        raise Refused(1, "stand-in: %s: %s" % (call.tool, why))
    return tool


TOOLS = {"systemctl": systemctl, "journalctl": journalctl, "uname": uname, "hostname": hostname, "df": df, "ip": ip}
TOOLS.update({word: power(word) for word in ("reboot", "shutdown", "poweroff", "halt")})
TOOLS.update({word: refuse("would reach the machine that the stand-in runs on") for word in (
    "systemd-run", "init", "telinit", "kexec", "service", "loginctl", "hostnamectl", "mount", "umount")})
