"""Packages: sources, lists, dist-upgrade and what it restarts, and what an interruption leaves behind."""
import os
import re

from engine import READ, Refused
from package_data import CEPH, KERNELS, candidates

SOURCES = {
    "sources.list": """deb http://deb.debian.org/debian bookworm main contrib non-free-firmware
deb http://deb.debian.org/debian bookworm-updates main contrib non-free-firmware
deb http://security.debian.org/debian-security bookworm-security main contrib non-free-firmware
""",
    "sources.list.d/pve-enterprise.list": "deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n",
    "sources.list.d/ceph.list": "deb https://enterprise.proxmox.com/debian/ceph-reef bookworm enterprise\n",
}
RELEASES = {"bookworm": ("12", "12.11", "bookworm"), "trixie": ("13", "13.0", "trixie")}


class Packages:
    def __init__(self, cluster):
        self.c = cluster

    # ---- files of the host that the real tools read

    def write(self, name, path, text):
        self.c.write(name, path, text)

    def write_first(self, name):
        """The files of a freshly installed host."""
        for path, text in SOURCES.items():
            self.write(name, "/etc/apt/" + path, text)
        self.write(name, "/etc/hostname", name + "\n")
        self.write(name, "/etc/hosts", "127.0.0.1 localhost\n" + "".join(
            "%s %s.lab.test %s\n" % (self.c.host(n)["address"], n, n) for n in self.c.names()))
        self.write(name, "/etc/pve/corosync.conf", "totem {\n  cluster_name: lab\n  config_version: 3\n  version: 2\n}\n")
        os.makedirs(self.c.root(name, "/run"), exist_ok=True)
        self.write_release(name)
        self.c.write_identity(name)

    def write_release(self, name):
        suite = "trixie" if self.c.host(name)["packages"]["base-files"].startswith("13") else "bookworm"
        number, full, code = RELEASES[suite]
        self.write(name, "/etc/debian_version", full + "\n")
        self.write(name, "/etc/os-release", 'PRETTY_NAME="Debian GNU/Linux %s (%s)"\nNAME="Debian GNU/Linux"\nVERSION_ID="%s"\n'
                   'VERSION="%s (%s)"\nVERSION_CODENAME=%s\nID=debian\n' % (number, code, number, number, code, code))

    # ---- sources and lists

    def sources(self, name):
        """Every `deb` line of the host: (file, uri, suite)."""
        found, folder = [], self.c.root(name, "/etc/apt")
        files = [os.path.join(folder, "sources.list")]
        parts = os.path.join(folder, "sources.list.d")
        if os.path.isdir(parts):
            files += [os.path.join(parts, f) for f in sorted(os.listdir(parts)) if f.endswith(".list")]
        for path in files:
            try:
                with open(path) as f:
                    lines = f.read().splitlines()
            except OSError:
                continue
            for number, line in enumerate(lines, 1):
                line = line.split("#")[0].strip()
                if line:
                    m = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+\S", line)
                    if not m:
                        raise Refused(100, "E: Malformed entry %d in list file %s (Component)\n"
                                      "E: The list of sources could not be read." % (number, path.replace(self.c.root(name), "")))
                    found.append((path, m.group(1), m.group(2)))
        return found

    def update(self, name):
        """`apt-get update`: reads the archives that the sources name now. Returns (lines, errors)."""
        lists, lines, errors = {"debian": None, "pve": None, "ceph": None}, [], []
        for n, (_, uri, suite) in enumerate(self.sources(name), 1):
            base = suite.split("-")[0]
            known = base in KERNELS
            if "/ceph-" in uri:
                release = "%s %s" % (re.search(r"/ceph-([a-z]+)", uri).group(1), base)
                known = release in CEPH
                lists["ceph"] = release if known else lists["ceph"]
            elif known and "/pve" in uri:
                lists["pve"] = base
            elif known and suite == base:
                lists["debian"] = base
            if known:
                lines.append("Hit:%d %s %s InRelease" % (n, uri, suite))
            else:
                lines.append("Err:%d %s %s Release\n  404  Not Found" % (n, uri, suite))
                errors.append("E: The repository '%s %s Release' does not have a Release file." % (uri, suite))
        if not errors:
            self.c.host(name)["apt_lists"] = lists
            self.c.event("package lists: %s" % ", ".join("%s %s" % kv for kv in lists.items() if kv[1]), name)
        return lines, errors

    def pending(self, name, only=None):
        """(upgrades, new): package -> version that the lists offer over what is installed."""
        h = self.c.host(name)
        offer = candidates(h["apt_lists"])
        upgrades = {p: v for p, v in offer.items() if p in h["packages"] and h["packages"][p] != v and not self.older(v, h["packages"][p])}
        new = {p: v for p, v in offer.items() if p not in h["packages"] and p.startswith("proxmox-kernel")}
        if only is not None:
            upgrades, new = {p: v for p, v in upgrades.items() if p in only}, {}
        return upgrades, new

    def older(self, a, b):
        def key(v):
            return [int(n) for n in re.findall(r"\d+", v)]
        return key(a) < key(b)

    def half_done(self, name):
        """Packages that are unpacked but not configured."""
        return self.c.host(name)["unconfigured"]

    # ---- dist-upgrade

    def install(self, call, upgrades, new, options):
        """Unpacks and configures; a generator that returns the exit code. Closed in the middle, it leaves half of it."""
        c, name = self.c, call.host
        h = c.host(name)
        names = sorted(upgrades) + sorted(new)
        corosync = "corosync" in upgrades
        whole = c.time("dist_upgrade") * (1.0 if len(names) > 6 else 0.3)
        others = [n for n in c.names() if n != name and c.host(n)["apt"] and c.host(n)["apt"].get("corosync")]
        h["apt"] = {"corosync": corosync, "since": c.now(), "phase": "download"}
        c.event("package upgrade begins: %d packages" % len(names), name)
        if corosync and others:
            self.members_together(name, others)
        try:
            if c.settings["disk_free"].get("/", 0) < 2 << 30:
                call.err("E: You don't have enough free space in /var/cache/apt/archives/.\n")
                return 100
            for p in names:
                call.out("Get:%d https://enterprise.proxmox.com/debian %s amd64 [1,024 kB]\n" % (names.index(p) + 1, p))
            yield whole * 0.2
            if options["frontend"] != "noninteractive":
                call.out("Configuring libc6\n-----------------\n\nThere are services installed on your system which need to be restarted.\n"
                         "Restart services during package upgrades without asking? [yes/no] ")
                if (yield READ) is None:
                    call.out("\n")
                    call.err("debconf: end of file on standard input: the question of libc6 stays open\n"
                             "E: Sub-process /usr/sbin/dpkg-preconfigure --apt || true received end of file.\n"
                             "E: Failure running script /usr/sbin/dpkg-preconfigure --apt || true\n")
                    return 100
            h["apt"]["phase"], h["unconfigured"] = "unpack", names
            for p in names:
                old = h["packages"].get(p)
                call.out("Unpacking %s (%s)%s ...\n" % (p, upgrades.get(p) or new[p], " over (%s)" % old if old else ""))
            yield whole * 0.3
            if c.spend("dist_upgrade", name):
                call.err("dpkg: error processing package pve-manager (--configure):\n installed pve-manager package post-installation "
                         "script subprocess returned error exit status 1\nErrors were encountered while processing:\n pve-manager\n"
                         "E: Sub-process /usr/bin/dpkg returned an error code (1)\n")
                return 100
            code = yield from self.configure(call, {**upgrades, **new}, options, whole)
            return code
        except GeneratorExit:
            if h["apt"] and h["apt"]["phase"] != "download":
                h["interrupted"] = True
                c.event("package upgrade cut off in the middle", name)
            raise
        finally:
            h["apt"] = None

    def configure(self, call, versions, options, whole):
        """Runs the maintainer scripts; a generator that returns the exit code."""
        c, name = self.c, call.host
        h = c.host(name)
        h["apt"]["phase"] = "configure"
        if "lvm2" in versions and h["conffile_edited"] and c.settings["conffile_prompt"] and not options["force_conf"]:
            call.out("\nConfiguration file '/etc/lvm/lvm.conf'\n ==> Modified (by you or by a script) since installation.\n"
                     " ==> Package distributor has shipped an updated version.\n   What would you like to do about it ?  Your options are:\n"
                     "    Y or I  : install the package maintainer's version\n    N or O  : keep your currently-installed version\n"
                     " The default action is to keep your current version.\n*** lvm.conf (Y/I/N/O/D/Z) [default=N] ? ")
            if (yield READ) is None:
                call.err("dpkg: error processing package lvm2 (--configure):\n end of file on stdin at conffile prompt\n"
                         "Errors were encountered while processing:\n lvm2\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n")
                c.event("dpkg asked about a configuration file and nobody answered", name)
                return 100
        yield whole * 0.1
        if "corosync" in versions:
            yield from c.quorum.restart(name, by_package=True)
        else:
            yield whole * 0.1
        for p, version in sorted(versions.items()):
            call.out("Setting up %s (%s) ...\n" % (p, version))
        yield whole * 0.1
        h["packages"].update(versions)
        h["unconfigured"], h["interrupted"], h["conffile_edited"] = [], False, False
        self.write_release(name)
        if any(p in versions for p in ("libc6", "systemd")) or any(p.startswith("proxmox-kernel") for p in versions):
            self.write(name, "/run/reboot-required", "*** System restart required ***\n")
            self.write(name, "/run/reboot-required.pkgs", "\n".join(p for p in versions if "kernel" in p) + "\n")
        c.event("packages: pve-manager %s, ceph %s" % (h["packages"]["pve-manager"], h["packages"].get("ceph")), name)
        return 0

    # ---- laws

    def members_together(self, name, others):
        c = self.c
        hosts = [name] + others
        c.violation("corosync-parallel-upgrade", "%s upgrade corosync at the same time: versions in between do not talk to each other"
                    % " and ".join(sorted(hosts)), name)
        for n in hosts:
            c.host(n)["corosync"], c.host(n)["orderly"] = "failed", False
        c.changed()

    def host_down(self, name):
        h = self.c.host(name)
        if h["apt"] and h["apt"]["phase"] != "download":
            h["interrupted"] = True
            if not h["unconfigured"]:
                h["unconfigured"] = ["pve-manager"]
            self.c.violation("reboot-during-upgrade", "went down in the middle of a package upgrade: %d packages are half-configured"
                             % len(h["unconfigured"]), name)

    def host_boots(self, name):
        h = self.c.host(name)
        h["apt"] = None
        if h["interrupted"] and h["unconfigured"]:
            h["out_of_service"] = "packages are half-configured"
            self.c.event("boots, but its services do not start: packages are half-configured", name)
        else:
            h["out_of_service"] = None

    def options(self, call):
        """What of the command line and the environment decides about questions."""
        text = " ".join(call.args)
        return {"frontend": call.env.get("DEBIAN_FRONTEND", ""), "force_conf": "--force-conf" in text}
