"""pveversion, pve8to9."""
from engine import Refused
from package_data import ceph_on_disk


def pveversion(c, call):
    h = c.host(call.host)
    manager = h["packages"]["pve-manager"]
    if call.args not in ([], ["-v"], ["--verbose"]):
        raise Refused(255, "Unknown option: %s\n400 unable to parse option\npveversion [OPTIONS]" % " ".join(call.args).lstrip("-"))
    if not call.args:
        call.out("pve-manager/%s/2a5fa54a8503f96d (running kernel: %s)\n" % (manager, h["kernel"]))
        return 0
    call.out("proxmox-ve: %s (running kernel: %s)\npve-manager: %s (running version: %s/2a5fa54a8503f96d)\n" % (
        h["packages"]["proxmox-ve"], h["kernel"], manager, manager))
    for name in sorted(h["packages"]):
        if name not in ("proxmox-ve", "pve-manager"):
            call.out("%s: %s\n" % (name, h["packages"][name]))
    return 0


class Checklist:
    """Counts as the real one does; like it, it colours its lines even in a pipe unless NO_COLOR is set."""
    COLOURS = {"pass": "32", "notice": "1", "warn": "33", "fail": "1;31"}

    def __init__(self, call):
        self.counts = dict.fromkeys(("pass", "skip", "notice", "warn", "fail"), 0)
        self.lines = []
        self.coloured = not (call.env.get("NO_COLOR") or "ANSI_COLORS_DISABLED" in call.env)

    def paint(self, text, code):
        return "\x1b[%sm%s\x1b[0m" % (code, text) if self.coloured and code else text

    def header(self, text):
        self.lines.append("%s= %s =\n\n" % ("\n" if self.lines else "", text))

    def say(self, level, text):
        if level in self.counts:
            self.counts[level] += 1
        self.lines.append(self.paint("%s: %s\n" % (level.upper(), text), self.COLOURS.get(level)))

    def summary(self):
        n = self.counts
        self.header("SUMMARY")
        self.lines.append("TOTAL:    %d\n" % sum(n.values()))
        self.lines.append(self.paint("PASSED:   %d\n" % n["pass"], "32"))
        self.lines.append("SKIPPED:  %d\n" % n["skip"])
        self.lines.append(self.paint("WARNINGS: %d\n" % n["warn"], "33" if n["warn"] else ""))
        self.lines.append(self.paint("FAILURES: %d\n" % n["fail"], "1;31" if n["fail"] else ""))
        if n["warn"] or n["fail"]:
            self.lines.append("\nATTENTION: Please check the output for detailed information!\n")
        if n["fail"]:
            self.lines.append("Try to solve the problems one at a time and then run this checklist tool again.\n")


def pve8to9(c, call):
    if call.args not in ([], ["--full"], ["--full", "1"]):
        raise Refused(255, "Unknown option: %s\n400 unable to parse option\npve8to9  [OPTIONS]" % " ".join(call.args).lstrip("-"))
    name, h, full = call.host, c.host(call.host), bool(call.args)
    t = Checklist(call)
    packages(c, t, name, h)
    cluster(c, t, name)
    ceph(c, t, name)
    t.header("CHECKING CONFIGURED STORAGES")
    t.say("pass", "storage 'local' enabled and active.")
    if c.ceph.stopped_io():
        t.say("warn", "storage 'vmpool' enabled but not active!")
    else:
        t.say("pass", "storage 'vmpool' enabled and active.")
    t.header("VIRTUAL GUEST CHECKS")
    t.say("info", "Checking for running guests..")
    count = sum(1 for g in c.guests.on(name) if g["status"] == "running")
    if count:
        t.say("warn" if c.settings["checklist_strict"] else "notice",
              "%d running guest(s) detected - consider migrating or stopping them." % count)
    else:
        t.say("pass", "no running guest detected.")
    t.header("MISCELLANEOUS CHECKS")
    for unit in ("ssh", "pveproxy", "pvedaemon", "pvescheduler", "pvestatd"):
        t.say("pass" if h["out_of_service"] is None else "fail", "systemd unit '%s.service' is in state '%s'" % (
            unit, "active" if h["out_of_service"] is None else "failed"))
    free = c.settings["disk_free"].get("/", 0)
    if free < 5 << 30:
        t.say("fail", "Less than 5 GB free space on root file system.")
    elif free < 10 << 30:
        t.say("warn", "Less than 10 GB free space on root file system.")
    else:
        t.say("pass", "Enough free space on root file system.")
    t.say("pass", "Resolved node IP '%s' configured and active on single interface." % h["address"])
    t.say("info", "Checking for package repository suite mismatches.")
    suites = {suite.split("-")[0] for path, _, suite in c.packages.sources(name)}
    if len(suites) > 1:
        t.say("fail", "Found mixed package repository suites: %s" % ", ".join(sorted(suites)))
    else:
        t.say("pass", "found no suite mismatch")
    if full:
        t.say("skip", "No container with an old systemd found.")
    else:
        t.say("skip", "NOTE: Expensive checks, like CT cgroupv2 compat, not performed without '--full' parameter")
    t.summary()
    call.out("".join(t.lines))
    return 0


