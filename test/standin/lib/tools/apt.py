"""apt-get, apt, apt-cache, apt-mark, dpkg-query, dpkg."""
import re

from engine import READ, Refused
from package_data import CEPH_NAMES, candidates, description, matching
from .arguments import need_root

READING = "Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n"


def summary(upgrades, new, waiting):
    text = "%d upgraded, %d newly installed, 0 to remove and 0 not upgraded.\n" % (len(upgrades), len(new))
    return text + ("%d not fully installed or removed.\n" % waiting if waiting else "")


def listed(title, names):
    return "%s\n  %s\n" % (title, " ".join(sorted(names))) if names else ""


def command_line(call):
    """(verb, names, options) of an apt-get command line; an unknown option is an error."""
    words, options, rest = [], {"yes": False, "simulate": False}, list(call.args)
    while rest:
        word = rest.pop(0)
        if word in ("-o", "--option", "-t", "--target-release", "-c"):
            if not rest:
                raise Refused(100, "E: Command line option '%s' [from %s] requires an argument." % (word.lstrip("-"), word))
            rest.pop(0)
        elif re.match(r"-o.+|--option=.+", word):
            pass
        elif word in ("-y", "--yes", "--assume-yes"):
            options["yes"] = True
        elif word in ("-s", "--simulate", "--just-print", "--dry-run", "--no-act", "--recon"):
            options["simulate"] = True
        elif re.fullmatch(r"-[qyusfmV]+", word):
            options["yes"] |= "y" in word
            options["simulate"] |= "s" in word
        elif word in ("--quiet", "--only-upgrade", "--no-install-recommends", "--allow-releaseinfo-change", "--with-new-pkgs",
                      "--fix-broken", "--print-uris"):
            pass
        elif word.startswith("-"):
            raise Refused(100, "E: Command line option '%s' [from %s] is not understood in combination with the other options." % (word[:1], word))
        else:
            words.append(word)
    if not words:
        raise Refused(1, "apt 2.6.1 (amd64)\nUsage: apt-get [options] command")
    return words[0], words[1:], options


