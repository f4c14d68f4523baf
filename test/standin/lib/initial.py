"""The world at `up`, and what a scenario may change in it."""
import copy
import json
import random
import uuid

from package_data import base_packages, ceph_packages

# Seconds. Short, but every one of them really passes.
TIMES = {
    "migrate": 0.3,          # one live migration, or one restart of a container on another node
    "shutdown": 0.2,         # a guest's orderly shutdown
    "dist_upgrade": 2.0,     # download, unpack, configure
    "corosync_restart": 0.5, # the vote is missing this long when the package restarts corosync
    "daemon": 0.5,           # restart of one host's Ceph daemons of one kind
    "boot": 2.0,             # power off to an answering sshd
    "linger": 0.5,           # the old sshd goes on answering after `systemctl reboot`
    "settle": 0.4,           # sshd answers, but the system is still `starting`
    "recovery": 1.0,         # placement groups catch up after OSDs return
    "storm": 60.0,           # backfilling after a rebalance began
    "maintenance": 0.3,      # the HA manager takes up a maintenance request
    "fence": 1.0,            # a host is down this long before HA recovers its guests
    "ceph_timeout": 3.0,     # the ceph tool gives up without a monitor quorum
}

DEFAULTS = {
    "times": TIMES,
    "fail": {"migrate": {}, "dist_upgrade": {}, "boot": {}, "osd": {}},   # how often, by guest / host / OSD
    "boot_seconds": {},                  # by host: a slow one
    "sudo_password": None,               # sudo asks for it, as on a host without NOPASSWD
    "require_sudo": False,               # changing tools refuse without sudo
    "disk_free": {"/": 64 << 30, "/boot": 900 << 20},
    "storm_at": 4,                       # this many migrations at once starve the heartbeat
    "link_down_on_leave": False,         # corosync logs "link: 0 is down" for an orderly leave, too, as the real one does
    "checklist_strict": False,           # pve8to9 warns of running guests and fails on Ceph before Squid, as the real one does
    "osd_release_warns": True,           # HEALTH_WARN until require_osd_release follows the OSDs, as the real one does
    "conffile_prompt": True,             # a configuration file was edited locally: dpkg asks about it
}

GUESTS = [
    # id, kind, name, node, HA, extra
    (101, "qemu", "web", "node1", True, {}),
    (102, "qemu", "db", "node2", True, {}),
    (103, "qemu", "cache", "node3", True, {}),
    (104, "qemu", "build", "node1", False, {}),
    (105, "qemu", "render", "node3", False, {"hostpci": "0000:01:00,pcie=1", "cpu": "host"}),
    (106, "qemu", "mail", "node2", False, {}),
    (201, "lxc", "proxy", "node2", False, {}),
]


class ScenarioError(Exception):
    pass


def merge(base, change, where="scenario"):
    """`change` over `base`; a key that `base` does not know is an error, but for tables keyed by name."""
    for key, value in change.items():
        if key not in base and not (base == {} or where.startswith(("scenario.fail.", "scenario.boot_seconds"))):
            raise ScenarioError("%s: no such key: %s (known: %s)" % (where, key, ", ".join(sorted(base))))
        if isinstance(base.get(key), dict) and isinstance(value, dict) and key != "disk_free":
            merge(base[key], value, where + "." + key)
        else:
            base[key] = value
    return base


def new_guest(number, kind, name, node, ha, now, extra):
    guest = {"id": number, "kind": kind, "name": name, "node": node, "status": "running", "ha": ha,
             "request": "started", "ha_state": "started", "maintenance_node": None, "lock": None, "onboot": 0,
             "hostpci": None, "local_disks": [], "cdrom": None, "cpu": "x86-64-v2-AES", "barred_nodes": [],
             "storage": "vmpool", "pid": 2000 + number, "lost_at": None, "availability": [[now, "up", "at the start"]]}
    unknown = set(extra) - set(guest)
    if unknown:
        raise ScenarioError("guest %s: no such key: %s" % (number, ", ".join(sorted(unknown))))
    guest.update(extra)
    return guest


