"""hosted-engine, vdsm-client, sanlock, rpm, yum, engine-setup, engine-backup, scp, and what the engine's API says to curl."""
import json
import os
import re
import shutil
import uuid

from engine import READ, Refused
from ov_initial import VDSM
from .arguments import parse


def here(c, call, kind):
    if c.host(call.host)["kind"] != kind:
        raise Refused(127, "bash: %s: command not found" % call.tool)


# ---- the HA services

def vm_status(c):
    table = {"global_maintenance": c.s["global"]}
    for number, name in c.s["board"].items():
        h = c.host(name)
        mine = h["he_id"] == int(number)
        runs = mine and c.s["at"] == name
        vm = {"vm": "up", "health": "good" if c.engine_answers() else "bad", "detail": "up"} if runs else {"vm": "down", "health": "bad", "detail": "unknown", "reason": "vm not running on this host"}
        state = "EngineUp" if runs else "GlobalMaintenance" if c.s["global"] else "LocalMaintenance" if h["local"] else "EngineDown"
        table[number] = {"host-id": int(number), "hostname": name, "live-data": mine and c.agent(name), "maintenance": mine and h["local"],
                         "score": c.score(name) if mine else 0, "stopped": not c.agent(name), "engine-status": vm, "extra": "state=%s\n" % state}
    return table


def hosted_engine(c, call):
    here(c, call, "hypervisor")
    h, name, args = c.host(call.host), call.host, call.args
    if args[:1] == ["--deploy"]:
        return (yield from deploy(c, call))
    if not h["deployed"]:
        raise Refused(1, "You must run deploy first")
    if args == ["--vm-status", "--json"]:
        if not c.unit(name, "ovirt-ha-broker"):
            raise Refused(1, "Cannot connect to the HA daemon, please check the logs.")
        call.out(json.dumps(vm_status(c)) + "\n")
        return 0
    if args == ["--vm-status"]:
        for number, s in sorted(vm_status(c).items()):
            if number != "global_maintenance":
                call.out("--== Host %s status ==--\n\nStatus up-to-date : %s\nHostname : %s\nEngine status : %s\nScore : %d\nstopped : %s\nLocal maintenance : %s\n\n" % (
                    number, s["live-data"], s["hostname"], json.dumps(s["engine-status"]), s["score"], s["stopped"], s["maintenance"]))
        if c.s["global"]:
            call.out("!! Cluster is in GLOBAL MAINTENANCE mode !!\n")
        return 0
    if len(args) == 2 and args[0] == "--set-maintenance" and re.fullmatch("--mode=(global|local|none)", args[1]):
        mode = args[1][7:]
        if not c.unit(name, "ovirt-ha-broker"):
            raise Refused(1, "Cannot connect to the HA daemon, please check the logs.")
        yield c.time("board")
        # One command sets both flags, whichever it is asked for.
        if c.s["global"] and mode == "local":
            c.event("the global maintenance ended with that", name)
        c.s["global"], h["local"] = mode == "global", mode == "local"
        c.event("maintenance mode %s" % mode, name)
        c.changed()
        return 0
    if args[:1] == ["--clean-metadata"]:
        found = [a[10:] for a in args if a.startswith("--host-id=")]
        if c.unit(name, "ovirt-ha-agent"):
            raise Refused(1, "The hosted-engine agent is running on this host. Please stop it before cleaning the metadata.")
        number = found[0] if found else str(h["he_id"])
        if number not in c.s["board"]:
            raise Refused(1, "Metadata for host %s not found" % number)
        other = c.s["board"].pop(number)
        if c.host(other)["he_id"] == int(number) and c.running(other) and c.agent(other):
            c.violation("live-entry-cleaned", "the entry %s is that of a host that lives" % number, other)
        c.event("the entry %s is gone from the whiteboard" % number, name)
        return 0
    if args in (["--reinitialize-lockspace"], ["--reinitialize-lockspace", "--force"]):
        running = [n for n in c.carriers() if c.unit(n, "ovirt-ha-agent")]
        if (running or c.s["at"]) and "--force" not in args:
            raise Refused(1, "Lockspace is in use by: %s" % ", ".join(running or [c.s["at"]]))
        if running or c.s["at"]:
            c.violation("two-engines", "the lockspace was made anew while %s could hold a lease: two hosts run the engine on one disk" % ", ".join(running or [c.s["at"]]), name)
            c.s["engine"]["broken"] = True
        c.s["lockspace"] = "good"
        c.event("the lockspace is made anew", name)
        c.changed()
        return 0
    raise Refused(1, "stand-in: hosted-engine knows --vm-status [--json], --set-maintenance --mode=global|local|none, --deploy --config-append=FILE, "
                  "--clean-metadata --host-id=N, --reinitialize-lockspace [--force]")


