#!/usr/bin/env python3
"""Writes plans of any size that hold: usage: generate.py SHAPE SIZE

  lines SIZE      about SIZE lines: declarations with doc comments and the phases that use each of them; nine hosts
  hosts SIZE      the same few lines for SIZE hosts: a rollout of fifty steps on each
  fleet SIZE      SIZE hosts in racks with three roles each: one of each rack at a time, one at a time, four at a time
  named SIZE      SIZE hosts and no rollout: the steps of each are written out
  phases SIZE     SIZE phases in layers of eight, each waiting for two of the layer before it; 64 hosts
  (and the shapes of families.py, each of many of one construct)
  night SIZE      a night's work: SIZE hosts one after the other, packages, a hold and a reboot; 8 hours for 100
  steps SIZE      nothing but SIZE small actions on one host, to be run

The same arguments give the same text, on every machine.
"""

import sys

import families
from blocks import ROLE, block, names

LINES_PER_BLOCK = 37
BLOCKS_PER_PHASE = 10


def lines(size):
    blocks = max(1, (size - 50) // (LINES_PER_BLOCK + 1))
    out = [f"cluster bench {{\n  host {names(9)} {{ roles server }}\n}}\n", ROLE]
    out += [block(k) for k in range(blocks)]
    out.append("\nupgrade big of bench {\n  preflight { await in_service(all) }\n")
    before = ""
    for phase, first in enumerate(range(0, blocks, BLOCKS_PER_PHASE)):
        out.append(f"  phase part_{phase}{before} {{\n    rolling n in server {{\n")
        out += [f"      upgrade_{k}(n)\n" for k in range(first, min(first + BLOCKS_PER_PHASE, blocks))]
        out.append("    }\n  }\n")
        before = f" after part_{phase}"
    out.append("}\n")
    return "".join(out)


def hosts(size):
    """Fifty steps on each host: eight procedures of six, and two gates."""
    out = [f"cluster bench {{\n  host {names(size)} {{ roles server }}\n}}\n", ROLE]
    out += [block(k) for k in range(8)]
    out.append("\nupgrade wide of bench {\n  preflight { await in_service(all) }\n  rolling n in server {\n")
    out.append("    await answering(n)\n")
    out += [f"    upgrade_{k}(n)\n" for k in range(8)]
    out.append("    await peers_answer(n)\n  }\n}\n")
    return "".join(out)


def phases(size, width=8):
    """Layers of phases that run side by side, each on the hosts of its column; the columns meet in every layer."""
    per_column = 8
    out = ["cluster bench {\n"]
    for column in range(width):
        out.append(f"  host {names(per_column, column * per_column)} {{ roles c{column} }}\n")
    out.append("}\n")
    for column in range(width):
        out.append(f'''
role c{column} {{ available all but 1  serial  health answers_{column}  stoppable spare_{column} }}
probe up_{column}(h: host) -> bool {{ let r = run("ask", "c{column}") on h exits 0, 1  return r.code == 0 }}
gate answers_{column}(h: host) {{ pass when up_{column}(h)  poll 2s for 5m }}
gate spare_{column}(h: host) {{ pass when every p in c{column} except h: up_{column}(p)  watches c{column} }}
action restart_{column}(h: host) {{ disrupts c{column} on h  run("restart", "c{column}") on h  takes 5s..2m }}
''')
    out.append("\nupgrade layered of bench {\n  preflight { await in_service(all) }\n")
    for phase in range(size):
        layer, column = divmod(phase, width)
        after = ""
        if layer > 0:
            above = (layer - 1) * width
            after = f" after p{above + column}, p{above + (column + 1) % width}"
        out.append(f"  phase p{phase}{after} {{\n    rolling n in c{column} {{\n      await stoppable(n)\n"
                   f"      restart_{column}(n)\n      await in_service(n)\n    }}\n  }}\n")
    out.append("}\n")
    return "".join(out)


def fleet(size):
    """Racks of ten, three roles on every host, votes, a hold; several hosts at a time where the role allows it."""
    out = ["cluster bench {\n"]
    for rack in range(0, size, 10):
        count = min(10, size - rack)
        out.append(f"  host {names(count, rack)} {{ rack r{rack // 10}  votes 1  roles store, agent{', voter' if rack < 50 else ''} }}\n")
    out.append("}\n")
    for role, policy in (("store", "available all but 1 per host.rack  down only under quiet"), ("voter", "available quorum  serial"),
                         ("agent", "available >= 50%")):
        out.append(f'''
role {role} {{ {policy}  health {role}_up  stoppable {role}_spare }}
probe {role}_answers(h: host) -> bool {{ let r = run("ask", "{role}") on h exits 0, 1  return r.code == 0 }}
gate {role}_up(h: host) {{ pass when {role}_answers(h)  poll 2s for 5m }}
probe {role}_may_stop(h: host) -> bool {{ let r = run("ask", "{role}", "stop") on h exits 0, 1  return r.code == 0 }}
gate {role}_spare(h: host) {{ pass when {role}_may_stop(h) }}
action restart_{role}(h: host) {{ disrupts {role} on h  run("restart", "{role}") on h  takes 5s..2m }}
''')
    out.append('''
probe silent -> bool { let r = run("store-tool", "flags") on any store  return r.stdout matches r"quiet" }
hold quiet {
  observe silent()
  acquire { run("store-tool", "set", "quiet") on any store }
  release { run("store-tool", "unset", "quiet") on any store }
  changes store on each store
  takes 1s..10s
  on halt keep
}
gate whole { let r = run("store-tool", "status") on any store  pass when r.stdout.trim == "whole"  poll 10s for 30m }

upgrade fleet of bench {
  preflight { await in_service(all)  await whole }
  with quiet {
    rolling n in store batch 1 per host.rack {
      await store_spare(n)
      restart_store(n)
      await in_service(n)
    }
  }
  rolling n in voter { await voter_spare(n)  restart_voter(n)  await in_service(n) }
  rolling n in agent batch 4 { await agent_spare(n)  restart_agent(n)  await in_service(n) }
}
''')
    return "".join(out)


def named(size):
    """What a script would write: the steps of each host in turn, no rollout."""
    out = [f"cluster bench {{\n  host {names(size)} {{ roles server }}\n}}\n", ROLE, block(0)]
    out.append("\nupgrade spelled of bench {\n  preflight { await in_service(all) }\n")
    out += [f"  upgrade_0(h{i})\n" for i in range(size)]
    out.append("}\n")
    return "".join(out)


def scattered(size):
    """Every host in a zone of its own, so that no two of them fold; fifty steps each, several at a time; a hold on each host."""
    out = ["cluster bench {\n"]
    out += [f"  host h{i} {{ zone z{i}  roles server, reader }}\n" for i in range(size)]
    out.append("}\n" + ROLE.replace("  available >= 50%\n  serial\n", "  available all but 3 of host.zone\n")
               .replace("every p in server except h: serving(p)\n  watches server", "serving(h)"))
    out.append('''
role reader { available >= 50%  health reads  stoppable always "clients go on with another" }
gate reads(h: host) { pass when serving(h)  poll 2s for 5m }
hold silent(h: host) {
  observe (run("cat", "/run/silent") on h).stdout.trim == "yes"
  acquire { run("touch", "/run/silent") on h }
  release { run("rm", "/run/silent") on h }
  changes reader on h
  takes 1s..10s
  on halt keep
}
''')
    out += [block(k) for k in range(8)]
    out.append("\nupgrade far of bench {\n  preflight { await in_service(all) }\n  rolling n in server batch 3 {\n    with silent(n) {\n")
    out += [f"      upgrade_{k}(n)\n" for k in range(8)]
    out.append("    }\n    await in_service(n)\n  }\n}\n")
    return "".join(out)


def backlog(size):
    """Ten hosts at a time, none of which folds, and every turn leaves what a later one closes."""
    out = ["cluster bench {\n"]
    out += [f"  host h{i} {{ zone z{i}  roles server, cache }}\n" for i in range(size)]
    out.append("}\n" + ROLE.replace("  available >= 50%\n  serial\n", "  available all but 10 of host.zone\n"))
    out.append('''
role cache { available may be down  health warm  stoppable always "clients ask the source" }
gate warm(h: host) { pass when serving(h)  watches cache  poll 2s for 5m }
action drop(h: host) { disrupts cache on h  requires peers_answer(h)  run("cache-tool", "drop") on h  takes 5s..2m }
action fill(h: host) { changes cache on h  run("cache-tool", "fill") on h  takes 5s..2m }

upgrade later of bench {
  preflight { await in_service(all) }
  rolling n in server batch 10 { await peers_answer(n)  drop(n) }
  rolling n in server batch 10 { fill(n)  await in_service(n) }
}
''')
    return "".join(out)


def calls(size):
    """Procedures in procedures: SIZE calls of the innermost, on nine hosts."""
    out = [f"cluster bench {{\n  host {names(9)} {{ roles server }}\n}}\n", ROLE, block(0)]
    out.append("procedure single(h: host) {\n  upgrade_0(h)\n  await in_service(h)\n}\n")
    out.append("procedure ten(h: host) {\n" + "  single(h)\n" * 10 + "}\n")
    out.append("procedure hundred(h: host) {\n" + "  ten(h)\n" * 10 + "}\n")
    out.append("\nupgrade deep of bench {\n  preflight { await in_service(all) }\n  rolling n in server {\n")
    out.append("    hundred(n)\n" * (size // 100) + "    ten(n)\n" * (size % 100 // 10) + "    single(n)\n" * (size % 10))
    out.append("  }\n}\n")
    return "".join(out)


def gates(size):
    """SIZE gates that an action on each host requires, in phases of their own holds."""
    out = [f"cluster bench {{\n  host {names(30)} {{ roles server }}\n}}\n", ROLE]
    for k in range(size):
        out.append(f'''
gate calm_{k}(h: host) {{ let r = run("calm", "{k}") on h  pass when r.stdout.trim == "{k}"  poll 2s for 5m{'  watches server' if k % 2 else ''} }}
hold kept_{k} {{
  observe (run("cat", "/run/kept-{k}") on h0).stdout.trim == "on"
  acquire {{ spills server  run("touch", "/run/kept-{k}") on h0 }}
  release {{ spills server  run("rm", "/run/kept-{k}") on h0 }}
  takes 1s..1m
  on halt keep
}}
action act_{k}(h: host) {{ requires held kept_{k}  requires calm_{k}(h)  changes server on h  run("act", "{k}") on h  takes 5s..2m }}
''')
    out.append("\nupgrade asked of bench {\n  preflight { await in_service(all) }\n  rolling n in server {\n")
    for k in range(size):
        out.append(f"    with kept_{k} {{ await calm_{k}(n)  act_{k}(n)  await in_service(n) }}\n")
    out.append("  }\n}\n")
    return "".join(out)


def night(size):
    """Packages, a hold, a reboot on one host after the other; about five minutes each."""
    return ("use linux\n" + f"cluster bench {{\n  host {names(size)} {{ roles server }}\n}}\n" + ROLE + '''
state packages(h: host) { old, new } observe packages_of(h)
probe packages_of(h: host) -> string { return (run("get", "packages") on h).stdout }
action install(h: host) {
  changes server on h
  moves packages(h): old -> new
  done when packages_of(h) == "new"
  retry 2 every 30s
  run("apt-get", "update") on h
  run("apt-get", "-y", "dist-upgrade") on h
  takes 2m..20m
}
hold apart(h: host) {
  observe (run("get", "apart") on h).stdout == "on"
  acquire { run("set", "apart", "on") on h }
  release { run("set", "apart", "off") on h }
  on halt keep
  takes 5s..1m
}

upgrade night of bench {
  initially every n in server: packages(n) == old
  finally   every n in server: packages(n) == new
  preflight { await in_service(all) }
  rolling n in server {
    install(n)
    await in_service(n)
    with apart(n) {
      await stoppable(n)
      linux.reboot(n)
      await in_service(n)
    }
  }
  postflight { await in_service(all) }
}
''')


def steps(size, address="127.0.0.1"):
    out = [f'''cluster bench {{ host h0 "{address}" {{ roles worker }} }}
role worker {{ available may be down  health well  stoppable always "nobody waits for it" }}
gate well(h: host) {{ let r = run("true") on h  pass when r.code == 0  watches worker }}
action nothing(h: host) {{ changes worker on h  idempotent  run("true") on h  takes 1s..1m }}

upgrade small of bench {{
  preflight {{ await in_service(all) }}
  rolling n in worker {{
''']
    out += ["    nothing(n)\n"] * size
    out.append("    await in_service(n)\n  }\n}\n")
    return "".join(out)


FAMILIES = (families.chain, families.asked, families.wide, families.roles, families.cells, families.states, families.counts,
            families.undos, families.aborts, families.tolerant, families.ranked, families.parts, families.branches,
            families.attempts, families.nested, families.commands, families.bastions, families.modules, families.waived,
            families.relay, families.unheld, families.racks, families.derived, families.contrary, families.lossy_order, families.retried,
            families.boots)
SHAPES = {"lines": lines, "hosts": hosts, "fleet": fleet, "named": named, "phases": phases, "scattered": scattered, "backlog": backlog,
          "calls": calls, "gates": gates, "night": night, "steps": steps, **{f.__name__: f for f in FAMILIES}}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    made = SHAPES[sys.argv[1]](int(sys.argv[2]))
    if isinstance(made, dict):
        sys.exit(f"generate.py: {sys.argv[1]} is more than one file; it is for bench.py")
    sys.stdout.write(made)


if __name__ == "__main__":
    main()