def apt_get(c, call):
    verb, names, options = command_line(call)
    h = c.host(call.host)
    if verb == "full-upgrade" or verb == "dist-upgrade":
        verb = "dist-upgrade"
    if verb not in ("update", "dist-upgrade", "upgrade", "install", "clean", "autoclean", "autoremove", "check"):
        raise Refused(100, "E: Invalid operation %s" % verb)
    if not options["simulate"]:
        need_root(c, call)
        if h["apt"]:
            raise Refused(100, "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4242 (apt-get)\n"
                          "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?")
    if verb == "update":
        yield 0.1
        lines, errors = c.packages.update(call.host)
        call.out("\n".join(lines + ["Reading package lists..."]) + "\n")
        if errors:
            raise Refused(100, "\n".join(errors))
        return 0
    if h["interrupted"]:
        raise Refused(100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. ")
    if verb in ("clean", "autoclean", "autoremove", "check"):
        call.out(READING)
        return 0
    return (yield from upgrade(c, call, verb, names, options))


def upgrade(c, call, verb, names, options):
    h = c.host(call.host)
    offer = candidates(h["apt_lists"])
    only, new = None, {}
    if verb == "install":
        wanted = [n for pattern in names for n in ([pattern.partition("=")[0]])]
        for name in wanted:
            if name not in offer and name not in h["packages"]:
                raise Refused(100, READING + "E: Unable to locate package %s" % name)
        only = set(wanted) | (set(CEPH_NAMES) if any(n in CEPH_NAMES for n in wanted) else set())   # they depend on each other's version
        new = {n: offer[n] for n in wanted if n not in h["packages"]}
    upgrades, extra = c.packages.pending(call.host, only)
    if verb == "dist-upgrade":
        new.update(extra)
    elif verb == "upgrade":
        upgrades = {n: v for n, v in upgrades.items() if n not in ("proxmox-ve", "proxmox-default-kernel")}
    waiting = [n for n in h["unconfigured"] if n not in upgrades and n not in new]
    call.out(READING + ("Calculating upgrade... Done\n" if verb != "install" else ""))
    call.out(listed("The following NEW packages will be installed:", new) + listed("The following packages will be upgraded:", upgrades) +
             summary(upgrades, new, len(h["unconfigured"])))
    versions = dict(upgrades, **new)
    if options["simulate"]:
        for n in sorted(versions):
            call.out("Inst %s%s (%s Debian:stable [amd64])\n" % (n, " [%s]" % h["packages"][n] if n in h["packages"] else "", versions[n]))
        for n in sorted(versions):
            call.out("Conf %s (%s Debian:stable [amd64])\n" % (n, versions[n]))
        return 0
    if not versions and not waiting:
        return 0
    if not options["yes"]:
        call.out("Do you want to continue? [Y/n] ")
        answer = yield READ
        if answer is None or answer.strip().lower() not in ("", "y", "yes"):
            call.out("Abort.\n")
            return 1
    return (yield from c.packages.install(call, upgrades, new, c.packages.options(call)))


def apt_cache(c, call):
    if len(call.args) < 2 or call.args[0] != "policy":
        raise Refused(100, "E: Invalid operation %s (the stand-in knows policy PACKAGE...)" % " ".join(call.args[:1]))
    h = c.host(call.host)
    offer = candidates(h["apt_lists"])
    for name in call.args[1:]:
        if name not in offer and name not in h["packages"]:
            call.err("N: Unable to locate package %s\n" % name)
            continue
        installed = h["packages"].get(name)
        best = offer.get(name, installed)
        if installed and c.packages.older(best, installed):
            best = installed
        call.out("%s:\n  Installed: %s\n  Candidate: %s\n  Version table:\n" % (name, installed or "(none)", best))
        for version in sorted({v for v in (installed, best) if v}, reverse=True):
            call.out(" %s %s 500\n        500 https://enterprise.proxmox.com/debian %s amd64 Packages\n" % (
                "***" if version == installed else "   ", version, h["apt_lists"].get("pve") or ""))
            if version == installed:
                call.out("        100 /var/lib/dpkg/status\n")
    return 0


def dpkg_query(c, call):
    args, form = list(call.args), "${binary:Package}\t${Version}\n"
    if not args or args.pop(0) not in ("-W", "--show"):
        raise Refused(2, "dpkg-query: error: the stand-in knows -W [-f FORMAT] [PATTERN...]")
    patterns = []
    while args:
        word = args.pop(0)
        if word in ("-f", "--showformat"):
            if not args:
                raise Refused(2, "dpkg-query: error: --showformat option takes a value")
            form = args.pop(0)
        elif word.startswith("-f=") or word.startswith("--showformat="):
            form = word.partition("=")[2]
        elif word.startswith("-f"):
            form = word[2:]
        elif word.startswith("-"):
            raise Refused(2, "dpkg-query: error: unknown option %s" % word)
        else:
            patterns.append(word)
    form = form.replace("\\n", "\n").replace("\\t", "\t")
    h, code, names = c.host(call.host), 0, []
    for pattern in patterns or ["*"]:
        found = matching(h["packages"], pattern)
        if not found:
            call.err("dpkg-query: no packages found matching %s\n" % pattern)
            code = 1
        names += [n for n in found if n not in names]
    for name in sorted(names):
        half = name in h["unconfigured"]
        fields = {"Package": name, "binary:Package": name, "Version": h["packages"][name], "Architecture": "amd64",
                  "Status": "install ok " + ("half-configured" if half else "installed"),
                  "db:Status-Status": "half-configured" if half else "installed",
                  "db:Status-Abbrev": "iF " if half else "ii ", "Maintainer": "Proxmox Support Team <support@proxmox.com>",
                  "binary:Summary": description(name)}
        call.out(re.sub(r"\$\{([^};]+)(?:;-?\d+)?\}", lambda m: fields.get(m.group(1), ""), form))
    return code


def dpkg(c, call):
    h = c.host(call.host)
    if call.args in (["--audit"], ["-C"]):
        if h["unconfigured"]:
            call.out("The following packages are only half configured, probably due to problems\nconfiguring them the first time.  The configuration should be retried using\n"
                     "dpkg --configure <package> or the configure menu option in dselect:\n" +
                     "".join(" %-20s %s\n" % (n, description(n)) for n in sorted(h["unconfigured"])) + "\n")
            return 1
        return 0
    if call.args in (["--configure", "-a"], ["--configure", "--pending"]) or call.args[-2:] == ["--configure", "-a"]:
        need_root(c, call)
        if not h["unconfigured"]:
            return 0
        offer = candidates(h["apt_lists"])
        versions = {n: offer.get(n, h["packages"].get(n, "0")) for n in h["unconfigured"]}
        h["apt"] = {"corosync": "corosync" in versions, "since": c.now(), "phase": "configure"}
        try:
            code = yield from c.packages.configure(call, versions, c.packages.options(call), c.time("dist_upgrade"))
        finally:
            h["apt"] = None
        return code
    if call.args in (["--print-architecture"],):
        call.out("amd64\n")
        return 0
    if call.args[:1] == ["--compare-versions"] and len(call.args) == 4:
        call.run_real(["dpkg"] + call.args)
        return 0
    raise Refused(2, "dpkg: error: the stand-in knows --audit, --configure -a, --print-architecture, --compare-versions")


def apt_mark(c, call):
    if call.args == ["showhold"]:
        return 0
    raise Refused(100, "E: the stand-in knows apt-mark showhold")


TOOLS = {"apt-get": apt_get, "apt": apt_get, "apt-cache": apt_cache, "dpkg-query": dpkg_query, "dpkg": dpkg, "apt-mark": apt_mark}
