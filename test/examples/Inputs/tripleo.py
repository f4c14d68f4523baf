"""Runs examples/tripleo/in_place.upg on the stand-in: `standin with DIR --world tripleo -- tripleo.py UPGRUN PLAN SCENE`."""
import driver
from driver import audit, done_on_hosts, resume, standin, start

TRANSFER = "openstack overcloud external-upgrade run --tags system_upgrade_transfer_data"
CONTROLLERS = ["controller-0", "controller-1", "controller-2"]


def limits(tag):
    """Hosts in the order in which this was run on them."""
    return [line.split("--limit ")[1].split()[0] for line in done_on_hosts("openstack overcloud upgrade run --tags " + tag)]


def whole():
    """What every run has to have done in the end."""
    audit()
    hosts = limits("system_upgrade_run")
    assert hosts[:3] == CONTROLLERS and sorted(hosts[3:5]) == ["compute-0", "compute-1"] and hosts[5:] == ["hci-0", "hci-1", "hci-2"], hosts
    assert standin("ssh", "director", "cat", "/etc/os-release").count('"8"') == 1


def failures():
    """The transfer breaks off and is run again. upgrun dies while the new side starts: no transfer any more. Leapp fails on controller-1 with its services stopped:
    the run halts with one controller serving, nothing armed, every monitor there, and goes on."""
    said = start(4)
    assert "tripleo.transfer" in said, said
    driver.ends(-9, ["resume", driver.newest(), "--rerun"], killed=["live=new"])
    said = resume(4)
    assert "tripleo.prepare(controller-1)" in said, said
    standin("await", "--timeout", "5", "hosts.controller-1.armed=false", 'now.serving=["controller-0"]', 'now.mons=["controller-0", "controller-1", "controller-2"]')
    resume(0, "resume", "--rerun")
    whole()
    assert len(done_on_hosts(TRANSFER)) == 2, done_on_hosts(TRANSFER)
    assert len(done_on_hosts("leapp upgrade")) == 1


driver.scenes(globals())
