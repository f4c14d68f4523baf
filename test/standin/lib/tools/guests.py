"""qm, pct, ha-manager."""
import time

from engine import Refused
from .arguments import integer, need_root, parse

STAMP = "%a %b %e %H:%M:%S %Y"


def guest(c, call, kind, text):
    """The guest `text` on this very host: the real tools know no other."""
    number = integer(text, "vmid", 255)
    g = c.guests.get(number, kind)
    if not g or g["node"] != call.host:
        folder = "qemu-server" if kind == "qemu" else "lxc"
        raise Refused(255, "Configuration file 'nodes/%s/%s/%d.conf' does not exist" % (call.host, folder, number))
    return g


def config_lines(g):
    rows = {"cores": "2", "memory": "2048"}
    if g["kind"] == "qemu":
        rows.update({"boot": "order=scsi0", "cpu": g["cpu"], "name": g["name"], "numa": "0", "ostype": "l26",
                     "scsihw": "virtio-scsi-single",
                     "onboot": str(g["onboot"]), "sockets": "1", "net0": "virtio=BC:24:11:00:00:%02X,bridge=vmbr0" % (g["id"] % 256)})
        for n, volume in enumerate(g["local_disks"] or ["%s:vm-%d-disk-0" % (g["storage"], g["id"])]):
            rows["scsi%d" % n] = "%s,size=32G" % volume
        if g["hostpci"]:
            rows["hostpci0"] = g["hostpci"]
        if g["cdrom"]:
            rows["ide2"] = "%s,media=cdrom" % g["cdrom"]
    else:
        rows.update({"arch": "amd64", "hostname": g["name"], "ostype": "debian",
                     "rootfs": "%s:vm-%d-disk-0,size=8G" % (g["storage"], g["id"]),
                     "onboot": str(g["onboot"]), "swap": "512", "unprivileged": "1"})
    return rows


def show_config(c, call, kind, args):
    words, _ = parse(args, flags=("--current",), code=255)
    if len(words) != 1:
        raise Refused(255, "400 not enough arguments\n%s config <vmid> [OPTIONS]" % call.tool)
    call.out("".join("%s: %s\n" % row for row in sorted(config_lines(guest(c, call, kind, words[0])).items())))


def migrate(c, call, kind, args):
    """A generator. Guests that HA manages are handed to it, as the real tools do."""
    flags = ("--online", "-online", "--with-local-disks", "--restart", "-restart", "--force")
    words, options = parse(args, flags=flags, values=("--targetstorage", "--bwlimit", "--timeout"), code=255)
    if len(words) != 2:
        raise Refused(255, "400 not enough arguments\n%s migrate <vmid> <target> [OPTIONS]" % call.tool)
    need_root(c, call)
    c.quorum.require_write(call.host)
    g, target = guest(c, call, kind, words[0]), words[1]
    running = g["status"] == "running"
    if kind == "lxc" and running and not options.get("restart"):
        c.refused("a running container does not migrate without --restart", call.host, guest=g["id"])
        raise Refused(255, "lxc live migration is currently not implemented" if options.get("online") else
                      "CT %d is running - please use '--restart' to migrate it" % g["id"])
    problem = c.guests.obstacle(g, target, bool(options.get("online")) or kind == "lxc")
    if problem is None and g["ha"] and g["request"] == "started":
        call.out("Requesting HA migration for %s %d to node %s\n" % ("VM" if kind == "qemu" else "CT", g["id"], target))
        c.ha.move(g, target, "asked by hand", g["maintenance_node"])
        return 0
    stamp = time.strftime("%Y-%m-%d %H:%M:%S ")
    what = "VM" if kind == "qemu" else "CT"
    call.out("%sstarting migration of %s %d to node '%s' (%s)\n" % (stamp, what, g["id"], target,
                                                                    c.s["hosts"].get(target, {}).get("address", "?")))
    if problem is None:
        if kind == "lxc" and running:
            call.out("%sshutdown CT %d\n" % (stamp, g["id"]))
        # The task belongs to the host's daemon: killing the command does not end it.
        outcome = []

        def work():
            outcome.append((yield from c.guests.migrate(g, target, "asked by hand")))
        c.spawn(work())
        while not outcome:
            yield 0.02
        problem = outcome[0]
    if problem:
        c.refused("guest %d does not move to %s: %s" % (g["id"], target, problem), call.host, guest=g["id"])
        raise Refused(255, "%sERROR: migration aborted (duration 00:00:00): %s\nmigration aborted" % (stamp, problem))
    if kind == "lxc" and running:
        call.out("%sstart container on target node\n" % stamp)
    call.out("%smigration finished successfully (duration 00:00:01)\n" % stamp)
    return 0


