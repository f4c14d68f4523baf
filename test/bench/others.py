"""The same work on many hosts by upgrun, by Ansible and by OpenSSH's client, over real sshds of this user on loopback.

Each round starts cold: no connection, no control socket, no run folder. Client and servers share the machine's cores, so
the sshds' own CPU time is measured too: it is what everybody has to wait for.
"""

import atexit
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Fleet:
    """`count` sshds, each on a loopback address of its own; every client finds them by the names h0, h1, ..."""

    def __init__(self, scratch, count):
        self.scratch, self.names = scratch, [f"h{i}" for i in range(count)]
        self.addresses = [f"127.{os.getpid() % 200 + 20}.{i // 200}.{i % 200 + 1}" for i in range(count)]
        self.processes = []
        for key in ("host_key", "identity"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", self.path(key)], check=True)
        shutil.copy(self.path("identity.pub"), self.path("authorized"))
        with open(self.path("host_key.pub"), encoding="utf-8") as file:
            key = " ".join(file.read().split()[:2])
        with socket.socket() as probe:
            probe.bind((self.addresses[0], 0))
            self.port = probe.getsockname()[1]
        self.write("known_hosts", "".join(f"[{a}]:{self.port} {key}\n" for a in self.addresses))
        ways = "".join(f"Host {n}\n  HostName {a}\n" for n, a in zip(self.names, self.addresses))
        self.write("ssh_config", f"{ways}Host *\n  Port {self.port}\n  IdentityFile {self.path('identity')}\n  IdentitiesOnly yes\n"
                                 f"  UserKnownHostsFile {self.path('known_hosts')}\n  BatchMode yes\n  LogLevel ERROR\n")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def __enter__(self):
        for name, address in zip(self.names, self.addresses):
            config = self.write(f"{name}.sshd", f"Port {self.port}\nListenAddress {address}\nHostKey {self.path('host_key')}\n"
                                f"AuthorizedKeysFile {self.path('authorized')}\nPidFile none\nStrictModes no\nUsePAM no\n"
                                f"MaxStartups 100\nSetEnv SHLVL=3 UPG_STATE_DIR={self.path(name + '.state')}\n")
            self.processes.append(subprocess.Popen([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-f", config],
                                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until = time.monotonic() + 30
        for address, process in zip(self.addresses, self.processes):
            while socket.socket().connect_ex((address, self.port)) != 0:
                if process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    sys.exit(f"bench: no sshd on {address}:{self.port}")
                time.sleep(0.01)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()

    def served(self):
        """CPU seconds of the sshds and of what they started, as far as it has ended."""
        ticks = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
                ticks += sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:15])
        return ticks / TICKS


def plan(names, questions, actions):
    """A plan that asks each host `questions` probes, and one that does `actions` on each, all hosts at once."""
    probes = "".join(f'probe p{k}(h: host) -> bool {{ let r = run("true", "{k}") on h  return r.code == 0 }}\n'
                     for k in range(questions))
    all_of_them = " and ".join(f"p{k}(h)" for k in range(questions))
    does = "".join(f'action a{k}(h: host) {{ changes worker on h  run("true", "{k}") on h  takes 1s..5m }}\n' for k in range(actions))
    steps = "".join(f"    a{k}(n)\n" for k in range(actions))
    return f'''cluster bench {{ host {", ".join(names)} {{ roles worker }} }}
role worker {{ available may be down  health well  stoppable always "nobody waits for it" }}
{probes}gate well(h: host) {{ pass when {all_of_them}  watches worker }}
{does}
upgrade asked of bench {{
  preflight {{ await in_service(all) }}
  rolling n in worker batch {len(names)} {{
{steps}    await in_service(n)
  }}
}}
'''


def playbook(tasks):
    return "- hosts: all\n  gather_facts: no\n  strategy: free\n  tasks:\n" + \
        "".join(f"    - ansible.builtin.command: /bin/true {k}\n      changed_when: false\n" for k in range(tasks))


class Race:
    def __init__(self, bench, fleet):
        self.bench, self.fleet = bench, fleet
        # A socket's path is short, and the scratch folder's may not be.
        self.control = tempfile.mkdtemp(prefix="upg-bench.", dir="/tmp")
        atexit.register(shutil.rmtree, self.control, ignore_errors=True)
        self.environment = dict(os.environ, ANSIBLE_PIPELINING="1", ANSIBLE_FORKS=str(len(fleet.names)), ANSIBLE_HOST_KEY_CHECKING="1",
                                ANSIBLE_SSH_ARGS=f"-F {fleet.path('ssh_config')} -o ControlMaster=auto -o ControlPersist=60s",
                                ANSIBLE_SSH_CONTROL_PATH_DIR=self.control, ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0",
                                ANSIBLE_LOCAL_TEMP=fleet.path("ansible"), ANSIBLE_HOME=fleet.path("ansible"),
                                ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3", HOME=fleet.scratch, ANSIBLE_DEPRECATION_WARNINGS="0")

    def build(self, questions, actions):
        source = self.fleet.write(f"race-{questions}-{actions}.upg", plan(self.fleet.names, questions, actions))
        subprocess.run([self.bench.program("upgc"), "build", source, "-o", source + "b"], check=True, stdout=subprocess.DEVNULL)
        return source + "b"

    def one(self, command, good=(0,)):
        """(wall seconds, largest MB, CPU seconds of the sshds, and of the client with all that it started) of one cold round."""
        for leftover in (self.control, self.fleet.path("runs")):
            shutil.rmtree(leftover, ignore_errors=True)
        os.makedirs(self.control, mode=0o700)
        before = self.fleet.served()
        began = time.perf_counter()
        with open(self.fleet.path("said"), "w+", encoding="utf-8") as said:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=self.environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            wall = time.perf_counter() - began
            if process.returncode not in good:
                said.seek(0)
                sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}:\n{said.read()[-3000:]}")
        self.close_masters()
        return wall, usage.ru_maxrss / 1024, self.fleet.served() - before, usage.ru_utime + usage.ru_stime

    def close_masters(self):
        """Ends every ssh that stayed behind for its next caller, so that the sshds' time is complete."""
        folder = self.control
        subprocess.run(["pkill", "-f", f"ssh.*{folder}"], check=False)
        until = time.monotonic() + 10
        while os.listdir(folder) and time.monotonic() < until:
            time.sleep(0.02)

    def line(self, what, command, rounds, beside=None):
        walls, sizes, served, own = zip(*(self.one(command) for _ in range(rounds)))
        wall = statistics.median(walls)
        ratio = f"{wall / beside:6.1f} x" if beside else " " * 8
        least = statistics.median(served) / (os.cpu_count() or 1)
        print(f"{what:<46} {wall * 1e3:8.0f} ms {ratio}   the sshds alone: {least * 1e3:6.0f} ms   {max(sizes):4.0f} MB"
              f"   CPU: {statistics.median(own):5.2f} s, sshds {statistics.median(served):5.2f} s", flush=True)
        return wall, least, statistics.median(own) / max(statistics.median(served), 1e-9)


def compare(bench, heading):
    with_ansible = shutil.which("ansible-playbook") is not None
    if not with_ansible and not bench.smoke:
        sys.exit("bench: no ansible-playbook; `./dev bench` installs it")
    hosts, many, rounds = (3, 4, 1) if bench.smoke else (100, 300, 3)
    work = 4
    scratch = os.path.join(bench.scratch, "race")
    os.mkdir(scratch)
    with Fleet(scratch, hosts) as fleet:
        race = Race(bench, fleet)
        reach = ["--no-agent", "--ssh-config", fleet.path("ssh_config")]
        asks, does = race.build(work, 1), race.build(1, work)
        ansible = ["ansible-playbook", "-i", ",".join(fleet.names) + ",", fleet.write("tasks.yml", playbook(work))]
        script = fleet.write("ask", "for k in 0 1 2 3; do ssh -F {0} -o ControlMaster=auto -o ControlPersist=60s -o ControlPath={1}/%C \"$1\" "
                             "true $k </dev/null || exit 255; done\n".format(fleet.path("ssh_config"), race.control))
        xargs = ["sh", "-c", f"printf '%s\\n' {' '.join(fleet.names)} | xargs -P {hosts} -n 1 sh {script}"]

        heading(f"{work} questions to each of {hosts} hosts, cold; median of {rounds}")
        own, *_ = race.line("upgrun preflight", [bench.program("upgrun"), "preflight", asks, *reach], rounds)
        race.line("xargs -P over ssh with ControlMaster", xargs, rounds, own)
        if with_ansible:
            race.line("Ansible (pipelining, ControlPersist, free)", ansible, rounds, own)

        heading(f"{work} actions on each of {hosts} hosts, cold; upgrun's are durable, with its journal on disk")
        own, *_ = race.line("upgrun run", [bench.program("upgrun"), "run", does, "--yes", "--runs", fleet.path("runs"), *reach], rounds)
        if with_ansible:
            race.line("Ansible (pipelining, ControlPersist, free)", ansible, rounds, own)

    scratch = os.path.join(bench.scratch, "many")
    os.mkdir(scratch)
    with Fleet(scratch, many) as fleet:
        race = Race(bench, fleet)
        heading(f"{many} hosts connect, answer one question, and the program ends")
        own, least, share = race.line("upgrun preflight", [bench.program("upgrun"), "preflight", race.build(1, 1), "--no-agent",
                                                           "--ssh-config", fleet.path("ssh_config")], rounds)
        print(f"{own / least:.2f} times what the sshds themselves take on {os.cpu_count()} cores, which the client shares;"
              f" {1 + share:.2f} times their processor time, whatever else the machine does")
        # The same with OpenSSH's client, one process for each host; its own choice of a key exchange, and the one of libssh.
        each = f"printf '%s\\n' {' '.join(fleet.names)} | xargs -P 40 -I@ ssh -n -F {fleet.path('ssh_config')}"
        race.line("ssh, 40 at once", ["sh", "-c", f"{each} @ true"], rounds)
        race.line("ssh, 40 at once, curve25519-sha256", ["sh", "-c", f"{each} -o KexAlgorithms=curve25519-sha256 @ true"], rounds)
