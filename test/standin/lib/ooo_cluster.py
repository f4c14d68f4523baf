"""TripleO: an undercloud that deploys an overcloud, its two sides while the operating system changes, and their laws."""
import copy
import os
import random
import uuid

from initial import ScenarioError, merge
from room import Room

TIMES = {
    "leapp": 0.4,            # download what the next OS needs
    "playbook": 0.5,         # one run of `openstack overcloud ...`
    "migrate": 0.1, "boot": 1.0, "linger": 0.3, "settle": 0.2, "recovery": 0.5,
}
DEFAULTS = {
    "times": TIMES, "boot_seconds": {},
    # how often, by host (`director` where no host is meant)
    "fail": {"boot": {}, "prepare": {}, "transfer": {}, "start": {}, "external": {}},
    "sudo_password": None, "require_sudo": False, "disk_free": {"/": 64 << 30, "/boot": 900 << 20},
}
KINDS = {"director": "undercloud", "controller": "controller", "compute": "compute", "hci": "hci"}
HOSTS = ("director", "controller-0", "controller-1", "controller-2", "compute-0", "compute-1", "hci-0", "hci-1", "hci-2")
GUESTS = (("web", "compute-0"), ("db", "compute-1"), ("cache", "hci-0"), ("mail", "hci-2"))
KEPT = "/var/lib/tripleo-upgrade"


def build(names, addresses, port, scenario, now):
    scenario = copy.deepcopy(scenario)
    changes = scenario.pop("hosts", {})
    settings = merge(copy.deepcopy(DEFAULTS), scenario)
    rng = random.SystemRandom()
    hosts = {}
    for n, (name, address) in enumerate(zip(names, addresses), 1):
        kind = KINDS.get(name.partition("-")[0], "compute")
        hosts[name] = {
            "number": n, "address": address, "port": port, "machine_id": uuid.UUID(int=rng.getrandbits(128)).hex, "boot_id": str(uuid.uuid4()),
            "power": "up", "since": now, "settled": True, "hung": False, "comes_back": True, "kernel": "3.10.0-957.el7.x86_64", "kind": kind,
            "os": "7.6", "armed": False, "busy": None, "runs": {"controller": ["control"], "compute": ["compute"], "hci": ["compute"]}.get(kind, ["undercloud"]),
            "release": "rocky", "mon": kind == "controller", "osds": [2 * n, 2 * n + 1] if kind == "hci" else [], "osds_up": kind == "hci", "enabled": True,
        }
        hosts[name].update(changes.pop(name, {}))
    if changes:
        raise ScenarioError("no such host: " + ", ".join(sorted(changes)))
    return {
        "settings": settings, "hosts": hosts, "live": "old", "stack": "old", "transferred": False, "migrated": False, "recovering": False, "kept": False, "episode": [],
        "guests": {g: {"name": g, "id": str(uuid.uuid4()), "host": h, "status": "ACTIVE"} for g, h in GUESTS if h in hosts},
        "journal": {name: [] for name in names}, "broken": {},
    }


