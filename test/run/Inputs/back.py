"""Makes of small.upg a plan that can be aborted up to the reboot: back.py SMALL OUTPUT [ON_ABORT]. The machine moves last, so
that everything else is done when that fails."""

import pathlib
import sys

text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")


def change(old, new):
    global text
    assert text.count(old) == 1, old
    text = text.replace(old, new)


change('''"s/bookworm/trixie/g", "/etc/apt/sources.list") on h
  takes 1s..1m
''', '''"s/bookworm/trixie/g", "/etc/apt/sources.list") on h
  takes 1s..1m
  undo {
    moves sources(h): any -> bookworm
    run("sed", "-i", "s/trixie/bookworm/g", "/etc/apt/sources.list") on h
    takes 1s..1m
  }
''')
change('''  run("apt-get", "update") on h
  takes 1s..1m
''', '''  run("apt-get", "update") on h
  takes 1s..1m
  undo nothing "lists are only read"
''')
change('''"node2", "--online") on h
  takes 1s..1m
''', '''"node2", "--online") on h
  takes 1s..1m
  undo nothing "it runs there as well"
''')
change('''  point of no return "a test"
  move_away(node1)
''', "")
change('''    await stoppable(node3)
    linux.reboot(node3)
''', '''    move_away(node1)
  }
  point of no return "a test"
  with quiet {
    await stoppable(node3)
    linux.reboot(node3)
''')
if len(sys.argv) > 3:
    change("  await in_service(all)\n}\n", f"  await in_service(all)\n  {sys.argv[3]}\n}}\n")
pathlib.Path(sys.argv[2]).write_text(text, encoding="utf-8")
