"""The HA manager: maintenance, failback, recovery of what died. Only guests that it manages."""


class HA:
    TICK = 0.1

    def __init__(self, cluster):
        self.c = cluster
        self.awake = False
        self.busy = False

    def services(self):
        return [g for g in self.c.guests.all() if g["ha"]]

    def in_maintenance(self, name):
        return self.c.s["ha"]["maintenance"].get(name) == "active"

    def lrm(self, name):
        """The word for a node's local resource manager."""
        if not self.c.hosts.answers(name) or not self.c.quorum.runs(name):
            return "old timestamp - dead?"
        if self.in_maintenance(name):
            return "maintenance mode"
        return "active" if any(g["node"] == name for g in self.services()) else "idle"

    def master(self):
        """The node whose cluster resource manager holds the lock."""
        ha = self.c.s["ha"]
        good = [n for n in self.c.names() if self.c.hosts.up(n) and self.c.quorum.quorate(n)]
        if ha["master"] not in good and good:
            ha["master"] = good[0]
        return ha["master"]

    def request_maintenance(self, name, on):
        table = self.c.s["ha"]["maintenance"]
        if on and name not in table:
            table[name] = "requested"
            self.c.event("maintenance requested", name)
            self.c.after(self.c.time("maintenance"), lambda: self.enter(name))
        elif not on and name in table:
            self.c.after(self.c.time("maintenance"), lambda: self.leave(name))

    def enter(self, name):
        if self.c.s["ha"]["maintenance"].get(name) == "requested":
            self.c.s["ha"]["maintenance"][name] = "active"
            self.c.event("in maintenance", name)
            self.wake()

    def leave(self, name):
        if self.c.s["ha"]["maintenance"].pop(name, None):
            self.c.event("maintenance ended", name)
            self.wake()

    # ---- the manager's loop: one migration at a time

    def wake(self):
        if not self.awake:
            self.awake = True
            self.c.after(0, self.tick)

    def tick(self):
        self.awake = False
        if not self.c.quorum.any_quorate():
            return                                   # woken again by the next change
        again = False
        for g in self.services():
            again = self.look_after(g) or again
        if again:
            self.awake = True
            self.c.after(self.TICK, self.tick)

    def target(self, g, wanted=None):
        """A node that can take `g`, the emptiest first; `wanted` if it can."""
        good = [n for n in self.c.guests.allowed(g) if self.c.hosts.up(n) and not self.in_maintenance(n)
                and n not in self.c.s["ha"]["maintenance"] and self.c.host(n)["settled"]]
        if wanted:
            return wanted if wanted in good else None
        return min(good, key=lambda n: (len(self.c.guests.on(n)), n)) if good else None

    def look_after(self, g):
        """One step for one guest. True if there is something to come back for."""
        node = g["node"]
        if g["request"] != "started":
            if g["status"] == "running" and g["request"] == "stopped" and self.c.hosts.up(node):
                self.c.guests.stop(g, "HA request")
            g["ha_state"] = "stopped"
            return False
        if g["ha_state"] == "migrate":
            return True
        if not self.c.hosts.answers(node):
            return self.recover(g)
        if g["status"] == "stopped":
            if self.c.hosts.up(node) and self.c.host(node)["settled"] and self.c.quorum.writable(node):
                self.c.guests.start(g, "HA")
                g["ha_state"] = "started"
                return True
            return self.c.host(node)["out_of_service"] is None or self.recover(g)
        home = g["maintenance_node"]
        if self.in_maintenance(node):
            return self.move(g, self.target(g), "HA maintenance of %s" % node, home or node)
        if home and home not in self.c.s["ha"]["maintenance"]:
            if home == node:
                g["maintenance_node"] = None
                return False
            return self.move(g, self.target(g, home), "HA failback after maintenance", None) or True
        return bool(home)

    def move(self, g, target, why, home):
        if target is None:
            return True
        if self.busy or g["lock"]:
            return True
        self.busy, g["ha_state"] = True, "migrate"
        self.c.spawn(self.moving(g, target, why, home))
        return True

    def moving(self, g, target, why, home):
        try:
            problem = self.c.guests.obstacle(g, target, True) or (yield from self.c.guests.migrate(g, target, why))
        finally:
            self.busy, g["ha_state"] = False, "started"
        if problem:
            self.c.event("HA could not move guest %d: %s" % (g["id"], problem), g["node"])
        else:
            g["maintenance_node"] = home
        self.wake()

    def recover(self, g):
        """Its node is down: fence, then start it elsewhere."""
        since = self.c.host(g["node"])["since"]
        if self.c.now() - since < self.c.time("fence"):
            g["ha_state"] = "fence"
            return True
        g["ha_state"] = "recovery"
        target = self.target(g)
        if target is None:
            return True
        lost = g["node"]
        g["node"], g["ha_state"] = target, "started"
        self.c.guests.start(g, "HA recovery from %s" % lost)
        return False
