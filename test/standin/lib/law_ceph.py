"""Ceph: daemons and their order of versions, OSDs and placement groups, flags and health."""
from package_data import ceph_on_disk

KINDS = ("mon", "mgr", "osd", "mds")
PGS = 129


class Ceph:
    def __init__(self, cluster):
        self.c = cluster
        self.busy = {}             # daemon -> number of the start or stop in flight

    @property
    def s(self):
        return self.c.s["ceph"]

    # ---- questions

    def daemons(self, kind=None, host=None):
        return [d for d in self.s["daemons"].values() if kind in (None, d["kind"]) and host in (None, d["host"])]

    def name(self, d):
        return "%s.%s" % (d["kind"], d["id"])

    def runs(self, d):
        return d["state"] == "running" and self.c.hosts.answers(d["host"])

    def running(self, kind):
        return [d for d in self.daemons(kind) if self.runs(d)]

    def disk_version(self, host, kind):
        return ceph_on_disk(self.c.host(host)["packages"], kind)

    def mon_quorum(self):
        mons = self.running("mon")
        return [d["host"] for d in mons] if len(mons) > len(self.daemons("mon")) // 2 else []

    def osds_down(self):
        return [d for d in self.daemons("osd") if not self.runs(d)]

    def recovering(self):
        return [h for h, until in self.s["recovering"].items() if until > self.c.now()]

    def unclean_hosts(self, also=()):
        """Hosts whose copies are not all there and up to date."""
        return {d["host"] for d in self.osds_down()} | set(self.recovering()) | set(also)

    def storm(self):
        return self.s["storm_until"] > self.c.now()

    def stopped_io(self):
        return len(self.unclean_hosts()) >= 2

    def mgr_active(self):
        return next((d["host"] for d in self.running("mgr") if d["host"] == self.s["active_mgr"]), None)

    def mds_active(self):
        return next((d["host"] for d in self.running("mds") if d["host"] == self.s["active_mds"]), None)

    def pg_states(self):
        """State name -> number of placement groups."""
        down = {d["host"] for d in self.osds_down()}
        if self.stopped_io():
            bad = 97 if len(self.unclean_hosts()) == 2 else PGS
            states = {"undersized+degraded+peered": bad, "active+undersized+degraded": PGS - bad}
        elif self.storm():
            states = {"active+clean": 21, "active+undersized+degraded+remapped+backfilling": 12,
                      "active+undersized+degraded+remapped+backfill_wait": 96} if down else \
                     {"active+clean": 67, "active+remapped+backfilling": 8, "active+remapped+backfill_wait": 54}
        elif down:
            lost = PGS if all(not self.runs(d) for d in self.daemons("osd") if d["host"] in down) else 65
            states = {"active+clean": PGS - lost, "active+undersized+degraded": lost}
        elif self.recovering():
            states = {"active+clean": 88, "active+recovering+degraded": 4, "active+recovery_wait+degraded": 37}
        else:
            states = {"active+clean": PGS}
        return {name: count for name, count in states.items() if count}

    def clean(self):
        return list(self.pg_states()) == ["active+clean"]

    def health(self):
        """Check name -> (severity, message, details)."""
        checks, warn = {}, "HEALTH_WARN"
        mons, quorum = self.daemons("mon"), self.mon_quorum()
        missing = [d["host"] for d in mons if d["host"] not in quorum]
        if missing:
            checks["MON_DOWN"] = (warn, "%d/%d mons down, quorum %s" % (len(missing), len(mons), ",".join(quorum)),
                                  ["mon.%s is down (out of quorum)" % n for n in missing])
        if not self.running("mgr"):
            checks["MGR_DOWN"] = (warn, "no active mgr", [])
        if not self.running("mds"):
            checks["MDS_ALL_DOWN"] = ("HEALTH_ERR", "1 filesystem is offline", ["fs cephfs is offline because no MDS is active for it."])
        elif len(self.running("mds")) < 2:
            checks["MDS_INSUFFICIENT_STANDBY"] = (warn, "insufficient standby MDS daemons available", ["have 0; want 1 more"])
        if self.s["flags"]:
            checks["OSDMAP_FLAGS"] = (warn, "%s flag(s) set" % ",".join(self.s["flags"]), [])
        down = [d for d in self.osds_down() if d["in"]]
        if down:
            checks["OSD_DOWN"] = (warn, "%d osds down" % len(down), ["osd.%s (root=default,host=%s) is down" % (d["id"], d["host"])
                                                                     for d in down])
            whole = [n for n in self.c.names() if self.daemons("osd", n) and not any(self.runs(d) for d in self.daemons("osd", n))]
            if whole:
                checks["OSD_HOST_DOWN"] = (warn, "%d host (%d osds) down" % (len(whole), sum(len(self.daemons("osd", n)) for n in whole)),
                                           ["host %s (root=default) (2 osds) is down" % n for n in whole])
        states = self.pg_states()
        inactive = sum(n for name, n in states.items() if "active" not in name)
        degraded = sum(n for name, n in states.items() if "degraded" in name)
        if inactive:
            checks["PG_AVAILABILITY"] = (warn, "Reduced data availability: %d pgs inactive" % inactive, [])
        if degraded:
            checks["PG_DEGRADED"] = (warn, "Degraded data redundancy: %d/9132 objects degraded (%.3f%%), %d pgs degraded%s" % (
                degraded * 23, degraded * 23 / 91.32, degraded, ", %d pgs undersized" % degraded if down else ""), [])
        new = self.running("osd") and all(d["version"].startswith("19.") for d in self.running("osd"))
        if new and self.s["require_osd_release"] == "reef" and self.c.settings["osd_release_warns"]:
            checks["OSD_UPGRADE_FINISHED"] = (warn, "all OSDs are running squid or later but require_osd_release < squid", [])
        return checks

    def status_word(self):
        levels = [c[0] for c in self.health().values()]
        return "HEALTH_ERR" if "HEALTH_ERR" in levels else "HEALTH_WARN" if levels else "HEALTH_OK"

    def ok_to_stop_osds(self, ids):
        hosts = {d["host"] for d in self.daemons("osd") if d["id"] in ids}
        return len(self.unclean_hosts(hosts)) < 2

    # ---- daemons stop and start

    def stop(self, d):
        if d["state"] in ("running", "starting"):
            d["state"], d["since"] = "stopped", self.c.now()
        self.busy[self.name(d)] = self.busy.get(self.name(d), 0) + 1
        if d["kind"] == "osd":
            self.s["epoch"] += 1
            self.s["recovering"].pop(d["host"], None)

    def host_down(self, name):
        for d in self.daemons(host=name):
            self.stop(d)
            d["state"] = "failed" if d["state"] == "failed" else "stopped"

    def host_boots(self, name):
        yield from self.start_all(self.daemons(host=name))

    def restart(self, daemons):
        for d in daemons:
            self.stop(d)
        self.c.changed()
        yield from self.start_all(daemons)

    def start_all(self, daemons):
        tickets = {}
        for d in daemons:
            d["state"] = "starting"
            tickets[self.name(d)] = self.busy[self.name(d)] = self.busy.get(self.name(d), 0) + 1
        yield self.c.time("daemon")
        for kind in KINDS:
            for d in daemons:
                if d["kind"] == kind and tickets[self.name(d)] == self.busy[self.name(d)]:
                    self.started(d)
        self.c.changed()

    def started(self, d):
        version, name, host = self.disk_version(d["host"], d["kind"]), self.name(d), d["host"]
        if not self.c.hosts.answers(host):
            d["state"] = "stopped"
            return
        late = self.out_of_order(d, version)
        if late:
            d["state"] = "failed"
            self.c.violation("daemon-order", "%s starts with %s while %s still run %s: it fails" % (
                name, version, ", ".join(self.name(e) for e in late), late[0]["version"]), host, daemon=name)
            return
        if d["kind"] == "osd" and self.c.spend("osd", d["id"]):
            d["state"] = "failed"
            self.c.event("%s does not come up (injected)" % name, host)
            return
        if version != d["version"]:
            self.c.event("%s now runs %s" % (name, version), host)
        d["state"], d["version"], d["since"] = "running", version, self.c.now()
        if d["kind"] == "osd":
            self.s["epoch"] += 1
            d["in"] = True
            self.s["recovering"][host] = self.c.now() + self.c.time("recovery")
            self.c.after(self.c.time("recovery") + 0.01, self.c.changed)

    def out_of_order(self, d, version):
        """The daemons that had to be new before `d` may be."""
        if version <= "18.9" or d["version"] >= version:
            return []
        earlier = KINDS[:KINDS.index(d["kind"])]
        return [e for kind in earlier for e in self.daemons(kind) if e["version"] < version]

    # ---- flags

    def set_flag(self, flag, on):
        if on and flag not in self.s["flags"]:
            self.s["flags"].append(flag)
        elif not on and flag in self.s["flags"]:
            self.s["flags"].remove(flag)
        self.s["epoch"] += 1
        self.c.changed()

    # ---- laws

    def once(self, law, broken, text, host=None):
        """One entry for as long as it stays broken, another if it breaks again."""
        now = self.s.setdefault("broken_now", [])
        if broken and law not in now:
            now.append(law)
            self.c.violation(law, text, host)
        elif not broken and law in now:
            now.remove(law)

    def check(self):
        s = self.s
        for role, kind in (("active_mgr", "mgr"), ("active_mds", "mds")):
            running = [d["host"] for d in self.running(kind)]
            if s[role] not in running and running:
                s[role] = running[0]
        self.once("mon-quorum-lost", not self.mon_quorum(), "%d of %d monitors are left: Ceph answers nobody" % (
            len(self.running("mon")), len(self.daemons("mon"))))
        self.once("mgr-lost", not self.running("mgr"), "no manager is left")
        if self.daemons("mds"):
            self.once("mds-lost", not self.running("mds"), "no metadata server is left: the file system is offline")
        down = [d for d in self.osds_down() if d["in"]]
        if down and "noout" not in s["flags"]:
            for d in down:
                d["in"] = False
            s["storm_until"] = self.c.now() + self.c.time("storm")
            self.c.violation("rebalance-storm", "%s down without noout: Ceph moves their data, for %.0f s" % (
                ", ".join(self.name(d) for d in down), self.c.time("storm")), down[0]["host"])
            self.c.after(self.c.time("storm") + 0.01, self.c.changed)
        unclean = sorted(self.unclean_hosts())
        self.once("io-stopped", len(unclean) >= 2, "copies missing or stale on %s: placement groups below min_size, input and output "
                  "stopped" % ", ".join(unclean))
