"""Platform9 Private Cloud Director: the hosts of one virtualized cluster, their management plane, and the laws of both."""
import os
import time

from engine import Refused
from pf9_initial import LEAST, RANKS, REGION, ROLES, UNITS
from room import Room

RELEASES = {"22.04": ("Ubuntu 22.04.5 LTS", "jammy", "5.15.0-153-generic"), "24.04": ("Ubuntu 24.04.3 LTS", "noble", "6.8.0-79-generic")}
MONTHS_AGO = 90 * 86400


class Cluster(Room):
    # ---- files

    def write_first(self, name):
        super().write_first(name)
        self.write_release(name)
        self.write(name, "/var/log/pf9/hostagent.log", "hostagent: role application complete\n")
        self.write(name, "/var/log/syslog", "nothing\n")
        for n in range(self.host(name)["old_logs"]):
            path = "/var/log/syslog.%d.gz" % (n + 1)
            self.write(name, path, "old\n")
            old = time.time() - MONTHS_AGO
            os.utime(self.root(name, path), (old, old))

    def write_release(self, name):
        h = self.host(name)
        pretty, code, _ = RELEASES[h["os"]]
        self.write(name, "/etc/os-release", 'PRETTY_NAME="%s"\nNAME="Ubuntu"\nVERSION_ID="%s"\nVERSION_CODENAME=%s\nID=ubuntu\n' % (pretty, h["os"], code))

    def disk_free(self, host):
        """Each old log that is still there takes a gigabyte."""
        table = dict(self.host(host)["disk"])
        folder = self.root(host, "/var/log")
        left = len([f for f in os.listdir(folder) if f.endswith(".gz")]) if os.path.isdir(folder) else 0
        table["/var/log"] -= left << 30
        return table

    def log(self, name, text):
        with open(self.root(name, "/var/log/pf9/hostagent.log"), "a") as f:
            f.write("hostagent: %s\n" % text)

    # ---- who is who

    def managed(self):
        return [n for n in self.names() if self.host(n)["carries"]]

    def carrying(self, role):
        return [n for n in self.names() if role in self.host(n)["carries"]]

    def management(self):
        return [n for n in self.names() if not self.host(n)["carries"]]

    def on(self, name):
        """Guests that run there."""
        return [g for g in self.s["guests"].values() if g["host"] == name and g["status"] == "ACTIVE"]

    def version(self, name):
        found = set(self.host(name)["packages"].values())
        return found.pop() if len(found) == 1 else "mixed"

    def rank(self, name):
        return max(RANKS.index(r) for r in self.host(name)["carries"])

    def responding(self, name):
        h = self.host(name)
        return self.hosts.up(name) and h["settled"] and h["units"]["pf9-hostagent"] == "active"

    def serves(self, name, role):
        """The host's part of a service is there."""
        h = self.host(name)
        return (self.hosts.up(name) and h["settled"] and role not in h["away"] and h["interrupted"] is None and
                all(h["units"][u] == "active" for u in UNITS[role]))

    # ---- units

    def unit_state(self, host, unit):
        h = self.host(host)
        if unit in ("ssh", "systemd-journald"):
            return "active"
        if unit not in h["units"]:
            return None
        return h["units"][unit] if h["settled"] else "activating"

    def units(self, host):
        return sorted(u + ".service" for u in list(self.host(host)["units"]) + ["ssh", "systemd-journald"])

    def unit_act(self, call, verb, unit):
        name, h = call.host, self.host(call.host)
        if unit not in h["units"]:
            return 0
        if unit == "pf9-neutron-ovn-controller" and verb != "start":
            self.controller_restarts(name)
        yield 0.05
        if h["interrupted"] and verb != "stop":
            call.err("Job for %s.service failed because the control process exited with error code.\n" % unit)
            h["units"][unit] = "failed"
            return 1
        h["units"][unit] = "inactive" if verb == "stop" else "active"
        self.event("%s %s" % (verb, unit), name)
        if unit == "pf9-hostagent" and verb != "stop":
            self.spawn(self.converges(name))
        self.changed()
        return 0

    # ---- networks

    def links(self, host):
        h = self.host(host)
        found = [("lo", "loopback", [("127.0.0.1", 8)])]
        if h["carries"]:
            return found + [(b, "ether", [(h["management_ip"], 24)] if b == "br-ex" else []) for b in h["bridges"]]
        return found + [("eth0", "ether", [(h["management_ip"], 24)])]

    def reachable(self, name):
        h = self.host(name)
        return not h["carries"] or "eno1" in h["bridges"].get("br-ex", [])

    # ---- power

    def host_down(self, name):
        h = self.host(name)
        for g in self.on(name):
            g["status"] = "SHUTOFF"
            self.violation("guest-died", "%s was running on it" % g["name"], name)
        if h["changing"] in ("release upgrade", "install"):
            h["interrupted"] = h["changing"]
            self.violation("reboot-during-upgrade", "went down in the middle of: %s" % h["changing"], name)
        h["changing"] = None if h["changing"] in ("release upgrade", "install") else h["changing"]

    def boots_with(self, name):
        h = self.host(name)
        first = h["running_os"] != h["os"]
        h["running_os"], h["kernel"] = h["os"], RELEASES[h["os"]][2]
        for unit in h["units"]:
            h["units"][unit] = "failed" if h["interrupted"] else "active"
        if first:
            for kind, bridge, port in (("bridge", "br-ex", "eno1"), ("data_bridge", "br-data", "eno2")):
                if self.spend(kind, name):
                    h["bridges"][bridge].remove(port)
                    self.event("%s came back without %s" % (bridge, port), name)
            if self.spend("agent", name):
                h["units"]["pf9-hostagent"] = "inactive"

    def host_settled(self, name):
        if self.host(name)["carries"]:
            self.spawn(self.converges(name))
        return
        yield

    # ---- the agent

    def converges(self, name):
        """What the host agent does after a start: it applies the roles that the management plane wants. A generator."""
        h = self.host(name)
        if not h["carries"] or h["role_status"] == "unauthorized":
            return
        if h["changing"] is not None or h["role_status"] == "converging":
            return
        h["role_status"] = "converging"
        if not self.settings["self_hosted"]:     # where Platform9 operates it, a host that reports back clears its stale record
            for pod in self.s["pods"].values():
                pod["phase"] = "Failed" if pod["host"] == name else pod["phase"]
        yield self.time("converge")
        if h["role_status"] != "converging":
            return
        whole = self.version(name) != "mixed" and h["interrupted"] is None and all(ROLES[r] in h["roles"] for r in h["carries"])
        h["role_status"] = "applied" if whole else "failed"
        self.log(name, "converge successful" if whole else "converge failed: inconsistent packages")
        self.changed()

    def resync(self, name):
        h = self.host(name)
        if self.spend("resync", name):
            return
        if h["role_status"] in ("converging", "failed") and h["changing"] is None:
            h["role_status"] = "applied"
            yield from self.converges(name)

    # ---- one host's upgrade, as its pod does it

    def upgrade(self, name):
        """The management plane's part: (message, pod) of what it says at once; the rest goes on in the pod."""
        h = self.host(name)
        if not self.settings["region_ready"]:
            self.violation("unhealthy-plane", "an upgrade was asked of a management plane that is not healthy", name)
            return "Error: 503 Service Unavailable: region %s has failing services" % REGION, None
        held = [p for p in self.s["pods"].values() if p["host"] == name and p["phase"] in ("Running", "Pending")]
        if not held and self.spend("conflict", name):
            held = [self.pod(name)]
        if held:
            self.refused("409: %s is in progress" % held[0]["name"], name)
            return "Error: 409 Conflict: an upgrade of host %s is already in progress" % name, None
        if h["role_status"] == "unauthorized":
            return "Error: Cluster Name Removed from Host: %s has no cluster association" % name, None
        if not self.responding(name):
            return "Error: host %s is not responding" % name, None
        self.begins(name, "upgrade")
        pod = self.pod(name)
        self.spawn(self.upgrading(name, pod))
        return None, pod

    def pod(self, name):
        pod = {"name": "host-upgrade-%s" % os.urandom(4).hex(), "host": name, "phase": "Running", "message": ""}
        self.s["pods"][pod["name"]] = pod
        return pod

    def begins(self, name, what):
        """Laws about when packages of a host may be touched."""
        h = self.host(name)
        others = [n for n in self.managed() if n != name and (self.host(n)["changing"] or self.host(n)["power"] != "up")]
        if others:
            self.violation("two-at-once", "%s of %s begins while %s is being changed" % (what, name, ", ".join(others)), name)
        target = (lambda n: self.host(n)["os"] != "24.04") if what == "release upgrade" else (lambda n: self.version(n) != self.settings["new"])
        late = [n for n in self.managed() if target(n) and self.rank(n) < self.rank(name)] if what != "install" else []
        if late:
            self.violation("rank", "%s goes before %s, which carries less" % (name, ", ".join(late)), name)
        h["changing"] = what
        self.event("%s begins" % what, name)

    def ends(self, name, what):
        self.host(name)["changing"] = None
        self.event("%s ends" % what, name)
        self.changed()

    def replace(self, name, wanted, seconds):
        """Replaces packages by what the repository has; True if all went well. A generator."""
        h, new = self.host(name), self.settings["new"]
        short = [m for m, least in LEAST.items() if self.disk_free(name)[m] < least]
        names = sorted(wanted)
        half = names[:max(1, len(names) // 2)]
        yield seconds / 2
        if h["power"] != "up":
            return False
        h["packages"].update({p: new for p in half})
        if short:
            self.violation("out-of-space", "the packages do not fit: %s" % ", ".join(short), name)
            return False
        if self.spend("upgrade", name):
            return False
        if "pf9-neutron-ovn-controller" in names or "pf9-neutron-base" in names:
            self.controller_restarts(name)
        h["away"] = [r for r in h["carries"] if r in ("image_library", "block_storage", "networking")]
        self.changed()
        yield self.time("service")
        h["packages"].update({p: new for p in names})
        h["away"] = []
        self.changed()
        yield seconds / 2
        return h["power"] == "up"

    def upgrading(self, name, pod):
        h = self.host(name)
        h["role_status"] = "converging"
        whole = yield from self.replace(name, [p for p, v in h["packages"].items() if v != self.settings["new"]], self.time("upgrade"))
        self.ends(name, "upgrade")
        if not whole:
            h["role_status"], pod["message"] = "failed", "package installation failed on %s" % name
        elif self.spend("expel", name):
            self.expel(name)
            pod["message"] = "Cluster Name Removed from Host: %s" % name
        elif self.spend("stuck", name):
            pod["message"] = "timed out waiting for %s to converge" % name
        else:
            h["role_status"] = "applied" if h["role_status"] == "converging" else h["role_status"]
            self.log(name, "role application complete")
        pod["phase"] = "Failed" if pod["message"] else "Succeeded"
        self.changed()

    def expel(self, name):
        h = self.host(name)
        h["roles"], h["cluster"], h["role_status"] = [], None, "unauthorized"
        self.event("lost its association with the cluster", name)

    # ---- laws

    def controller_restarts(self, name):
        for g in self.on(name):
            self.violation("packets-lost", "the OVN controller restarts while %s runs there" % g["name"], name)

    def changed(self):
        """Looks at what holds for the cluster as a whole; each breach counts once, until it is over."""
        now, running = [], {self.host(n)["running_os"] for n in self.managed()}
        if len(running) > 1 and (self.s["ha"] or self.s["drr"]):
            now.append(("ha-in-mixed-cluster", "VM HA or DRR is on while %s run side by side" % " and ".join(sorted(running))))
        for role, law in (("networking", "networking-lost"), ("image_library", "image-library-lost")):
            hosts = self.carrying(role)
            if len(hosts) > 1 and not any(self.serves(n, role) for n in hosts):
                now.append((law, "no host is left that carries %s" % role))
        storage = self.carrying("block_storage")
        if storage and not any(self.serves(n, "block_storage") for n in storage) and (len(storage) > 1 or self.settings["volume_operations"]):
            now.append(("block-storage-lost", "volumes cannot be attached or detached"))
        for law, text in now:
            if law not in self.s["episode"]:
                self.violation(law, text)
        self.s["episode"] = [law for law, _ in now]

    # ---- guests

    def places(self, guest):
        """(hosts that take it, hosts that would but run another Ubuntu)."""
        here = self.host(guest["host"])
        free = [n for n in self.carrying("hypervisor") if n != guest["host"] and not self.host(n)["maintenance"] and self.serves(n, "hypervisor")
                and self.host(n)["changing"] is None]
        same = [n for n in free if self.host(n)["running_os"] == here["running_os"]]
        return same, [n for n in free if n not in same]

    def drain(self, name):
        for g in self.on(name):
            same, other = self.places(g)
            if same:
                yield self.time("migrate")
                if g["host"] == name and g["status"] == "ACTIVE" and self.host(name)["power"] == "up":
                    g["host"] = min(same, key=lambda n: len(self.on(n)))
                    self.event("%s migrated to %s" % (g["name"], g["host"]), name)
            elif other:
                g["status"] = "ERROR"
                self.violation("mixed-migration", "%s cannot migrate to %s: another version of KVM" % (g["name"], other[0]), name)
            else:
                self.event("no host takes %s" % g["name"], name)

    # ---- a person at the UI or at a console

    def act(self, call, words):
        verb, rest = words[0], words[1:]
        if verb == "ha" and rest in (["on"], ["off"]):
            self.s["ha"] = self.s["drr"] = rest == ["on"]
        elif verb in ("ha-only", "drr-only") and rest in (["on"], ["off"]):
            self.s[verb[:-5]] = rest == ["on"]
        elif len(rest) >= 1 and rest[0] in self.managed():
            return (yield from self.act_on(call, verb, rest[0], rest[1:]))
        else:
            raise Refused(2, "act knows: ha|ha-only|drr-only on|off, maintenance HOST on|off, guests HOST on|off, upgrade HOST, reauthorize HOST, "
                             "deauthorize HOST, resync HOST, console HOST ovs-vsctl add-port BRIDGE PORT")
        self.changed()
        return 0

    def act_on(self, call, verb, name, rest):
        h = self.host(name)
        if verb == "maintenance" and rest in (["on"], ["off"]):
            h["maintenance"] = rest == ["on"]
            self.event("maintenance %s" % rest[0], name)
            if h["maintenance"]:
                yield from self.drain(name)
        elif verb == "guests" and rest in (["on"], ["off"]):
            for g in self.s["guests"].values():
                if g["host"] == name and g["status"] in ("ACTIVE", "SHUTOFF"):
                    yield self.time("shutdown")
                    g["status"] = "ACTIVE" if rest == ["on"] else "SHUTOFF"
        elif verb == "upgrade" and not rest:
            said, pod = self.upgrade(name)
            while pod and pod["phase"] == "Running":
                yield 0.05
            if said or pod["message"]:
                raise Refused(1, said or pod["message"])
        elif verb == "reauthorize" and not rest:
            h["roles"], h["cluster"], h["role_status"] = [ROLES[r] for r in h["carries"]], "prod", "applied"
            yield from self.converges(name)
        elif verb == "deauthorize" and not rest:
            if h["changing"]:
                self.violation("deauthorized-during-upgrade", "its roles were removed while it was upgraded", name)
            self.expel(name)
        elif verb == "resync" and not rest:
            yield from self.resync(name)
        elif verb == "console" and rest[:2] == ["ovs-vsctl", "add-port"] and len(rest) == 4 and rest[2] in h["bridges"]:
            h["bridges"][rest[2]] = sorted(set(h["bridges"][rest[2]]) | {rest[3]})
        else:
            raise Refused(2, "nobody can do that: %s %s %s" % (verb, name, " ".join(rest)))
        self.changed()
        return 0

    # ---- what follows from the state

    def facts(self):
        return {"running": {n: " ".join(sorted(g["name"] for g in self.on(n))) for n in self.managed()},
                "versions": {n: self.version(n) for n in self.managed()},
                "serves": {r: [n for n in self.carrying(r) if self.serves(n, r)] for r in RANKS}}

    def groups(self):
        return dict({"pf9_" + r: self.carrying(r) for r in RANKS}, pf9_management=self.management())
