#!/bin/bash
# Between power-on and PID 1: runs in the fresh namespaces of one boot, builds the host's tree, goes into it, starts init.
# Wants in the environment: HOST, INIT (mini or systemd), DISK (this host's disk), LAYERS (overlay lower layers),
# MOUNT (an empty folder), SITE (what all hosts share: files and keys), GUEST (this folder, copied).
set -euo pipefail

mount -t overlay overlay -o "lowerdir=$LAYERS,upperdir=$DISK/upper,workdir=$DISK/work" "$MOUNT"
cd "$MOUNT"
hostname "$HOST"

# /proc and /sys: the kernel's own, read-only but for the host's network settings. sysrq would reset the real machine.
mkdir -p proc sys dev run tmp
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net && mount -o remount,bind,rw proc/sys/net
mount --bind "$DISK/boot_id" proc/sys/kernel/random/boot_id
mount -o remount,bind,ro proc/sys/kernel/random/boot_id
[[ ! -e proc/sysrq-trigger ]] || mount --bind /dev/null proc/sysrq-trigger
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 none sys/fs/cgroup

# /dev: nothing that reaches hardware.
mount -t tmpfs -o mode=755,size=1m tmpfs dev
mkdir dev/pts dev/shm
while read -r name major minor; do mknod -m 666 "dev/$name" c "$major" "$minor"; done <<'END'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
END
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr

mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/range run/sshd run/lock
mount --bind "$GUEST" run/range && mount -o remount,bind,ro run/range

# First boot of this disk: who the host is and whom it lets in.
if [[ ! -e $DISK/provisioned ]]; then
  echo "$HOST" >etc/hostname
  cat "$SITE/hosts" >etc/hosts
  cat "$DISK/machine-id" >etc/machine-id
  echo 'nameserver 127.0.0.1' >etc/resolv.conf
  rm -f etc/ssh/ssh_host_*
  install -m 600 "$DISK/key" etc/ssh/ssh_host_ed25519_key
  install -m 644 "$DISK/key.pub" etc/ssh/ssh_host_ed25519_key.pub
  install -m 644 "$GUEST/sshd_config" etc/ssh/sshd_config
  install -d -m 700 root root/.ssh
  install -m 600 "$SITE/id_ed25519" "$SITE/id_ed25519.pub" "$SITE/known_hosts" root/.ssh/
  install -m 600 "$SITE/id_ed25519.pub" root/.ssh/authorized_keys
  mkdir -p etc/range/rc.d
  touch "$DISK/provisioned"
fi

if [[ $INIT == mini ]]; then
  mount --bind "$GUEST/systemctl" usr/bin/systemctl  # reboot, poweroff, halt and shutdown are links to it
  init=(/run/range/init)
else
  init=(/lib/systemd/systemd --show-status=0 --log-target=journal)
fi

pivot_root . .
umount -l .
# CAP_SYS_BOOT stays: in a PID namespace of its own, reboot(2) ends that namespace and nothing else.
exec setpriv --bounding-set -sys_module,-sys_rawio,-sys_time,-mknod,-syslog,-bpf,-perfmon \
  chroot . env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 "${init[@]}" </dev/null
