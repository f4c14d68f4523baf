"""StarlingX on the stand-in: `standin with DIR --world starlingx ... -- starlingx.py CASE UPGRUN PLAN`. Each case is a function below."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from person import Person  # noqa: E402

CASE, UPGRUN, PLAN = sys.argv[1:4]
DIR, STANDIN = os.environ["DIR"], os.environ["STANDIN"]
REACH = ["--ssh-config", DIR + "/ssh_config", "--no-agent", "--runs", DIR + "/runs"]
OLD, NEW = "19.12", "20.06"


def standin(*words, check=True):
    return subprocess.run([STANDIN, words[0], DIR, *words[1:]], check=check, capture_output=True, text=True).stdout


def status():
    return json.loads(standin("status", "--json"))


def newest():
    return DIR + "/runs/" + sorted(os.listdir(DIR + "/runs"))[-1]


def vouched(words):
    """The key that each host shows once it is installed with the new release, and after an abort's installation: what its console would tell."""
    return [w for n, keys in KEYS.items() for w in ("--host-key", n + "=" + keys[words[0] == "abort"])]


def upgrun(*words, code):
    """Runs to its end with nobody at the terminal; its exit code and what it says."""
    done = subprocess.run([UPGRUN, *words, *REACH, *vouched(words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=295, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code, "exit code %d, not %d: %s\n%s" % (done.returncode, code, words, said[-6000:])
    return said


def stopped_at(text, *words):
    """Starts, and asks it to stop (Ctrl-C) once it has said the text; its exit code."""
    child = subprocess.Popen([UPGRUN, *words, *REACH, *vouched(words), "--progress", "plain"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    for line in child.stdout:
        said.append(line)
        if text in line:
            child.send_signal(signal.SIGINT)
            text = "\0"
    assert text == "\0", "never said\n" + "".join(said)[-6000:]
    return child.wait()


def killed_at(text, *words):
    """Starts, and is killed once it has said the text."""
    child = subprocess.Popen([UPGRUN, *words, *REACH, *vouched(words), "--progress", "plain"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in child.stdout:
        if text in line:
            child.kill()
            child.wait()
            return
    raise AssertionError("never said: " + text)


def did(text):
    """How often a command was given, on whichever host."""
    return sum(e["kind"] == "call" and text in " ".join(e["argv"]) for e in ledger())


def ledger():
    return [json.loads(line) for line in standin("ledger", "--json").splitlines()]


def audited():
    """Nothing that the plan knows goes in here: the ledger and the state alone."""
    found = subprocess.run([STANDIN, "audit", DIR], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def all_on(release):
    software = {n: h["software"] for n, h in status()["hosts"].items() if h["personality"] != "other"}
    assert set(software.values()) == {release}, software


def reinstalls():
    return [e["host"] for e in ledger() if e["kind"] == "event" and e["text"].startswith("is reinstalled with " + NEW)]


# ---- cases

def whole():
    """To the end: controller-1, controller-0, every storage host, workers; two swacts; two hosts of storage at once, never of one group."""
    upgrun("run", PLAN, "--yes", code=0)
    audited()
    all_on(NEW)
    order = reinstalls()
    kinds = [n.split("-")[0] for n in order]
    assert order[:2] == ["controller-1", "controller-0"] and kinds[2:] == ["storage"] * 4 + ["worker"] * 4, order
    swacts = [" ".join(e["argv"]) for e in ledger() if e["kind"] == "call" and "host-swact" in " ".join(e["argv"]) and e["argv"][0] == "system"]
    assert swacts == ["system host-swact controller-0", "system host-swact controller-1"], swacts
    away, pairs = set(), set()
    for e in ledger():
        if e["kind"] == "event" and e.get("host", "").startswith("storage"):
            away |= {e["host"]} if e["text"] == "is locked" else set()
            away -= {e["host"]} if e["text"].endswith("have caught up") else set()
            pairs |= {tuple(sorted(away))} if len(away) > 1 else set()
    groups = {n: h["peer_group"] for n, h in status()["hosts"].items()}
    assert pairs, "never two storage hosts at once"
    assert all(len({groups[n] for n in p}) == len(p) for p in pairs), pairs


def failed_worker():
    """A worker comes back failed: the run halts at once, what runs beside it ends; mended by hand, the run goes on. Killed in between."""
    killed_at("controller-1: starlingx.upgrade_first_controller", "run", PLAN, "--yes")
    said = upgrun("resume", newest(), code=4)
    assert "worker-1" in said and status()["hosts"]["worker-1"]["failed"], said[-3000:]
    standin("act", "repair", "worker-1")
    upgrun("resume", newest(), code=0)
    audited()
    all_on(NEW)
    assert did("system host-upgrade controller-1") == 1, "given again after the kill"


def changed_configuration():
    """Somebody changes a service parameter while the configuration is frozen: halted before the swact that would lose it. Back to the old release."""
    child = subprocess.Popen([UPGRUN, "run", PLAN, "--yes", *REACH, *vouched(["run"])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    standin("await", "--timeout", "120", "now.state=data-migration-complete")
    standin("set", "parameters.platform/maintenance/worker_boot_timeout=900")
    assert child.wait(timeout=200) == 4
    assert not did("system host-swact"), "swact all the same"
    upgrun("abort", newest(), "--yes", code=5)
    audited()
    all_on(OLD)
    assert did("system host-downgrade controller-1")


def aborted_after_swact():
    """Stopped when controller-1 is active with the new release: home first, then controller-1 is put back."""
    assert stopped_at("starlingx.swact_to_first(controller-0, controller-1) done", "run", PLAN, "--yes") == 3
    upgrun("abort", newest(), "--yes", code=5)
    audited()
    all_on(OLD)
    calls = [" ".join(e["argv"]) for e in ledger() if e["kind"] == "call" and e["argv"][0] == "system" and len(e["argv"]) > 1]
    ways = [c for c in calls if c.split()[1] in ("upgrade-abort", "host-swact", "host-downgrade", "upgrade-complete")]
    assert ways == ["system host-swact controller-0", "system upgrade-abort", "system host-swact controller-1",
                    "system host-downgrade controller-1", "system upgrade-complete"], ways


def simplex():
    """A person confirms, the host is wiped once its data lie elsewhere, the person installs it; the first restore fails, is mended and taken again. No password shows."""
    secrets = {"SYSADMIN": "St8rlingX*", "ADMIN": "Li69nux*"}
    os.environ.update(secrets)
    words = ["run", PLAN, "--yes", "--secret", "starlingx.sysadmin_password=env:SYSADMIN", "--secret", "starlingx.admin_password=env:ADMIN"]
    person = Person([UPGRUN, *words, *REACH, *vouched(words), "--progress", "plain"])
    asked = []
    while True:
        question = person.question(200)
        if question is None:
            break
        asked.append(question)
        if "install 20.06" in question:
            assert not did("system host-upgrade controller-0"), "wiped before anybody was told"
        person.types("yes")
        if "install 20.06" in question:
            standin("await", "--timeout", "60", "hosts.controller-0.power=off")
            standin("act", "install", "controller-0")
    code = person.leaves()
    assert code == 0, "exit code %d\n%s" % (code, person.said[-6000:])
    assert len(asked) == 3 and "the restore has failed" in asked[2], asked
    audited()
    all_on(NEW)
    for folder, _, names in os.walk(DIR + "/runs"):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                text = f.read()
            assert not any(s.encode() in text for s in secrets.values()), name
    assert not any(s in person.said for s in secrets.values())


def migration():
    """The data migration of controller-1 fails: a person mends it, vouches for the host's next key, and the run goes on by itself."""
    words = ["run", PLAN, "--yes"]
    person = Person([UPGRUN, *words, *REACH, "--progress", "plain"])
    asked = []
    while True:
        question = person.question(200)
        if question is None:
            break
        asked.append(question)
        person.types("yes")
    code = person.leaves()
    assert code == 0, "exit code %d\n%s" % (code, person.said[-6000:])
    assert [("data migration" in q, "shows the host key" in q) for q in asked] == [(False, True), (True, False), (False, True), (False, True)], asked
    audited()
    all_on(NEW)
    assert did("system host-upgrade controller-1") == 2


KEYS = {n: h["next_keys"] for n, h in status()["hosts"].items()}
globals()[CASE]()
