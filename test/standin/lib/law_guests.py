"""Guests: where they run, why they refuse to move, and how they die."""
from engine import Refused


class Guests:
    def __init__(self, cluster):
        self.c = cluster
        self.moving = 0

    def all(self):
        return list(self.c.s["guests"].values())

    def get(self, number, kind=None):
        g = self.c.s["guests"].get(str(number))
        return g if g and kind in (None, g["kind"]) else None

    def on(self, name, kind=None):
        return [g for g in self.all() if g["node"] == name and kind in (None, g["kind"])]

    def sid(self, g):
        return "%s:%d" % ("vm" if g["kind"] == "qemu" else "ct", g["id"])

    def mark(self, g, up, why):
        g["status"] = "running" if up else "stopped"
        g["availability"].append([round(self.c.now(), 3), "up" if up else "down", why])

    # ---- what keeps a guest where it is

    def local_resources(self, g):
        return ["hostpci0"] if g["hostpci"] else []

    def local_disks(self, g):
        disks = [{"cdrom": 0, "drivename": "scsi%d" % n, "is_attached": 1, "is_tpmstate": 0, "is_unused": 0, "is_vmstate": 0,
                  "replicate": 1, "shared": 0, "size": 34359738368, "volid": volume} for n, volume in enumerate(g["local_disks"])]
        if g["cdrom"]:
            disks.append({"cdrom": 1, "drivename": "ide2", "is_attached": 1, "shared": 0, "volid": g["cdrom"]})
        return disks

    def barred(self, g):
        """Nodes that cannot take it, and why."""
        found = {}
        for name in self.c.names():
            if name == g["node"]:
                continue
            if name in g["barred_nodes"]:
                found[name] = {"unavailable_storages": [g["storage"]]}
            elif g["local_disks"]:
                found[name] = {"unavailable_storages": [g["local_disks"][0].partition(":")[0]]}
            elif g["hostpci"]:
                found[name] = {"unavailable-resources": ["hostpci0"]}
        return found

    def allowed(self, g):
        barred = self.barred(g)
        return [n for n in self.c.names() if n != g["node"] and n not in barred and self.c.quorum.quorate(n)]

    def obstacle(self, g, target, online):
        """Why `g` cannot go to `target` now, in the words of the real tools; None if it can."""
        running = g["status"] == "running"
        if target == g["node"]:
            return "target is local node."
        if target not in self.c.names():
            return "no such cluster node '%s'" % target
        if g["lock"]:
            return "%s is locked (%s)" % ("VM" if g["kind"] == "qemu" else "CT", g["lock"])
        if not self.c.hosts.up(target) or not self.c.quorum.quorate(target):
            return "Can't connect to destination address using public key"
        if g["kind"] == "qemu":
            if running and not online:
                return "can't migrate running VM without --online"
            if self.local_resources(g):
                return "can't migrate VM which uses local devices: %s" % ", ".join(self.local_resources(g))
            if g["cdrom"]:
                return "can't migrate local cdrom '%s'" % g["cdrom"]
            if g["local_disks"]:
                return ("can't migrate local disk '%s': can't live migrate attached local disks without with-local-disks option"
                        % g["local_disks"][0])
        if target in g["barred_nodes"]:
            return "storage '%s' is not available on node '%s'" % (g["storage"], target)
        if running and online and g["cpu"] == "host" \
                and self.c.host(target)["cpu_model"] != self.c.host(g["node"])["cpu_model"]:
            return "target CPU model does not provide the features that the guest (cpu: host) was started with"
        return None

    # ---- moving

    def migrate(self, g, target, why):
        """Moves `g`; the obstacles are checked by who asks. A generator; returns None or what went wrong."""
        source, running = g["node"], g["status"] == "running"
        g["lock"] = "migrate"
        self.moving += 1
        if self.moving >= int(self.c.settings["storm_at"]):
            self.c.violation("migration-storm", "%d migrations at once starve the corosync heartbeat" % self.moving, source)
        try:
            if g["kind"] == "lxc" and running:
                self.mark(g, False, "restart migration")
            waited = 0.0
            while waited < self.c.time("migrate"):
                if self.moving >= int(self.c.settings["storm_at"]):
                    self.c.quorum.retransmits()
                slice_ = min(0.1, self.c.time("migrate") - waited) or 0.01
                yield slice_
                waited += slice_
        finally:
            self.moving -= 1
            g["lock"] = None
        if not self.c.hosts.answers(source):
            return "the source node went down"
        if self.c.spend("migrate", g["id"]):
            if g["kind"] == "lxc" and running:
                self.mark(g, True, "back on %s" % source)
            return "online migrate failure - aborting"
        if not self.c.hosts.up(target) or not self.c.quorum.quorate(target):
            if g["kind"] == "lxc" and running:
                self.mark(g, True, "back on %s" % source)
            return "the target node went down"
        g["node"] = target
        if g["kind"] == "lxc" and running:
            self.mark(g, True, "restarted on %s" % target)
        self.c.event("guest %d moved from %s to %s (%s)" % (g["id"], source, target, why), source)
        return None

    # ---- starting and stopping

    def start(self, g, why):
        self.mark(g, True, why)
        g["lost_at"] = None
        self.c.event("guest %d started on %s (%s)" % (g["id"], g["node"], why), g["node"])

    def stop(self, g, why):
        self.mark(g, False, why)
        self.c.event("guest %d stopped on %s (%s)" % (g["id"], g["node"], why), g["node"])

    def require_idle(self, g):
        if g["lock"]:
            raise Refused(255, "%s is locked (%s)" % ("VM" if g["kind"] == "qemu" else "CT", g["lock"]))

    # ---- laws

    def host_down(self, name):
        """Whatever still runs on a host that goes down dies with it."""
        for g in self.on(name):
            if g["status"] == "running":
                self.mark(g, False, "died with %s" % name)
                g["lost_at"] = self.c.now()
                self.c.violation("guest-died", "guest %d (%s) was running on %s when it went down" % (g["id"], g["name"], name),
                                 name, guest=g["id"])

    def host_boots(self, name):
        for g in self.on(name):
            if g["status"] == "stopped" and g["onboot"] and not g["ha"] and self.c.quorum.quorate(name):
                self.start(g, "onboot")
