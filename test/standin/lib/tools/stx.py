"""`system` and `fm`, as the active controller answers them: boxed tables, and the semantic checks of the real ones."""
import uuid

from engine import Refused
from stx_initial import NEW, NEXT, OLD
from .arguments import parse
from .tables import boxed

ACCESS = "Must provide Keystone credentials or user-defined endpoint, error was: None"


def pairs(call, rows):
    call.out(boxed(("Property", "Value"), rows))


def allowed(c, call):
    """Only with credentials, and only where the services run."""
    h = c.host(call.host)
    if h["personality"] != "controller" or not h["restored"]:
        raise Refused(127, "bash: %s: command not found" % call.tool)
    if "OS_AUTH_URL" not in call.env:
        raise Refused(1, ACCESS)
    if c.active() != call.host:
        raise Refused(1, "Unable to establish connection to http://192.168.204.1:5000/v3/auth/tokens")


def the_host(c, words):
    if len(words) != 2:
        raise Refused(2, "usage: system %s <hostname or id>" % (words[0] if words else "COMMAND"))
    for name in c.names():
        if words[1] in (name, str(c.host(name)["number"])) and c.host(name)["personality"] != "other":
            return name
    raise Refused(1, "Host not found: %s" % words[1])


def system(c, call):
    allowed(c, call)
    words, options = parse(call.args, flags=("-f", "--force", "--nowrap", "--yes"), values=("--set", "--values", "--reuse-values"), code=2)
    if not words:
        raise Refused(2, "usage: system <subcommand> ...")
    force = "f" in options or "force" in options
    known = {**SHOWS, **HOSTS, **WHOLE}
    if words[0] not in known:
        raise Refused(2, "stand-in: system knows %s" % ", ".join(sorted(known)))
    if words[0] in HOSTS:
        return HOSTS[words[0]](c, call, the_host(c, words), force)
    return known[words[0]](c, call, words[1:], options)


# ---- what it shows

def host_list(c, call, words, options):
    call.out(boxed(("id", "hostname", "personality", "administrative", "operational", "availability"), [
        (c.host(n)["number"], n, c.host(n)["personality"], c.host(n)["admin"], c.operational(n), c.availability(n))
        for n in c.names() if c.host(n)["personality"] != "other"]))


def show_host(c, call, name):
    h = c.host(name)
    pairs(call, [("action", "none"), ("administrative", h["admin"]), ("availability", c.availability(name)), ("config_status", "None"),
                 ("hostname", name), ("id", h["number"]), ("inv_state", "inventoried"), ("mgmt_ip", h["address"]), ("operational", c.operational(name)),
                 ("personality", h["personality"]), ("peers", {"name": h["peer_group"]} if h["personality"] == "storage" else None),
                 ("software_load", h["software"]), ("task", h["task"]), ("uuid", h["machine_id"])])


def host_upgrade_list(c, call, words, options):
    call.out(boxed(("id", "hostname", "personality", "running_release", "target_release"), [
        (c.host(n)["number"], n, c.host(n)["personality"], c.host(n)["software"], c.host(n)["target"])
        for n in c.names() if c.host(n)["personality"] != "other"]))


def load_list(c, call, words, options):
    call.out(boxed(("id", "state", "software_version"), [(x["id"], x["state"], x["version"]) for x in c.s["loads"]]))


def upgrade_show(c, call, words, options):
    show_upgrade(c, call)


def show_upgrade(c, call):
    u = c.s["upgrade"]
    if u is None:
        call.out("No upgrade in progress\n")
    else:
        pairs(call, [("uuid", u["uuid"]), ("state", u["state"]), ("from_release", OLD), ("to_release", NEW)])


