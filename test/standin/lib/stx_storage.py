"""Ceph as StarlingX lays it out: peer groups that each hold all the data, monitors on three hosts (one that floats on an AIO)."""


class Storage:
    def __init__(self, cluster):
        self.c = cluster

    def carriers(self):
        return [n for n in self.c.names() if self.c.host(n)["osds"]]

    def up(self, name):
        h = self.c.host(name)
        return self.c.running(name) and h["admin"] == "unlocked" and not h["failed"] and h["restored"] and not h["task"] == "Unlocking"

    def mons(self):
        return [n for n in self.c.names() if self.c.host(n)["mon"]]

    def quorum(self):
        return [n for n in self.mons() if self.up(n)]

    def answers(self):
        """There is a monitor quorum. On an AIO the one monitor goes with the active controller."""
        mons = self.mons()
        return self.c.active() is not None if not mons else 2 * len(self.quorum()) > len(mons)

    def groups(self):
        found = {}
        for n in self.carriers():
            found.setdefault(self.c.host(n)["peer_group"], []).append(n)
        return found

    def clean(self):
        return all(self.up(n) for n in self.carriers()) and not self.c.s["recovering"]

    def good(self, name):
        """Its OSDs have all the data of the group."""
        return self.up(name) and name not in self.c.s["recovering"]

    def io(self):
        return "running" if all(any(self.good(n) for n in hosts) for hosts in self.groups().values()) else "stopped"

    def ok_to_stop(self, ids):
        """No group would be left without a host that has all the data."""
        going = {n for n in self.carriers() if set(self.c.host(n)["osds"]) & set(ids)}
        return all(any(self.good(n) and n not in going for n in hosts) for hosts in self.groups().values())

    # ---- what happens to it

    def host_leaves(self, name):
        self.c.s["recovering"].pop(name, None)

    def host_down(self, name):
        self.c.s["recovering"].pop(name, None)

    def host_back(self, name):
        if self.c.host(name)["osds"]:
            self.c.s["recovering"][name] = True
            self.c.spawn(self.recovers(name))
        self.c.changed()

    def recovers(self, name):
        yield self.c.time("recovery")
        if self.up(name) and self.c.s["recovering"].pop(name, None):
            self.c.event("its OSDs have caught up", name)
            self.c.changed()

    def check(self):
        if self.c.simplex():
            return
        s = self.c.s
        stopped = self.io() == "stopped"
        if stopped and not s.get("io_stopped"):
            self.c.violation("storage-lost", "a peer group has no host left with all the data: I/O stands still")
        s["io_stopped"] = stopped
        lost = bool(self.mons()) and not self.answers()
        if lost and not s.get("mons_lost"):
            self.c.violation("mon-quorum-lost", "%d of %d monitors are left" % (len(self.quorum()), len(self.mons())))
        s["mons_lost"] = lost
