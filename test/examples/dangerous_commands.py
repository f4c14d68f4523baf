#!/usr/bin/env python3
"""The dangerous commands that the standard library knows: an action that runs one without saying what it does is refused, however the
shell gets to it; a question may not run it; what only looks like one is let through.

dangerous_commands.py UPGC"""

import json
import re
import subprocess
import sys
import tempfile

# (command, what it does at least as the message says it, what the action declares)
ALL, DESTROYS = "disrupts every role of its host", "destroys"
DANGEROUS = [
    ("reboot", ALL), ("shutdown -r now", ALL), ("shutdown", ALL), ("poweroff", ALL), ("halt -p", ALL), ("init 6", ALL), ("telinit 6", ALL),
    ("systemctl reboot", ALL), ("systemctl -f reboot", ALL), ("systemctl --force --force reboot", ALL), ("systemctl poweroff", ALL),
    ("systemctl kexec", ALL), ("kexec -e", ALL), ("systemctl isolate rescue.target", ALL), ("systemctl start reboot.target", ALL),
    ("do-release-upgrade", "changes roles of its host"), ("do-release-upgrade -f DistUpgradeViewNonInteractive", "changes roles of its host"),
    ("leapp upgrade", "changes roles of its host"), ("leapp --debug upgrade --reboot", "changes roles of its host"),
    ("rm -r /x", DESTROYS), ("rm -rf /x", DESTROYS), ("rm -fr /x", DESTROYS), ("rm -vfR /x", DESTROYS), ("rm -f -r /x", DESTROYS),
    ("rm /x --recursive", DESTROYS), ("rm --recurs /x", DESTROYS), ("find /x -name y -delete", DESTROYS),
    ("mkfs -t ext4 /dev/sdb", DESTROYS), ("mkfs.xfs /dev/sdb", DESTROYS), ("mke2fs /dev/sdb", DESTROYS), ("mkswap /dev/sdb", DESTROYS),
    ("dd if=/dev/zero of=/dev/sdb", DESTROYS), ("dd of=/dev/sdb", DESTROYS), ("wipefs -a /dev/sdb", DESTROYS),
    ("wipefs -fa /dev/sdb", DESTROYS), ("wipefs --all /dev/sdb", DESTROYS), ("shred /x", DESTROYS), ("blkdiscard /dev/sdb", DESTROYS),
    ("sgdisk --zap-all /dev/sdb", DESTROYS), ("parted -s /dev/sdb mklabel gpt", DESTROYS), ("lvremove -y vg/lv", DESTROYS),
    ("vgremove vg", DESTROYS), ("pvremove /dev/sdb", DESTROYS), ("mdadm --zero-superblock /dev/sdb", DESTROYS),
    ("cryptsetup -q luksFormat /dev/sdb", DESTROYS), ("zpool destroy tank", DESTROYS), ("zfs destroy -r tank/data", DESTROYS),
    ("apt-get dist-upgrade", "changes `linux.alive`"), ("apt-get -o X::Y=z -qy dist-upgrade", "changes `linux.alive`"), ("apt full-upgrade", "changes `linux.alive`"),
    ("apt-get -y dist-upgrade", "disrupts `corosync.member`", "changes linux.alive on h"),
    ("apt-get -y dist-upgrade", "changes `proxmox.node`", "changes linux.alive on h  disrupts corosync.member on h"),
    ("apt-get -y dist-upgrade", "", "changes linux.alive, proxmox.node on h  disrupts corosync.member on h"),
    ("apt-get -qq -o X=y upgrade", "changes `linux.alive`"), ("apt-get install ceph", "changes `linux.alive`"),
    ("apt-get -f install", "changes `linux.alive`"), ("apt-get purge x", "changes `linux.alive`"), ("dpkg -i /x.deb", "changes `linux.alive`"),
    ("dpkg --configure -a", "changes `linux.alive`"),
    ("systemctl restart corosync", "disrupts `corosync.member`"), ("systemctl stop corosync.service", "disrupts `corosync.member`"),
    ("systemctl --no-block restart pvedaemon corosync", "disrupts `corosync.member`"), ("systemctl try-restart corosync", "disrupts `corosync.member`"),
    ("service corosync restart", "disrupts `corosync.member`"), ("pkill -9 corosync", "disrupts `corosync.member`"),
    ("systemctl disable --now corosync", "disrupts `corosync.member`"), ("pcs cluster stop --all", "disrupts `corosync.member`"),
    ("pvecm expected 1", "changes `corosync.member`"), ("corosync-quorumtool -e 1", "changes `corosync.member`"),
    ("pvecm delnode node3", DESTROYS), ("pcs cluster destroy", DESTROYS),
    ("systemctl restart ceph-mon.target", "disrupts `ceph.mon`"), ("systemctl stop ceph-mgr@a", "disrupts `ceph.mgr`"),
    ("systemctl restart ceph-osd@3", "disrupts `ceph.osd`"), ("systemctl restart ceph-mds.target", "disrupts `ceph.mds`"),
    ("systemctl restart ceph.target", "disrupts `ceph.mon`"), ("systemctl stop ceph", "disrupts `ceph.mon`"), ("ceph osd down 3", "disrupts `ceph.osd`"),
    ("ceph osd out 3", "changes `ceph.osd`"), ("ceph osd purge 3 --force", DESTROYS), ("ceph --cluster x osd purge 3", DESTROYS),
    ("ceph osd destroy 3", DESTROYS), ("ceph osd rm 3", DESTROYS), ("ceph osd pool rm p p --yes-i-really-really-mean-it", DESTROYS),
    ("ceph osd pool delete p p", DESTROYS), ("ceph-volume lvm zap vg/lv", DESTROYS), ("ceph mon remove a", DESTROYS), ("rbd rm pool/image", DESTROYS),
    ("ha-manager crm-command node-maintenance enable node1", "changes `proxmox.node`"),
    ("ha-manager crm-command node-maintenance disable node1", "changes `proxmox.node`"), ("qm stop 100", "disrupts `proxmox.node`"),
    ("systemctl stop pve-cluster", "disrupts `proxmox.node`"), ("systemctl restart pvedaemon", "changes `proxmox.node`"),
    ("qm destroy 100", DESTROYS), ("pct destroy 100", DESTROYS), ("pvesm free local:100/x.raw", DESTROYS), ("pveceph osd destroy 3", DESTROYS),
    ("pvesh delete /nodes/node1/qemu/100", DESTROYS), ("pvesh create /nodes/node1/status --command reboot", "disrupts `proxmox.node`"),
    ("hosted-engine --clean-metadata", DESTROYS), ("hosted-engine --clean-metadata --host-id=2", DESTROYS),
    ("hosted-engine --host-id=2 --clean-metadata", DESTROYS), ("hosted-engine --reinitialize-lockspace", DESTROYS),
    ("hosted-engine --vm-poweroff", "disrupts `ovirt.hypervisor`"), ("systemctl stop vdsmd", "disrupts `ovirt.hypervisor`"),
    ("systemctl restart vdsmd", "changes `ovirt.hypervisor`"),
    ("kubectl delete pod web", DESTROYS), ("kubectl -n x delete deploy/web", DESTROYS), ("kubectl --context=c delete node n", DESTROYS),
    ("kubectl drain n --ignore-daemonsets", "changes `kubernetes.node`"), ("kubectl --context c drain n", "changes `kubernetes.node`"),
    ("kubectl cordon n", "changes `kubernetes.node`"), ("kubeadm reset -f", DESTROYS + "|disrupts `kubernetes.node`"),
    ("kubeadm upgrade apply v1.31.0", "changes `kubernetes.node`"), ("systemctl stop kubelet", "disrupts `kubernetes.node`"),
    ("systemctl restart kubelet", "changes `kubernetes.node`"), ("etcdctl --endpoints=x del --prefix /", DESTROYS),
]