def packages(c, t, name, h):
    t.header("CHECKING VERSION INFORMATION FOR PVE PACKAGES")
    t.lines.append("Checking for package updates..\n")
    upgrades, _ = c.packages.pending(name)
    if h["unconfigured"]:
        t.say("fail", "unable to retrieve list of package updates!")
    elif upgrades:
        t.say("warn", "updates for the following packages are available:\n  " + ", ".join(sorted(upgrades)))
    else:
        t.say("pass", "all packages up-to-date")
    t.lines.append("\nChecking proxmox-ve package version..\n")
    new = h["packages"]["proxmox-ve"].startswith("9")
    t.say("pass", "already upgraded to Proxmox VE 9" if new else "proxmox-ve package has version >= 8.4-0")
    t.lines.append("\nChecking running kernel version..\n")
    if new and h["kernel"].startswith("6.8"):
        t.say("warn", "a suitable kernel (proxmox-kernel-6.14) is installed, but an unsuitable (%s) is booted, missing reboot?!" % h["kernel"])
    else:
        t.say("pass", ("running new kernel '%s' after upgrade." if new
                       else "running kernel '%s' is considered suitable for upgrade.") % h["kernel"])


def cluster(c, t, name):
    t.header("CHECKING CLUSTER HEALTH/SETTINGS")
    for unit in ("pve-cluster.service", "corosync.service"):
        good = c.quorum.runs(name) and c.host(name)["out_of_service"] is None
        t.say("pass" if good else "fail", "systemd unit '%s' is in state '%s'" % (unit, "active" if good else "failed"))
    if c.quorum.quorate(name):
        t.say("pass", "Cluster Filesystem is quorate.")
    else:
        t.say("fail", "Cluster Filesystem readonly, lost quorum?!")
    t.lines.append("\nAnalzying quorum settings and state..\n")
    total, expected, nodes = len(c.quorum.view(name)), c.quorum.expected(name), len(c.names())
    if total < nodes:
        t.say("fail", "%d nodes are offline!" % (nodes - total))
    t.say("info", "configured votes - nodes: %d" % nodes)
    t.say("info", "configured votes - qdevice: 0")
    t.say("info", "current expected votes: %d" % expected)
    t.say("info", "current total votes: %d" % total)
    if expected != nodes:
        t.say("warn", "expected votes set to non-standard value '%d'." % expected)
    if total < expected:
        t.say("warn", "total votes < expected votes: %d/%d!" % (total, expected))
    t.lines.append("\nChecking nodelist entries..\n")
    t.say("pass", "nodelist settings OK")
    t.lines.append("\nChecking totem settings..\n")
    t.say("pass", "totem settings OK")


def ceph(c, t, name):
    t.header("CHECKING HYPER-CONVERGED CEPH STATUS")
    t.say("info", "hyper-converged ceph setup detected!")
    t.say("info", "getting Ceph status/health information..")
    word = c.ceph.status_word()
    if word == "HEALTH_OK":
        t.say("pass", "Ceph health reported as 'HEALTH_OK'.")
    else:
        t.say("warn", "Ceph health reported as '%s'.\n      Use the PVE dashboard or 'ceph -s' to determine the specific issues and try to resolve them." % word)
    version = ceph_on_disk(c.host(name)["packages"], "mon")
    t.say("info", "checking local Ceph version..")
    if c.settings["checklist_strict"] and version < "19":
        t.say("fail", "Hyper-converged Ceph %s is too old for upgrade, please upgrade to Squid first" % version)
    else:
        t.say("pass", "found expected Ceph %s release." % version)
    t.say("info", "checking Ceph config..")
    if "noout" in c.ceph.s["flags"]:
        t.say("pass", "'noout' flag set to prevent rebalancing during cluster-wide upgrades.")
    versions = {d["version"] for d in c.ceph.daemons()}
    t.say("pass" if len(versions) == 1 else "warn", "single running version detected for all daemon types." if len(versions) == 1
          else "multiple running versions detected: %s" % ", ".join(sorted(versions)))


TOOLS = {"pveversion": pveversion, "pve8to9": pve8to9}