def build(names, addresses, port, scenario, now):
    """A fresh state. `scenario` may hold DEFAULTS' keys and `guests`: {id: {...}} (null removes one), `hosts`: {name: {...}}."""
    scenario = copy.deepcopy(scenario)
    guest_changes, host_changes = scenario.pop("guests", {}), scenario.pop("hosts", {})
    settings = merge(copy.deepcopy(DEFAULTS), scenario)
    rng = random.SystemRandom()
    hosts = {}
    for n, (name, address) in enumerate(zip(names, addresses), 1):
        hosts[name] = {
            "number": n, "address": address, "port": port, "machine_id": uuid.UUID(int=rng.getrandbits(128)).hex,
            "boot_id": str(uuid.uuid4()), "power": "up", "since": now, "settled": True, "hung": False, "comes_back": True,
            "corosync": "active", "outside": False, "cpu_model": "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
            "kernel": "6.8.12-13-pve", "apt_lists": {"debian": "bookworm", "pve": "bookworm", "ceph": "reef bookworm"},
            "packages": dict(base_packages("bookworm"), **ceph_packages("reef bookworm")), "conffile_edited": True,
            "apt": None, "unconfigured": [], "interrupted": False, "out_of_service": None, "stopped_units": [],
        }
        change = host_changes.pop(name, {})
        if set(change) - set(hosts[name]):
            raise ScenarioError("host %s: no such key: %s" % (name, ", ".join(sorted(set(change) - set(hosts[name])))))
        hosts[name].update(change)
    if host_changes:
        raise ScenarioError("no such host: " + ", ".join(sorted(host_changes)))
    guests = {}
    for number, kind, name, node, ha, extra in GUESTS:
        change = guest_changes.pop(str(number), {})
        if change is not None and node in hosts:
            guests[str(number)] = new_guest(number, kind, name, node, ha, now, dict(extra, **change))
    for number, change in guest_changes.items():
        if change:
            fields = dict(change)
            guests[number] = new_guest(int(number), fields.pop("kind", "qemu"), fields.pop("name", "vm" + number),
                                       fields.pop("node", names[0]), fields.pop("ha", False), now, fields)
    return {
        "settings": settings, "hosts": hosts, "guests": guests,
        "quorum": {"expected": len(names), "ring": 4, "split": False, "quorate": True},
        "ha": {"maintenance": {}, "master": names[0]},
        "ceph": build_ceph(names, hosts, now),
        "journal": {name: [] for name in names}, "broken": {},
        "tasks": 0,
    }


def build_ceph(names, hosts, now):
    version = "18.2.7"
    daemons = {}

    def add(kind, ident, host):
        daemons["%s.%s" % (kind, ident)] = {"kind": kind, "id": str(ident), "host": host, "state": "running",
                                            "version": version, "since": now}
    for kind in ("mon", "mgr"):
        for name in names:
            add(kind, name, name)
    for n, name in enumerate(names):
        add("osd", 2 * n, name)
        add("osd", 2 * n + 1, name)
    for name in names[:2]:
        add("mds", name, name)
    for d in daemons.values():
        if d["kind"] == "osd":
            d["in"] = True
    return {"fsid": str(uuid.uuid4()), "flags": [], "daemons": daemons, "recovering": {}, "storm_until": 0, "epoch": 120,
            "require_osd_release": "reef", "active_mgr": names[0], "active_mds": names[0] if len(names) else None}


def load_scenario(path):
    try:
        with open(path) as f:
            value = json.load(f)
    except (OSError, ValueError) as e:
        raise ScenarioError("%s: %s" % (path, e))
    if not isinstance(value, dict):
        raise ScenarioError("%s: not a JSON object" % path)
    return value