def checks(c):
    """(text, fine) of the basic health query."""
    hosts = [n for n in c.names() if c.host(n)["personality"] != "other"]
    nodes = c.of("worker") or c.of("controller")
    return [("All hosts are provisioned", c.settings["provisioned"]), ("All hosts are unlocked/enabled", all(c.enabled(n) for n in hosts)),
            ("All hosts have current configurations", True), ("All hosts are patch current", True), ("Ceph Storage Healthy", c.storage.clean()),
            ("No alarms", not [a for a in c.alarms() if a[0] != "900.005"]), ("All kubernetes nodes are ready", all(c.enabled(n) for n in nodes)),
            ("All kubernetes control plane pods are ready", all(c.enabled(n) for n in c.of("controller") if c.host(n)["admin"] == "unlocked"))]


def say_health(call, rows):
    call.out("System Health:\n" + "".join("%s: [%s]\n" % (text, "OK" if fine else "Fail") for text, fine in rows))


def health(c, call, words, options):
    say_health(call, checks(c))


def upgrade_checks(c):
    load = c.load(NEW)
    return checks(c) + [("Required patches are applied", c.settings["patched"]), ("License valid for upgrade", True),
                        ("Upgrade load is imported", bool(load) and load["state"] == "imported"),
                        ("All kubernetes applications are in a valid state", all(a["status"] in ("applied", "uploaded") for a in c.s["applications"])),
                        ("Kubernetes version is at the baseline of the load", c.settings["kubernetes"] == c.settings["packaged"]),
                        ("Active controller is controller-0", c.s["active"] == "controller-0")]


def health_upgrade(c, call, words, options):
    say_health(call, upgrade_checks(c))


def kube_version_list(c, call, words, options):
    running = c.settings["kubernetes"]
    rows = [(v, v == running, "active" if v == running else "available") for v in sorted({running, c.settings["packaged"]})]
    call.out(boxed(("version", "target", "state"), rows))


def kube_upgrade_show(c, call, words, options):
    if c.s["kube_upgrade"]:
        pairs(call, [("to_version", c.s["kube_upgrade"]), ("state", "upgrade-started")])
    else:
        call.out("A kubernetes upgrade is not in progress\n")


def application_list(c, call, words, options):
    call.out(boxed(("application", "version", "manifest name", "manifest file", "status", "progress"), [
        (a["name"], a["version"], "%s-manifest" % a["name"], "manifest.yaml", a["status"], "completed") for a in c.s["applications"]]))


def override_list(c, call, words, options):
    call.out(boxed(("chart name", "overrides namespaces"), [(k, v) for k, v in sorted(c.s["overrides"].items())]))


def parameter_list(c, call, words, options):
    rows = [k.split("/") + [v] for k, v in sorted(c.s["parameters"].items())]
    call.out(boxed(("service", "section", "name", "value"), rows))


def show(c, call, words, options):
    pairs(call, [("name", "stx"), ("system_mode", "simplex" if c.simplex() else "duplex"), ("system_type", "Standard" if c.of("worker") else "All-in-one"),
                 ("software_version", c.host(c.s["active"])["software"])])


# ---- what it does to one host

def host_show(c, call, name, force):
    show_host(c, call, name)


def host_lock(c, call, name, force):
    h, state = c.host(name), c.state()
    if h["admin"] == "locked" or h["task"]:
        raise Refused(1, "Host %s is already locked or has a task: %s" % (name, h["task"] or "none"))
    if name == c.s["active"] and not c.simplex():
        raise Refused(1, "%s : Rejected: Can not lock an active controller." % name)
    if h["personality"] == "controller" and not c.simplex() and not force:
        if not all(c.enabled(n) for n in c.of("controller") if n != name):
            raise Refused(1, "Rejected: the other controller is not enabled")
    if h["osds"] and not force and not c.storage.ok_to_stop(h["osds"]) and not c.simplex():
        raise Refused(1, "Cannot lock a storage node when peer storage nodes are not unlocked-enabled: %s" % h["peer_group"])
    if h["mon"] and not force and 2 * len([m for m in c.storage.quorum() if m != name]) <= len(c.storage.mons()):
        raise Refused(1, "Only %d storage monitor available. At least 2 unlocked and enabled hosts with monitors are required." % len(c.storage.quorum()))
    if state in ("started", "data-migration") and h["personality"] != "controller" and not force:
        raise Refused(1, "Rejected: a platform upgrade is in progress and the controllers come first")
    c.spawn(c.lock(name))
    show_host(c, call, name)


