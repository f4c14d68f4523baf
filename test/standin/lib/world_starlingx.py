"""StarlingX: two controllers, four storage hosts in two peer groups, four workers; other configurations by the names in `--hosts`."""
from stx_cluster import Cluster  # noqa: F401
from stx_initial import NEW, OLD, build  # noqa: F401
from tools import COMMON, stx, stx_host

HOSTS = "controller-0,controller-1,storage-0,storage-1,storage-2,storage-3,worker-0,worker-1,worker-2,worker-3"
SETTABLE = ("hosts", "pods", "parameters", "kube_upgrade", "extra_alarms")
OWN = ("/etc/build.info", "/etc/platform", "/opt", "/var/lib/postgresql", "/srv", "/home/sysadmin")
TOOLS = dict(COMMON, **stx.TOOLS)
TOOLS.update(stx_host.TOOLS)


def describe(s):
    for name, h in s["hosts"].items():
        yield "%s  %s:%d  %s  %s  %s%s%s" % (name, h["address"], h["port"], "hangs" if h["hung"] else h["power"], h["software"], h["admin"],
                                          "  failed" if h["failed"] else "", "  active" if name == s["active"] else "")
    yield "upgrade: %s" % (s["upgrade"]["state"] if s["upgrade"] else "none")


def left(s):
    for name, h in s["hosts"].items():
        if h["power"] != "up":
            yield "%s: is %s" % (name, h["power"])
        if h["personality"] == "other":
            continue
        if h["admin"] != "unlocked" or h["failed"]:
            yield "%s: %s%s" % (name, h["admin"], ", failed" if h["failed"] else "")
        if not h["synced"]:
            yield "%s: its replicated file systems are out of step" % name
    software = {h["software"] for h in s["hosts"].values() if h["personality"] != "other"}
    if len(software) > 1:
        yield "two releases in one system: %s" % ", ".join(sorted(software))
    if s["upgrade"]:
        yield "an upgrade is in progress: %s" % s["upgrade"]["state"]
    if s["active"] != "controller-0":
        yield "the services run on %s" % s["active"]
    if s["recovering"]:
        yield "OSDs that have not caught up: %s" % ", ".join(sorted(s["recovering"]))
    for pod, p in s["pods"].items():
        if p["node"] is None:
            yield "pod %s waits for a place" % pod
    if NEW in software and [x for x in s["loads"] if x["version"] == OLD]:
        yield "the load of %s is still there" % OLD