class Cluster(Room):
    # ---- files

    def write_first(self, name):
        super().write_first(name)
        self.write_release(name)
        if self.host(name)["kind"] == "undercloud":
            os.makedirs(self.root(name, KEPT), exist_ok=True)

    def write_release(self, name):
        version = self.host(name)["os"]
        self.write(name, "/etc/os-release", 'NAME="CentOS Linux"\nVERSION_ID="%s"\nID="centos"\n' % version.partition(".")[0])

    # ---- who is who

    def kind(self, *kinds):
        return [n for n in self.names() if self.host(n)["kind"] in kinds]

    def director(self):
        return self.kind("undercloud")[0]

    def overcloud(self):
        return self.kind("controller", "compute", "hci")

    def works(self, name):
        h = self.host(name)
        return self.hosts.up(name) and h["settled"]

    def new(self, name):
        return self.host(name)["os"].startswith("8")

    def serving(self):
        """Controllers that serve now."""
        return [n for n in self.kind("controller") if self.works(n) and "control" in self.host(n)["runs"] and self.new(n) == (self.s["live"] == "new")]

    def mons(self):
        return [n for n in self.kind("controller") if self.host(n)["mon"] and self.works(n)]

    def on(self, name):
        return [g for g in self.s["guests"].values() if g["host"] == name and g["status"] == "ACTIVE"]

    def containers(self, name):
        h = self.host(name)
        names = {"control": ["galera-bundle", "rabbitmq-bundle", "haproxy-bundle", "nova_api", "keystone"], "compute": ["nova_compute", "neutron_ovs_agent"],
                 "undercloud": ["mistral_engine", "heat_engine"]}
        found = [c for r in h["runs"] for c in names[r]] if h["settled"] else []
        # A monitor in a container of its own; the older side keeps it when everything else is stopped.
        return found

    def compute_up(self, name):
        return self.works(name) and "compute" in self.host(name)["runs"]

    # ---- power

    def host_down(self, name):
        h = self.host(name)
        for g in self.on(name):
            g["status"] = "SHUTOFF"
            self.violation("guest-died", "%s was running on it" % g["name"], name)
        if "control" in h["runs"] and not [n for n in self.serving() if n != name]:
            self.violation("control-plane-lost", "the last controller that serves goes down", name)

    def boots_with(self, name):
        h = self.host(name)
        if h["armed"]:
            h["armed"], h["os"], h["kernel"] = False, "8.0", "4.18.0-80.el8.x86_64"
            self.write_release(name)
            self.event("Leapp has upgraded it", name)
            if h["kind"] != "undercloud":
                h["runs"] = []

    # ---- one playbook on some hosts

    def stop(self, name):
        h = self.host(name)
        if h["kind"] in ("compute", "hci"):
            for g in self.on(name):
                g["status"] = "SHUTOFF"
                self.violation("guest-died", "nova-compute and its sidecars were stopped under %s" % g["name"], name)
        h["runs"] = []
        self.changed()

    def prepare(self, name):
        h = self.host(name)
        self.stop(name)
        yield self.time("leapp")
        if self.spend("prepare", name):
            return False
        h["armed"] = not self.new(name)
        self.event("armed: any reboot upgrades it", name)
        return True

    def upgrade_os(self, name):
        """`system_upgrade_run`: reboots what is armed, and waits."""
        h = self.host(name)
        if not h["armed"]:
            self.refused("not prepared for Leapp", name)
            return self.new(name)
        before = h["boot_id"]
        self.hosts.reboot(name)
        while h["boot_id"] == before or not h["settled"]:
            yield 0.05
        return True

    def transfer(self):
        """Stops the older controllers, but for their monitors, and copies the database to the one new controller."""
        olds = [n for n in self.kind("controller") if not self.new(n)]
        news = [n for n in self.kind("controller") if self.new(n)]
        if len(news) != 1 or not olds:
            return "exactly one new and at least one old Controller are needed: %d new, %d old" % (len(news), len(olds))
        if self.s["live"] == "new":
            self.violation("data-overwritten", "the data of the new side is replaced by old data", news[0])
        for n in olds:
            self.stop(n)
        yield self.time("playbook")
        if self.spend("transfer", self.director()):
            return "rsync: connection unexpectedly closed"
        self.s["transferred"] = self.s["kept"] = True
        self.write(self.director(), KEPT + "/%s/mysql/dump.sql" % news[0], "secrets\n")
        self.event("data transferred from %s" % olds[0], news[0])
        return None

    def deploy(self, name):
        """`upgrade run` without tags: all services of the release on this host."""
        h = self.host(name)
        if self.s["stack"] == "old":
            return "the stack was not prepared"
        if not self.new(name):
            self.violation("old-os", "services of Stein on the older OS: its Corosync speaks to nobody", name)
            return "unsupported operating system"
        yield self.time("playbook")
        if h["kind"] == "controller":
            if self.s["live"] == "old" and not self.s["transferred"]:
                self.violation("empty-cloud", "the new side starts without data", name)
            if self.s["live"] == "old":
                self.s["live"] = "new"
                self.event("the new side has the authority", name)
            h["runs"] = ["control"]
            if self.spend("start", name):
                self.changed()
                return "pacemaker did not start in time"
        else:
            behind = [n for n in self.kind("controller") if not self.new(n) or not self.host(n)["runs"]]
            if behind:
                self.violation("schema-order", "a compute before %s" % ", ".join(behind), name)
            h["runs"] = ["compute"]
        h["release"] = "stein"
        self.changed()
        return None

    def external(self, name, back):
        """ceph-ansible on one host: takes its daemons out, or puts them back."""
        h = self.host(name)
        yield self.time("playbook")
        if self.spend("external", name):
            return "ceph-ansible failed"
        if h["kind"] == "controller":
            h["mon"] = back
        elif h["kind"] == "hci":
            h["osds_up"] = back
            self.s["recovering"] = True
            self.after(self.time("recovery"), self.recovered)
        self.changed()
        return None

    def recovered(self):
        self.s["recovering"] = False

    # ---- laws

    def changed(self):
        now = []
        if len(self.mons()) < 2 and len(self.kind("controller")) > 1:
            now.append(("mon-quorum-lost", "%d ceph-mons run" % len(self.mons())))
        old = [n for n in self.kind("controller") if "control" in self.host(n)["runs"] and not self.new(n)]
        if self.s["live"] == "new" and old:
            now.append(("two-authorities", "%s serves old data beside the new side" % ", ".join(old)))
        away = [n for n in self.kind("hci") if not self.host(n)["osds_up"] or self.host(n)["power"] != "up"]
        if len(away) > 1:
            now.append(("io-stopped", "the OSDs of %s are away" % ", ".join(away)))
        for law, text in now:
            if law not in self.s["episode"]:
                self.violation(law, text)
        self.s["episode"] = [law for law, _ in now]

    def whole_role(self, hosts, what):
        """`what` was asked of all hosts of a role at once."""
        for kind in ("controller", "compute", "hci"):
            of = self.kind(kind)
            if len(of) > 1 and set(of) <= set(hosts):
                self.violation("whole-role", "%s of every %s at once" % (what, kind))

    # ---- units and facts

    def unit_state(self, host, unit):
        return "active" if unit in ("ssh", "systemd-journald", "docker") else None

    def units(self, host):
        return ["ssh.service", "systemd-journald.service"]

    def facts(self):
        return {"serving": self.serving(), "mons": self.mons(), "running": {n: " ".join(sorted(g["name"] for g in self.on(n))) for n in self.kind("compute", "hci")}}

    def groups(self):
        return {"undercloud": self.kind("undercloud"), "Controller": self.kind("controller"), "Compute": self.kind("compute"), "ComputeHCI": self.kind("hci")}