def host_unlock(c, call, name, force):
    h = c.host(name)
    if h["admin"] != "locked":
        raise Refused(1, "Host %s is already unlocked" % name)
    if c.availability(name) != "online" and not force:
        raise Refused(1, "Can not unlock host %s until it is online" % name)
    if name == "controller-1" and c.state() == "data-migration":
        raise Refused(1, "Can not unlock %s: data migration is in progress" % name)
    if c.state() == "data-migration-failed" and h["software"] == NEW:
        raise Refused(1, "Can not unlock %s: data migration has failed" % name)
    if h["personality"] == "controller" and name != c.s["active"] and h["software"] == NEW and c.host(c.s["active"])["software"] == OLD and NEW not in h["data"]:
        raise Refused(1, "Can not unlock %s: there is no migrated data" % name)
    c.unlock(name)
    show_host(c, call, name)


def host_swact(c, call, name, force):
    others = [n for n in c.of("controller") if n != name]
    if name != c.s["active"] or not others:
        raise Refused(1, "%s is not the active controller" % name)
    to = others[0]
    if not c.enabled(to):
        raise Refused(1, "%s is not unlocked-enabled. Operation rejected." % to)
    if not force and not c.host(to)["synced"]:
        raise Refused(1, "drbd-pgsql on %s is not ready to take service: it is still syncing" % to)
    if c.state() in ("started", "data-migration", "data-migration-complete", "data-migration-failed") and c.host(to)["software"] == OLD and not force:
        raise Refused(1, "%s must be upgraded before a swact" % to)
    if c.state() == "upgrading-controllers" and c.host(to)["software"] == OLD and not force:
        raise Refused(1, "Upgrade in progress: a swact back needs upgrade-abort")
    c.spawn(c.swact(to))
    show_host(c, call, name)


def locked_online(c, name):
    if c.host(name)["admin"] != "locked":
        raise Refused(1, "host-upgrade rejected: Host %s must be locked" % name)
    if c.availability(name) != "online":
        raise Refused(1, "host-upgrade rejected: Host %s must be online" % name)


def host_upgrade(c, call, name, force):
    h, state = c.host(name), c.state()
    if state is None:
        raise Refused(1, "host-upgrade rejected: An upgrade is not in progress.")
    locked_online(c, name)
    if state.startswith("abort"):
        raise Refused(1, "host-upgrade rejected: the upgrade is being aborted")
    if c.simplex():
        c.wipe_simplex(name)
        show_host(c, call, name)
        return 0
    first, second = c.host("controller-1"), c.host("controller-0")
    if name == "controller-1" and state not in ("started", "data-migration-failed"):
        raise Refused(1, "host-upgrade rejected: Upgrade state is %s" % state)
    if name == "controller-0" and (first["software"] != NEW or state != "upgrading-controllers" or c.s["active"] != "controller-1"):
        raise Refused(1, "host-upgrade rejected: controller-1 must be upgraded and active before controller-0")
    if h["personality"] in ("storage", "worker") and (state != "upgrading-hosts" or second["software"] != NEW):
        raise Refused(1, "host-upgrade rejected: Both controllers must be upgraded before %s hosts" % h["personality"])
    if h["personality"] == "worker" and any(c.host(n)["software"] != NEW for n in c.of("storage")):
        raise Refused(1, "host-upgrade rejected: All storage hosts must be upgraded before worker hosts")
    c.spawn(c.reinstall(name, NEW))
    show_host(c, call, name)


def host_downgrade(c, call, name, force):
    if c.state() != "aborting":
        raise Refused(1, "host-downgrade rejected: An upgrade is not being aborted.")
    locked_online(c, name)
    if c.host(c.s["active"])["software"] != OLD:
        raise Refused(1, "host-downgrade rejected: the active controller runs %s" % NEW)
    c.spawn(c.reinstall(name, OLD))
    show_host(c, call, name)


