"""The image: an overlay layer with Debian packages that hosts need and the real machine has not. Often none is needed."""

import fcntl
import glob
import hashlib
import os
import shutil
import stat
import subprocess
import time

from . import layers
from .common import ENVIRONMENT, PROGRAM, RangeError, read, run, write

# What a host needs to boot, and the package it comes with.
PROGRAMS = {"sshd": "openssh-server", "ip": "iproute2"}
# What ../cluster needs; `range mkimage @cluster`.
SETS = {"@cluster": ["corosync", "pacemaker", "pacemaker-cli-utils", "resource-agents", "dbus",
                     "ceph-mon", "ceph-osd", "ceph-mgr", "ceph-common"]}
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LISTS_ARE_OLD = 10 * 3600  # seconds


def default_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("RANGE_IMAGE") or os.path.join(cache, "upg-range-image")


def missing_packages():
    """Packages that hosts need and the real machine has not."""
    return [package for program, package in PROGRAMS.items()
            if not shutil.which(program, path=ENVIRONMENT["PATH"])]


def needed(folder):
    """The image to start with: `folder` if one was named, else one with what is missing, built if it has to be; else none."""
    if folder:
        if not os.path.isdir(os.path.join(folder, "upper")):
            raise RangeError(f"no image in {folder}; `range mkimage --image {folder}` builds it")
        return os.path.abspath(folder)
    missing = missing_packages()
    if not missing:
        return None
    build(default_folder(), missing)
    return default_folder()


def build(folder, packages):
    """Installs what is not yet in the image. Nothing is written outside of `folder`."""
    folder = os.path.abspath(folder)
    wanted = [package for name in packages for package in SETS.get(name, [name])]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        there = _packages(folder)
        if not there or not _fits(folder):  # none, one that was not finished, or one on other packages
            wanted += there
            there = []
            for name in ("upper", "work"):
                _remove(os.path.join(folder, name))
        missing = sorted(set(wanted) - set(there))
        if not missing:
            return
        _remove(os.path.join(folder, "packages"))
        write(os.path.join(folder, "machine"), _machine())
        done = subprocess.run(["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
                               "--propagation", "private", PROGRAM, "_install", folder] + missing,
                              env=ENVIRONMENT, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise RangeError(f"the image could not be built in {folder}")
        write(os.path.join(folder, "packages"), "\n".join(sorted(there + missing)) + "\n")


def why_not(folder, packages):
    """None if hosts can start with this image and find these packages, else the reason why not."""
    wanted = [package for name in packages for package in SETS.get(name, [name])]
    lacking = sorted(set(wanted) - set(_packages(folder)))
    if lacking:
        return f"no image with {', '.join(lacking)} in {folder}; `range mkimage {' '.join(packages)}` builds it"
    if not _fits(folder):
        return f"the image in {folder} was built on other packages than this machine has now; `range mkimage` builds it anew"
    if run("findmnt", "-n", "-o", "FSTYPE", "/").strip() == "overlay":
        return "/ is an overlay, on which no image can be put"
    return None


def _packages(folder):
    try:
        return read(os.path.join(folder, "packages")).split()
    except OSError:
        return []


def _machine():
    """The packages that the image lies on: it holds only what differs, dpkg's list of all among it."""
    with open("/var/lib/dpkg/status", "rb") as status:
        return hashlib.sha256(status.read()).hexdigest()


def _fits(folder):
    try:
        return read(os.path.join(folder, "machine")) == _machine()
    except OSError:
        return False


def _remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def install(folder, packages):
    """The part of `build` that runs in namespaces of its own."""
    upper, work, root, hidden = (os.path.join(folder, name) for name in ("upper", "work", "root", "hidden"))
    for path in (upper, work, root, hidden):
        os.makedirs(path, exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", hidden)
    layers.hide_machine(hidden)
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={hidden}:/,upperdir={upper},workdir={work}", root)
    _mount_kernel(root)
    policy = os.path.join(root, "usr/sbin/policy-rc.d")
    write(policy, "#!/bin/sh\nexit 101\n", 0o755)  # no service starts
    environment = dict(ENVIRONMENT, DEBIAN_FRONTEND="noninteractive")
    # What a power cut would leave of a cache is nobody's loss.
    apt = ["chroot", root, "apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-unsafe-io"]
    if not _has_fresh_lists(root):
        subprocess.run(apt + ["update"], env=environment, check=True)
    subprocess.run(apt + ["--no-install-recommends", "install"] + packages, env=environment, check=True)
    subprocess.run(apt + ["clean"], env=environment, check=True)
    os.remove(policy)


def _mount_kernel(root):
    run("mount", "-t", "proc", "proc", os.path.join(root, "proc"))
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", os.path.join(root, "dev"))
    for name in DEVICES:
        real = os.stat("/dev/" + name)
        os.mknod(os.path.join(root, "dev", name), stat.S_IFCHR | 0o666, real.st_rdev)
        os.chmod(os.path.join(root, "dev", name), 0o666)
    for name in ("run", "tmp"):
        run("mount", "-t", "tmpfs", "-o", "mode=1777" if name == "tmp" else "mode=755", "tmpfs", os.path.join(root, name))
    resolver = os.path.realpath("/etc/resolv.conf")
    if resolver.startswith("/run/") and os.path.exists(resolver):  # a link into what was just hidden
        os.makedirs(os.path.dirname(root + resolver), exist_ok=True)
        shutil.copy(resolver, root + resolver)


def _has_fresh_lists(root):
    lists = glob.glob(os.path.join(root, "var/lib/apt/lists", "*_Packages*"))
    return any(time.time() - os.path.getmtime(name) < LISTS_ARE_OLD for name in lists)
