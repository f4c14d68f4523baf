"""The command line of `range`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from . import ability, control, history, image
from .common import PROGRAM, RangeError, State
from .daemon import Daemon
from .relay import knock, relay

DESCRIPTION = "A private range of hosts for tests: they reboot, crash, hang and lose their network for real. See README.md."


def main(words):
    try:
        return _main(words) or 0
    except (RangeError, OSError, subprocess.SubprocessError) as error:
        print(f"range: {error}", file=sys.stderr)
        return 125


def _main(words):
    if words[:1] == ["_install"]:
        return image.install(words[1], words[2:])
    if words[:1] == ["_try"]:
        return ability.attempt(words[1])
    if words[:1] == ["_relay"]:
        return relay(*words[1:])
    if words[:1] == ["_knock"]:
        return knock(*words[1:])
    if words[:1] == ["--state"] and words[2:3] == ["_daemon"]:
        return Daemon(State(words[1]), json.loads(words[3])).serve()
    # argparse would take the options of `with` for words of its command.
    own, inner = (words[:words.index("--")], words[words.index("--") + 1:]) if "with" in words and "--" in words else (words, [])
    options = _parser().parse_args(own)
    if options.command == "with":
        options.run = inner
    if options.command == "image":
        folder = options.image or image.default_folder()
        reason = image.why_not(folder, options.package) if options.package else None
        print(reason or folder)
        return 1 if reason else 0
    if options.command == "check":
        reason = ability.why_not()
        print(reason or "a range can run here")
        return 1 if reason else 0
    if os.geteuid() != 0:
        raise RangeError("needs root")
    if options.command == "mkimage":
        return image.build(options.image or image.default_folder(), options.package or list(image.PROGRAMS.values()))
    folder = options.state or os.environ.get("RANGE_STATE")
    if not folder:
        if options.command != "with":
            raise RangeError("no state folder; name one with --state or RANGE_STATE")
        folder = tempfile.mkdtemp(prefix="range-")
    return globals()["_" + options.command](State(folder), options)


def _parser():
    parser = argparse.ArgumentParser(prog="range", description=DESCRIPTION)
    parser.add_argument("--state", metavar="FOLDER", help="where the range keeps its files; default $RANGE_STATE")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, text, *arguments):
        added = commands.add_parser(name, help=text, description=text)
        for argument in arguments:
            added.add_argument(argument)
        return added

    for name, text in (("up", "start hosts h1 to hN"), ("with", "start hosts, run a command, end them whatever happens")):
        starts = command(name, text)
        if name == "with":
            starts.usage = "range with N [OPTIONS] -- COMMAND..."
        starts.add_argument("hosts", type=int, metavar="N")
        starts.add_argument("--init", choices=("mini", "systemd"), default="mini")
        starts.add_argument("--boot-delay", type=float, default=4, metavar="SECONDS", help="from reset to kernel")
        starts.add_argument("--latency", type=float, metavar="MS", help="a delay line in every link")
        starts.add_argument("--disk", default="4g", metavar="SIZE", help="memory for the disks of all hosts")
        starts.add_argument("--image", metavar="FOLDER", help="packages the real machine has not, see mkimage")
    command("down", "end everything that `up` started")
    command("status", "one line per host")
    command("history", "who was down when, and how many at once")
    awaits = command("await", "wait until a host is in one of these states", "host")
    awaits.add_argument("wanted", help="up, rebooting, poweroff, crashed, frozen; several with commas")
    awaits.add_argument("--timeout", type=float, default=30)
    for name, text in (("exec", "run a command inside a host, without the network"), ("ssh", "ssh into a host")):
        command(name, text, "host").add_argument("run", nargs=argparse.REMAINDER)
    command("client", "run a command on the controller, 10.77.0.254").add_argument("run", nargs=argparse.REMAINDER)
    for name, text in (("reboot", "restart a host from inside"), ("poweroff", "switch a host off from inside")):
        command(name, text, "host").add_argument("--force", action="store_true", help="at once, services are not stopped")
    command("crash", "power lost: no FIN, no RST; the host stays down", "host")
    command("boot", "switch a host on that is down", "host")
    command("freeze", "every process of the host hangs", "host")
    command("thaw", "they go on", "host")
    command("partition", "cut a host off", "host").add_argument(
        "--from", dest="others", type=lambda text: text.split(","), default=[], metavar="H[,H...]",
        help="only from these hosts; `ctl` is the controller")
    command("heal", "end the cuts of a host, or of all", "host")
    latency = command("latency", "change delay and loss of a host, or of all", "host")
    latency.add_argument("milliseconds", type=float)
    latency.add_argument("--loss", type=float, default=0, metavar="PERCENT")
    command("proxy", "connect standard input and output to a port of a host (ProxyCommand)", "host", "port")
    command("check", "can a range run on this machine?")
    for name, text in (("image", "where the image is, if it has these packages"), ("mkimage", "install Debian packages into the image")):
        packages = command(name, text)
        packages.add_argument("--image", metavar="FOLDER", help="default $RANGE_IMAGE, else in the user's cache")
        packages.add_argument("package", nargs="*", help="@cluster: all that test/range/cluster needs")
    return parser


def _settings(options):
    return {"hosts": options.hosts, "init": options.init, "boot_delay": options.boot_delay, "latency": options.latency,
            "disk": options.disk, "image": options.image or os.environ.get("RANGE_IMAGE")}


def _up(state, options):
    seconds = control.start(state, _settings(options))
    print(f"{options.hosts} hosts up in {seconds:.1f} s; state in {state.folder}")


def _with(state, options):
    if not options.run:
        raise RangeError("`range with N -- COMMAND` needs a command")
    return control.with_range(state, _settings(options), options.run)


def _down(state, _):
    control.stop(state)


def _status(state, _):
    for name, host in control.ask(state, "status").items():
        print(f"{name:5} {host['address']:12} {host['state']:10} boots={host['boots']} boot_id={host['boot_id']} "
              f"processes={host['processes']} memory={host['memory'] / 1024:.1f}M network={host['network']}")


def _history(state, _):
    hosts = list(control.ask(state, "states"))
    print("\n".join(history.tell(state, hosts, control.process(state)["init"])))


def _await(state, options):
    end = time.monotonic() + options.timeout
    while True:
        host = control.ask(state, "states").get(options.host)
        if host is None:
            raise RangeError(f"no such host: {options.host}")
        if host["state"] in options.wanted.split(","):
            return
        if time.monotonic() > end:
            raise RangeError(f"{options.host} is {host['state']}, not {options.wanted}, after {options.timeout:g} s")
        time.sleep(.03)


def _exec(state, options):
    shell = ["bash"] if not options.run else ["bash", "-c", options.run[0]] if len(options.run) == 1 else options.run
    _become(control.in_host(state, options.host) + shell)


def _ssh(state, options):
    _become(control.in_range(state) + ["ssh", "-F", state.path("ssh_config"), options.host] + options.run)


def _client(state, options):
    _become(control.in_range(state) + (options.run or ["bash"]))


def _proxy(state, options):
    daemon = control.process(state)["daemon"]
    _become(["nsenter", f"--net=/proc/{daemon}/ns/net", PROGRAM, "_relay", options.host, options.port])


def _become(words):
    os.execvp(words[0], words)


def _from_inside(state, options):
    force = ["-f", "-f"] if options.force else []
    return subprocess.run(control.in_host(state, options.host) + ["/sbin/" + options.command] + force,
                          check=False).returncode


def _order(state, options):
    control.ask(state, options.command, host=options.host)


_reboot = _poweroff = _from_inside
_crash = _boot = _freeze = _thaw = _heal = _order


def _partition(state, options):
    control.ask(state, "partition", host=options.host, **({"from": options.others} if options.others else {}))


def _latency(state, options):
    control.ask(state, "latency", host=options.host, milliseconds=options.milliseconds, loss=options.loss)
