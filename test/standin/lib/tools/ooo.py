"""openstack (undercloud and overcloud), leapp, grubby, pcs, podman and docker, ceph."""
import json
import os
import shutil

from engine import Refused
from .arguments import need_root, parse
from .tables import formatted

KEPT = "/var/lib/tripleo-upgrade"


def openstack(c, call):
    if c.host(call.host)["kind"] != "undercloud":
        raise Refused(127, "bash: openstack: command not found")
    words, options = parse(call.args, flags=("--all-projects", "--templates", "--disable", "--enable", "--live-migration", "--wait"), code=2,
                           values=("--os-cloud", "--tags", "--limit", "-e", "-f", "--format", "--host", "--output-env-file"))
    verb = tuple(words)
    if options.get("os-cloud") == "overcloud":
        if not c.serving():
            raise Refused(1, "Unable to establish connection to https://overcloud.example.com:13000/v3/auth/tokens")
        return (yield from overcloud(c, call, words, options))
    simple = {("stack", "list"): stack_list, ("stack", "show", "overcloud"): stack_show}
    if verb in simple:
        call.out(json.dumps(simple[verb](c)) + "\n")
        return 0
    if verb == ("tripleo", "container", "image", "prepare", "default"):
        yield 0.05
        return 0
    if verb == ("undercloud", "upgrade"):
        yield c.time("playbook")
        c.host(call.host)["release"] = "stein"
        c.event("undercloud upgraded", call.host)
        return 0
    if verb[:2] == ("overcloud", "upgrade") or verb[:2] == ("overcloud", "external-upgrade"):
        return (yield from playbook(c, call, verb[1], verb[2:], options))
    raise Refused(2, "openstack: '%s' is not an openstack command. See 'openstack --help'." % " ".join(words))


def stack_list(c):
    return [{"ID": "6f2a", "Stack Name": "overcloud", "Stack Status": "UPDATE_COMPLETE"}]


def stack_show(c):
    s = c.s["stack"]
    return {"stack_name": "overcloud", "stack_status": "UPDATE_COMPLETE", "parameters": {
        "ContainerImageTag": "rocky" if s == "old" else "stein", "UpgradeLevelNovaCompute": "auto" if s == "new" else ""}}


def overcloud(c, call, words, options):
    form = options.get("f") or options.get("format") or "table"
    if words == ["token", "issue"]:
        call.out(formatted(form, ("id",), [("gAAAAAB",)]))
    elif words == ["compute", "service", "list"]:
        call.out(formatted(form, ("ID", "Binary", "Host", "Zone", "Status", "State"), [
            (c.host(n)["number"], "nova-compute", n, "nova", "enabled" if c.host(n)["enabled"] else "disabled", "up" if c.compute_up(n) else "down")
            for n in c.kind("compute", "hci")]))
    elif words[:3] == ["compute", "service", "set"] and len(words) == 5 and words[3] in c.names():
        c.host(words[3])["enabled"] = "enable" in options
        c.event("nova-compute %s" % ("enabled" if "enable" in options else "disabled"), words[3])
    elif words == ["server", "list"]:
        call.out(formatted(form, ("ID", "Name", "Status"), [
            (g["id"], g["name"], g["status"]) for g in c.s["guests"].values() if options.get("host") in (None, g["host"])]))
    elif words[:2] == ["server", "migrate"] and len(words) == 3 and "live-migration" in options:
        guest = next((g for g in c.s["guests"].values() if g["id"] == words[2]), None)
        places = [n for n in c.kind("compute", "hci") if guest and n != guest["host"] and c.host(n)["enabled"] and c.compute_up(n)]
        if not places:
            raise Refused(1, "No valid host was found. There are not enough hosts available.")
        yield c.time("migrate")
        guest["host"] = min(places, key=lambda n: len(c.on(n)))
        c.event("%s migrated to %s" % (guest["name"], guest["host"]))
    else:
        raise Refused(2, "openstack: '%s' is not an openstack command. See 'openstack --help'." % " ".join(words))
    return 0


def limited(c, limit):
    """Hosts of a --limit: names of hosts or roles; none means all."""
    if not limit:
        return c.overcloud()
    found = []
    for word in limit.split(","):
        found += [word] if word in c.overcloud() else c.groups().get(word, [])
    if not found:
        raise Refused(1, "ERROR! Specified hosts and/or --limit does not match any hosts")
    return found


def playbook(c, call, kind, rest, options):
    """The run goes on in Mistral when the client is killed, so it is a task of its own."""
    done = {}

    def task():
        done["said"] = yield from run(c, kind, rest, options)
        done["over"] = True
    c.spawn(task())
    while "over" not in done:
        yield 0.05
    if done["said"]:
        raise Refused(1, "Ansible failed: " + done["said"])
    call.out("Success\n")
    return 0


