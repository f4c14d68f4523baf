"""What the hosts of a range share: the controller's key, known_hosts, names, and how ssh is to be called."""

import os
import shutil

from .common import CONTROLLER, GUEST, NETWORK, PROGRAM, run, write

OPTIONS = """\
Host h* {network}*
  User root
  IdentityFile {state}/site/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile {state}/site/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
  LogLevel ERROR
"""


def write_site(state, hosts):
    """Makes the hosts' disks and everything in `state` that names them."""
    os.makedirs(state.site, exist_ok=True)
    shutil.copytree(GUEST, state.path("guest"))
    names = [f"127.0.0.1 localhost\n{CONTROLLER} ctl\n"]
    names += [f"{host.address} {host.name}.range.test {host.name}\n" for host in hosts]
    write(state.hosts_file, "".join(names))
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "range", "-f", state.path("site", "id_ed25519"))
    known = [f"{host.name},{host.name}.range.test,{host.address} {host.make()}\n" for host in hosts]
    write(state.path("site", "known_hosts"), "".join(known))
    inside = "".join(f"Host {host.name}\n  HostName {host.address}\n" for host in hosts)
    inside += OPTIONS.format(network=NETWORK, state=state.folder)
    write(state.path("ssh_config"), inside)
    write(state.path("ssh_config.outside"), inside + f"  ProxyCommand {PROGRAM} --state {state.folder} proxy %h %p\n")