# Where a shell runs it all the same.
SHELLS = ["{}", "sudo {}", "sudo -n -u root {}", "sudo --user root {}", "env A=1 B=2 {}", "A=1 {}", "/usr/sbin/{}", "true | {}", "true && {}",
          "false || {}", "true; {}", "({})", "( cd /; {} )", "{{ {}; }}", "sh -c '{}'", "sudo bash -euo pipefail -c '{}'", "sh -c \"sh -c '{}'\"",
          "su - root -c '{}'", "echo \"$({})\"", "echo `{}`", "X=$({})", "nohup {} &", "timeout 5m {}", "timeout --signal KILL 5m {}",
          "systemd-run --wait {}", "systemd-run --unit x {}", "nice -n 5 ionice -c 3 {}", "if true; then {}; fi", "for i in 1 2; do {}; done",
          "while true; do {}; done", "case x in x) {};; esac", "f() {{ {}; }}; f", "ls | xargs -n 1 {}", "ls | xargs -I % sh -c '{}'",
          "bash <<EOF\n{}\nEOF", "cat <<EOF | sudo sh\n{}\nEOF", "sh <<< '{}'", "echo '{}' | sh", "ssh other '{}'", "ssh -t other sudo {}",
          "chroot /mnt {}", "nsenter -t 1 -m {}", "flock /l {}", "trap '{}' EXIT", "eval '{}'", "find /y -exec {} \\;", "true &&\n  {}",
          "echo x \\\n  ; {}", "exec {}", "! {}", "setsid {}", "busybox {}", "watch '{}'", "echo {} | at now"]

