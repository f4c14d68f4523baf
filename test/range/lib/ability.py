"""Can this machine run a range? Found out by doing in small what a range does in large."""

import os
import shutil
import subprocess
import tempfile

from .common import ENVIRONMENT, PROGRAM, RangeError, run, write

PROGRAMS = ("unshare", "nsenter", "setpriv", "mount", "ip", "tc", "ssh", "ssh-keygen", "sshd", "perl")


def why_not():
    """None if a range can run here without any download, else the reason why it cannot."""
    if os.geteuid() != 0:
        return "a range needs root"
    missing = [program for program in PROGRAMS if not shutil.which(program, path=ENVIRONMENT["PATH"])]
    if missing:
        return "missing programs: " + ", ".join(missing)
    with tempfile.TemporaryDirectory(prefix="range-try-") as scratch:
        done = subprocess.run(
            ["unshare", "--mount", "--net", "--ipc", "--uts", "--pid", "--cgroup", "--time", "--fork", "--kill-child",
             "--propagation", "private", PROGRAM, "_try", scratch],
            env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    return None if done.returncode == 0 else "namespaces: " + (done.stderr or done.stdout).strip()


def attempt(scratch):
    """Runs in fresh namespaces: every kind of mount, link and cut that a range needs; raises RangeError at the first that
    fails."""
    run("mount", "-t", "proc", "proc", "/proc")
    run("mount", "-t", "tmpfs", "tmpfs", scratch)
    lower, upper, work, root, cgroup = (os.path.join(scratch, name) for name in ("lower", "upper", "work", "root", "cg"))
    for folder in (lower, upper, work, root, cgroup, os.path.join(lower, "srv")):
        os.mkdir(folder)
    try:
        os.setxattr(os.path.join(lower, "srv"), "trusted.overlay.opaque", b"y")
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower}:/,upperdir={upper},workdir={work}", root)
        write(os.path.join(root, "etc/range-try"), "")
        run("mount", "-t", "proc", "proc", os.path.join(root, "proc"))
        run("mount", "-t", "sysfs", "-o", "ro", "sysfs", os.path.join(root, "sys"))
        run("mount", "-t", "cgroup2", "none", cgroup)
        group = os.path.join(cgroup, "range-try")
        os.mkdir(group)
        can_kill = os.path.exists(os.path.join(group, "cgroup.kill"))
        os.rmdir(group)
        os.mknod(os.path.join(scratch, "null"), 0o20666, os.makedev(1, 3))
    except OSError as error:
        raise RangeError(str(error)) from None
    if not can_kill:
        raise RangeError("cgroup.kill is missing: Linux 5.14 or later is needed")
    run("ip", "link", "add", "br0", "type", "bridge")
    run("ip", "link", "add", "h1", "type", "veth", "peer", "name", "eh1")
    run("ip", "link", "set", "h1", "master", "br0", "up")
    run("tc", "qdisc", "add", "dev", "h1", "clsact")
    run("tc", "filter", "add", "dev", "h1", "ingress", "bpf", "da", "bytecode", "1,6 0 0 2")