def shutdown(c, call, kind, args):
    words, options = parse(args, flags=("--forceStop", "-forceStop"), values=("--timeout", "-timeout"), code=255)
    if len(words) != 1:
        raise Refused(255, "400 not enough arguments\n%s %s <vmid> [OPTIONS]" % (call.tool, call.args[0]))
    need_root(c, call)
    c.quorum.require_write(call.host)
    g = guest(c, call, kind, words[0])
    c.guests.require_idle(g)
    if g["ha"]:
        call.out("Requesting HA stop for %s %d\n" % ("VM" if kind == "qemu" else "CT", g["id"]))
        g["request"] = "stopped"
        c.ha.wake()
        return 0
    if g["status"] == "stopped":
        if kind == "qemu":
            call.out("VM %d not running\n" % g["id"])
            return 0
        raise Refused(255, "CT %d not running" % g["id"])
    yield c.time("shutdown") if call.args[0] == "shutdown" else 0.05
    if g["status"] == "running" and g["node"] == call.host and c.hosts.answers(call.host):
        c.guests.stop(g, call.args[0])
    return 0


def start(c, call, kind, args):
    words, _ = parse(args, values=("--timeout", "-timeout"), code=255)
    if len(words) != 1:
        raise Refused(255, "400 not enough arguments\n%s start <vmid> [OPTIONS]" % call.tool)
    need_root(c, call)
    c.quorum.require_write(call.host)
    g = guest(c, call, kind, words[0])
    c.guests.require_idle(g)
    if g["status"] == "running":
        raise Refused(255, "%s %d already running" % ("VM" if kind == "qemu" else "CT", g["id"]))
    if c.ceph.stopped_io():
        raise Refused(255, "start failed: rbd: I/O timed out")
    if g["ha"]:
        call.out("Requesting HA start for %s %d\n" % ("VM" if kind == "qemu" else "CT", g["id"]))
        g["request"] = "started"
        c.ha.wake()
        return 0
    yield 0.1
    c.guests.start(g, "asked by hand")
    return 0


def status(c, call, kind, args):
    if len(args) not in (1, 2):
        raise Refused(255, "400 not enough arguments\n%s status <vmid> [OPTIONS]" % call.tool)
    g = guest(c, call, kind, args[0])
    call.out("status: %s\n" % g["status"])


def qm_list(c, call, kind, args):
    if args not in ([], ["--full"]):
        raise Refused(255, "400 too many arguments\nqm list [OPTIONS]")
    rows = ["%10s %-20s %-10s %-10s %12s %-10s" % ("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID")]
    for g in c.guests.on(call.host, "qemu"):
        rows.append("%10s %-20s %-10s %-10s %12.2f %-10d" % (g["id"], g["name"], g["status"], 2048, 32,
                                                             g["pid"] if g["status"] == "running" else 0))
    if len(rows) > 1:
        call.out("\n".join(rows) + "\n")


def pct_list(c, call, kind, args):
    if args:
        raise Refused(255, "400 too many arguments\npct list")
    rows = ["%-10s %-10s %-12s %-20s" % ("VMID", "Status", "Lock", "Name")]
    for g in c.guests.on(call.host, "lxc"):
        rows.append("%-10s %-10s %-12s %-20s" % (g["id"], g["status"], g["lock"] or "", g["name"]))
    if len(rows) > 1:
        call.out("\n".join(rows) + "\n")


