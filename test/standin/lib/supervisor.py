"""The daemon of one DIR: runs the sshds, keeps the state, answers the tools, ends when told, orphaned or too old."""
import json
import os
import signal
import time

import tools
import worlds
from engine import Engine, Refused
from initial import ScenarioError
from processes import started
from sshd import Machines
from store import Ledger, Store

CONTROL = "@control"


class Supervisor:
    def __init__(self, directory, world, names, addresses, port, scenario, lifetime, parent):
        self.directory, self.lifetime, self.parent = directory, lifetime, parent
        self.store, self.ledger = Store(directory), Ledger(directory)
        self.world = worlds.load(world)
        state = dict(self.world.build(names, addresses, port, scenario, time.time()), world=world)
        self.engine = Engine(self.on_request, self.on_idle)
        self.cluster = self.world.Cluster(directory, state, self.engine, self.ledger)
        self.cluster.tools, self.cluster.own = self.world.TOOLS, tools.OWN + self.world.OWN
        self.machines = self.cluster.machines = Machines(directory, state["hosts"], sorted(self.world.TOOLS), tools.FILE_TOOLS, self.cluster.own)
        self.ends_at = time.monotonic() + lifetime

    # ---- start and end

    def start(self):
        c = self.cluster
        self.machines.prepare()
        for name in c.names():
            c.write_first(name)
        self.write_inventories()
        self.engine.listen(self.directory)
        for name in c.names():
            self.machines.start(name)
        deadline = time.monotonic() + 10
        for name in c.names():
            while not self.machines.answers(name):
                if time.monotonic() > deadline:
                    raise ScenarioError("sshd of %s does not answer; see %s" % (name, self.machines.folder(name, "sshd.log")))
                time.sleep(0.005)
        c.event("the cluster is up: %s" % ", ".join(c.names()))
        c.changed()
        self.watch()

    def write_inventories(self):
        c, user = self.cluster, self.machines.user
        hosts = [{"name": n, "address": h["address"], "port": h["port"], "user": user} for n, h in c.s["hosts"].items()]
        self.write_json("inventory.json", {"hosts": hosts})
        self.write_json("ansible.json", dict({group: {"hosts": names} for group, names in c.groups().items()}, **{
            "_meta": {"hostvars": {h["name"]: {"ansible_host": h["address"], "ansible_port": h["port"], "ansible_user": user}
                                   for h in hosts}},
            "all": {"children": ["ungrouped"] + list(c.groups())},
        }))

    def write_json(self, name, value):
        with open(os.path.join(self.directory, name), "w") as f:
            json.dump(value, f, indent=2)
            f.write("\n")

    def watch(self):
        """Ends with the lifetime, with the parent it was told to follow, and with its own folder."""
        late = time.monotonic() > self.ends_at
        orphan = self.parent and started(self.parent[0]) != self.parent[1]
        if late or orphan or not os.path.isdir(self.directory):
            self.engine.running = False
        self.engine.after(0.2, self.watch)

    def run(self):
        self.engine.run()
        self.machines.stop_all()
        if os.path.isdir(self.directory):
            self.store.save(self.cluster.s)
            self.ledger.write("event", text="the cluster was taken down")

    def on_idle(self):
        self.store.save(self.cluster.s)

    # ---- requests

    def on_request(self, call):
        if call.host == CONTROL:
            return (yield from self.control(call))
        c = self.cluster
        if call.host not in c.s["hosts"]:
            raise Refused(125, "stand-in: no such host")
        call.number = self.ledger.write("call", host=call.host, argv=[call.tool] + call.args)
        code = 0
        try:
            tool = c.tools[call.tool]
            result = tool(c, call)
            if hasattr(result, "send"):
                result = yield from result
            code = result or 0
        except Refused as no:
            code = no.code
            raise
        finally:
            took = time.monotonic() - call.began
            if code or took > 0.05:
                self.ledger.write("done", host=call.host, argv=[call.tool] + call.args[:3], call=call.number, code=code,
                                  seconds=round(took, 3))
        return code

    def control(self, call):
        c, args = self.cluster, call.args
        if call.tool == "ping":
            call.out("up\n")
        elif call.tool == "down":
            self.engine.running = False
        elif call.tool == "status":
            call.out(json.dumps(self.facts()) + "\n")
        elif call.tool in ("crash", "boot", "hang", "thaw") and args and args[0] in c.s["hosts"]:
            yield from self.power(call.tool, args[0])
        elif call.tool == "await":
            yield from self.wait(call, float(args[0]), args[1:])
        elif call.tool == "act":
            self.ledger.write("person", text=" ".join(args))
            return (yield from c.act(call, args))
        elif call.tool == "set":
            for pair in args:
                self.set(*pair.split("=", 1))
        else:
            raise Refused(2, "no such command or host: %s %s" % (call.tool, " ".join(args)))
        self.store.save(c.s)
        return 0

    def wait(self, call, seconds, conditions):
        """Until every `path=value` or `path!=value` holds in what `status --json` shows."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.facts()
            false = [text for text in conditions if not holds(seen, text)]
            if not false:
                return
            if time.monotonic() > deadline:
                raise Refused(1, "still not so after %g s: %s" % (seconds, ", ".join(false)))
            yield 0.01

    def facts(self):
        """The state and what follows from it."""
        return dict(self.cluster.s, now=self.cluster.facts())

    def power(self, verb, name):
        c, h = self.cluster, self.cluster.host(name)
        self.ledger.write("injected", host=name, text=verb)
        if verb == "crash":
            c.hosts.crash(name)
        elif verb == "boot":
            if h["power"] not in ("off", "down", "booting"):            # a slow boot may be hurried
                raise Refused(1, "%s is %s" % (name, h["power"]))
            c.hosts.start_boot(name)
            while h["power"] == "booting" or (h["power"] == "up" and not h["settled"]):
                yield 0.02
        else:
            c.hosts.hang(name, verb == "hang")

    def set(self, path, text):
        """`key.key=VALUE`, VALUE in JSON or a bare word: a setting, `guests.ID.KEY`, `hosts.NAME.KEY` or `hostkey.NAME=changed`."""
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        keys, c = path.split("."), self.cluster
        self.ledger.write("injected", text="%s=%s" % (path, text))
        if keys[0] == "hostkey" and len(keys) == 2 and keys[1] in c.s["hosts"]:
            self.machines.change_key(keys[1])
            return
        node = c.s if keys[0] in self.world.SETTABLE else c.settings
        free = len(keys) > 1 and (keys[0] == "boot_seconds" or keys[:1] == ["fail"] and len(keys) == 3)
        if keys[0] == "disk_free":
            keys = ["disk_free", ".".join(keys[1:])]
            free = True
        for key in keys[:-1]:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict) or (keys[-1] not in node and not free):
            raise Refused(2, "no such setting: %s" % path)
        node[keys[-1]] = value
        with c.injected():
            c.changed()


def holds(seen, text):
    """One condition. A path that is not there is null."""
    unequal = "!=" in text
    path, _, wanted = text.partition("!=" if unequal else "=")
    keys = path.split(".")
    while keys and isinstance(seen, dict):
        # Names of daemons hold a dot, so a key may be two words of the path.
        size = 1 if keys[0] in seen else 2
        key, keys = ".".join(keys[:size]), keys[size:]
        seen = seen.get(key)
    value = seen if isinstance(seen, str) else json.dumps(seen)
    return (value == wanted) != unequal


def serve(directory, world, names, addresses, port, scenario, lifetime, parent, ready):
    """Runs the daemon; `ready` is a descriptor that gets "ok" or a message once the hosts answer."""
    sup = None
    try:
        sup = Supervisor(directory, world, names, addresses, port, scenario, lifetime, parent)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(sup.engine, "running", False))
        sup.start()
        sup.write_json("pid", {"supervisor": [os.getpid(), started(os.getpid())]})
    except (ScenarioError, OSError, Exception) as e:   # whatever it was, the caller must hear of it and nothing may stay
        os.write(ready, ("%s: %s" % (type(e).__name__, e)).encode())
        if sup:
            sup.machines.stop_all()
        raise
    os.write(ready, b"ok")
    os.close(ready)
    try:
        sup.run()
    finally:
        sup.machines.stop_all()
    os._exit(0)
