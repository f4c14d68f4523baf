"""pvesh get PATH --output-format json."""
import json

from engine import Refused
from .arguments import parse
from .guests import config_lines, ha_rows


def node_rows(c, name):
    """/cluster/status."""
    quorate = c.quorum.quorate(name)
    rows = [{"id": "cluster", "name": "lab", "nodes": len(c.names()), "quorate": 1 if quorate else 0, "type": "cluster", "version": 3}]
    for n in c.names():
        h = c.host(n)
        rows.append({"id": "node/" + n, "ip": h["address"], "level": "", "local": 1 if n == name else 0, "name": n, "nodeid": h["number"],
                     "online": 1 if n in c.quorum.view(name) else 0, "type": "node"})
    return rows


def config_nodes(c, name):
    return [{"name": n, "node": n, "nodeid": str(c.host(n)["number"]), "quorum_votes": "1", "ring0_addr": c.host(n)["address"]}
            for n in c.names()]


def resources(c, name):
    rows = []
    for n in c.names():
        online = n in c.quorum.view(name)
        rows.append({"id": "node/" + n, "node": n, "status": "online" if online else "offline", "type": "node", "maxcpu": 8,
                     "maxmem": 67108864000, "level": ""})
    for g in c.guests.all():
        row = {"id": "%s/%d" % (g["kind"], g["id"]), "vmid": g["id"], "name": g["name"], "node": g["node"], "status": g["status"],
               "type": g["kind"],
               "template": 0, "maxcpu": 2, "maxmem": 2147483648}
        if g["node"] not in c.quorum.view(name):
            row["status"] = "unknown"
        if g["ha"]:
            row["hastate"] = g["ha_state"]
        rows.append(row)
    rows += [{"id": "storage/%s/%s" % (n, s["storage"]), "node": n, "storage": s["storage"], "status": "available", "type": "storage"}
             for n in c.names() for s in storages(c, n)]
    return rows


def storages(c, name):
    active = 0 if c.ceph.stopped_io() or not c.ceph.mon_quorum() else 1
    return [{"active": 1, "content": "iso,vztmpl,backup", "enabled": 1, "shared": 0, "storage": "local", "type": "dir",
             "avail": int(c.settings["disk_free"].get("/", 0)), "total": 107374182400, "used": 21474836480},
            {"active": active, "content": "images,rootdir", "enabled": 1, "shared": 1, "storage": "vmpool", "type": "rbd",
             "avail": 1099511627776, "total": 1319413953331, "used": 219902325555}]


def ha_resources(c):
    return [{"digest": "0" * 40, "sid": c.guests.sid(g), "state": g["request"], "type": "vm" if g["kind"] == "qemu" else "ct",
             "max_relocate": 1,
             "max_restart": 1} for g in c.ha.services()]


def guest_rows(c, node, kind):
    rows = []
    for g in c.guests.on(node, kind):
        running = g["status"] == "running"
        row = {"vmid": g["id"], "name": g["name"], "status": g["status"], "cpus": 2, "maxmem": 2147483648, "maxdisk": 34359738368,
               "uptime": int(c.now() - g["availability"][-1][0]) if running else 0, "mem": 1073741824 if running else 0}
        if kind == "lxc":
            row.update({"type": "lxc", "swap": 0})
        elif running:
            row["pid"] = g["pid"]
        if g["lock"]:
            row["lock"] = g["lock"]
        rows.append(row)
    return rows


def preconditions(c, g):
    """GET .../migrate: asks, moves nothing."""
    answer = {"running": 1 if g["status"] == "running" else 0, "local_disks": c.guests.local_disks(g),
              "local_resources": c.guests.local_resources(g),
              "mapped-resources": [], "mapped-resource-info": {}, "allowed_nodes": c.guests.allowed(g),
              "not_allowed_nodes": c.guests.barred(g),
              "has-dbus-vmstate": 1}
    return answer


