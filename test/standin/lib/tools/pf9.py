"""The management plane's tools: airctl, pcdctl, kubectl, and what its API says to curl."""
import json
import re

from engine import READ, Refused
from pf9_initial import CLUSTER, REGION
from .arguments import parse
from .tables import boxed, formatted

TOKEN = "gAAAAABlstandin"
CONFIG = "/opt/pf9/airctl/conf/airctl-config.yaml"


def at_management(c, call):
    if c.host(call.host)["carries"] or (call.tool in ("airctl", "kubectl") and not c.settings["self_hosted"]):
        raise Refused(127, "bash: %s: command not found" % call.tool)


# ---- airctl

def airctl(c, call):
    at_management(c, call)
    words, options = parse(call.args, values=("--config", "--host"), code=1)
    if options.get("config", CONFIG) != CONFIG:
        raise Refused(1, "Error: cannot read config: %s" % options["config"])
    if words == ["status"]:
        ready = c.settings["region_ready"]
        call.out("------------- deployment details ---------------\nfqdn:                %s\nregion:              %s\n"
                 "deployment status:   ready\n-------- region service status ----------\ndesired services:    42\nready services:      %d\n"
                 "region health:       %s\n" % (REGION, REGION, 42 if ready else 40, "\u2705 Ready" if ready else "\u274c Not Ready"))
        return 0
    if words == ["host-status"]:
        rows = []
        for n in c.managed():
            h = c.host(n)
            rows.append((n, h["management_ip"], {"applied": "ok"}.get(h["role_status"], h["role_status"]),
                         "running" if c.responding(n) else "not responding", c.version(n)))
        call.out(boxed(("Hostname", "IP", "Status", "Agent Status", "Version"), rows))
        return 0
    if words == ["host-upgrade"] and options.get("host") in c.managed():
        return (yield from host_upgrade(c, call, options["host"]))
    raise Refused(1, "stand-in: airctl knows status, host-status --config FILE, host-upgrade --host NAME --config FILE")


def host_upgrade(c, call, name):
    """Waits for the pod, which goes on without it."""
    said, pod = c.upgrade(name)
    if said:
        raise Refused(1, said)
    call.out("host %s: upgrade started, pod %s\n" % (name, pod["name"]))
    while pod["phase"] == "Running":
        yield 0.05
    if pod["message"]:
        raise Refused(1, "Error: " + pod["message"])
    call.out("host %s: upgraded\n" % name)
    return 0


# ---- pcdctl

def pcdctl(c, call):
    at_management(c, call)
    words, options = parse(call.args, flags=("--all-projects", "--long"), values=("--host", "-f", "--format", "-c", "--column"), code=2)
    form = options.get("f") or options.get("format") or "table"
    if words == ["token", "issue"]:
        call.out(TOKEN + "\n" if options.get("c") == "id" and form == "value" else boxed(("Field", "Value"), [("id", TOKEN)]))
        return 0
    tables = {("volume", "service", "list"): volumes, ("image-service", "list"): images, ("compute", "service", "list"): computes,
              ("server", "list"): servers}
    if tuple(words) not in tables:
        raise Refused(2, "stand-in: pcdctl knows %s, token issue" % ", ".join(" ".join(t) for t in tables))
    columns, rows = tables[tuple(words)](c, options)
    call.out(formatted(form, columns, rows))
    return 0


def volumes(c, options):
    rows = [("cinder-scheduler", "cinder-scheduler-0", "nova", "enabled", "up")]
    for n in c.carrying("block_storage"):
        rows.append(("cinder-volume", n + "@lvm", "nova", "enabled", "up" if c.serves(n, "block_storage") else "down"))
    return ("Binary", "Host", "Zone", "Status", "State"), rows


def images(c, options):
    return ("Host", "Endpoint", "Status", "State"), [
        (n, "https://%s:9292" % c.host(n)["management_ip"], "enabled", "up" if c.serves(n, "image_library") else "down") for n in c.carrying("image_library")]


def computes(c, options):
    return ("Binary", "Host", "Zone", "Status", "State"), [
        ("nova-compute", n, CLUSTER, "disabled" if c.host(n)["maintenance"] else "enabled", "up" if c.serves(n, "hypervisor") else "down")
        for n in c.carrying("hypervisor")]


