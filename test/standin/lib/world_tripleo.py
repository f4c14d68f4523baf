"""TripleO: an undercloud, three controllers, two computes, three computes with OSDs."""
import ooo_cluster
from ooo_cluster import Cluster, build  # noqa: F401
from tools import COMMON, ooo

HOSTS = ",".join(ooo_cluster.HOSTS)
SETTABLE = ("guests", "hosts")
OWN = (ooo_cluster.KEPT,)
TOOLS = dict(COMMON, **ooo.TOOLS)


def describe(s):
    for name, h in s["hosts"].items():
        yield "%s  %s:%d  %s  CentOS %s%s  %s  %s%s" % (
            name, h["address"], h["port"], "hangs" if h["hung"] else h["power"], h["os"], " armed" if h["armed"] else "", h["release"],
            ", ".join(h["runs"]) or "no services", ", mon" if h["mon"] else "")
    yield "authority: %s side; stack %s" % (s["live"], s["stack"])


def left(s):
    for name, h in s["hosts"].items():
        if h["power"] != "up":
            yield "%s: is %s" % (name, h["power"])
        if h["armed"]:
            yield "%s: any reboot upgrades it" % name
        if not h["runs"]:
            yield "%s: no services run" % name
        if h["kind"] == "controller" and not h["mon"]:
            yield "%s: no ceph-mon" % name
        if h["osds"] and not h["osds_up"]:
            yield "%s: its OSDs are away" % name
        if not h["enabled"]:
            yield "%s: takes no guests" % name
    if len({h["os"] for h in s["hosts"].values()}) > 1:
        yield "two operating systems"
    if s["live"] == "new" and s["stack"] != "converged":
        yield "not converged"
    if s["live"] == "new" and not s["migrated"]:
        yield "online data migrations were not run"
    if s["kept"]:
        yield "secrets of hosts are kept on the undercloud"
    for g in s["guests"].values():
        if g["status"] != "ACTIVE":
            yield "guest %s: %s" % (g["name"], g["status"])