# Programs that a variable or an alias names, and a file that a shell reads.
NAMED = ["R=\"{0}\"; $R", "R='{0}'\n${{R}}", "R=$X; R='{0}'; $R", "export R='{0}'; sudo $R", "for R in 'true' '{0}'; do $R; done", "${{R:-{0}}}",
         "R=true; [ -e /x ] && R='{0}'; timeout 5 $R", "S=; $S {0}", "$S {0}", "alias r='{0}'; r", "sh -c 'R=\"{0}\"; $R'", "if x; then local R='{0}'; fi; $R",
         "sh {0}", ". {0}", "bash -e /usr/local/sbin/{0}", "source ./{0}", "sh < {0}"]
# What is written to is a device, or as good as a command.
WRITES = [
    ("> /dev/sda", DESTROYS), ("cat /x > /dev/nvme0n1", DESTROYS), ("cat /x >>/dev/sdb1", DESTROYS), ("cat /x >| /dev/vda", DESTROYS),
    ("gzip -dc /x 2>/dev/null > /dev/mapper/vg-lv", DESTROYS), ("cat /x &> /dev/md0", DESTROYS), ("D=/dev/sda; cat /x > $D", DESTROYS),
    ("(cat /x) > /dev/disk/by-id/x", DESTROYS), ("cat /x | tee /dev/sda", DESTROYS), ("cp /x /dev/sda", DESTROYS),
    ("echo b > /proc/sysrq-trigger", ALL), ("echo b | sudo tee /proc/sysrq-trigger", ALL), ("echo c >/proc/sysrq-trigger", ALL),
]
# Nobody can say what runs.
UNSEEN = ["$R", "\"$R\" x", "sudo $R", "R=$(cat /x); $R", "read R; $R", "R=a; R+=b; $R", "R=a; . /x; $R", "\"$@\"", "$(cat /x)", "`cat /x`", "eval \"$X\"",
          "sh -c \"$X\"", "sh \"$F\"", ". \"$F\"", "curl -s http://x | sh", "cat /x | sudo bash", "${R%x} y", "${!R}", "xargs $R", "alias r=\"$X\"; r"]

HARMLESS = [
    "R=ls; $R -l", "R=reboot; ls $R", "ls $R", "echo $((R + 1))", "[ \"$R\" = x ] && ls", "sudo -u \"$U\" ls", "ls > /dev/null 2>&1", "ls >/dev/stderr",
    "cat list | xargs rm -f", "alias r=ls; r", "timeout \"$T\" ls", "X=$(ls); echo \"$X\"", "for i in $L; do echo $i; done", "while read -r l; do echo \"$l\"; done < /x",
    "case $x in *.gz) ls;; *) ls;; esac", "echo x > \"$F\"", "sh /opt/site/check.sh", "cat /dev/sda > /x", "echo x | tee /x",
    "echo reboot", "systemctl status reboot.target", "systemctl --no-pager status reboot.target", "shutdown -c", "command -v reboot", "which leapp",
    "rm -f /x", "rm /x-r", "rmdir /x", "do-release-upgrade -c", "leapp preupgrade", "wipefs /dev/sdb", "wipefs -n -a /dev/sdb", "mkfs.ext4 -V",
    "dd if=/dev/sdb of=/dev/null", "apt-get -s dist-upgrade", "apt-get --simulate -y dist-upgrade", "apt-get -qs -o X=y install ceph", "apt-get update",
    "apt-get -d -y dist-upgrade", "apt list --upgradable", "apt-mark showmanual", "dpkg -l", "dpkg --audit", "systemctl is-active corosync ceph.target",
    "systemctl status corosync", "corosync-quorumtool -s", "pvecm status", "ceph osd tree", "ceph osd ok-to-stop 3", "ceph osd pool ls", "ceph osd set noout",
    "ceph-volume lvm list", "ha-manager status", "qm list", "pvesh get /nodes", "hosted-engine --vm-status", "kubectl get nodes",
    "kubectl delete pod web --dry-run=server", "kubectl drain n --dry-run=client", "kubeadm upgrade plan", "cat > /etc/x <<EOF\nreboot\nEOF",
    "logger 'time to reboot; rm -rf /x'", "true # rm -rf /x", "grep -r reboot /etc", "zfs destroy -nv tank/data", "telinit q",
]

