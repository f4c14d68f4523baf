"""The units of a Proxmox VE node, as systemd shows them."""
import re

SIMPLE = ("pve-cluster", "pvedaemon", "pveproxy", "pvestatd", "pve-ha-lrm", "pve-ha-crm", "pvescheduler", "pve-firewall", "pve-guests",
          "spiceproxy",
          "ssh", "cron", "chrony", "systemd-journald")
CLUSTER = ("pve-cluster", "pvedaemon", "pveproxy", "pvestatd", "pve-ha-lrm", "pve-ha-crm", "pvescheduler", "pve-firewall", "pve-guests",
           "spiceproxy")
KINDS = ("mon", "mgr", "osd", "mds")


class Units:
    def __init__(self, cluster):
        self.c = cluster

    def daemons_of(self, host, unit):
        """The Ceph daemons that a unit name means on this host; None if it is no Ceph unit."""
        if unit == "ceph.target":
            return self.c.ceph.daemons(host=host)
        m = re.fullmatch(r"ceph-(mon|mgr|osd|mds)(\.target|@(.+))", unit)
        if not m:
            return None
        found = self.c.ceph.daemons(m.group(1), host)
        return found if m.group(3) is None else [d for d in found if m.group(3) in (d["id"], "*")]

    def state(self, host, unit):
        """systemd's word for one unit, or None for a unit that there is not."""
        h = self.c.host(host)
        if unit in h["stopped_units"]:
            return "inactive"
        if unit == "corosync":
            return {"active": "active", "failed": "failed"}.get(h["corosync"], "inactive")
        daemons = self.daemons_of(host, unit)
        if daemons is not None:
            if unit.endswith(".target"):
                return "active" if any(d["state"] == "running" for d in daemons) else "inactive"
            if not daemons:
                return None
            word = daemons[0]["state"]
            return {"running": "active", "starting": "activating", "stopped": "inactive"}.get(word, word)
        if unit in SIMPLE:
            if unit in CLUSTER and h["out_of_service"] is not None:
                return "failed"
            return "active" if h["settled"] or unit in ("ssh", "systemd-journald") else "activating"
        return None

    def all(self, host):
        names = ["corosync.service"] + [u + ".service" for u in SIMPLE]
        names += ["ceph-%s@%s.service" % (d["kind"], d["id"]) for d in self.c.ceph.daemons(host=host)]
        return sorted(names)

    def act(self, call, verb, unit):
        """start, stop or restart of one unit that exists. A generator."""
        name, h = call.host, self.c.host(call.host)
        daemons = self.daemons_of(name, unit)
        if daemons is not None:
            if verb == "stop":
                for d in daemons:
                    self.c.ceph.stop(d)
                self.c.changed()
            elif verb == "start":
                yield from self.c.ceph.start_all([d for d in daemons if d["state"] != "running"])
            else:
                yield from self.c.ceph.restart(daemons)
            failed = [d for d in daemons if d["state"] == "failed"]
            if failed and not unit.endswith(".target"):
                call.err("Job for ceph-%s@%s.service failed because the control process exited with error code.\n" % (
                    failed[0]["kind"], failed[0]["id"]))
                return 1
            return 0
        if unit == "corosync":
            if h["out_of_service"] is not None:
                call.err("Job for corosync.service failed because the control process exited with error code.\n")
                return 1
            if verb == "stop":
                h["orderly"], h["corosync"] = True, "inactive"
                self.c.changed()
            else:
                yield from self.c.quorum.restart(name)
            return 0
        if unit in CLUSTER and h["out_of_service"] is not None:
            call.err("Job for %s.service failed because the control process exited with error code.\n" % unit)
            return 1
        yield 0.05
        if verb == "stop" and unit not in h["stopped_units"]:
            h["stopped_units"].append(unit)
        elif verb != "stop" and unit in h["stopped_units"]:
            h["stopped_units"].remove(unit)
        self.c.event("%s %s" % (verb, unit), name)
        return 0
