"""Platform9 Private Cloud Director: six hosts with mixed roles, and the node of the management cluster."""
from pf9_cluster import Cluster  # noqa: F401
from pf9_initial import HOSTS as TABLE
from pf9_initial import build  # noqa: F401
from tools import COMMON, pf9, pf9_host

HOSTS = ",".join(TABLE)
SETTABLE = ("guests", "hosts", "pods")
OWN = ("/var/log", "/opt/pf9")
TOOLS = dict(COMMON, **pf9.TOOLS)
TOOLS.update(pf9_host.TOOLS)


def describe(s):
    for name, h in s["hosts"].items():
        guests = ", ".join(g["name"] + ("" if g["status"] == "ACTIVE" else " (%s)" % g["status"]) for g in s["guests"].values() if g["host"] == name)
        yield "%s  %s:%d  %s  Ubuntu %s  %s  %s%s" % (
            name, h["address"], h["port"], "hangs" if h["hung"] else h["power"], h["running_os"], ", ".join(sorted(set(h["packages"].values()))) or "-",
            h["role_status"] or "-", "  maintenance" if h["maintenance"] else "")
        if h["carries"]:
            yield "    carries: %s\n    guests:  %s" % (", ".join(h["carries"]), guests or "none")
    yield "VM HA %s, DRR %s" % ("on" if s["ha"] else "off", "on" if s["drr"] else "off")


def left(s):
    if not (s["ha"] and s["drr"]):
        yield "VM HA or DRR is off"
    for name, h in s["hosts"].items():
        if h["power"] != "up":
            yield "%s: is %s" % (name, h["power"])
        if h["maintenance"]:
            yield "%s: in maintenance mode" % name
        if h["carries"] and h["role_status"] != "applied":
            yield "%s: its roles are %s" % (name, h["role_status"])
        if len(set(h["packages"].values())) > 1:
            yield "%s: a mix of package versions" % name
        if h["os"] != h["running_os"]:
            yield "%s: runs %s, has %s" % (name, h["running_os"], h["os"])
    hosts = [h for h in s["hosts"].values() if h["carries"]]
    for what, found in (("versions of the packages", {v for h in hosts for v in h["packages"].values()}), ("Ubuntus", {h["running_os"] for h in hosts})):
        if len(found) > 1:
            yield "two %s in one cluster: %s" % (what, ", ".join(sorted(found)))
    for g in s["guests"].values():
        if g["status"] != "ACTIVE":
            yield "guest %s: %s" % (g["name"], g["status"])
    for p in s["pods"].values():
        if p["phase"] in ("Running", "Pending"):
            yield "pod %s: %s" % (p["name"], p["phase"])