def servers(c, options):
    wanted = options.get("host")
    return ("ID", "Name", "Status", "Networks"), [
        (g["id"], g["name"], g["status"], "vmnet=192.0.2.10") for g in c.s["guests"].values() if wanted in (None, g["host"])]


# ---- kubectl

def kubectl(c, call):
    at_management(c, call)
    words, options = parse(call.args, values=("-n", "--namespace", "-o", "--output"), code=1)
    if (options.get("n") or options.get("namespace")) != REGION:
        raise Refused(1, "No resources found in %s namespace." % (options.get("n") or "default"))
    pods = c.s["pods"]
    if words in (["get", "pods"], ["get", "pod"]):
        others = [("keystone-api-0", "Running"), ("resmgr-0", "Running")]
        rows = others + [(p["name"], p["phase"]) for p in pods.values()]
        if (options.get("o") or options.get("output")) == "json":
            call.out(json.dumps({"apiVersion": "v1", "kind": "List", "items": [
                {"metadata": {"name": n, "namespace": REGION}, "status": {"phase": phase}} for n, phase in rows]}) + "\n")
        else:
            call.out("NAME                      READY   STATUS    RESTARTS   AGE\n" + "".join("%-25s 1/1     %-9s 0          5m\n" % r for r in rows))
        return 0
    if words[:2] in (["delete", "pod"], ["delete", "pods"]) and len(words) == 3:
        pod = pods.get(words[2])
        if pod is None:
            raise Refused(1, 'Error from server (NotFound): pods "%s" not found' % words[2])
        if c.host(pod["host"])["changing"]:
            c.violation("pod-deleted-at-work", "%s was upgrading %s" % (pod["name"], pod["host"]), pod["host"])
        del pods[words[2]]
        call.out('pod "%s" deleted\n' % words[2])
        return 0
    raise Refused(1, "stand-in: kubectl knows get pods -n NAMESPACE [-o json], delete pod NAME -n NAMESPACE")


# ---- curl

def curl(c, call):
    words, options = parse(call.args, flags=("-s", "-S", "-sS", "-k", "-sk", "-L", "--fail", "-f"), values=("-H", "-m", "-o", "-w", "-X"), code=2)
    m = re.fullmatch(r"https://([^/]+)/resmgr/(v1/hosts|v2/hosts|v2/clusters/([\w-]+))/?", words[0] if len(words) == 1 else "")
    if not m or options.get("X", "GET") != "GET":
        raise Refused(3, "stand-in: curl knows https://%s/resmgr/v1/hosts and /resmgr/v2/clusters/NAME" % REGION)
    header = options.get("H", "")
    if header == "@-":
        header = ""
        while (line := (yield READ)) is not None:
            header += line
    if m.group(1) != REGION:
        raise Refused(6, "curl: (6) Could not resolve host: %s" % m.group(1))
    code = "200" if header.strip() == "X-Auth-Token: " + TOKEN else "401"
    if options.get("o") is None:
        if code != "200" and ("fail" in options or "f" in options):
            raise Refused(22, "curl: (22) The requested URL returned error: " + code)
        call.out(json.dumps(answer(c, m) if code == "200" else {"error": {"code": 401, "title": "Unauthorized"}}) + "\n")
    if "w" in options:
        call.out(options["w"].replace("%{http_code}", code))
    return 0


def answer(c, m):
    if m.group(3) is not None:
        if m.group(3) != CLUSTER:
            return None                     # as the real one: no such cluster is 200 and null
        return {"name": CLUSTER, "vmHighAvailability": {"enabled": c.s["ha"]}, "autoResourceRebalancing": {"enabled": c.s["drr"]}}
    return [{"id": c.host(n)["machine_id"], "roles": c.host(n)["roles"], "role_status": c.host(n)["role_status"], "cluster_name": c.host(n)["cluster"],
             "info": {"hostname": n, "responding": c.responding(n), "os_family": "Linux", "os_info": "Ubuntu " + c.host(n)["running_os"]},
             "extensions": {"ip_address": {"data": [c.host(n)["management_ip"]]}}} for n in c.managed()]


TOOLS = {"airctl": airctl, "pcdctl": pcdctl, "kubectl": kubectl, "curl": curl}
