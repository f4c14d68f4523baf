"""StarlingX: controllers, storage and workers, what each command really does to them, and the laws of it.

The command line refuses much by itself (tools/stx.py); what it lets through, and what force and power cuts do, is here.
"""
import os
import uuid

from engine import Refused
from room import Room
from stx_initial import CAPACITY, NEW, OLD
from stx_storage import Storage



def same(first, second):
    with open(first, "rb") as a, open(second, "rb") as b:
        return a.read() == b.read()


CREDENTIALS = "export OS_AUTH_URL=http://192.168.204.1:5000/v3 OS_USERNAME=admin OS_PROJECT_NAME=admin\n"
NO_CREDENTIALS = "echo 'Openstack Admin credentials can only be loaded from the active controller.'; return 1\n"


class Cluster(Room):
    def __init__(self, directory, state, engine, ledger):
        super().__init__(directory, state, engine, ledger)
        self.storage = Storage(self)

    # ---- files

    def write_first(self, name):
        super().write_first(name)
        h = self.host(name)
        if h["next_keys"] is None:
            h["next_keys"] = self.machines.next_keys(name, 3)
        if h["personality"] == "other":
            os.makedirs(self.root(name, "/srv"), exist_ok=True)
            return
        self.write(name, "/etc/build.info", 'OS="centos"\nSW_VERSION="%s"\nBUILD_TARGET="Host Installer"\n' % h["software"])
        if h["personality"] == "controller":
            os.makedirs(self.root(name, "/home/sysadmin"), exist_ok=True)
            if h["restored"]:
                self.write(name, "/etc/platform/.initial_config_complete", "")
                self.write_credentials(name)
            self.write_data(name)

    def write_credentials(self, name):
        """What sourcing openrc gives; the real one asks the service manager, here the file says what it would have said."""
        h, text = self.host(name), CREDENTIALS if self.active() == name else NO_CREDENTIALS
        if h["restored"] and (h["credentials"] != text or not os.path.exists(self.root(name, "/etc/platform/openrc"))):
            h["credentials"] = text
            self.write(name, "/etc/platform/openrc", text)

    def write_data(self, name):
        """The versioned directories of the releases whose data the controller holds."""
        for release in (OLD, NEW):
            for folder in ("/opt/platform/config/", "/var/lib/postgresql/"):
                self.folder(name, folder + release, release in self.host(name)["data"])
            self.folder(name, "/opt/etcd/" + release, release in self.s["etcd"] and name == self.s["active"])

    def folder(self, name, path, there):
        path = self.root(name, path)
        if there:
            os.makedirs(path, exist_ok=True)
        elif os.path.isdir(path):
            os.rmdir(path)

    # ---- who is who

    def of(self, kind):
        return [n for n in self.names() if self.host(n)["personality"] == kind]

    def simplex(self):
        return self.settings["configuration"] == "SX"

    def running(self, name):
        return self.hosts.up(name) and self.host(name)["settled"]

    def enabled(self, name):
        h = self.host(name)
        return self.running(name) and h["admin"] == "unlocked" and not h["failed"] and not h["task"] and h["restored"]

    def availability(self, name):
        h = self.host(name)
        if h["admin"] == "locked":
            return "online" if self.running(name) and not h["installing"] else "offline"
        if h["failed"]:
            return "failed"
        return "available" if self.enabled(name) else "intest" if self.running(name) else "offline"

    def operational(self, name):
        return "enabled" if self.enabled(name) else "disabled"

    def active(self):
        """The controller that runs the services, or None."""
        name = self.s["active"]
        return name if self.s["swact"] is None and self.running(name) and self.host(name)["restored"] and self.serves(name) else None

    def serves(self, name):
        """A locked simplex host goes on managing itself; a locked controller of two does not."""
        return self.simplex() or self.host(name)["admin"] == "unlocked" and not self.host(name)["failed"]

    def state(self):
        return self.s["upgrade"]["state"] if self.s["upgrade"] else None

    def set_state(self, word):
        self.s["upgrade"]["state"] = word
        self.event("the upgrade is %s" % word)

    def load(self, version):
        return next((x for x in self.s["loads"] if x["version"] == version), None)

    def alarms(self):
        found = [("900.005", "System Upgrade in progress.", "host=controller", "minor")] if self.s["upgrade"] else []
        for n in self.names():
            h = self.host(n)
            if h["personality"] == "other":
                continue
            if h["admin"] == "locked":
                found.append(("200.001", "%s was administratively locked to take it out-of-service." % n, "host=%s" % n, "warning"))
            elif h["failed"]:
                found.append(("200.004", "%s experienced a service-affecting failure." % n, "host=%s" % n, "critical"))
            elif not self.enabled(n):
                found.append(("200.005", "%s is not enabled." % n, "host=%s" % n, "major"))
            if h["personality"] == "controller" and not h["synced"]:
                found.append(("400.001", "Service group controller-services warning; drbd out of sync", "service_domain=controller.service_group=controller-services.host=%s" % n, "minor"))
        if not self.storage.clean():
            found.append(("800.001", "Storage Alarm Condition: HEALTH_WARN", "cluster=ceph", "warning"))
        return found + [tuple(a) for a in self.s["extra_alarms"]]

    # ---- lock, unlock

    def lock(self, name):
        """Services and pods leave. A generator for the supervisor."""
        h = self.host(name)
        h["task"] = "Locking"
        self.event("is being locked", name)
        yield self.time("lock")
        h["admin"], h["task"], h["failed"] = "locked", "", False
        self.evict(name)
        self.storage.host_leaves(name)
        self.event("is locked", name)
        self.changed()

    def unlock(self, name):
        h = self.host(name)
        h["admin"], h["task"] = "unlocked", "Unlocking"
        h["failed"] = self.spend("unlock", name)
        self.event("is unlocked and restarts", name)
        self.hosts.reboot(name)
        self.changed()

    # ---- pods

    def schedulable(self, name):
        return self.enabled(name)

    def room(self, name):
        return CAPACITY - sum(p["cpu"] for p in self.s["pods"].values() if p["node"] == name)

    def evict(self, name):
        """NoExecute: pods leave at once; one without a place elsewhere stands and waits for one."""
        for pod, p in self.s["pods"].items():
            if p["node"] == name and p["kind"] != "DaemonSet":
                p["node"] = None
                self.place(pod)
                if p["node"] is None and not self.simplex():
                    self.violation("pods-homeless", "no other host has room for %s" % pod, name)
        self.check_budgets(name)

    def place(self, pod):
        p = self.s["pods"][pod]
        nodes = [n for n in (self.of("worker") or self.of("controller")) if self.schedulable(n) and self.room(n) >= p["cpu"]]
        if nodes:
            p["node"] = max(nodes, key=self.room)

    def check_budgets(self, name):
        for app, least in self.s["budgets"].items():
            running = len([p for p in self.s["pods"].values() if p["app"] == app and p["node"] and self.running(p["node"])])
            if running < least and not self.simplex() and self.settings["configuration"] == "DX":
                self.violation("budget-broken", "%d of at least %d pods of %s run" % (running, least, app), name)

    # ---- swact

    def swact(self, to):
        """Nobody runs the services for a moment; etcd and the databases of the target's release serve from then on."""
        before = self.s["active"]
        self.s["swact"] = to
        self.changed()
        self.event("swact to %s" % to, before)
        yield self.time("swact")
        self.s["swact"], self.s["active"] = None, to
        new = self.host(to)["software"]
        if not self.host(to)["synced"]:
            self.violation("data-diverged", "became active before its replicated file systems were in step", to)
        if new != self.host(before)["software"]:
            if new == NEW:
                if NEW not in self.s["etcd"]:
                    self.s["etcd"].append(NEW)
                now = self.configuration()
                if self.s["snapshot"] is not None and now != self.s["snapshot"]:
                    self.violation("configuration-lost", "what was configured since upgrade-start is not in the new release's data", to)
                    self.restore_configuration()
            else:
                self.event("back to the databases of %s: what was written since is lost" % new, to)
                self.s["etcd"] = [OLD]
                self.restore_configuration()
        for n in self.of("controller"):
            self.write_data(n)
        self.event("is active", to)
        self.changed()

    def configuration(self):
        return {"applications": [dict(a) for a in self.s["applications"]], "overrides": dict(self.s["overrides"]), "parameters": dict(self.s["parameters"])}

    def restore_configuration(self):
        if self.s["snapshot"]:
            for key, value in self.s["snapshot"].items():
                self.s[key] = value

    # ---- installation

    def reinstall(self, name, release):
        """Over the network: the disk is wiped, and the host comes back as another machine with another key."""
        h = self.host(name)
        h["installing"], h["target"] = release, release
        self.event("is reinstalled with %s" % release, name)
        self.hosts.reboot(name, back=False)
        while h["power"] == "stopping":
            yield 0.02
        yield self.time("install")
        if h["power"] == "off" and h["installing"] == release:
            self.installed(name, release)

    def installed(self, name, release):
        h = self.host(name)
        h["software"], h["installing"], h["synced"] = release, None, h["personality"] != "controller"
        h["data"] = [release] if h["personality"] == "controller" else []
        h["machine_id"], h["next_keys"] = uuid.uuid4().hex, h["next_keys"][1:]
        self.machines.wipe(name, self.settings["keys_declared"])
        self.write_first(name)
        self.hosts.start_boot(name)

    def migrate(self, name):
        """controller-1, just installed: the data of the old release become the new one's."""
        self.set_state("data-migration")
        yield self.time("migrate")
        if self.spend("migrate", name):
            self.set_state("data-migration-failed")
            return
        self.host(name)["data"] = [OLD, NEW]
        self.write_data(name)
        self.set_state("data-migration-complete")

    def wipe_simplex(self, name):
        """The only host's disk is wiped, whatever was copied off it or not; a person installs it anew."""
        h = self.host(name)
        h["installing"] = NEW
        data = [os.path.join(self.root(name, "/opt/backups"), f) for f in os.listdir(self.root(name, "/opt/backups"))] if os.path.isdir(self.root(name, "/opt/backups")) else []
        copies = [self.root(n, "/srv/upgrade_data.tgz") for n in self.of("other")]
        held = [c for c in copies if os.path.isfile(c)]
        if not data or not any(same(d, c) for d in data for c in held):
            self.violation("data-lost", "the disk was wiped, and nothing holds its upgrade data", name)
        self.hosts.reboot(name, back=False)

    # ---- power

    def host_down(self, name):
        h = self.host(name)
        if h["personality"] == "other":
            return
        if not h["task"] and h["admin"] == "unlocked" and not self.simplex():
            self.evict(name)
        self.storage.host_down(name)
        if h["personality"] == "controller":
            h["synced"] = False

    def host_up(self, name):
        h = self.host(name)
        self.write(name, "/etc/machine-id", h["machine_id"] + "\n")

    def host_settled(self, name):
        h = self.host(name)
        if h["personality"] == "other":
            return
        was = h["task"]
        h["task"] = ""
        if h["failed"]:
            self.event("is unlocked, disabled, failed", name)
        if h["personality"] == "controller":
            self.spawn(self.syncs(name))
        if h["admin"] == "unlocked" and not h["failed"]:
            self.storage.host_back(name)
            for pod, p in self.s["pods"].items():
                if p["node"] is None or p["node"] == name and p["kind"] == "DaemonSet":
                    p["node"] = p["node"] or None
                    if p["node"] is None:
                        self.place(pod)
        state = self.state()
        if h["personality"] == "controller" and h["software"] == NEW and not self.simplex():
            if h["admin"] == "locked" and state in ("started", "data-migration", "data-migration-failed"):
                self.spawn(self.migrate(name))
            elif was == "Unlocking" and state == "data-migration-complete":
                self.set_state("upgrading-controllers")
            elif was == "Unlocking" and state == "upgrading-controllers" and all(self.host(n)["software"] == NEW for n in self.of("controller")):
                self.set_state("upgrading-hosts")
        if self.simplex() and was == "Unlocking" and state == "data-migration-complete":
            self.set_state("upgrading-hosts")
        return
        yield

    def syncs(self, name):
        yield self.time("sync")
        if self.running(name):
            self.host(name)["synced"] = True
            self.event("its replicated file systems are in step", name)

    def changed(self):
        """What must always be so."""
        for n in self.of("controller"):
            self.write_credentials(n)
        if self.s["swact"] is None and self.active() is None and not self.simplex() and not self.s.get("dark"):
            self.s["dark"] = True
            self.violation("services-lost", "no controller runs the services of the platform", self.s["active"])
        elif self.active() is not None:
            self.s["dark"] = False
        self.storage.check()

    # ---- systemd and the rest of the room

    def unit_state(self, host, unit):
        if unit in ("ssh", "systemd-journald"):
            return "active"
        if unit in ("mtcAgent", "sm"):
            return ("active" if self.host(host)["settled"] else "activating") if self.host(host)["personality"] == "controller" else None
        return None

    def units(self, host):
        return ["ssh.service", "systemd-journald.service"] + (["sm.service"] if self.host(host)["personality"] == "controller" else [])

    def domain(self):
        return "stx.test"

    def groups(self):
        return {kind: self.of(kind) for kind in ("controller", "storage", "worker")}

    def facts(self):
        return {
            "active": self.active() or "nobody", "state": self.state() or "none", "clean": self.storage.clean(), "io": self.storage.io(),
            "pending": len([p for p in self.s["pods"].values() if p["node"] is None]),
            "enabled": " ".join(n for n in self.names() if self.host(n)["personality"] != "other" and self.enabled(n)),
        }

    def act(self, call, words):
        """A person at the console: `install HOST` by network boot or USB; `repair HOST`: what failed works again; `power HOST`."""
        if len(words) == 2 and words[1] in self.s["hosts"]:
            verb, name = words
            h = self.host(name)
            if verb == "install" and h["power"] == "off":
                h["installing"], h["restored"] = None, not self.simplex()
                self.installed(name, NEW)
                return 0
            if verb == "repair":
                h["failed"] = False
                self.event("was mended by hand", name)
                if self.running(name) and h["admin"] == "unlocked":
                    self.storage.host_back(name)
                self.changed()
                return 0
        raise Refused(2, "a person can: install HOST (that is off), repair HOST")
        yield
