"""What runs on the hosts: sm-query, sm-dump, kubectl, ceph, scp, ansible-playbook."""
import json
import os
import shutil

from engine import Refused
from stx_initial import NEW
from .arguments import parse


def controller(c, call):
    if c.host(call.host)["personality"] != "controller":
        raise Refused(127, "bash: %s: command not found" % call.tool)


def sm_query(c, call):
    controller(c, call)
    if len(call.args) != 2 or call.args[0] != "service":
        raise Refused(1, "stand-in: sm-query knows service NAME")
    call.out("%s %s\n" % (call.args[1], "enabled-active" if c.active() == call.host else "disabled"))
    return 0


def sm_dump(c, call):
    controller(c, call)
    if call.args:
        raise Refused(1, "stand-in: sm-dump has no options here")
    name = call.host
    word = "enabled-active" if c.active() == name else "enabled-standby" if c.enabled(name) and c.s["swact"] is None else "disabled"
    group = word.rpartition("-")[2]
    line = "-" * 60 + "\n"
    call.out("-Service_Groups" + line + "".join("%-32s %-20s %-20s\n" % (n, group, group) for n in ("oam-services", "controller-services")))
    call.out(line + "-Services" + line + "".join("%-32s %-20s %-20s\n" % (n, word, word) for n in ("management-ip", "etcd", "sysinv-conductor", "drbd-pgsql")))
    return 0


# ---- Kubernetes

