"""The worlds that a stand-in can be. A world is a module with

  HOSTS      the names of its hosts, where `up` is not told others
  TOOLS      name -> tool, of every program that its hosts have
  SETTABLE   what `standin set` may change besides the settings
  build      (names, addresses, port, scenario, now) -> a fresh state
  Cluster    a Room (room.py) with the world's laws
  describe   (state) -> the lines of `standin status`
  OWN        files and folders of the hosts' own, besides those of tools/files.py
  left       (state) -> what nobody should have left behind at the end, one line each
"""
import importlib

NAMES = ("proxmox", "platform9", "tripleo", "starlingx", "ovirt")


def load(name):
    return importlib.import_module("world_" + name)
