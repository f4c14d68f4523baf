"""Power: reboot, crash, boot, hang. A host that is down really does not answer."""
import uuid


class Hosts:
    def __init__(self, cluster):
        self.c = cluster
        self.boots = {}            # host -> number of the boot in flight, so that a crash cancels it

    def up(self, name):
        h = self.c.host(name)
        return h["power"] == "up" and not h["hung"]

    def answers(self, name):
        h = self.c.host(name)
        return h["power"] in ("up", "stopping") and not h["hung"]

    # ---- going down

    def reboot(self, name, back=True):
        """`systemctl reboot`: the old sshd goes on answering for a moment, as in life."""
        h = self.c.host(name)
        if h["power"] != "up":
            return
        h["power"], h["since"], h["comes_back"], h["orderly"] = "stopping", self.c.now(), back, True
        self.c.event("reboot ordered" if back else "power off ordered", name)
        self.c.after(self.c.time("linger"), lambda: self.gone(name, back))

    def gone(self, name, back):
        if self.c.host(name)["power"] == "stopping":
            self.goes_down(name, "rebooting" if back else "off")
            if back:
                self.start_boot(name)

    def crash(self, name):
        h = self.c.host(name)
        if h["power"] in ("down", "off"):
            return
        with self.c.injected():
            h["orderly"], h["comes_back"] = False, False
            self.c.event("crashed (injected)", name)
            self.goes_down(name, "off")

    def goes_down(self, name, how):
        h = self.c.host(name)
        h["power"], h["since"], h["settled"], h["hung"] = ("off" if how == "off" else "down"), self.c.now(), False, False
        self.boots[name] = self.boots.get(name, 0) + 1
        self.c.machines.stop(name)
        self.c.event("is down", name)
        self.c.host_down(name)
        self.c.changed()

    # ---- coming up

    def start_boot(self, name):
        h = self.c.host(name)
        seconds = self.c.settings["boot_seconds"].get(name)
        seconds = self.c.time("boot") if seconds is None else float(seconds)
        self.boots[name] = ticket = self.boots.get(name, 0) + 1
        if self.c.spend("boot", name):
            h["power"], h["comes_back"] = "off", False
            self.c.event("does not come back from its reboot (injected)", name)
            return
        h["power"], h["comes_back"] = "booting", True
        self.c.spawn(self.booting(name, ticket, seconds))

    def booting(self, name, ticket, seconds):
        yield seconds
        if self.boots.get(name) != ticket:
            return
        h = self.c.host(name)
        h["boot_id"], h["since"] = str(uuid.uuid4()), self.c.now()
        self.c.boots_with(name)
        self.c.write_identity(name)
        while not self.c.reachable(name):
            yield 0.05
            if self.boots.get(name) != ticket:
                return
        self.c.machines.start(name)
        while not self.c.machines.answers(name):
            yield 0.02
            if self.boots.get(name) != ticket:
                return
        h["power"] = "up"
        self.c.event("is up", name, boot_id=h["boot_id"], kernel=h["kernel"])
        self.c.host_up(name)
        self.c.changed()
        yield self.c.time("settle")
        if self.boots.get(name) != ticket:
            return
        h["settled"] = True
        yield from self.c.host_settled(name)
        self.c.changed()

    # ---- hanging

    def hang(self, name, on):
        h = self.c.host(name)
        with self.c.injected():
            h["hung"], h["orderly"] = on, False
            self.c.machines.freeze(name, on)
            self.c.event("hangs (injected)" if on else "goes on (injected)", name)
            self.c.host_hangs(name, on)
            self.c.changed()
