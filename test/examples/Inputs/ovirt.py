"""oVirt on the stand-in: `standin with DIR --world ovirt ... -- ovirt.py CASE UPGRUN PLAN`. Each case is a function below."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from person import Person  # noqa: E402

CASE, UPGRUN, PLAN = sys.argv[1:4]
DIR, STANDIN = os.environ["DIR"], os.environ["STANDIN"]
REACH = ["--ssh-config", DIR + "/ssh_config", "--no-agent", "--runs", DIR + "/runs", "--secret", "ovirt.api_login=env:API_LOGIN"]
LOGIN = 'user = "admin@internal:admin-secret"'


def standin(*words, check=True):
    return subprocess.run([STANDIN, words[0], DIR, *words[1:]], check=check, capture_output=True, text=True).stdout


def upgrun(*words, code):
    """Runs to its end with nobody at the terminal; its exit code and what it says."""
    done = subprocess.run([UPGRUN, *words, *REACH], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=290, check=False, env=dict(os.environ, API_LOGIN=LOGIN))
    said = done.stdout + done.stderr
    assert done.returncode == code, "exit code %d, not %d: %s\n%s" % (done.returncode, code, words, said[-6000:])
    assert "admin-secret" not in said
    return said


def newest():
    return DIR + "/runs/" + sorted(os.listdir(DIR + "/runs"))[-1]


def ledger():
    return [json.loads(line) for line in standin("ledger", "--json").splitlines()]


def events(*texts):
    return [e["text"] for e in ledger() if e["kind"] == "event" and e["text"] in texts or e["kind"] == "event" and e["text"].startswith(tuple(t for t in texts if t.endswith(" ")))]


def audited():
    """Nothing that the plan knows goes in here: the ledger and the state alone."""
    found = subprocess.run([STANDIN, "audit", DIR], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


# ---- cases

def whole():
    """In, the engine, one host, out: the engine moves there by itself. In again, the others, the compatibility version last, out."""
    upgrun("run", PLAN, "--yes", code=0)
    audited()
    order = events("maintenance mode global", "maintenance mode none", "the engine is 3.6", "HostedEngine moved to ov2", "the compatibility version of Default is 3.6", "VDSM is 4.17.13")
    new = "VDSM is 4.17.13"
    assert order == ["maintenance mode global", "the engine is 3.6", new, "maintenance mode none", "HostedEngine moved to ov2", "maintenance mode global",
                     new, new, "the compatibility version of Default is 3.6", "maintenance mode none"], order


def interrupted():
    """engine-setup fails: halted under global maintenance, which a halt keeps; resumed. A vdsm-tool exception on ov1 is tried again. Then as whole."""
    upgrun("run", PLAN, "--yes", code=4)
    state = json.loads(standin("status", "--json"))
    assert state["global"] and state["engine"] == {"version": "3.5", "broken": False}, state["engine"]
    upgrun("resume", newest(), code=0)
    audited()


def lockspace():
    """A power cut has corrupted the lockspace; nobody starts the engine. Repaired, it comes back by itself."""
    standin("set", "lockspace=corrupted")
    standin("crash", "ov1")
    standin("boot", "ov1")
    standin("await", "now.engine_at=nowhere")
    upgrun("run", PLAN, "--yes", code=0)
    standin("await", "--timeout", "30", "now.engine=good", "hosts.he.settled=true")
    assert json.loads(standin("status", "--json"))["lockspace"] == "good"
    assert standin("ledger", "--violations") == ""


def el7():
    """One host after the other is evacuated, installed by a person, deployed under a new id; the first deployment breaks and goes on from its answers."""
    os.environ["API_LOGIN"] = LOGIN
    hosts = json.loads(standin("status", "--json"))["hosts"]
    keys = [w for n, h in hosts.items() if h["next_keys"] for w in ("--host-key", n + "=" + h["next_keys"][0])]
    person = Person([UPGRUN, "run", PLAN, "--yes", *REACH, *keys, "--progress", "plain"])
    asked, left = [], ["ov1", "ov2", "ov3"]
    while True:
        question = person.question(200)
        if question is None:
            break
        asked.append(question)
        if "install the host anew" in question:
            host = left.pop(0)
            standin("act", "install", host)
        person.types("yes")
    code = person.leaves()
    assert code == 0, "exit code %d\n%s" % (code, person.said[-6000:])
    assert len(asked) == 7 and sum("the deployment broke" in q for q in asked) == 1, asked
    audited()
    state = json.loads(standin("status", "--json"))
    assert sorted(h["he_id"] for h in state["hosts"].values() if h["he_id"]) == [4, 5, 6] and sorted(state["board"]) == ["4", "5", "6"], state["board"]


def remove_host():
    """ov3 is gone for good: once a person has said so its entry goes, and none of a host that lives."""
    os.environ["API_LOGIN"] = LOGIN
    standin("crash", "ov3")
    person = Person([UPGRUN, "run", PLAN, "--yes", *REACH, "--progress", "plain"])
    asked = person.question()
    assert asked and "is ov3 removed" in asked, person.said[-3000:]
    person.types("yes")
    assert person.question() is None
    assert person.leaves() == 0, person.said[-6000:]
    state = json.loads(standin("status", "--json"))
    assert sorted(state["board"]) == ["1", "2"] and standin("ledger", "--violations") == "", state["board"]


globals()[CASE]()
