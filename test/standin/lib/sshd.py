"""The real sshds: one per host, each the child of a `hostinit` that is the host's PID 1."""
import base64
import hashlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess

from processes import descendants, kill_descendants, send, started

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Shell built-ins never reach PATH, so the shell itself maps the host's own files. Bash reads this as ~/.bashrc under
# sshd and as BASH_ENV for a `bash -c` or `sh -c` in a command.
SHELL_RC = r'''__standin_paths() {
  __standin_args=()
  local a
  for a; do
    case $a in
      /run/reboot-required*|/etc/apt|/etc/apt/*|/etc/machine-id|/etc/pve|/etc/pve/*|/proc/sys/kernel/random/boot_id) a=%s$a ;;
      /var/run/reboot-required*) a=%s/run${a#/var/run} ;;
    esac
    __standin_args+=("$a")
  done
}
.() { local f=$1; [ -e %s$f ] && f=%s$f; shift; builtin . "$f" "$@"; }
source() { . "$@"; }
test() { __standin_paths "$@"; builtin test "${__standin_args[@]}"; }
[() { __standin_paths "$@"; builtin [ "${__standin_args[@]}"; }
'''


# A tool that reads or writes files: the supervisor is asked only where one of the host's own is named.
FILE_TOOL = """for a; do case $a in %s) exec %s "$@" ;; esac; done
exec %s "$@"
"""


class StandinError(Exception):
    pass


def sshd_binary():
    for path in ("/usr/sbin/sshd", shutil.which("sshd")):
        if path and os.access(path, os.X_OK):
            return path
    raise StandinError("no sshd on this machine: apt-get install openssh-server")


def keygen(path, comment):
    for old in (path, path + ".pub"):
        if os.path.exists(old):
            os.unlink(old)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path], check=True,
                   stdin=subprocess.DEVNULL)


def choose_addresses(count):
    """An own 127.A.B.0/24 and a port that is free on all of it."""
    rng = random.SystemRandom()
    for _ in range(200):
        a, b, port = rng.randrange(2, 255), rng.randrange(0, 256), rng.randrange(20000, 32000)
        addresses = ["127.%d.%d.%d" % (a, b, n) for n in range(1, count + 1)]
        try:
            for address in addresses:
                with socket.socket() as s:
                    s.bind((address, port))
        except OSError:
            continue
        return addresses, port
    raise StandinError("no free loopback addresses")


def shell_word(text):
    return "'%s'" % text.replace("'", "'\\''")