def deploy(c, call):
    name, h = call.host, c.host(call.host)
    files = [a[16:] for a in call.args if a.startswith("--config-append=")]
    if not files or not os.path.isfile(c.root(name, files[0])):
        raise Refused(1, "[ ERROR ] Failed to execute stage 'Environment customization': no such file: %s" % (files or ["?"])[0])
    if h["deployed"]:
        raise Refused(1, "[ ERROR ] Hosted Engine has been already deployed on this host")
    if not c.settings["deployable"]:
        raise Refused(1, "[ ERROR ] The host ov is of another operating system than the others of its cluster")
    yield c.time("deploy")
    c.write(name, "/var/lib/ovirt-hosted-engine-setup/answers/answers-20261120%06d.conf" % (c.s["next_id"] * 100), "[environment:default]\n")
    if c.spend("deploy", name):
        raise Refused(1, "[ ERROR ] Hosted Engine deployment failed: this system is not reliable, please check the issue, fix and redeploy")
    h["he_id"], c.s["next_id"] = c.s["next_id"], c.s["next_id"] + 1
    c.s["board"][str(h["he_id"])] = name
    h.update(deployed=True, local=False, status="up", cluster="el7", id=str(uuid.uuid4()), vdsm=VDSM[c.settings["release"]])
    h["units"] = {u: "active" for u in ("vdsmd", "supervdsmd", "libvirtd", "ovirt-ha-agent", "ovirt-ha-broker", "sanlock")}
    c.event("is deployed as host %d" % h["he_id"], name)
    call.out("[ INFO  ] Hosted Engine successfully set up\n")
    c.changed()
    return 0


def vdsm_client(c, call):
    here(c, call, "hypervisor")
    if not c.unit(call.host, "vdsmd"):
        raise Refused(1, "vdsm-client: Connection to localhost:54321 failed")
    if call.args != ["Host", "getVMList"]:
        raise Refused(2, "stand-in: vdsm-client knows Host getVMList")
    call.out(json.dumps([{"vmId": str(uuid.uuid5(uuid.NAMESPACE_DNS, g)), "vmName": g, "status": "Up"} for g in c.guests(call.host)]) + "\n")
    return 0


def pgrep(c, call):
    """Guests are processes; they run on whatever becomes of VDSM."""
    if call.args != ["-x", "qemu-kvm"]:
        raise Refused(2, "stand-in: pgrep knows -x qemu-kvm")
    found = c.guests(call.host) if c.host(call.host)["kind"] == "hypervisor" else []
    call.out("".join("%d\n" % (4000 + n) for n, _ in enumerate(found)))
    return 0 if found else 1


def sanlock(c, call):
    here(c, call, "hypervisor")
    if call.args != ["client", "status"]:
        raise Refused(1, "stand-in: sanlock knows client status")
    call.out("daemon %s\n" % c.host(call.host)["id"])
    if c.s["lockspace"] == "good" and c.agent(call.host):
        call.out("s hosted-engine:%d:/var/run/vdsm/storage/lockspace:0\n" % c.host(call.host)["he_id"])
    return 0


# ---- packages

def rpm(c, call):
    here(c, call, "hypervisor")
    if call.args != ["-q", "--queryformat", "%{VERSION}", "vdsm"]:
        raise Refused(1, "stand-in: rpm knows -q --queryformat %{VERSION} vdsm")
    call.out(c.host(call.host)["vdsm"])
    return 0


def yum(c, call):
    words, _ = parse(call.args, flags=("-y",), code=1)
    name, h = call.host, c.host(call.host)
    if words[:1] == ["install"] and len(words) == 2:
        found = re.search(r"ovirt-release(\d)(\d)\.rpm", words[1])
        if found:
            h["repository"] = "%s.%s" % found.groups()
        yield c.time("copy")
        return 0
    if words[:1] != ["update"]:
        raise Refused(1, "stand-in: yum knows -y install X, -y update [X]")
    if h["kind"] == "engine":
        yield c.time("update")
        return 0
    if h["status"] != "maintenance":
        c.violation("changed-in-service", "VDSM was replaced while the engine counted on the host", name)
    if c.guests(name):
        c.kill(name, "VDSM was replaced under it")
    h["updating"] = True
    yield c.time("update")
    h["updating"] = False
    target = VDSM.get(h.get("repository", c.settings["release"]), h["vdsm"])
    if c.spend("update", name):
        h["vdsm"] = target
        raise Refused(1, "Traceback: vdsm-tool exception (bug 1088805)")
    h["vdsm"] = target
    h["stale"] = True                       # what runs is the old one until it is restarted
    c.event("VDSM is %s" % target, name)
    c.changed()
    return 0


# ---- the engine's machine

def engine_setup(c, call):
    here(c, call, "engine")
    if call.args != ["--accept-defaults"]:
        raise Refused(1, "stand-in: engine-setup knows --accept-defaults")
    if c.s["engine"]["broken"]:
        raise Refused(1, "[ ERROR ] Failed to execute stage 'Misc configuration': the database is inconsistent")
    if not c.s["global"]:
        c.event("engine-setup without global maintenance", "he")
    c.s["setup"], c.host("he")["units"]["ovirt-engine"] = True, "inactive"
    c.changed()
    yield c.time("setup")
    c.s["setup"] = False
    if c.spend("setup", "he"):
        c.host("he")["units"]["ovirt-engine"] = "active"
        raise Refused(1, "[ ERROR ] Failed to execute stage 'Setup validation': rolled back")
    c.s["engine"]["version"] = "3.6"
    c.host("he")["units"]["ovirt-engine"] = "active"
    c.event("the engine is 3.6", "he")
    call.out("[ INFO  ] Execution of setup completed successfully\n")
    c.changed()
    return 0