def node_json(c, name):
    return {"kind": "Node", "metadata": {"name": name}, "spec": {"taints": [] if c.schedulable(name) else [{"key": "services", "value": "disabled", "effect": "NoExecute"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True" if c.schedulable(name) else "False"}]}}


def pod_json(name, p):
    return {"metadata": {"name": name, "namespace": "default", "ownerReferences": [{"kind": p["kind"], "name": p["app"]}]},
            "spec": {"nodeName": p["node"], "containers": [{"name": p["app"], "resources": {"requests": {"cpu": "%dm" % p["cpu"]}}}]},
            "status": {"phase": "Running" if p["node"] else "Pending"}}


def kubectl(c, call):
    controller(c, call)
    if c.active() != call.host or call.env.get("KUBECONFIG") != "/etc/kubernetes/admin.conf":
        raise Refused(1, "The connection to the server localhost:8080 was refused - did you specify the right host or port?")
    words, options = parse(call.args, flags=("-A", "--all-namespaces"), values=("--field-selector", "-o"), code=1)
    if options.get("o") != "json" or words[:1] != ["get"]:
        raise Refused(1, "stand-in: kubectl knows get node NAME, get pods -A, get poddisruptionbudgets -A, each with -o json")
    if words[1:2] == ["node"] and len(words) == 3 and words[2] in c.s["hosts"]:
        call.out(json.dumps(node_json(c, words[2])) + "\n")
    elif words[1:] == ["pods"]:
        items = [pod_json(n, p) for n, p in c.s["pods"].items()]
        for part in filter(None, options.get("field-selector", "").split(",")):
            key, _, value = part.partition("=")
            if key not in ("spec.nodeName", "status.phase"):
                raise Refused(1, "Error from server (BadRequest): field label not supported: %s" % key)
            above, below = key.split(".")
            items = [i for i in items if i[above][below] == value]
        call.out(json.dumps({"items": items}) + "\n")
    elif words[1:] == ["poddisruptionbudgets"]:
        rows = []
        for app, least in c.s["budgets"].items():
            running = len([p for p in c.s["pods"].values() if p["app"] == app and p["node"]])
            rows.append({"metadata": {"name": app}, "spec": {"minAvailable": least}, "status": {"currentHealthy": running, "disruptionsAllowed": max(0, running - least)}})
        call.out(json.dumps({"items": rows if c.settings["configuration"] == "DX" else []}) + "\n")
    else:
        raise Refused(1, "Error from server (NotFound): %s not found" % " ".join(words[1:]))
    return 0


# ---- Ceph

def ceph(c, call):
    words, options = parse(call.args, values=("--format", "-f", "--connect-timeout"), code=22)
    if not c.storage.answers() and not c.simplex():
        yield 0.5
        raise Refused(1, "[errno 110] RADOS timed out (error connecting to the cluster)")
    if words[:2] == ["osd", "ok-to-stop"] and len(words) > 2:
        ids = [int(w) for w in words[2:] if w.isdigit()]
        fine = c.storage.ok_to_stop(ids)
        call.err("" if fine else "Error EBUSY: unsafe to stop osd(s) at this time\n")
        return 0 if fine else 16
    if options.get("format", options.get("f")) != "json" or words not in (["status"], ["osd", "tree"]):
        raise Refused(22, "stand-in: ceph knows status and osd tree with --format json, and osd ok-to-stop ID...")
    carriers, up = c.storage.carriers(), c.storage.up
    if words == ["status"]:
        osds = [(n, o) for n in carriers for o in c.host(n)["osds"]]
        pgs = [{"state_name": "active+clean", "count": 256}] if c.storage.clean() else [
            {"state_name": "active+clean", "count": 128}, {"state_name": "active+undersized+degraded", "count": 128}]
        call.out(json.dumps({"health": {"status": "HEALTH_OK" if c.storage.clean() else "HEALTH_WARN"}, "quorum_names": c.storage.quorum() or ["controller"],
                             "osdmap": {"num_osds": len(osds), "num_up_osds": len([n for n, _ in osds if up(n)])}, "pgmap": {"pgs_by_state": pgs}}) + "\n")
    else:
        nodes = [{"id": -1, "type": "root", "name": "default", "children": [-2 - i for i, _ in enumerate(carriers)]}]
        for i, n in enumerate(carriers):
            nodes.append({"id": -2 - i, "type": "host", "name": n, "children": c.host(n)["osds"]})
            nodes += [{"id": o, "type": "osd", "name": "osd.%d" % o, "status": "up" if up(n) else "down"} for o in c.host(n)["osds"]]
        call.out(json.dumps({"nodes": nodes}) + "\n")
    return 0


# ---- a single host

def scp(c, call):
    """Between two hosts, by name; run on one of them."""
    words, _ = parse(call.args, flags=("-p", "-B", "-q"), code=1)
    if len(words) != 2:
        raise Refused(1, "usage: scp [-p] source target")
    places = []
    for word in words:
        host, colon, path = word.rpartition(":")
        host = host if colon else call.host
        if host not in c.s["hosts"] or not c.hosts.up(host):
            raise Refused(255, "ssh: connect to host %s port 22: No route to host" % host)
        places.append(c.root(host, path))
    if not os.path.isfile(places[0]):
        raise Refused(1, "scp: %s: No such file or directory" % words[0])
    yield c.time("copy")
    os.makedirs(os.path.dirname(places[1]), exist_ok=True)
    shutil.copy(places[0], places[1])
    c.event("copied %s to %s" % tuple(words), call.host)
    return 0


def ansible_playbook(c, call):
    """The restore on a freshly installed single host. The secrets come by its environment and stand in no argument."""
    controller(c, call)
    words, options = parse([a if a != "-e" else "--extra" for a in call.args][:1], code=2)
    extra = dict(a.split("=", 1) for a in call.args[1:] if "=" in a)
    if words != ["/usr/share/ansible/stx-ansible/playbooks/upgrade.yml"] or set(extra) != {"ansible_become_pass", "admin_password", "upgrade_data_file"}:
        raise Refused(2, "ERROR! the playbook upgrade.yml wants ansible_become_pass, admin_password and upgrade_data_file")
    h = c.host(call.host)
    for variable, kind in (("UPG_SYSADMIN", "sysadmin"), ("UPG_ADMIN", "admin")):
        if call.env.get(variable) != c.settings["secrets"][kind]:
            raise Refused(4, "fatal: [localhost]: FAILED! => {\"msg\": \"Incorrect %s password\"}" % kind)
    if h["restored"] or h["software"] != NEW:
        raise Refused(2, "fatal: [localhost]: FAILED! => {\"msg\": \"this host is not freshly installed\"}")
    if not os.path.isfile(c.root(call.host, extra["upgrade_data_file"])):
        raise Refused(2, "fatal: [localhost]: FAILED! => {\"msg\": \"no such file: %s\"}" % extra["upgrade_data_file"])
    yield c.time("restore")
    if c.spend("restore", call.host):
        raise Refused(2, "fatal: [localhost]: FAILED! => {\"msg\": \"migration script 65 failed\"}")
    h["restored"], h["admin"] = True, "locked"
    c.write_first(call.host)
    c.s["etcd"] = [NEW]
    c.set_state("data-migration-complete")
    return 0


TOOLS = {"sm-query": sm_query, "sm-dump": sm_dump, "kubectl": kubectl, "ceph": ceph, "scp": scp, "ansible-playbook": ansible_playbook}