# ---- what it does to the system

def load_import(c, call, words, options):
    if len(words) != 2:
        raise Refused(2, "usage: system load-import <isopath> <sigpath>")
    if c.load(NEW):
        raise Refused(1, "Max number of loads (2) reached. Please remove the old or unused load before importing a new one.")
    if NEXT in words[0]:
        raise Refused(1, "Failed to import load: upgrade from %s to %s is not supported" % (OLD, NEXT))
    load = {"id": 2, "state": "importing", "version": NEW}
    c.s["loads"].append(load)
    pairs(call, [("id", 2), ("state", "importing"), ("software_version", NEW), ("compatible_version", OLD), ("required_patches", "")])

    def imports():
        yield c.time("import")
        load["state"] = "error" if c.spend("import", "system") else "imported"
        c.event("the load of %s: %s" % (NEW, load["state"]))
    c.spawn(imports())


def load_delete(c, call, words, options):
    load = next((x for x in c.s["loads"] if [str(x["id"])] == words), None)
    if load is None:
        raise Refused(1, "Load %s not found" % " ".join(words))
    if load["state"] == "active" or c.s["upgrade"]:
        raise Refused(1, "Only a load in an imported or error state can be deleted, and not during an upgrade")
    c.s["loads"].remove(load)
    call.out("Deleted load: load %s\n" % load["id"])


def upgrade_start(c, call, words, options):
    if c.s["upgrade"]:
        raise Refused(1, "upgrade-start rejected: An upgrade is already in progress.")
    if c.s["kube_upgrade"]:
        raise Refused(1, "upgrade-start rejected: A kubernetes upgrade is in progress.")
    failed = [text for text, fine in upgrade_checks(c) if not fine]
    if failed and not ("force" in options and failed == ["No alarms"]):
        raise Refused(1, "upgrade-start rejected: System is not in a valid state for upgrades. Run system health-query-upgrade for more details: %s" % ", ".join(failed))
    yield c.time("copy")
    c.s["upgrade"] = {"uuid": str(uuid.uuid4()), "state": "started"}
    c.s["snapshot"] = c.configuration()
    c.set_state("started")
    if c.simplex():
        c.write(call.host, "/opt/backups/upgrade_data_2026-11-20T180000_%s.tgz" % c.s["upgrade"]["uuid"], "the platform's data: %s\n" % c.s["snapshot"])
    show_upgrade(c, call)


def upgrade_activate(c, call, words, options):
    if c.state() not in ("upgrading-hosts", "activation-failed"):
        raise Refused(1, "upgrade-activate rejected: Upgrade must be in upgrading-hosts or activation-failed state, is %s" % (c.state() or "none"))
    if any(c.host(n)["software"] != NEW for n in c.names() if c.host(n)["personality"] != "other"):
        raise Refused(1, "upgrade-activate rejected: All hosts must be upgraded first.")
    c.set_state("activation-requested")

    def activates():
        yield c.time("activate")
        c.set_state("activation-failed" if c.spend("activate", "system") else "activation-complete")
    c.spawn(activates())
    show_upgrade(c, call)


def upgrade_complete(c, call, words, options):
    state = c.state()
    if state == "aborting":
        if any(c.host(n)["software"] != OLD for n in c.names() if c.host(n)["personality"] != "other"):
            raise Refused(1, "upgrade-complete rejected: host-downgrade has not been done everywhere")
        c.set_state("abort-completing")
    elif state == "activation-complete":
        if c.s["active"] != "controller-0":
            raise Refused(1, "upgrade-complete rejected: controller-0 must be the active controller")
        c.set_state("completing")
    else:
        raise Refused(1, "upgrade-complete rejected: Upgrade is not in activation-complete state, is %s" % (state or "none"))
    show_upgrade(c, call)
    c.spawn(completes(c, state == "aborting"))