def own_pattern(paths):
    """A case pattern for these paths, what lies in them, and options that name them."""
    return "|".join("%s|%s/*|-*=%s|-*=%s/*" % (p, p, p, p) for p in paths)


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class Machines:
    def __init__(self, directory, hosts, tools, file_tools, own_paths):
        self.directory, self.hosts, self.tools, self.file_tools, self.own_paths = directory, hosts, tools, file_tools, own_paths
        self.inits, self.user = {}, pwd.getpwuid(os.getuid()).pw_name
        self.sshd = sshd_binary()

    def folder(self, name, *rest):
        return os.path.join(self.directory, "hosts", name, *rest)

    # ---- files

    def prepare(self):
        """Keys, configurations, tool folders, and what a client needs to get in."""
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        keygen(os.path.join(self.directory, "id_ed25519"), "standin")
        shutil.copy(os.path.join(HERE, "..", "client.py"), os.path.join(self.directory, "client"))
        real = {tool: shutil.which(tool, path=SYSTEM_PATH) for tool in self.file_tools}
        for name in self.hosts:
            for part in ("bin", "own", "home", "root"):
                os.makedirs(self.folder(name, part), exist_ok=True)
            keygen(self.folder(name, "ssh_host_ed25519_key"), name)
            for tool in self.tools:
                if tool not in self.file_tools:
                    os.symlink("../../../client", self.folder(name, "bin", tool))
                elif real.get(tool):
                    os.symlink("../../../client", self.folder(name, "own", tool))
                    self.write_script(name, tool, FILE_TOOL % (
                        own_pattern(self.own_paths), shell_word(self.folder(name, "own", tool)), real[tool]))
            self.write_script(name, "sh", 'exec /bin/bash "$@"\n')
            self.write_rc(name)
            self.write_sshd_config(name)
        self.write_client_files()

    def write_rc(self, name):
        for rc in ("rc", "home/.bashrc"):
            with open(self.folder(name, rc), "w") as f:
                f.write(SHELL_RC.replace("%s", shell_word(self.folder(name, "root"))))

    def write_script(self, name, tool, text):
        path = self.folder(name, "bin", tool)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def write_sshd_config(self, name):
        h = self.hosts[name]
        env = {"HOME": self.folder(name, "home"), "PATH": self.folder(name, "bin") + ":" + SYSTEM_PATH,
               "BASH_ENV": self.folder(name, "rc"), "LC_ALL": "C.UTF-8",
               # The step wrapper reads the boot id by redirection, which no stand-in tool sees.
               "UPG_BOOT_ID_FILE": self.folder(name, "root/proc/sys/kernel/random/boot_id"),
               # Steps are no units of this machine's own systemd.
               "UPG_SYSTEMD_DIR": "/nonexistent"}
        with open(self.folder(name, "sshd_config"), "w") as f:
            f.write("""Port %d
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PubkeyAuthentication yes
PermitRootLogin prohibit-password
AllowUsers %s
PrintMotd no
PrintLastLog no
LogLevel ERROR
MaxStartups 200
MaxSessions 200
MaxAuthTries 50
Subsystem sftp /usr/lib/openssh/sftp-server
SetEnv %s
ForceCommand cd "$HOME" && if [ -n "$SSH_ORIGINAL_COMMAND" ]; then exec /bin/bash -c "$SSH_ORIGINAL_COMMAND"; else exec /bin/bash -l; fi
""" % (h["port"], h["address"], quoted(self.folder(name, "ssh_host_ed25519_key")),
                quoted(os.path.join(self.directory, "id_ed25519.pub")), self.user,
                " ".join(quoted("%s=%s" % kv) for kv in env.items())))

    def public_key(self, name):
        with open(self.folder(name, "ssh_host_ed25519_key.pub")) as f:
            return " ".join(f.read().split()[:2])

    def config_path(self, name):
        path = os.path.join(self.directory, name)
        return quoted(path) if " " in path else path

    def write_client_files(self):
        known, config = [], []
        for name, h in self.hosts.items():
            key = self.public_key(name)
            known.append("[%s]:%d %s" % (h["address"], h["port"], key))
            known.append("[%s]:%d %s" % (name, h["port"], key))
            known.append("%s %s" % (name, key))
            # Only what every ssh library reads; with -F no other configuration is read beside it.
            config.append("Host %s\n  HostName %s\n  Port %d\n  User %s\n  IdentityFile %s\n  UserKnownHostsFile %s\n"
                          "  StrictHostKeyChecking yes\n  LogLevel ERROR\n" % (
                              name, h["address"], h["port"], self.user, self.config_path("id_ed25519"), self.config_path("known_hosts")))
        for path, text in (("known_hosts", "\n".join(known) + "\n"), ("ssh_config", "\n".join(config))):
            with open(os.path.join(self.directory, path), "w") as f:
                f.write(text)

    # ---- processes

    def start(self, name):
        argv = [self.sshd, "-D", "-e", "-f", self.folder(name, "sshd_config")]
        env = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}
        self.inits[name] = subprocess.Popen(
            ["/usr/bin/python3", "-I", "-S", "-B", os.path.join(HERE, "hostinit.py"), str(os.getpid()),
             self.folder(name, "sshd.log")] + argv,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd="/", start_new_session=True)

    def answers(self, name):
        """Its sshd accepts connections."""
        init = self.inits.get(name)
        if init is None or init.poll() is not None:
            return False
        h = self.hosts[name]
        with socket.socket() as s:
            s.settimeout(1.0)
            return s.connect_ex((h["address"], h["port"])) == 0

    def stop(self, name):
        """Kills the host's sshd, its sessions and all that was ever started in them."""
        init = self.inits.pop(name, None)
        if init is None:
            return
        init.terminate()
        try:
            init.wait(5)
        except subprocess.TimeoutExpired:
            kill_descendants(init.pid)
            init.kill()
            init.wait()

    def freeze(self, name, on):
        init = self.inits.get(name)
        if init:
            for pid in descendants(init.pid):
                send(pid, signal.SIGSTOP if on else signal.SIGCONT)

    def change_key(self, name):
        """Another host key, and only the clients do not know."""
        keygen(self.folder(name, "ssh_host_ed25519_key"), name)
        init = self.inits.get(name)
        alive = [(started(pid) or 0, pid) for pid in descendants(init.pid)] if init else []
        if alive:
            send(min(alive)[1], signal.SIGHUP)                  # the first child, the listener, reads its files again

    def next_keys(self, name, count):
        """Host keys that its next installations will have, made now so that they can be declared; their fingerprints."""
        prints = []
        for n in range(count):
            path = self.folder(name, "next_key_%d" % n)
            keygen(path, name)
            with open(path + ".pub") as f:
                blob = base64.b64decode(f.read().split()[1])
            prints.append("SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("="))
        return prints

    def wipe(self, name, declared):
        """A new system on the disk of a host that is down: nothing of the old one's files, the next host key."""
        for part in ("home", "root"):
            shutil.rmtree(self.folder(name, part))
            os.makedirs(self.folder(name, part))
        self.write_rc(name)
        coming = sorted(f for f in os.listdir(self.folder(name)) if f.startswith("next_key_") and not f.endswith(".pub"))
        if coming:
            for end in ("", ".pub"):
                os.replace(self.folder(name, coming[0] + end), self.folder(name, "ssh_host_ed25519_key" + end))
        else:
            keygen(self.folder(name, "ssh_host_ed25519_key"), name)
        if declared:
            h, key = self.hosts[name], self.public_key(name)
            with open(os.path.join(self.directory, "known_hosts"), "a") as f:
                f.write("[%s]:%d %s\n[%s]:%d %s\n%s %s\n" % (h["address"], h["port"], key, name, h["port"], key, name, key))

    def pids(self):
        return {name: [init.pid, started(init.pid)] for name, init in self.inits.items()}

    def stop_all(self):
        for name in list(self.inits):
            self.stop(name)
