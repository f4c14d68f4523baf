"""The world `starlingx` at `up`: two controllers, four storage hosts in two peer groups, four workers; or fewer, by the hosts' names."""
import copy
import random
import uuid

from initial import ScenarioError, merge

OLD, NEW, NEXT = "19.12", "20.06", "21.05"
# Seconds. Short, but every one of them really passes.
TIMES = {
    "lock": 0.2,             # services move off, pods are evicted
    "install": 0.5,          # the load goes over the network onto the disk
    "migrate": 0.3,          # controller-1's data migration
    "sync": 0.3,             # replicated file systems after a controller has come up
    "swact": 0.3,            # nobody runs the services
    "import": 0.3, "activate": 0.3, "complete": 0.2, "copy": 0.2, "restore": 0.4,
    "recovery": 0.4,         # placement groups catch up
    "boot": 0.6, "linger": 0.25, "settle": 0.15,
}
DEFAULTS = {
    "times": TIMES,
    "boot_seconds": {},
    # how often, by host (`system` for what concerns them all):
    "fail": {
        "boot": {},          # does not come back from its reboot
        "unlock": {},        # comes back unlocked, disabled, failed
        "migrate": {},       # the data migration fails
        "restore": {},       # the restore playbook fails
        "import": {}, "activate": {},
    },
    "sudo_password": None, "require_sudo": False,
    "disk_free": {"/": 64 << 30, "/boot": 900 << 20, "/srv": 100 << 30},
    "kubernetes": "v1.18.1",             # what runs
    "packaged": "v1.18.1",               # what the new load packages
    "patched": True,                     # the maintenance release that makes the upgrade possible is applied
    "provisioned": True,
    "keys_declared": True,               # known_hosts learns the key of a reinstalled host when it is made
    "secrets": {"sysadmin": "St8rlingX*", "admin": "Li69nux*"},
    "configuration": "DX",               # AIO: controllers carry storage and work; set from the hosts' names where not said
}
# Millicores of CPU that a worker has, and what the pods ask for.
CAPACITY = 4000
PODS = (("web", 4, 900, 3), ("queue", 2, 1200, 1), ("batch", 4, 200, 0))   # name, replicas, millicores, least that must run


def personality(name):
    kind = name.rstrip("0123456789").rstrip("-")
    return kind if kind in ("controller", "storage", "worker") else "other"


def new_host(number, name, address, port, rng, now):
    kind = personality(name)
    return {
        "number": number, "address": address, "port": port, "machine_id": uuid.UUID(int=rng.getrandbits(128)).hex, "boot_id": str(uuid.uuid4()),
        "power": "up", "since": now, "settled": True, "hung": False, "comes_back": True, "orderly": True, "kernel": "5.10.0-6-amd64", "unconfigured": [],
        "personality": kind, "admin": "unlocked", "failed": False, "software": OLD, "target": OLD, "task": "", "installing": None, "restored": True, "next_keys": None, "credentials": None,
        "osds": [], "peer_group": None, "mon": False, "synced": True, "data": [OLD] if kind == "controller" else [],
    }


def build(names, addresses, port, scenario, now):
    """A fresh state. `scenario` may hold DEFAULTS' keys and `hosts`: {name: {...}}."""
    scenario = copy.deepcopy(scenario)
    changes = scenario.pop("hosts", {})
    settings = merge(copy.deepcopy(DEFAULTS), scenario)
    rng = random.SystemRandom()
    hosts = {name: new_host(n, name, address, port, rng, now) for n, (name, address) in enumerate(zip(names, addresses), 1)}
    for name, change in changes.items():
        if name not in hosts or set(change) - set(hosts[name]):
            raise ScenarioError("host %s: no such host or key: %s" % (name, ", ".join(sorted(change))))
        hosts[name].update(change)
    of = {kind: [n for n, h in hosts.items() if h["personality"] == kind] for kind in ("controller", "storage", "worker")}
    if not of["controller"]:
        raise ScenarioError("a system has a controller-0")
    carriers = of["storage"] or of["controller"]
    for n, name in enumerate(carriers):
        hosts[name]["osds"] = [2 * n, 2 * n + 1] if of["storage"] else [n]
        hosts[name]["peer_group"] = "group-%d" % (n // 2)
    settings["configuration"] = "SX" if len(of["controller"]) == 1 else "AIO" if not (of["storage"] or of["worker"]) else "DX"
    if settings["configuration"] == "DX":
        for name in of["controller"] + (of["storage"] or of["worker"])[:1]:
            hosts[name]["mon"] = True
    nodes = of["worker"] or of["controller"]
    return {
        "settings": settings, "hosts": hosts, "active": of["controller"][0], "swact": None, "upgrade": None, "recovering": {},
        "loads": [{"id": 1, "state": "active", "version": OLD}], "etcd": [OLD], "kube_upgrade": None, "extra_alarms": [],
        "pods": build_pods(nodes, settings["configuration"] == "DX"), "budgets": {name: least for name, _, _, least in PODS if least},
        "applications": [{"name": "platform-integ-apps", "version": "1.0-8", "status": "applied"}, {"name": "cert-manager", "version": "1.0-0", "status": "applied"}],
        "overrides": {"cephfs-provisioner": "none", "rbd-provisioner": "none"}, "parameters": {"platform/maintenance/worker_boot_timeout": "720"},
        "snapshot": None, "files": {}, "journal": {name: [] for name in names}, "broken": {},
    }


def build_pods(nodes, several):
    pods, n = {}, 0
    for name, replicas, cpu, _ in PODS:
        for i in range(replicas if several else 1):
            pods["%s-%d" % (name, i)] = {"app": name, "node": nodes[n % len(nodes)], "cpu": cpu, "kind": "ReplicaSet"}
            n += 1
    for node in nodes:
        pods["kube-proxy-%s" % node] = {"app": "kube-proxy", "node": node, "cpu": 100, "kind": "DaemonSet"}
    return pods