def completes(c, aborted):
    yield c.time("complete")
    c.s["upgrade"], c.s["snapshot"] = None, None
    keep = OLD if aborted else NEW
    for n in c.names():
        c.host(n)["target"] = keep
        if c.host(n)["personality"] == "controller":
            c.host(n)["data"] = [keep]
    c.s["etcd"] = [keep]
    if not aborted:
        c.s["loads"] = [{"id": 2, "state": "active", "version": NEW}]
    for n in c.of("controller"):
        c.write_data(n)
    c.event("the upgrade was aborted" if aborted else "the upgrade is complete")


def upgrade_abort(c, call, words, options):
    state = c.state()
    if state is None or state in ("aborting", "abort-completing", "completing", "activation-requested"):
        raise Refused(1, "upgrade-abort rejected: Upgrade state is %s" % (state or "none"))
    if c.host("controller-0")["software"] == NEW:
        if "force" not in options and "yes" not in options:
            raise Refused(1, "WARNING: THIS OPERATION WILL IMPACT THE SYSTEM: controller-0 has been upgraded and every host has to be reinstalled. Use --yes.")
        c.violation("way-back-gone", "aborted after controller-0 had been upgraded: every host has to be reinstalled")
        c.set_state("aborting-reinstall")
        return 0
    c.set_state("aborting")
    show_upgrade(c, call)


def prevented(c, what):
    if c.s["upgrade"]:
        raise Refused(1, "%s rejected: platform upgrade in progress" % what)


def override_update(c, call, words, options):
    prevented(c, "helm-override-update")
    if len(words) != 3:
        raise Refused(2, "usage: system helm-override-update <app> <chart> <namespace> --set ...")
    c.s["overrides"][words[1]] = options.get("set", "none")


def application_change(c, call, words, options):
    prevented(c, "application change")


def parameter_modify(c, call, words, options):
    """Nothing prevents this one: it is lost with the swact."""
    if len(words) != 3 or "=" not in words[2]:
        raise Refused(2, "usage: system service-parameter-modify <service> <section> <name>=<value>")
    name, _, value = words[2].partition("=")
    c.s["parameters"]["/".join((words[0], words[1], name))] = value
    c.event("service parameter %s is %s" % (name, value), call.host)


def kube_upgrade_start(c, call, words, options):
    if c.s["upgrade"]:
        raise Refused(1, "kube-upgrade-start rejected: A platform upgrade is in progress")
    c.s["kube_upgrade"] = (words or [c.settings["packaged"]])[0]
    kube_upgrade_show(c, call, words, options)


SHOWS = {"host-list": host_list, "host-upgrade-list": host_upgrade_list, "load-list": load_list, "upgrade-show": upgrade_show, "health-query": health,
         "health-query-upgrade": health_upgrade, "kube-version-list": kube_version_list, "kube-upgrade-show": kube_upgrade_show,
         "application-list": application_list, "helm-override-list": override_list, "service-parameter-list": parameter_list, "show": show}
HOSTS = {"host-show": host_show, "host-lock": host_lock, "host-unlock": host_unlock, "host-swact": host_swact, "host-upgrade": host_upgrade,
         "host-downgrade": host_downgrade}
WHOLE = {"load-import": load_import, "load-delete": load_delete, "upgrade-start": upgrade_start, "upgrade-activate": upgrade_activate,
         "upgrade-complete": upgrade_complete, "upgrade-abort": upgrade_abort, "helm-override-update": override_update,
         "application-apply": application_change, "application-remove": application_change, "service-parameter-modify": parameter_modify,
         "kube-upgrade-start": kube_upgrade_start}


def fm(c, call):
    allowed(c, call)
    words, _ = parse(call.args, flags=("--nowrap", "--uuid"), code=2)
    if words != ["alarm-list"]:
        raise Refused(2, "stand-in: fm knows alarm-list [--nowrap]")
    call.out(boxed(("Alarm ID", "Reason Text", "Entity ID", "Severity", "Time Stamp"), [a + ("2026-11-20T18:00:00",) for a in c.alarms()]))
    return 0


TOOLS = {"system": system, "fm": fm}