VERBS = {"migrate": migrate, "shutdown": shutdown, "stop": shutdown, "start": start, "status": status, "config": show_config}


def guest_tool(kind, lister):
    def tool(c, call):
        verb = call.args[0] if call.args else ""
        if c.host(call.host)["out_of_service"] is not None:
            raise Refused(255, "ipcc_send_rec[1] failed: Connection refused\nUnable to load access control list: Connection refused")
        work = lister if verb == "list" else VERBS.get(verb)
        if work is None:
            raise Refused(255, "ERROR: unknown command '%s %s'; the stand-in knows list, %s" % (call.tool, verb, ", ".join(VERBS)))
        return work(c, call, kind, call.args[1:])
    return tool


# ---- ha-manager

def ha_rows(c, name):
    """The lines of `ha-manager status`, with what the API adds to each."""
    now = int(c.now())
    stamp = time.strftime(STAMP, time.localtime(now))
    quorate = c.quorum.quorate(name)
    rows = [{"id": "quorum", "node": name, "quorate": 1 if quorate else 0, "status": "OK" if quorate else "No quorum on node '%s'!" % name,
             "type": "quorum", "text": "quorum %s" % ("OK" if quorate else "No quorum on node '%s'!" % name)}]
    master = c.ha.master()
    alive = c.hosts.answers(master) and c.quorum.quorate(master)
    word = "%s (%s, %s)" % (master, "active" if alive else "old timestamp - dead?", stamp)
    rows.append({"id": "master", "node": master, "status": word, "timestamp": now, "type": "master", "text": "master " + word})
    for n in c.names():
        word = "%s (%s, %s)" % (n, c.ha.lrm(n), stamp)
        rows.append({"id": "lrm:" + n, "node": n, "status": word, "timestamp": now, "type": "lrm", "text": "lrm " + word})
    for g in sorted(c.ha.services(), key=lambda g: c.guests.sid(g)):
        sid, state = c.guests.sid(g), g["ha_state"]
        rows.append({"id": "service:" + sid, "crm_state": state, "max_relocate": 1, "max_restart": 1, "node": g["node"],
                     "request_state": g["request"],
                     "sid": sid, "state": state, "status": "%s (%s, %s)" % (sid, g["node"], state), "type": "service",
                     "text": "service %s (%s, %s)" % (sid, g["node"], state)})
    return rows


def ha_manager(c, call):
    args = call.args
    if args == ["status"]:
        call.out("".join(row["text"] + "\n" for row in ha_rows(c, call.host)))
        return 0
    if args == ["config"]:
        call.out("".join("%s\n\tstate %s\n\n" % (c.guests.sid(g), g["request"]) for g in c.ha.services()))
        return 0
    if args[:2] == ["crm-command", "node-maintenance"] and len(args) == 4 and args[2] in ("enable", "disable"):
        need_root(c, call)
        c.quorum.require_write(call.host, "cfs-lock 'domain-ha' error: no quorum!")
        if args[3] not in c.names():
            raise Refused(255, "400 Parameter verification failed.\nnode: no such cluster node '%s'" % args[3])
        c.ha.request_maintenance(args[3], args[2] == "enable")
        return 0
    if args[:2] == ["crm-command", "migrate"] and len(args) == 4:
        need_root(c, call)
        c.quorum.require_write(call.host, "cfs-lock 'domain-ha' error: no quorum!")
        g = next((g for g in c.ha.services() if c.guests.sid(g) == args[2]), None)
        if g is None or args[3] not in c.names():
            raise Refused(255, "no such service or node: %s %s" % (args[2], args[3]))
        c.ha.move(g, args[3], "asked by hand", g["maintenance_node"])
        return 0
    raise Refused(255, "ERROR: unknown command 'ha-manager %s'; the stand-in knows status, config, crm-command node-maintenance "
                  "enable|disable NODE, crm-command migrate SID NODE" % " ".join(args))


TOOLS = {"qm": guest_tool("qemu", qm_list), "pct": guest_tool("lxc", pct_list), "ha-manager": ha_manager}
