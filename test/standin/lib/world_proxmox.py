"""Proxmox VE with Ceph and corosync."""
from cluster import Cluster  # noqa: F401
from initial import build  # noqa: F401
from tools import COMMON, apt, ceph, corosync, guests, pve, pvesh

HOSTS = "node1,node2,node3"
SETTABLE = ("guests", "hosts", "ceph")
OWN = ()
TOOLS = dict(COMMON)
for module in (apt, ceph, corosync, guests, pve, pvesh):
    TOOLS.update(module.TOOLS)


def describe(s):
    for name, h in s["hosts"].items():
        guests_ = ", ".join("%d%s" % (g["id"], "" if g["status"] == "running" else " (stopped)") for g in s["guests"].values()
                            if g["node"] == name)
        daemons = ", ".join("%s.%s%s" % (d["kind"], d["id"], "" if d["state"] == "running" else " " + d["state"])
                            for d in s["ceph"]["daemons"].values() if d["host"] == name)
        yield "%s  %s:%d  %s  pve-manager %s  kernel %s  corosync %s%s" % (
            name, h["address"], h["port"], "hangs" if h["hung"] else h["power"], h["packages"]["pve-manager"], h["kernel"], h["corosync"],
            "  maintenance" if name in s["ha"]["maintenance"] else "")
        yield "    guests: %s\n    ceph:   %s" % (guests_ or "none", daemons)
    yield "quorum: %s, expected votes %d%s" % ("yes" if s["quorum"]["quorate"] else "LOST", s["quorum"]["expected"],
                                               ", SPLIT" if s["quorum"]["split"] else "")
    yield "ceph:   flags %s" % (",".join(s["ceph"]["flags"]) or "none")


def left(s):
    for flag in s["ceph"]["flags"]:
        yield "ceph: flag %s is set" % flag
    for name in s["ha"]["maintenance"]:
        yield "%s: in maintenance mode" % name
    for name, h in s["hosts"].items():
        if h["unconfigured"]:
            yield "%s: %d packages are half-configured" % (name, len(h["unconfigured"]))
        if h["power"] != "up":
            yield "%s: is %s" % (name, h["power"])
    for g in s["guests"].values():
        if g["status"] != "running":
            yield "guest %d: is %s" % (g["id"], g["status"])
