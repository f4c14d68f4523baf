"""oVirt with a hosted engine: hypervisors, their HA agents, the engine's machine as a guest of theirs, and the laws of it."""
import os
import uuid

from engine import Refused
from ov_initial import VDSM
from room import Room


class Cluster(Room):
    def write_first(self, name):
        super().write_first(name)
        h = self.host(name)
        if h["next_keys"] is None:
            h["next_keys"] = self.machines.next_keys(name, 2) if h["kind"] == "hypervisor" else []
        self.write(name, "/etc/redhat-release", "CentOS Linux release %d.2 (Core)\n" % h["el"])
        os.makedirs(self.root(name, "/root"), exist_ok=True)
        os.makedirs(self.root(name, "/var/lib/ovirt-hosted-engine-setup/answers"), exist_ok=True)
        if h["kind"] == "hypervisor":
            self.write(name, "/root/he-answers.conf", "[environment:default]\n")   # the installation's profile puts it there
        if h["kind"] == "engine":
            self.write(name, "/etc/pki/ovirt-engine/ca.pem", "certificate\n")

    # ---- who is who

    def carriers(self):
        return [n for n in self.names() if self.host(n)["kind"] == "hypervisor"]

    def running(self, name):
        return self.hosts.up(name) and self.host(name)["settled"]

    def unit(self, name, unit):
        return self.running(name) and self.host(name)["units"].get(unit) == "active"

    def agent(self, name):
        return self.host(name)["deployed"] and self.unit(name, "ovirt-ha-agent") and self.unit(name, "ovirt-ha-broker")

    def score(self, name):
        """A host in maintenance would not take the engine; one with newer packages rather than one without."""
        h = self.host(name)
        if not self.agent(name) or h["local"] or not self.unit(name, "vdsmd"):
            return 0
        newest = max(self.host(n)["vdsm"] for n in self.carriers())
        return 3400 if h["vdsm"] == newest else 2400

    def guests(self, name):
        return [g for g, h in self.s["guests"].items() if h == name and g not in self.s["dead"]] + (["HostedEngine"] if self.s["at"] == name else [])

    def engine_answers(self):
        return (self.s["at"] is not None and self.running("he") and self.host("he")["units"]["ovirt-engine"] == "active" and not self.s["engine"]["broken"])

    # ---- guests

    def move(self, guest, to):
        if guest == "HostedEngine":
            self.s["at"] = to
        else:
            self.s["guests"][guest] = to
        self.event("%s moved to %s" % (guest, to))

    def drain(self, name):
        """Preparing for maintenance: guests leave; the engine's machine only if the HA agents may move it."""
        h = self.host(name)
        while h["status"] == "preparing_for_maintenance" and self.guests(name):
            left = [g for g in self.guests(name) if g != "HostedEngine" or not self.s["global"]]
            places = [n for n in self.carriers() if n != name and self.host(n)["status"] == "up" and self.unit(n, "vdsmd")]
            yield self.time("migrate")
            if left and places:
                self.move(left[0], places[0])
        if h["status"] == "preparing_for_maintenance":
            h["status"], h["local"] = "maintenance", True
            self.event("is in maintenance", name)

    def kill(self, name, why):
        """Guests on a host that is no hypervisor any more."""
        for g in self.guests(name):
            self.violation("guest-died", "%s: %s" % (g, why), name)
            if g == "HostedEngine":
                self.engine_dies()
            else:
                self.s["dead"].append(g)

    def engine_dies(self):
        self.s["at"] = None
        if self.s["setup"]:
            self.s["engine"]["broken"] = True
            self.s["setup"] = False
            self.violation("engine-killed-in-setup", "the engine's machine went down in the middle of engine-setup: its database is half migrated", "he")
        if self.host("he")["power"] == "up":
            self.hosts.goes_down("he", "off")
        self.wake()

    # ---- the HA agents

    def wake(self):
        if not self.s["agents_busy"] and "he" in self.s["hosts"]:
            self.s["agents_busy"] = True
            self.spawn(self.agents())

    def agents(self):
        """Start what is down, kill what does not answer, move to a better host. Global maintenance: hands off."""
        try:
            while not self.s["global"]:
                able = sorted((n for n in self.carriers() if self.score(n)), key=self.score, reverse=True)
                here = self.s["at"]
                if not able or self.s["lockspace"] != "good":
                    return
                if here is None:
                    yield self.time("start")
                    if self.s["at"] is None and not self.s["global"] and self.score(able[0]):
                        self.s["at"] = able[0]
                        self.event("the engine's machine is started", able[0])
                        self.host("he")["units"]["ovirt-engine"] = "active"
                        if self.host("he")["power"] != "up":
                            self.hosts.start_boot("he")
                    continue
                if self.s["engine"]["broken"]:
                    return                     # no start mends it
                if not self.engine_answers():
                    yield self.time("grace")
                    if not self.engine_answers() and not self.s["global"] and self.host("he")["power"] == "up" and self.host("he")["settled"]:
                        self.event("the engine does not answer: its machine is killed", here)
                        self.engine_dies()
                        continue
                    if not self.engine_answers():
                        continue
                if self.score(able[0]) >= self.score(here) + 800:
                    yield self.time("migrate")
                    if self.s["at"] == here and not self.s["global"] and self.score(able[0]):
                        self.move("HostedEngine", able[0])
                    continue
                return
        finally:
            self.s["agents_busy"] = False

    def changed(self):
        self.wake()

    # ---- power

    def host_down(self, name):
        h = self.host(name)
        if h["kind"] == "engine":
            if self.s["at"] is not None:
                self.engine_dies()
            return
        if h["updating"]:
            self.violation("reboot-during-upgrade", "went down in the middle of yum update", name)
            h["updating"] = False
        self.kill(name, "its host went down")

    def reinstall(self, name):
        """A person has begun to install it anew: whatever ran there is gone."""
        h = self.host(name)
        if h["power"] == "up":
            self.hosts.goes_down(name, "off")
        yield self.time("install")
        h["el"], h["deployed"], h["machine_id"] = 7, False, uuid.uuid4().hex   # the whiteboard still says what it last heard
        h["units"], h["stale"] = {}, False
        h["next_keys"] = h["next_keys"][1:]
        self.machines.wipe(name, True)
        self.write_first(name)
        self.hosts.start_boot(name)

    # ---- systemd

    def unit_state(self, host, unit):
        h = self.host(host)
        if unit in ("sshd", "ssh"):
            return "active"
        return h["units"].get(unit)

    def units(self, host):
        return sorted(u + ".service" for u in self.host(host)["units"]) + ["sshd.service"]

    def unit_act(self, call, verb, unit):
        name, h = call.host, self.host(call.host)
        if unit not in h["units"]:
            return 0
        if verb in ("stop", "restart") and unit in ("libvirtd", "sanlock") and self.guests(name):
            self.kill(name, "%s was stopped under it" % unit)
        h["units"][unit] = "inactive" if verb == "stop" else "activating"
        yield self.time("restart")
        if verb != "stop":
            h["units"][unit] = "active"
            h["stale"] = h["stale"] and unit != "vdsmd"
        self.event("%s %s" % (verb, unit), name)
        if unit == "ovirt-engine" and verb == "stop" and not self.s["global"]:
            self.event("the engine was stopped under the eyes of the HA agents", name)
        self.changed()
        return 0

    def domain(self):
        return "dc1.example.com"

    def groups(self):
        return {"hypervisors": self.carriers()}

    def facts(self):
        return {"engine_at": self.s["at"] or "nowhere", "engine": "good" if self.engine_answers() else "bad",
                "mode": "global" if self.s["global"] else "local" if any(self.host(n)["local"] for n in self.carriers()) else "none",
                "guests": {n: " ".join(self.guests(n)) for n in self.carriers()}}

    def act(self, call, words):
        """A person at the console: `install HOST` as el7."""
        if len(words) == 2 and words[0] == "install" and words[1] in self.carriers():
            if self.host(words[1])["status"] != "maintenance":
                self.violation("reinstalled-in-service", "it was not in maintenance", words[1])
            yield from self.reinstall(words[1])
            return 0
        raise Refused(2, "a person can: install HOST")
        yield


RELEASE_OF = {v: k for k, v in VDSM.items()}
