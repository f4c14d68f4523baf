"""The Proxmox VE / Ceph / corosync cluster: one state, and the laws that every change to it obeys."""
from law_ceph import Ceph
from law_guests import Guests
from law_ha import HA
from law_packages import Packages
from law_quorum import Quorum
from law_units import Units
from package_data import newest_kernel
from room import Room


class Cluster(Room):
    """Each subject's laws live in a member of their own."""

    def __init__(self, directory, state, engine, ledger):
        super().__init__(directory, state, engine, ledger)
        self.quorum, self.guests, self.ha = Quorum(self), Guests(self), HA(self)
        self.ceph, self.packages, self.service = Ceph(self), Packages(self), Units(self)

    def changed(self):
        self.quorum.check()
        self.ceph.check()
        self.ha.wake()

    def write_first(self, name):
        self.packages.write_first(name)

    def host_down(self, name):
        h = self.host(name)
        h["corosync"] = "inactive" if h["corosync"] == "active" else h["corosync"]
        self.packages.host_down(name)
        self.guests.host_down(name)
        self.ceph.host_down(name)
        down = [n for n in self.names() if self.host(n)["power"] not in ("up", "stopping")]
        if len(down) >= 2:
            self.violation("two-hosts-down", "%s are down at the same time" % ", ".join(down), name)

    def boots_with(self, name):
        self.host(name)["kernel"] = newest_kernel(self.host(name)["packages"])

    def host_up(self, name):
        h = self.host(name)
        h["corosync"] = "inactive"
        self.packages.host_boots(name)
        h["stopped_units"] = []
        self.quorum.joins(name)

    def host_settled(self, name):
        if self.host(name)["out_of_service"] is None:
            self.guests.host_boots(name)
            yield from self.ceph.host_boots(name)

    def host_hangs(self, name, on):
        h = self.host(name)
        if on:
            h["corosync"] = "inactive" if h["corosync"] == "active" else h["corosync"]
            self.ceph.host_down(name)
        elif h["power"] == "up":
            self.quorum.joins(name)
            self.spawn(self.ceph.host_boots(name))

    def unit_state(self, host, unit):
        return self.service.state(host, unit)

    def units(self, host):
        return self.service.all(host)

    def unit_act(self, call, verb, unit):
        return self.service.act(call, verb, unit)

    def links(self, host):
        return [("lo", "loopback", [("127.0.0.1", 8)]), ("vmbr0", "ether", [(self.host(host)["address"], 24)])]

    def before_write(self, call):
        if any("/etc/pve" in a for a in call.args):
            self.quorum.require_write(call.host, "%s: cannot write in '/etc/pve': Permission denied" % call.tool, 1)

    def facts(self):
        return {
            "votes": len(self.quorum.members()), "quorate": self.quorum.any_quorate(), "pgs": self.ceph.pg_states(), "clean": self.ceph.clean(),
            "health": self.ceph.status_word(), "io": "stopped" if self.ceph.stopped_io() else "running",
            "running": {n: " ".join(str(g["id"]) for g in self.guests.on(n) if g["status"] == "running") for n in self.names()},
        }

    def groups(self):
        names = self.names()
        return {"proxmox": names, "ceph_mon": names, "ceph_osd": names, "ceph_mds": names[:2]}
