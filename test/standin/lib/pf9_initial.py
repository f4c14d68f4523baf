"""The world `platform9` at `up`: six hosts with mixed roles of one virtualized cluster, and the node of the management cluster."""
import copy
import random
import uuid

from initial import ScenarioError, merge

REGION, CLUSTER = "pcd.example.com", "prod"
# Seconds. Short, but every one of them really passes.
TIMES = {
    "upgrade": 0.8,          # the packages of one host
    "converge": 0.4,         # the host agent applies its roles
    "service": 0.4,          # a service is away while its packages are replaced
    "migrate": 0.1,          # one live migration
    "shutdown": 0.1,         # a guest's orderly shutdown
    "release_upgrade": 1.0,  # packages of the next Ubuntu
    "install": 0.4,          # apt-get install
    "boot": 1.0, "linger": 0.3, "settle": 0.2,
}
DEFAULTS = {
    "times": TIMES,
    "boot_seconds": {},
    # how often, by host:
    "fail": {
        "boot": {},          # does not come back from its reboot
        "upgrade": {},       # the packages stop half-way: a mix of versions
        "conflict": {},      # 409: the pod of an earlier attempt is still there
        "expel": {},         # the association with the cluster is lost while it is upgraded
        "stuck": {},         # converges for ever, until it is re-synced
        "bridge": {},        # the boot of the next Ubuntu loses the management interface from its bridge: the host does not answer
        "data_bridge": {},   # it loses the interface of the bridge for data
        "agent": {},         # the host agent is not started by the boot of the next Ubuntu
        "release_upgrade": {},
        "resync": {},        # re-syncing does not help this time
    },
    "sudo_password": None, "require_sudo": False,
    "region_ready": True,                # the management plane is healthy
    "volume_operations": False,          # somebody attaches and detaches volumes
    "self_hosted": True,                 # airctl and kubectl are there
    "old": "6.0.1-1", "new": "6.1.0-3",  # the pf9 packages, and what the repository has
}
LEAST = {"/var": 5 << 30, "/var/log": 2 << 30, "/opt": 3 << 30, "/tmp": 1 << 30}
DISK = {"/": 40 << 30, "/var": 20 << 30, "/var/log": 6 << 30, "/opt": 10 << 30, "/tmp": 4 << 30, "/boot": 1 << 30}
RANKS = ("hypervisor", "networking", "image_library", "block_storage")
ROLES = {"hypervisor": "pf9-ostackhost-neutron", "networking": "pf9-neutron-ovn-controller", "image_library": "pf9-glance-role",
         "block_storage": "pf9-cindervolume-base"}
PACKAGES = {"hypervisor": ("pf9-ostackhost", "pf9-neutron-base", "pf9-neutron-ovn-controller"), "networking": ("pf9-neutron-ovn-controller",),
            "image_library": ("pf9-glance-api",), "block_storage": ("pf9-cindervolume-base",)}
UNITS = {"hypervisor": ("pf9-ostackhost", "pf9-neutron-ovn-controller"), "networking": ("pf9-neutron-ovn-controller",),
         "image_library": ("pf9-glance-api",), "block_storage": ("pf9-cindervolume-base",)}
HOSTS = {
    "mgm1": ("10.9.0.2", ()),
    "hv1": ("10.9.0.11", ("hypervisor",)),
    "hv2": ("10.9.0.12", ("hypervisor",)),
    "net1": ("10.9.0.13", ("hypervisor", "networking")),
    "net2": ("10.9.0.14", ("hypervisor", "networking", "image_library")),
    "img1": ("10.9.0.15", ("hypervisor", "image_library")),
    "vol1": ("10.9.0.16", ("hypervisor", "block_storage")),
}
GUESTS = (("web", "hv1"), ("db", "hv2"), ("cache", "net1"), ("mail", "net2"), ("build", "img1"), ("files", "vol1"))


def new_host(number, name, address, port, rng, now, settings):
    ip, carries = HOSTS["mgm1"] if name == "desk" else HOSTS.get(name, ("10.9.0.%d" % (100 + number), ("hypervisor",)))
    packages = {"pf9-hostagent": settings["old"], "pf9-comms": settings["old"]} if carries else {}
    for role in carries:
        packages.update({p: settings["old"] for p in PACKAGES[role]})
    return {
        "number": number, "address": address, "port": port, "machine_id": uuid.UUID(int=rng.getrandbits(128)).hex, "boot_id": str(uuid.uuid4()),
        "power": "up", "since": now, "settled": True, "hung": False, "comes_back": True, "kernel": "5.15.0-153-generic", "management_ip": ip, "unconfigured": [],
        "carries": list(carries), "os": "22.04", "running_os": "22.04", "packages": packages, "interrupted": None, "disk": dict(DISK), "old_logs": 0,
        "units": {u: "active" for u in units_of(carries)}, "bridges": {"br-ex": ["eno1"], "br-data": ["eno2"]} if carries else {},
        "roles": [ROLES[r] for r in carries], "cluster": CLUSTER if carries else None, "role_status": "applied" if carries else None,
        "maintenance": False, "changing": None, "away": [],
    }


def units_of(carries):
    found = ["pf9-hostagent", "pf9-comms"] if carries else ["k3s"]
    for role in carries:
        found += [u for u in UNITS[role] if u not in found]
    return found


def build(names, addresses, port, scenario, now):
    """A fresh state. `scenario` may hold DEFAULTS' keys, `guests`: {name: host} and `hosts`: {name: {...}}."""
    scenario = copy.deepcopy(scenario)
    guests, changes = scenario.pop("guests", {}), scenario.pop("hosts", {})
    settings = merge(copy.deepcopy(DEFAULTS), scenario)
    rng = random.SystemRandom()
    hosts = {}
    for n, (name, address) in enumerate(zip(names, addresses), 1):
        hosts[name] = new_host(n, name, address, port, rng, now, settings)
        change = changes.pop(name, {})
        if set(change) - set(hosts[name]):
            raise ScenarioError("host %s: no such key: %s" % (name, ", ".join(sorted(set(change) - set(hosts[name])))))
        disk = dict(hosts[name]["disk"], **change.pop("disk", {}))
        hosts[name].update(change, disk=disk)
    if changes:
        raise ScenarioError("no such host: " + ", ".join(sorted(changes)))
    where = dict(GUESTS, **guests)
    return {
        "settings": settings, "hosts": hosts, "pods": {}, "ha": True, "drr": True, "episode": [],
        "guests": {g: {"name": g, "id": str(uuid.uuid4()), "host": h, "status": "ACTIVE"} for g, h in where.items() if h in hosts},
        "journal": {name: [] for name in names}, "broken": {},
    }
