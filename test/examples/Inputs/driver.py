"""Runs a plan on a stand-in cluster with a person before it who answers yes, and does what upgrun asks for where a test says how.

`standin with DIR -- SCRIPT UPGRUN PLAN SCENE`; a script says `driver.person = FUNCTION(host, text)`, which tells whether it worked.
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
person = None
asked = []  # every question that a person was asked


def standin(*words, check=True):
    done = subprocess.run([STANDIN, words[0], DIR, *words[1:]], check=False, capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit("standin %s: %s%s" % (" ".join(words), done.stdout, done.stderr))
    return done.stdout if check else done


def done_on_hosts(pattern):
    return [line for line in standin("ledger").splitlines() if re.search(r" call .* " + pattern, line)]


def killed_when(terminal, condition):
    """Kills upgrun once the stand-in is in this condition."""
    standin("await", "--timeout", "120", *condition)
    os.kill(terminal.process, signal.SIGKILL)


def goes_on(words, answers=(), killed=None):
    """upgrun with these words; everything that it asks for is done. Its exit code."""
    terminal = Person([UPGRUN, *words, *REACH])
    if killed:
        threading.Thread(target=killed_when, args=(terminal, killed), daemon=True).start()
    while (text := terminal.question()) is not None:
        asked.append(text)
        m = re.search(r"operator: (?:([a-z]+\d): )?(.*) -- done\?", text)
        said = next((answer for pattern, answer in answers if re.search(pattern, text)), None)
        if said is None:
            said = "yes" if m is None or person(m[1], m[2]) else "no"
        terminal.types(said)
    code = terminal.leaves()
    with open(DIR + "/said", "a", encoding="utf-8") as out:
        out.write(terminal.said)
    return code, terminal.said


def ends(code, words, answers=(), killed=None):
    got, said = goes_on(words, answers, killed)
    if got != code:
        print(said[-6000:])
        print(standin("ledger")[-3000:])
        sys.exit("exit code %d, not %d" % (got, code))
    return said


def start(code=0, answers=(), killed=None):
    return ends(code, ["run", PLAN, "--yes"], answers, killed)


def newest():
    return os.path.join(DIR, "runs", sorted(os.listdir(DIR + "/runs"))[-1])


def resume(code=0, verb="resume", *more):
    return ends(code, [verb, newest(), *more])


def audit():
    found = standin("audit", check=False)
    if found.returncode != 0:
        sys.exit(found.stdout + standin("ledger")[-4000:])


def scenes(table):
    """Runs the scene that was asked for."""
    table[SCENE]()
