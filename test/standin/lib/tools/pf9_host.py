"""What runs on a host of the cluster: ovs-vsctl, ping, dpkg, apt-get, do-release-upgrade, journalctl --vacuum-size."""
from engine import READ, Refused
from . import apt, system
from .arguments import need_root, parse


def ovs_vsctl(c, call):
    h = c.host(call.host)
    words, options = parse(call.args, flags=("--may-exist", "--if-exists"), code=1)
    bridges = h["bridges"]
    if words == ["show"]:
        for b, ports in bridges.items():
            call.out("    Bridge %s\n" % b + "".join("        Port %s\n            Interface %s\n" % (p, p) for p in ports + [b]))
        return 0
    if words == ["list-br"]:
        call.out("".join(b + "\n" for b in bridges))
        return 0
    if len(words) < 2 or words[1] not in bridges:
        raise Refused(1, "ovs-vsctl: no bridge named %s" % words[1] if len(words) > 1 else "stand-in: ovs-vsctl knows show, list-br, list-ports, add-port, del-port")
    ports = bridges[words[1]]
    if words[0] == "list-ports" and len(words) == 2:
        call.out("".join(p + "\n" for p in ports))
    elif words[0] == "add-port" and len(words) == 3:
        need_root(c, call)
        if words[2] in ports and "may-exist" not in options:
            raise Refused(1, "ovs-vsctl: cannot create a port named %s because a port named %s already exists on bridge %s" % (words[2], words[2], words[1]))
        bridges[words[1]] = sorted(set(ports) | {words[2]})
        c.event("%s: port %s added" % (words[1], words[2]), call.host)
    elif words[0] == "del-port" and len(words) == 3 and words[2] in ports:
        need_root(c, call)
        ports.remove(words[2])
        c.event("%s: port %s removed" % (words[1], words[2]), call.host)
    else:
        raise Refused(1, "ovs-vsctl: no port named %s" % words[-1])
    return 0


def ping(c, call):
    words, _ = parse(call.args, values=("-c", "-W", "-i", "-w"), flags=("-q", "-n"), code=2)
    found = [n for n in c.names() if words in ([c.host(n)["management_ip"]], [n])]
    if not found:
        raise Refused(2, "ping: %s: Name or service not known" % " ".join(words))
    there = c.hosts.answers(found[0]) and c.reachable(found[0]) and c.reachable(call.host)
    call.out("PING %s 56(84) bytes of data.\n--- %s ping statistics ---\n2 packets transmitted, %d received, %d%% packet loss\n" % (
        words[0], words[0], 2 if there else 0, 0 if there else 100))
    return 0 if there else 1


def dpkg(c, call):
    packages = c.host(call.host)["packages"]
    if call.args == ["-l"]:
        call.out("".join("ii  %-32s %-12s amd64        Platform9\n" % kv for kv in sorted(packages.items())))
        return 0
    if call.args in (["--audit"], ["-C"]):
        return 0
    if call.args == ["--print-architecture"]:
        call.out("amd64\n")
        return 0
    raise Refused(2, "dpkg: error: the stand-in knows -l, --audit, --print-architecture")


def apt_get(c, call):
    """update, and install --reinstall of the pf9 packages."""
    words, options = parse(call.args, flags=("-y", "--yes", "--reinstall", "-q", "-qq", "-s", "--simulate"), values=("-o",), code=100)
    h = c.host(call.host)
    if words == ["update"]:
        call.out("Hit:1 https://pf9-repo.example.com stable InRelease\nReading package lists... Done\n")
        return 0
    if words[:1] != ["install"] or len(words) < 2:
        raise Refused(100, "E: Invalid operation %s (the stand-in knows update, install --reinstall)" % " ".join(words[:1]))
    need_root(c, call)
    unknown = [p for p in words[1:] if p not in h["packages"]]
    if unknown:
        raise Refused(100, "E: Unable to locate package %s" % unknown[0])
    if "s" in options or "simulate" in options:
        return 0
    if call.env.get("DEBIAN_FRONTEND") != "noninteractive" and (yield READ) is None:
        raise Refused(100, "E: Sub-process /usr/sbin/dpkg-preconfigure --apt || true received end of file.")
    c.begins(call.host, "install")
    whole = yield from c.replace(call.host, [p for p in words[1:]], c.time("install"))
    c.ends(call.host, "install")
    if not whole:
        raise Refused(100, "E: Sub-process /usr/bin/dpkg returned an error code (1)")
    call.out("".join("Setting up %s (%s) ...\n" % (p, h["packages"][p]) for p in words[1:]))
    return 0


def do_release_upgrade(c, call):
    words, options = parse(call.args, flags=("-c", "-q", "-d"), values=("-f", "--frontend", "-m"), code=1)
    h, name = c.host(call.host), call.host
    if "c" in options:
        call.out("New release '24.04.3 LTS' available.\n" if h["os"] == "22.04" else "No new release found.\n")
        return 0 if h["os"] == "22.04" else 1
    need_root(c, call)
    if h["os"] != "22.04":
        raise Refused(1, "Checking for a new Ubuntu release\nNo new release found.")
    if (options.get("f") or options.get("frontend")) != "DistUpgradeViewNonInteractive" and (yield READ) is None:
        raise Refused(1, "Continue [yN] Details [d]: end of file")
    c.begins(name, "release upgrade")
    c.controller_restarts(name)
    yield c.time("release_upgrade") / 2
    short = [m for m, free in c.disk_free(name).items() if free < 2 << 30 and m in ("/var", "/opt")]
    if short or c.spend("release_upgrade", name):
        if short:
            c.violation("out-of-space", "the packages of the next Ubuntu do not fit: %s" % ", ".join(short), name)
        c.ends(name, "release upgrade")
        raise Refused(1, "Could not install the upgrades. The upgrade has aborted.")
    h["away"] = [r for r in h["carries"] if r != "hypervisor"]
    c.changed()
    yield c.time("release_upgrade") / 2
    h["away"], h["os"] = [], "24.04"
    c.write_release(name)
    c.write(name, "/run/reboot-required", "*** System restart required ***\n")
    c.ends(name, "release upgrade")
    call.out("System upgrade is complete.\n")
    return 0


def journalctl(c, call):
    if call.args == ["--vacuum-size=1G"]:
        call.out("Vacuuming done, freed 0B of archived journals from /var/log/journal.\n")
        return 0
    return system.TOOLS["journalctl"](c, call)


TOOLS = {"ovs-vsctl": ovs_vsctl, "ping": ping, "dpkg": dpkg, "apt-get": apt_get, "do-release-upgrade": do_release_upgrade, "journalctl": journalctl,
         "dpkg-query": apt.TOOLS["dpkg-query"]}