def run(c, kind, rest, options):
    tags = options.get("tags")
    if kind == "upgrade" and rest[:1] == ("prepare",):
        yield c.time("playbook")
        c.s["stack"] = "new"
        return None
    if kind == "upgrade" and rest[:1] == ("converge",):
        if not c.s["migrated"] or [n for n in c.overcloud() if not c.new(n)]:
            c.violation("too-early", "converged before every host and the data were upgraded")
        yield c.time("playbook")
        c.s["stack"] = "converged"
        return None
    if rest != ("run",):
        return "unknown command"
    if kind == "upgrade":
        hosts = limited(c, options.get("limit"))
        if tags is not None:
            c.whole_role(hosts, tags)
        steps = {"system_upgrade_prepare": c.prepare, "system_upgrade_run": c.upgrade_os}
        for name in hosts:
            if tags in steps:
                if not (yield from steps[tags](name)):
                    return "%s: %s failed" % (name, tags)
            elif tags is None:
                said = yield from c.deploy(name)
                if said:
                    return "%s: %s" % (name, said)
            else:
                return "no such tag: %s" % tags
        return None
    if tags == "system_upgrade_transfer_data":
        return (yield from c.transfer())
    if tags in ("system_upgrade_prepare", "system_upgrade_run"):
        hosts = limited(c, (options.get("e") or "").partition("system_upgrade_nodes=")[2])
        for name in hosts:
            said = yield from c.external(name, tags == "system_upgrade_run")
            if said:
                return said
        return None
    yield c.time("playbook")
    if tags == "online_upgrade":
        if [n for n in c.overcloud() if not c.new(n)]:
            c.violation("too-early", "online migrations before every host was upgraded")
        c.s["migrated"] = True
    elif tags == "system_upgrade_cleanup":
        shutil.rmtree(c.root(c.director(), KEPT))
        os.makedirs(c.root(c.director(), KEPT))
        c.s["kept"] = False
    else:
        return "tasks tagged system_upgrade_* run only when asked for"
    return None


def leapp(c, call):
    need_root(c, call)
    if call.args != ["upgrade"]:
        raise Refused(2, "stand-in: leapp knows upgrade")
    yield c.time("leapp")
    if c.new(call.host):
        raise Refused(1, "This system is upgraded already")
    c.host(call.host)["armed"] = True
    c.event("armed: any reboot upgrades it", call.host)
    call.out("A reboot is required to continue. Please reboot your system.\n")
    return 0


def grubby(c, call):
    h = c.host(call.host)
    if call.args == ["--default-title"]:
        call.out("RHEL-Upgrade-Initramfs\n" if h["armed"] else "CentOS Linux (%s)\n" % h["kernel"])
        return 0
    if call.args == ["--remove-kernel=/boot/vmlinuz-upgrade.x86_64"]:
        need_root(c, call)
        h["armed"] = False
        c.event("no longer armed", call.host)
        return 0
    raise Refused(1, "stand-in: grubby knows --default-title, --remove-kernel=/boot/vmlinuz-upgrade.x86_64")


def pcs(c, call):
    h = c.host(call.host)
    if call.args != ["status"]:
        raise Refused(1, "stand-in: pcs knows status")
    if "control" not in h["runs"]:
        raise Refused(1, "Error: cluster is not currently running on this node")
    side = [n for n in c.kind("controller") if c.works(n) and "control" in c.host(n)["runs"] and c.new(n) == c.new(call.host)]
    call.out("Cluster name: tripleo_cluster\nCurrent DC: %s - partition with quorum\n\nOnline: [ %s ]\n\n" % (side[0], " ".join(side)))
    for n, host in enumerate(side):
        call.out("   galera-bundle-%d\t(ocf::heartbeat:galera):\tMaster %s\n" % (n, host))
    return 0


def engine(c, call):
    if (call.tool == "podman") != c.new(call.host):   # the older OS has docker, the newer one podman
        raise Refused(127, "bash: %s: command not found" % call.tool)
    if call.args[:1] == ["ps"]:
        call.out("".join(n + "\n" for n in c.containers(call.host)))
        return 0
    if call.args == ["exec", "nova_api", "nova-status", "upgrade", "check"]:
        if "nova_api" not in c.containers(call.host):
            raise Refused(125, "Error: no container with name nova_api found")
        call.out("| Result: %s |\n" % ("Success" if c.s["migrated"] else "Warning"))
        return 0 if c.s["migrated"] else 1
    raise Refused(1, "stand-in: %s knows ps, exec nova_api nova-status upgrade check" % call.tool)


def ceph(c, call):
    words, _ = parse(call.args, values=("--format", "-f", "--connect-timeout"), code=22)
    if len(c.mons()) < 2:
        raise Refused(1, "[errno 110] error connecting to the cluster")
    if words == ["quorum_status"]:
        call.out(json.dumps({"quorum_names": c.mons(), "monmap": {"mons": [{"name": n} for n in c.kind("controller") if c.host(n)["mon"]]}}) + "\n")
    elif words == ["osd", "tree"]:
        nodes = []
        for n in c.kind("hci"):
            h = c.host(n)
            nodes.append({"id": -h["number"], "name": n, "type": "host", "children": h["osds"]})
            nodes += [{"id": o, "name": "osd.%d" % o, "type": "osd", "status": "up" if h["osds_up"] and c.works(n) else "down"} for o in h["osds"]]
        call.out(json.dumps({"nodes": nodes, "stray": []}) + "\n")
    elif words in (["status"], ["-s"]):
        away = [n for n in c.kind("hci") if not c.host(n)["osds_up"]]
        state = "active+undersized+degraded" if away else "active+recovering" if c.s["recovering"] else "active+clean"
        call.out(json.dumps({"quorum_names": c.mons(), "pgmap": {"pgs_by_state": [{"state_name": state, "count": 128}]}}) + "\n")
    else:
        raise Refused(22, "stand-in: ceph knows quorum_status, osd tree, status")
    return 0


def stat(c, call):
    if call.args == ["-c", "%a %U", KEPT] and c.host(call.host)["kind"] == "undercloud":
        call.out("700 mistral\n")
        return 0
    raise Refused(1, "stat: cannot stat '%s': No such file or directory" % call.args[-1])


TOOLS = {"openstack": openstack, "leapp": leapp, "grubby": grubby, "pcs": pcs, "podman": engine, "docker": engine, "ceph": ceph, "stat": stat}
