"""The tree of a host: the real / read-only at the bottom, what a host must not see of it hidden, packages, its own disk.

  upper    the host's disk, in memory, lost with the range
  hidden   made anew for each range: empty folders and files in place of the machine's own
  image    optional: packages the real machine has not (see image.py)
  /        read-only, whatever is on its file system (other mounts do not show through)

The kernel stacks overlays only two deep, and / may itself be one. So `hidden` and / stand side by side as lower layers;
with an image, which takes one more, / has to be an ordinary file system.
"""

import os

from .common import run

SYSTEM = {"bin", "sbin", "boot", "etc", "usr", "var"}  # and lib*: all a host sees of the real /
KERNEL = {"proc", "sys", "dev", "run"}                 # mounted by boot.sh
# Services that are enabled on the real machine, and what would mount its disks, are not the host's.
FOREIGN = ["etc/systemd/system", "etc/cron.d", "etc/rcS.d"] + [f"etc/rc{level}.d" for level in range(7)]
MASKED = ["console-getty.service", "getty@.service", "systemd-networkd.service", "systemd-resolved.service",
          "systemd-timesyncd.service", "systemd-udevd.service", "networking.service", "ifupdown-pre.service"]


def hide_machine(folder, root="/"):
    """Fills `folder` (on a file system with trusted.* attributes, as tmpfs is) with the layer that hides the machine."""
    for name in sorted(os.listdir(root)):
        real = os.path.join(root, name)
        if name in SYSTEM or name in KERNEL or name.startswith("lib") or os.path.islink(real):
            continue
        if os.path.isdir(real):
            _empty(os.path.join(folder, name), os.stat(real).st_mode & 0o7777)
        elif os.path.isfile(real):
            open(os.path.join(folder, name), "w", encoding="utf-8").close()
    for name in FOREIGN:
        if os.path.isdir(os.path.join(root, name)):
            _empty(os.path.join(folder, name), 0o755)
    os.makedirs(os.path.join(folder, "etc/systemd/system/multi-user.target.wants"), exist_ok=True)
    for unit in MASKED:
        os.symlink("/dev/null", os.path.join(folder, "etc/systemd/system", unit))
    os.symlink("/lib/systemd/system/ssh.service",
               os.path.join(folder, "etc/systemd/system/multi-user.target.wants/ssh.service"))
    open(os.path.join(folder, "etc/fstab"), "w", encoding="utf-8").close()


def packages(image, folder):
    """Mounts the image over the real / in `folder`, read-only: as an upper layer, because the kernel refuses a lower layer
    that lies inside another one."""
    run("mount", "-t", "overlay", "overlay", "-o",
        f"ro,lowerdir=/,upperdir={image}/upper,workdir={image}/work", folder)
    return folder


def _empty(path, mode):
    parents = os.path.dirname(path)
    os.makedirs(parents, exist_ok=True)
    os.mkdir(path)
    os.chmod(path, mode)
    os.setxattr(path, "trusted.overlay.opaque", b"y")
