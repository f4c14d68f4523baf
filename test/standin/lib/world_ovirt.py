"""oVirt: three hypervisors, and the hosted engine's machine."""
from ov_cluster import Cluster  # noqa: F401
from ov_initial import build  # noqa: F401
from tools import COMMON, ov

HOSTS = "ov1,ov2,ov3,he"
SETTABLE = ("hosts", "guests", "lockspace")
OWN = ("/etc/redhat-release", "/root", "/var/lib/ovirt-hosted-engine-setup", "/etc/pki/ovirt-engine", "/etc/vdsm", "/etc/ovirt-hosted-engine")
TOOLS = dict(COMMON, **ov.TOOLS)


def describe(s):
    for name, h in s["hosts"].items():
        yield "%s  %s:%d  %s  el%d  vdsm %s  %s%s%s" % (name, h["address"], h["port"], "hangs" if h["hung"] else h["power"], h["el"], h["vdsm"],
                                                    h["status"] or "-", "  local" if h["local"] else "", "  the engine" if s["at"] == name else "")
    yield "global maintenance %s, engine %s" % ("on" if s["global"] else "off", s["engine"]["version"])


def left(s):
    if s["global"]:
        yield "global maintenance is on"
    if s["at"] is None:
        yield "no host runs the engine's machine"
    if s["engine"]["broken"]:
        yield "the engine's database is half migrated"
    carriers = [h for h in s["hosts"].values() if h["kind"] == "hypervisor"]
    for name, h in s["hosts"].items():
        if h["power"] != "up":
            yield "%s: is %s" % (name, h["power"])
        if h["kind"] == "hypervisor" and (h["status"] != "up" or h["local"]):
            yield "%s: %s%s" % (name, h["status"], ", local maintenance" if h["local"] else "")
        for unit, state in h["units"].items():
            if state != "active":
                yield "%s: %s is %s" % (name, unit, state)
    for what, found in (("versions of VDSM", {h["vdsm"] for h in carriers}), ("operating systems", {h["el"] for h in carriers})):
        if len(found) > 1:
            yield "two %s: %s" % (what, ", ".join(str(f) for f in sorted(found)))
    for guest in s["dead"]:
        yield "guest %s is dead" % guest
    for number, name in s["board"].items():
        if s["hosts"][name]["he_id"] != int(number):
            yield "the whiteboard has an entry %s of a host that is no more" % number