HEAD = """use linux, apt, corosync, ceph, proxmox, ovirt, kubernetes
cluster lab {
  engine_fqdn "engine.lab"
  host node1 "10.0.0.1", node2 "10.0.0.2", node3 "10.0.0.3" {
    votes 1  pinned []
    roles corosync.member, ceph.mon, ceph.mgr, ceph.osd, ceph.mds, proxmox.node, ovirt.hypervisor, ovirt.engine, kubernetes.node
  }
  host desk "10.0.0.9" { roles kubernetes.desk }
}
role plain { available may be down  health linux.up  stoppable always "nobody minds" }
"""


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("${", "$${") + '"'


def complaints(upgc, scripts, question=False, declared=()):
    """What the checker says of each script, run by an action or by a gate of its own."""
    lines = [HEAD]
    for i, script in enumerate(scripts):
        if question:
            lines.append(f"gate c{i}(h: host) {{ pass when (sh({literal(script)}) on h).code == 0 }}")
        else:
            lines.append(f"action c{i}(h: host) {{ spills plain  {declared[i] if declared else ''}  sh({literal(script)}) on h  takes 1s..2s }}")
    lines += ["upgrade all of lab {", "  preflight { await in_service(all) }"]
    lines += [f"  {'await ' if question else ''}c{i}(node1)" for i in range(len(scripts))] + ["}"]
    with tempfile.NamedTemporaryFile("w", suffix=".upg", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        done = subprocess.run([upgc, "check", "--format=json", file.name], capture_output=True, text=True, check=False)
    said = [""] * len(scripts)
    for d in json.loads(done.stdout)["diagnostics"]:
        if d["severity"] == "error" and not d["code"].startswith("E1"):
            sys.exit(f"{d['code']} {d['message']}: {done.stdout[:2000]}")
        found = re.match(r"(?:gate )?`c(\d+)` runs a command that (.*?)(?:, but does not say so|; a question may only read)$", d["message"])
        unseen = re.match(r"(?:gate )?`c(\d+)`: ", d["message"])
        if d["code"] == "E1021" and found:
            said[int(found[1])] = found[2]
        elif d["code"] == "E1021" and unseen:
            said[int(unseen[1])] = "unseen"
    return said


def main():
    upgc, failed = sys.argv[1], 0

    def expect(script, said, wanted):
        nonlocal failed
        if said not in wanted.split("|"):
            failed += 1
            print(f"{script!r}: expected {wanted or 'nothing'!r}, not {said or 'nothing'!r}")

    commands = [row[0] for row in DANGEROUS]
    for row, said in zip(DANGEROUS, complaints(upgc, commands, declared=[row[2] if len(row) > 2 else "" for row in DANGEROUS])):
        expect(row[0], said, row[1])
    for command, said in zip(commands, complaints(upgc, commands, question=True)):
        expect("asked: " + command, said, "changes something")
    for command, effect in (("reboot", ALL), ("rm -rf /x", DESTROYS), ("systemctl restart corosync", "disrupts `corosync.member`")):
        scripts = [s.format(command) for s in SHELLS]
        for script, said in zip(scripts, complaints(upgc, scripts)):
            expect(script, said, effect)
        scripts = [s.format(command) for s in NAMED]
        for script, said in zip(scripts, complaints(upgc, scripts)):
            if command == "reboot" or not re.search("sh|source|^\\.", script[:6]):  # a file has one word
                expect(script, said, effect + "|unseen" if "$X" in script or "$S" in script else effect)
    for (script, wanted), said in zip(WRITES, complaints(upgc, [row[0] for row in WRITES])):
        expect(script, said, wanted)
    for question in (False, True):
        for script, said in zip(UNSEEN, complaints(upgc, UNSEEN, question)):
            expect(script, said, "unseen")
    for script, said in zip(HARMLESS, complaints(upgc, HARMLESS)):
        expect(script, said, "")
    print(f"{len(DANGEROUS)} dangerous, {len(SHELLS)} ways of a shell, {len(HARMLESS)} harmless: {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
