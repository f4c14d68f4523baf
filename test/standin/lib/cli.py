"""The command line: standin up | down | status | ledger | audit | await | ssh | crash | boot | hang | thaw | set | act | with."""
import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

import worlds
from initial import ScenarioError, load_scenario
from processes import PR_SET_PDEATHSIG, is_alive, send, started
from sshd import StandinError, choose_addresses
from store import read_ledger
from supervisor import CONTROL, serve

USAGE, FAILED, INTERNAL = 2, 1, 70


def say(text):
    sys.stderr.write("standin: %s\n" % text)


def ask(directory, command, args=(), timeout=60.0):
    """One control request. (exit code, output, error text); code None if nobody answers."""
    conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    conn.settimeout(timeout)
    try:
        folder = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        conn.connect("/proc/self/fd/%d/socket" % folder)
        os.close(folder)
        body = b"\0".join(os.fsencode(f) for f in [CONTROL, command, "/", "0"] + list(args))
        conn.sendall(len(body).to_bytes(4, "big") + body)
        out, err, buffer = b"", b"", conn.makefile("rb")
        while True:
            head = buffer.read(5)
            if len(head) < 5:
                return None, "", "the supervisor went away"
            payload = buffer.read(int.from_bytes(head[1:], "big"))
            if head[:1] == b"o":
                out += payload
            elif head[:1] == b"e":
                err += payload
            elif head[:1] == b"q":
                return payload[0], out.decode(), err.decode()
    except OSError as e:
        return None, "", "no cluster is up in %s (%s)" % (directory, e.strerror or e)
    finally:
        conn.close()


# ---- up and down

def read_pid(directory):
    try:
        with open(os.path.join(directory, "pid")) as f:
            return json.load(f)["supervisor"]
    except (OSError, ValueError, KeyError):
        return None


def running(directory):
    pid = read_pid(directory)
    return bool(pid) and is_alive(*pid)


OURS = ("hosts", "state.json", "ledger.jsonl", "lock", "socket", "pid", "ssh_config", "known_hosts", "id_ed25519", "id_ed25519.pub",
        "inventory.json", "ansible.json", "client", "supervisor.log", "state.json.new")


def prepare_directory(directory):
    """An empty folder of our own. One that holds anything else is refused."""
    import shutil
    if running(directory):
        raise StandinError("a cluster is already up in %s" % directory)
    if os.path.isdir(directory):
        strangers = [n for n in os.listdir(directory) if n not in OURS]
        if strangers:
            raise StandinError("%s is not empty (%s): not ours to use" % (directory, strangers[0]))
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
    os.makedirs(directory, mode=0o700, exist_ok=True)


