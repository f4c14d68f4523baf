"""Runs a plan of examples/platform9 on the stand-in, with a person who does what upgrun asks for.

`standin with DIR --world platform9 -- platform9.py UPGRUN PLAN SCENE`. A scene is what goes wrong on the way; at its end the plan is through and an
auditor who knows nothing of the plan finds no law broken and nothing left behind.
"""
import os
import re
import signal
import subprocess
import sys
import threading

from person import Person

UPGRUN, PLAN, SCENE = sys.argv[1:4]
DIR, STANDIN = os.environ["DIR"], os.environ["STANDIN"]
REACH = ["--ssh-config", DIR + "/ssh_config", "--no-agent", "--runs", DIR + "/runs", "--progress", "plain"]
asked = []  # every question that a person was asked


def standin(*words, check=True):
    done = subprocess.run([STANDIN, words[0], DIR, *words[1:]], check=False, capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit("standin %s: %s%s" % (" ".join(words), done.stdout, done.stderr))
    return done.stdout if check else done


def done_on_hosts(pattern):
    return [line for line in standin("ledger").splitlines() if re.search(r" call .* " + pattern, line)]


def at_the_ui(host, text):
    """What the person does; whether it worked."""
    if "Clusters, select the cluster" in text:
        standin("act", "ha", "on" if "Availability on" in text else "off")
    elif "shut down the guests" in text:
        standin("act", "guests", host, "off")
        standin("act", "maintenance", host, "on")
    elif "start its guests again" in text:
        standin("act", "maintenance", host, "off")
        standin("act", "guests", host, "on")
    elif "Maintenance Mode" in text:
        standin("act", "maintenance", host, "on" if "Enable" in text else "off")
    elif "Edit Roles" in text:
        standin("act", "reauthorize", host)
    elif "Re-sync Host" in text:
        standin("act", "resync", host)
    elif text.startswith("Infrastructure > Cluster Hosts, select the host: Upgrade"):
        return standin("act", "upgrade", host, check=False).returncode == 0
    elif not text.startswith("contact Platform9 Support"):
        sys.exit("nobody knows how to do that: " + text)
    return True


def killed_when(person, condition):
    """Kills upgrun once the stand-in is in this condition."""
    standin("await", "--timeout", "120", *condition)
    os.kill(person.process, signal.SIGKILL)


def goes_on(words, answers=(), killed=None):
    """upgrun with these words; everything that it asks for is done. Its exit code."""
    person = Person([UPGRUN, *words, *REACH])
    if killed:
        threading.Thread(target=killed_when, args=(person, killed), daemon=True).start()
    while (text := person.question()) is not None:
        asked.append(text)
        m = re.search(r"operator: (?:([a-z]+\d): )?(.*) -- done\?", text)
        said = next((answer for pattern, answer in answers if re.search(pattern, text)), None)
        if said is None:
            said = "yes" if m is None or at_the_ui(m[1], m[2]) else "no"
        person.types(said)
    code = person.leaves()
    with open(DIR + "/said", "a", encoding="utf-8") as out:
        out.write(person.said)
    return code, person.said


def ends(code, words, answers=(), killed=None):
    got, said = goes_on(words, answers, killed)
    if got != code:
        print(said[-6000:])
        print(standin("ledger")[-3000:])
        sys.exit("exit code %d, not %d" % (got, code))
    return said


def start(code=0, answers=(), killed=None):
    return ends(code, ["run", PLAN, "--yes"], answers, killed)


def resume(code=0, verb="resume", *more):
    runs = sorted(os.listdir(DIR + "/runs"))
    return ends(code, [verb, os.path.join(DIR, "runs", runs[-1]), *more])


def audit():
    found = standin("audit", check=False)
    if found.returncode != 0:
        sys.exit(found.stdout + standin("ledger")[-4000:])


def upgraded():
    """Hosts in the order in which the management plane was told to upgrade them."""
    return [line.split("--host ")[1].split()[0] for line in done_on_hosts("airctl host-upgrade")]


BY_RANK = ["hv1", "hv2", "net1", "net2", "img1", "vol1"]


def through():
    """Nothing goes wrong but that the logs of hv2 fill its disk: they are rotated, there and nowhere else."""
    start()
    audit()
    assert upgraded() == BY_RANK, upgraded()
    assert [line.split()[2] for line in done_on_hosts("find /var/log")] == ["hv2"], done_on_hosts("find")
    drained = [q for q in asked if "Enable Maintenance Mode" in q]
    assert len(drained) == 6 and sum("Disable" in q for q in asked) == 6, asked


def failures():
    """Each failure of the runbook, at another host: a mix of versions, 409, the lost association, converging for ever. The plan knows them all."""
    said = start()
    audit()
    assert [line.split()[2] for line in done_on_hosts("apt-get -y install --reinstall")] == ["hv1"], said
    assert len(done_on_hosts("kubectl delete pod host-upgrade-")) == 1, said
    assert upgraded().count("hv2") == 2, upgraded()
    assert any("operator: net1" in q and "Edit Roles" in q for q in asked), asked
    assert any("operator: net2" in q and "Re-sync" in q for q in asked), asked


def killed():
    """upgrun is killed while net1 is upgraded, and the packages of img1 fail twice: it halts, and goes on when told so."""
    start(-9, killed=["hosts.net1.changing=upgrade"])
    said = resume(4)
    assert "img1" in said, said
    resume()
    audit()
    assert upgraded()[:4] == BY_RANK[:4] and upgraded().count("net1") == 1, upgraded()


def refused():
    """No room on vol1, and it is not old logs: refused before any host was touched, hv1 too."""
    start(1)
    audit()
    assert not upgraded() and not [q for q in asked if "Maintenance" in q], asked


def bridges():
    """hv2 comes back without its network and upgrun dies: a person at the console, and resume. net1 loses a port, img1's agent does not start: the plan mends both."""
    start(-9, killed=["hosts.hv2.bridges.br-ex=[]"])
    standin("act", "console", "hv2", "ovs-vsctl", "add-port", "br-ex", "eno1")
    resume()
    audit()
    assert [line.split()[2] for line in done_on_hosts("ovs-vsctl --may-exist add-port br-data eno2")] == ["net1"]
    assert [line.split()[2] for line in done_on_hosts("systemctl restart pf9-hostagent")] == ["img1"]
    assert [line.split()[2] for line in done_on_hosts("systemctl reboot")] == BY_RANK, done_on_hosts("systemctl reboot")
    off = [q for q in asked if "High Availability" in q]
    assert len(off) == 2 and "off, " in off[0] and "on, " in off[1], off


def by_hand():
    """SaaS: a person asks for each upgrade; the first one at hv1 is refused."""
    start()
    audit()
    assert not done_on_hosts("airctl") and not done_on_hosts("kubectl")
    assert sum("select the host: Upgrade" in q for q in asked) == 7, asked


globals()[SCENE]()
