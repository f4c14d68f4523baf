"""What the archives hold: package versions by suite. No file is ever downloaded or installed."""
import fnmatch

DEBIAN = {
    # name: (bookworm, trixie, description)
    "apt": ("2.6.1", "3.0.3", "commandline package manager"),
    "base-files": ("12.4+deb12u11", "13.8+deb13u1", "Debian base system miscellaneous files"),
    "bash": ("5.2.15-2+b8", "5.2.37-2+b5", "GNU Bourne Again SHell"),
    "dpkg": ("1.21.22", "1.22.21", "Debian package management system"),
    "libc6": ("2.36-9+deb12u10", "2.41-12", "GNU C Library: Shared libraries"),
    "lvm2": ("2.03.16-2", "2.03.31-2", "Linux Logical Volume Manager"),
    "openssh-server": ("1:9.2p1-2+deb12u6", "1:10.0p1-7", "secure shell (SSH) server"),
    "systemd": ("252.38-1~deb12u1", "257.7-1", "system and service manager"),
}
PVE = {
    "corosync": ("3.1.9-pve1", "3.1.9-pve2", "cluster engine daemon and utilities"),
    "libknet1": ("1.30-pve2", "1.30-pve3", "kronosnet core switching implementation"),
    "proxmox-default-kernel": ("1.1.0", "2.0.0", "Default Proxmox Kernel Image"),
    "proxmox-ve": ("8.4.0", "9.0.0", "Proxmox Virtual Environment"),
    "pve-cluster": ("8.1.2", "9.0.6", "\"pmxcfs\" distributed cluster filesystem for Proxmox Virtual Environment."),
    "pve-container": ("5.2.7", "6.0.9", "Proxmox VE Container management tool"),
    "pve-ha-manager": ("4.0.7", "5.0.4", "Proxmox VE HA Manager"),
    "pve-manager": ("8.4.8", "9.0.5", "Proxmox Virtual Environment Management Tools"),
    "pve-qemu-kvm": ("9.2.0-7", "10.0.2-4", "Full virtualization on x86 hardware"),
    "qemu-server": ("8.4.1", "9.0.18", "Qemu Server Tools"),
}
KERNELS = {
    "bookworm": ("proxmox-kernel-6.8", "6.8.12-13", "6.8.12-13-pve"),
    "trixie": ("proxmox-kernel-6.14", "6.14.8-2", "6.14.8-2-pve"),
}
CEPH_NAMES = ("ceph", "ceph-base", "ceph-common", "ceph-fuse", "ceph-mds", "ceph-mgr", "ceph-mon", "ceph-osd", "librados2")
CEPH = {
    # (release, suite) that the archive has: Reef was never built for trixie
    "reef bookworm": "18.2.7-pve1",
    "squid bookworm": "19.2.3-pve1",
    "squid trixie": "19.2.3-pve2",
}
CEPH_COMMITS = {"18.2.7": "6b0e988052ec84cf2d4a54ff9bbbc5e720b621ad", "19.2.3": "c92aebb279828e9c3c1f5d24613efca272649e62"}
CEPH_NAMES_OF = {"18": "reef", "19": "squid"}


def base_packages(suite):
    column = {"bookworm": 0, "trixie": 1}[suite]
    kernel, version, _ = KERNELS[suite]
    found = {name: row[column] for table in (DEBIAN, PVE) for name, row in table.items()}
    found[kernel] = version
    return found


def ceph_packages(release):
    return {name: CEPH[release] for name in CEPH_NAMES}


def description(name):
    row = DEBIAN.get(name) or PVE.get(name)
    if row:
        return row[2]
    return "Latest Proxmox Kernel Image" if "kernel" in name else "distributed storage and file system"


def candidates(lists):
    """Package -> version as `apt-get update` last saw the archives."""
    found = {}
    if lists.get("debian"):
        column = 1 if lists["debian"] == "trixie" else 0
        found.update({name: row[column] for name, row in DEBIAN.items()})
    if lists.get("pve"):
        column = 1 if lists["pve"] == "trixie" else 0
        found.update({name: row[column] for name, row in PVE.items()})
        kernel, version, _ = KERNELS[lists["pve"]]
        found[kernel] = version
    if lists.get("ceph") in CEPH:
        found.update(ceph_packages(lists["ceph"]))
    return found


def newest_kernel(packages):
    """Release name of the newest kernel among installed packages: what the next boot runs."""
    for suite in ("trixie", "bookworm"):
        if KERNELS[suite][0] in packages:
            return KERNELS[suite][2]
    return "6.1.0-37-amd64"


def ceph_on_disk(packages, kind):
    """Upstream version of the installed daemon, "" if none."""
    return packages.get("ceph-" + kind, "").partition("-")[0]


def ceph_banner(version):
    name = CEPH_NAMES_OF.get(version.partition(".")[0], "unknown")
    return "ceph version %s (%s) %s (stable)" % (version, CEPH_COMMITS.get(version, "0" * 40), name)


def matching(packages, pattern):
    return sorted(name for name in packages if fnmatch.fnmatchcase(name, pattern))