def up(options, parent=None):
    directory = os.path.abspath(options.dir)
    names = [n for n in (options.hosts or worlds.load(options.world).HOSTS).split(",") if n]
    scenario = load_scenario(options.scenario) if options.scenario else {}
    if options.boot_seconds is not None:
        scenario.setdefault("times", {})["boot"] = options.boot_seconds
    prepare_directory(directory)
    addresses, port = choose_addresses(len(names))
    reader, writer = os.pipe()
    sys.stdout.flush()
    if os.fork() == 0:
        os.close(reader)
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        null = os.open("/dev/null", os.O_RDWR)
        log = os.open(os.path.join(directory, "supervisor.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for target, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, target)
        os.closerange(3, writer)
        os.closerange(writer + 1, 4096)
        try:
            serve(directory, options.world, names, addresses, port, scenario, options.lifetime, parent, writer)
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writer)
    os.wait()
    answer = b""
    while True:
        got = os.read(reader, 4096)
        if not got:
            break
        answer += got
    os.close(reader)
    if answer != b"ok":
        raise StandinError(answer.decode() or "the supervisor ended; see %s/supervisor.log" % directory)
    return 0


def down(directory):
    """Ends the supervisor; where it crashed, its hosts ended with it and this only makes sure."""
    directory = os.path.abspath(directory)
    pid = read_pid(directory)
    if pid and is_alive(*pid):
        ask(directory, "down", timeout=2.0)
        deadline = time.monotonic() + 10
        while is_alive(*pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        if is_alive(*pid):
            send(pid[0], signal.SIGKILL)
            say("the supervisor had to be killed")
    deadline = time.monotonic() + 5
    while leftovers(directory) and time.monotonic() < deadline:
        time.sleep(0.01)
    for left in leftovers(directory):
        send(left, signal.SIGKILL)
    return 0


def leftovers(directory):
    """Processes of this DIR: a hostinit names its log on its command line, a session has the host's tools in PATH."""
    found, log, tools = [], os.fsencode(directory + "/hosts/"), os.fsencode("PATH=" + directory + "/hosts/")
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    argv = f.read().split(b"\0")
                with open("/proc/%s/environ" % name, "rb") as f:
                    environ = f.read().split(b"\0")
            except OSError:
                continue
            init = len(argv) > 6 and argv[4].endswith(b"/hostinit.py") and argv[6].startswith(log)
            sshd = len(argv) > 4 and argv[3] == b"-f" and argv[4].startswith(log)
            if init or sshd or any(e.startswith(tools) for e in environ):
                found.append(int(name))
    return found


# ---- looking

def status(options):
    code, out, err = ask(os.path.abspath(options.dir), "status")
    if code != 0:
        say(err.strip())
        return FAILED
    if options.json:
        sys.stdout.write(out)
        return 0
    s = json.loads(out)
    for line in worlds.load(s["world"]).describe(s):
        print(line)
    for kind, laws in s["broken"].items():
        print("%ss: %s" % (kind, ", ".join("%s x%d" % kv for kv in laws.items())))
    return 0


def ledger(options):
    entries = read_ledger(os.path.abspath(options.dir))
    if options.violations:
        entries = [e for e in entries if e["kind"] == "violation"]
    for e in entries:
        if options.json:
            print(json.dumps(e))
            continue
        argv = " ".join(e.get("argv", []))
        more = " -> %d after %.2f s" % (e["code"], e["seconds"]) if e["kind"] == "done" else ""
        print("%s %-9s %-6s %s%s" % (e["at"], e["kind"], e.get("host", "-"),
                                     e.get("law", "") + (": " if "law" in e else "") + e.get("text", argv), more))
    return FAILED if options.violations and entries else 0


def audit(options):
    """What an auditor who knows nothing of any plan finds: laws broken in the ledger, and what was left behind in the state."""
    directory = os.path.abspath(options.dir)
    code, out, err = ask(directory, "status")
    if code != 0:
        say(err.strip())
        return FAILED
    s = json.loads(out)
    broken = ["broken: %s: %s" % (e["law"], e["text"]) for e in read_ledger(directory) if e["kind"] == "violation"]
    left = ["left behind: " + line for line in worlds.load(s["world"]).left(s)]
    for line in broken + left:
        print(line)
    print("%d laws broken, %d things left behind" % (len(broken), len(left)))
    return FAILED if broken or left else 0


def ssh(directory, host, command):
    os.execvp("ssh", ["ssh", "-F", os.path.join(os.path.abspath(directory), "ssh_config"), host] + command)


def control(directory, command, args, timeout=60.0):
    code, out, err = ask(os.path.abspath(directory), command, args, timeout)
    sys.stdout.write(out)
    if code:
        say(err.strip())
    elif code is None:
        say(err)
        return FAILED
    return code


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def with_cluster(options):
    """Up, the script with DIR and STANDIN exported, down; its exit code. The cluster also ends if this is killed."""
    directory = os.path.abspath(options.dir)
    up(options, parent=[os.getpid(), started(os.getpid())])
    try:
        env = dict(os.environ, DIR=directory, STANDIN=os.path.realpath(sys.argv[0]))
        child = subprocess.Popen(options.script, env=env, preexec_fn=die_with_parent)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda n, _: child.send_signal(n))
        code = child.wait()
    finally:
        down(directory)
    with open(os.path.join(directory, "supervisor.log")) as f:
        log = f.read()
    if "Traceback" in log:
        say("the stand-in itself went wrong:\n" + log)
        return code or INTERNAL
    return code


def main(argv):
    script = []
    if argv[:1] == ["with"] and "--" in argv:
        script = argv[argv.index("--") + 1:]
        argv = argv[:argv.index("--")]
    parser = argparse.ArgumentParser(prog="standin", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "with"):
        p = commands.add_parser(name)
        p.add_argument("dir")
        p.add_argument("--world", choices=worlds.NAMES, default="proxmox")
        p.add_argument("--hosts")
        p.add_argument("--scenario")
        p.add_argument("--boot-seconds", type=float)
        p.add_argument("--lifetime", type=float, default=3600.0)
    for name in ("down", "audit", "status", "ledger"):
        p = commands.add_parser(name)
        p.add_argument("dir")
        if name not in ("down", "audit"):
            p.add_argument("--json", action="store_true")
    p.add_argument("--violations", action="store_true")
    for name in ("crash", "boot", "hang", "thaw"):
        p = commands.add_parser(name)
        p.add_argument("dir")
        p.add_argument("host")
    p = commands.add_parser("await")
    p.add_argument("dir")
    p.add_argument("--timeout", type=float, default=10.0)
    p.add_argument("condition", nargs="+", metavar="PATH=VALUE")
    p = commands.add_parser("act")
    p.add_argument("dir")
    p.add_argument("word", nargs="+")
    p = commands.add_parser("set")
    p.add_argument("dir")
    p.add_argument("change", nargs="+", metavar="KEY=VALUE")
    if argv[:1] == ["ssh"]:
        if len(argv) < 3:
            parser.error("ssh DIR HOST [COMMAND...]")
        return ssh(argv[1], argv[2], argv[3:])
    options = parser.parse_args(argv)
    try:
        if options.command == "up":
            return up(options)
        if options.command == "down":
            return down(options.dir)
        if options.command == "with":
            options.script = script or parser.error("with DIR [OPTIONS] -- COMMAND...")
            return with_cluster(options)
        if options.command == "status":
            return status(options)
        if options.command == "audit":
            return audit(options)
        if options.command == "ledger":
            return ledger(options)
        if options.command == "await":
            if any("=" not in condition for condition in options.condition):
                parser.error("await DIR PATH=VALUE or PATH!=VALUE")
            return control(options.dir, "await", [str(options.timeout)] + options.condition, options.timeout + 10)
        if options.command == "set":
            if any("=" not in change for change in options.change):
                parser.error("set DIR KEY=VALUE")
            return control(options.dir, "set", options.change)
        if options.command == "act":
            return control(options.dir, "act", options.word)
        return control(options.dir, options.command, [options.host])
    except (StandinError, ScenarioError) as e:
        say(str(e))
        return USAGE
    except BrokenPipeError:
        return FAILED
