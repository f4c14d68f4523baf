"""Runs a plan of examples/platform9 on the stand-in, with a person who does what upgrun asks for.

`standin with DIR --world platform9 -- platform9.py UPGRUN PLAN SCENE`. A scene is what goes wrong on the way; at its end the plan is through and an
auditor who knows nothing of the plan finds no law broken and nothing left behind.
"""
import sys

import driver
from driver import asked, audit, done_on_hosts, resume, standin, start


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


driver.person = at_the_ui


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


def liar():
    """Somebody says that VM HA is off, and it is not: no host gets the new Ubuntu."""
    driver.person = lambda host, text: True if "Clusters" in text else at_the_ui(host, text)
    said = start(4)
    assert "platform9.ha_is_off" in said, said
    assert not done_on_hosts("do-release-upgrade") and standin("ledger", "--violations", check=False).returncode == 0


def by_hand():
    """SaaS: a person asks for each upgrade; the first one at hv1 is refused."""
    start()
    audit()
    assert not done_on_hosts("airctl") and not done_on_hosts("kubectl")
    assert sum("select the host: Upgrade" in q for q in asked) == 7, asked


driver.scenes(globals())