def engine_backup(c, call):
    here(c, call, "engine")
    files = [a[7:] for a in call.args if a.startswith("--file=")]
    if "--mode=backup" not in call.args or not files:
        raise Refused(1, "stand-in: engine-backup knows --mode=backup --scope=all --file=FILE --log=FILE")
    yield c.time("backup")
    c.write(call.host, files[0], "the engine's database, %s\n" % c.s["engine"]["version"])
    return 0


def scp(c, call):
    words, _ = parse(call.args, flags=("-p", "-B", "-q"), code=1)
    places = []
    for word in words:
        host, colon, path = word.rpartition(":")
        host = host if colon else call.host
        if host not in c.s["hosts"] or not c.hosts.up(host):
            raise Refused(255, "ssh: connect to host %s port 22: No route to host" % host)
        places.append(c.root(host, path))
    if len(places) != 2 or not os.path.isfile(places[0]):
        raise Refused(1, "scp: %s: No such file or directory" % words[0])
    yield c.time("copy")
    shutil.copy(places[0], places[1])
    return 0


# ---- the API

def curl(c, call):
    words, options = parse(call.args, flags=("-sS", "-s", "-S", "--fail", "-f"), values=("-m", "--cacert", "-K", "-H", "-d", "-X"), code=2)
    fqdn = c.settings["fqdn"]
    if words == ["http://%s/ovirt-engine/services/health" % fqdn]:
        if not c.engine_answers():
            raise Refused(7, "curl: (7) Failed connect to %s:80; Connection refused" % fqdn)
        call.out("DB Up!Welcome to Health Status!")
        return 0
    line = (yield READ) if options.get("K") == "-" else None
    if not c.engine_answers():
        raise Refused(7, "curl: (7) Failed connect to %s:443; Connection refused" % fqdn)
    if (line or "").strip() != 'user = "admin@internal:%s"' % c.settings["password"]:
        raise Refused(22, "curl: (22) The requested URL returned error: 401")
    prefix = "https://%s/ovirt-engine/api/" % fqdn
    if len(words) != 1 or not words[0].startswith(prefix):
        raise Refused(6, "curl: (6) Could not resolve host: %s" % " ".join(words))
    path, body = words[0][len(prefix):], options.get("d")
    answer = yield from api(c, path, body, options.get("X"))
    call.out(json.dumps(answer) + "\n")
    return 0


def number(version):
    major, minor = version.split(".")
    return {"major": int(major), "minor": int(minor)}


def api(c, path, body, method):
    if body is None:
        if path == "":
            return {"product_info": {"name": "oVirt Engine", "version": number(c.s["engine"]["version"])}}
        if path == "hosts":
            return {"host": [{"id": c.host(n)["id"], "name": n, "status": {"state": c.host(n)["status"]}} for n in c.carriers()]}
        if path == "clusters":
            return {"cluster": [{"id": "cluster-" + n, "name": n, "version": number(v)} for n, v in c.s["clusters"].items()]}
    found = re.fullmatch(r"hosts/([^/]+)/(activate|deactivate)", path)
    name = next((n for n in c.carriers() if found and c.host(n)["id"] == found[1]), None)
    if body is not None and name:
        h = c.host(name)
        if found[2] == "deactivate":
            if h["status"] != "maintenance":
                h["status"] = "preparing_for_maintenance"
                c.spawn(c.drain(name))
        elif not c.unit(name, "vdsmd") or h["stale"]:
            raise Refused(22, "curl: (22) The requested URL returned error: 409")
        else:
            h["status"], h["local"] = "up", False
            c.event("is active", name)
            c.changed()
        return {"status": {"state": "complete"}}
    if body is not None and path == "clusters":
        name = re.search(r"<name>([^<]+)</name>", body)[1]
        c.s["clusters"][name] = c.s["engine"]["version"]
        c.event("cluster %s is created" % name)
        return {"name": name}
    if body is not None and method == "PUT" and path.startswith("clusters/cluster-"):
        name = path[len("clusters/cluster-"):]
        old = [n for n in c.carriers() if c.host(n)["cluster"] == name and c.host(n)["vdsm"] < VDSM["3.6"]]
        if old or c.s["engine"]["version"] != "3.6":
            c.refused("the compatibility version: %s" % ", ".join(old))
            raise Refused(22, "curl: (22) The requested URL returned error: 409")
        c.s["clusters"][name] = "3.6"
        c.event("the compatibility version of %s is 3.6" % name)
        return {"name": name}
    raise Refused(22, "curl: (22) The requested URL returned error: 404")
    yield


TOOLS = {"hosted-engine": hosted_engine, "vdsm-client": vdsm_client, "pgrep": pgrep, "sanlock": sanlock, "rpm": rpm, "yum": yum, "engine-setup": engine_setup,
         "engine-backup": engine_backup, "scp": scp, "curl": curl}