def node_status(c, node):
    h = c.host(node)
    version = h["packages"]["pve-manager"]
    return {"pveversion": "pve-manager/%s/2a5fa54a8503f96d" % version, "kversion": "Linux %s #1 SMP PREEMPT_DYNAMIC" % h["kernel"],
            "current-kernel": {"sysname": "Linux", "release": h["kernel"], "machine": "x86_64", "version": "#1 SMP PREEMPT_DYNAMIC"},
            "cpuinfo": {"model": h["cpu_model"], "cpus": 8, "cores": 8, "sockets": 1, "user_hz": 100},
            "uptime": int(c.now() - h["since"]), "loadavg": ["0.10", "0.12", "0.09"], "wait": 0,
            "memory": {"total": 67108864000, "used": 16777216000, "free": 50331648000},
            "rootfs": {"total": 107374182400, "used": 21474836480, "avail": int(c.settings["disk_free"].get("/", 0)),
                       "free": int(c.settings["disk_free"].get("/", 0))}}


def node_path(c, call, node, rest):
    if node not in c.names():
        raise Refused(255, "hostname lookup '%s' failed - failed to get address info for: %s: Name or service not known" % (node, node))
    if node != call.host and node not in c.quorum.view(call.host):
        raise Refused(255, "proxy handler failed: Connection refused" if not c.hosts.answers(node) else "595 No route to host")
    if rest == ["status"]:
        return node_status(c, node)
    if rest == ["storage"]:
        return storages(c, node)
    if rest == ["version"]:
        version = c.host(node)["packages"]["pve-manager"]
        return {"release": version.rpartition(".")[0], "repoid": "2a5fa54a8503f96d", "version": version}
    if rest in (["qemu"], ["lxc"]):
        return guest_rows(c, node, rest[0])
    if len(rest) >= 3 and rest[0] in ("qemu", "lxc") and rest[1].isdigit():
        g = c.guests.get(int(rest[1]), rest[0])
        if g is None or g["node"] != node:
            raise Refused(255, "Configuration file 'nodes/%s/%s/%s.conf' does not exist" % (
                node, "qemu-server" if rest[0] == "qemu" else "lxc", rest[1]))
        if rest[2:] == ["migrate"] and rest[0] == "qemu":
            return preconditions(c, g)
        if rest[2:] == ["config"]:
            return dict(config_lines(g), digest="0" * 40)
        if rest[2:] == ["status", "current"]:
            row = {"vmid": g["id"], "name": g["name"], "status": g["status"], "ha": {"managed": 1 if g["ha"] else 0}}
            return dict(row, qmpstatus=g["status"]) if rest[0] == "qemu" else row
    return None


def pvesh(c, call):
    if not call.args or call.args[0] not in ("get", "ls"):
        raise Refused(255, "stand-in: pvesh knows only `get PATH --output-format json`, not `%s`" % " ".join(call.args))
    words, options = parse(call.args[1:], values=("--output-format", "--target"), flags=("--noborder", "--noheader"), code=255)
    if call.args[0] != "get" or len(words) != 1 or options.get("output-format") not in ("json", "json-pretty"):
        raise Refused(255, "stand-in: pvesh knows only `get PATH --output-format json`")
    if c.host(call.host)["out_of_service"] is not None:
        raise Refused(255, "ipcc_send_rec[1] failed: Connection refused\nUnable to load access control list: Connection refused")
    parts = [p for p in words[0].split("/") if p]
    fixed = {
        ("cluster", "config", "nodes"): lambda: config_nodes(c, call.host),
        ("cluster", "status"): lambda: node_rows(c, call.host),
        ("cluster", "resources"): lambda: resources(c, call.host),
        ("cluster", "ha", "status", "current"): lambda: [{k: v for k, v in row.items() if k != "text"} for row in ha_rows(c, call.host)],
        ("cluster", "ha", "resources"): lambda: ha_resources(c),
        ("cluster", "options"): lambda: {"keyboard": "en-us", "migration": {"network": "10.9.0.0/24", "type": "secure"}},
        ("nodes",): lambda: [row for row in resources(c, call.host) if row["type"] == "node"],
        ("version",): lambda: node_path(c, call, call.host, ["version"]),
    }
    answer = None
    if tuple(parts) in fixed:
        answer = fixed[tuple(parts)]()
    elif parts[:1] == ["nodes"] and len(parts) > 1:
        answer = node_path(c, call, parts[1], parts[2:])
    if answer is None:
        raise Refused(2, "No 'get' handler defined for '%s' (the stand-in does not know this path)" % words[0])
    if options["output-format"] == "json":
        call.out(json.dumps(answer, separators=(",", ":"), sort_keys=True) + "\n")
    else:
        call.out(json.dumps(answer, indent=3, sort_keys=True) + "\n")
    return 0


TOOLS = {"pvesh": pvesh}
