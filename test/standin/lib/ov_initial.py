"""The world `ovirt` at `up`: three hypervisors and the hosted engine's machine, which runs on the first."""
import copy
import random
import uuid

from initial import ScenarioError, merge

VDSM = {"3.5": "4.16.30", "3.6": "4.17.13"}
# Seconds. Short, but every one of them really passes.
TIMES = {
    "migrate": 0.15, "setup": 0.8, "update": 0.5, "restart": 0.2, "backup": 0.2, "copy": 0.1, "deploy": 0.6, "install": 0.5,
    "grace": 0.6,            # the HA agents look that long at an engine that does not answer before they kill its machine
    "start": 0.5,            # they start it elsewhere
    "board": 0.2,            # the whiteboard shows a change
    "boot": 0.6, "linger": 0.25, "settle": 0.15,
}
DEFAULTS = {
    "times": TIMES, "boot_seconds": {},
    "fail": {"boot": {}, "update": {}, "setup": {}, "deploy": {}},   # how often, by host
    "sudo_password": None, "require_sudo": False, "disk_free": {"/": 64 << 30, "/boot": 900 << 20},
    "password": "admin-secret", "fqdn": "engine.dc1.example.com",
    "release": "3.5", "el": 7,
    "lockspace": "good",         # or "corrupted": nobody gets the lock
    "deployable": True,          # an el7 host can be deployed beside el6 ones
}
GUESTS = (("web", "ov1"), ("db", "ov2"), ("mail", "ov2"), ("build", "ov3"))


def build(names, addresses, port, scenario, now):
    """A fresh state. `scenario` may hold DEFAULTS' keys and `hosts`: {name: {...}}."""
    scenario = copy.deepcopy(scenario)
    changes = scenario.pop("hosts", {})
    settings = merge(copy.deepcopy(DEFAULTS), scenario)
    rng = random.SystemRandom()
    hosts, carriers = {}, [n for n in names if n.startswith("ov")]
    for n, (name, address) in enumerate(zip(names, addresses), 1):
        hosts[name] = {
            "number": n, "address": address, "port": port, "machine_id": uuid.UUID(int=rng.getrandbits(128)).hex, "boot_id": str(uuid.uuid4()),
            "power": "up", "since": now, "settled": True, "hung": False, "comes_back": True, "orderly": True, "kernel": "3.10.0-327.el7.x86_64",
            "unconfigured": [], "kind": "engine" if name == "he" else "hypervisor", "el": settings["el"], "vdsm": VDSM[settings["release"]],
            "he_id": n if name != "he" else None, "deployed": name != "he", "status": "up" if name != "he" else None, "local": False,
            "units": {u: "active" for u in ("vdsmd", "supervdsmd", "libvirtd", "ovirt-ha-agent", "ovirt-ha-broker", "sanlock")} if name != "he" else {"ovirt-engine": "active"},
            "updating": False, "stale": False, "repository": settings["release"], "next_keys": None, "cluster": "Default", "id": str(uuid.uuid4()),
        }
        hosts[name].update(changes.pop(name, {}))
    if changes or not carriers:
        raise ScenarioError("no such host: " + ", ".join(sorted(changes)) if changes else "no hypervisor")
    if settings["lockspace"] != "good" and "he" in hosts:
        hosts["he"]["power"] = "up"
    return {
        "settings": settings, "hosts": hosts, "global": False, "at": carriers[0] if "he" in hosts else None, "moving": None, "setup": False,
        "engine": {"version": settings["release"], "broken": False}, "clusters": {"Default": "3.5"}, "agents_busy": False, "lockspace": settings["lockspace"],
        "board": {str(hosts[n]["he_id"]): n for n in carriers}, "next_id": len(carriers) + 1,
        "guests": {g: h for g, h in GUESTS if h in hosts}, "dead": [], "journal": {name: [] for name in names}, "broken": {},
    }
