"""Plans that hold and are made of many of one construct: states, holds, phases, undos, branches, ...

Each function gives the text of a plan of the size that is asked for; generate.py prints them.
"""

from blocks import ROLE, block, names


def apart(size, roles="server", policy="all but 3 of host.zone"):
    """Hosts of which no two fold, because each stands in a zone of its own."""
    out = ["cluster bench {\n"]
    out += [f"  host h{i} {{ zone z{i}  roles {roles} }}\n" for i in range(size)]
    out.append("}\n" + ROLE.replace("  available >= 50%\n  serial\n", f"  available {policy}\n")
               .replace("every p in server except h: serving(p)\n  watches server", "serving(h)"))
    return out


def nine(blocks=1):
    out = [f"cluster bench {{\n  host {names(9)} {{ roles server }}\n}}\n", ROLE]
    return out + [block(k) for k in range(blocks)]


STEP = """
action step(h: host) { changes server on h  run("step") on h  takes 5s..2m }
"""


def plain_block(install=True):
    """A block without its procedure, and without what installs."""
    text = block(0)
    text = text[:text.index("/// Package 0 from")]
    return text if install else text[:text.index("/// Installs")] + text[text.index("/// Restarts"):]


def chain(size):
    out = nine(0) + [plain_block(install=False)]
    out.append("\nupgrade chained of bench {\n  preflight { await in_service(all) }\n")
    for p in range(size):
        after = f" after p{p - 1}" if p else ""
        out.append(f"  phase p{p}{after} {{\n    rolling n in server {{ await stoppable(n)  restart_0(n)  await in_service(n) }}\n  }}\n")
    out.append("  postflight { for n in server { await ready_0(n) } }\n}\n")
    return "".join(out)


def asked(size):
    """A chain of phases that each ask a gate of the cluster for the next one."""
    out = nine(0)
    out.append("""
gate whole { let r = run("whole") on any server  pass when r.code == 0  poll 2s for 5m  watches nothing }
action act(h: host) { requires whole  changes server on h  run("act") on h  takes 5s..2m }

upgrade relied of bench {
  preflight { await in_service(all)  await whole }
""")
    for p in range(size):
        after = f" after p{p - 1}" if p else ""
        out.append(f"  phase p{p}{after} {{\n    rolling n in server {{ act(n)  await in_service(n) }}\n    await whole\n  }}\n")
    out.append("}\n")
    return "".join(out)


def column_role(c, hosts, first):
    return (f"  host {names(hosts, first)} {{ roles c{c} }}\n", f'''
role c{c} {{ available all but 1  serial  health answers_{c}  stoppable spare_{c} }}
probe up_{c}(h: host) -> bool {{ let r = run("ask", "c{c}") on h exits 0, 1  return r.code == 0 }}
gate answers_{c}(h: host) {{ pass when up_{c}(h)  poll 2s for 5m }}
gate spare_{c}(h: host) {{ pass when every p in c{c} except h: up_{c}(p)  watches c{c} }}
action restart_{c}(h: host) {{ disrupts c{c} on h  run("restart", "c{c}") on h  takes 5s..2m }}
''')


def wide(size, linked=False, rules=""):
    """Phases that nothing orders, each with a role and three hosts of its own; `linked`: one after the other."""
    columns = [column_role(c, 3, 3 * c) for c in range(size)]
    out = ["cluster bench {\n"] + [c[0] for c in columns] + ["}\n"] + [c[1] for c in columns] + [rules]
    out.append("\nupgrade widened of bench {\n  preflight { await in_service(all) }\n")
    for p in range(size):
        after = f" after p{p - 1}" if linked and p else ""
        out.append(f"  phase p{p}{after} {{\n    rolling n in c{p} {{\n      await stoppable(n)\n      restart_{p}(n)\n"
                   "      await in_service(n)\n    }\n  }\n")
    out.append("}\n")
    return "".join(out)


def roles(size):
    """Roles that are ranked, and a phase for each."""
    return wide(size, True, "\nrank " + " < ".join(f"c{i}" for i in range(size)) + "\n")


def cells(size, width=8):
    """Layers of phases that move states to and fro."""
    out = ["cluster bench {\n"] + [f"  host {names(8, 8 * c)} {{ roles c{c} }}\n" for c in range(width)] + ["}\n"]
    for c in range(width):
        out.append(f'''
role c{c} {{ available all but 1  serial  health answers_{c}  stoppable always "clients go on with another" }}
probe up_{c}(h: host) -> bool {{ let r = run("ask", "c{c}") on h exits 0, 1  return r.code == 0 }}
gate answers_{c}(h: host) {{ pass when up_{c}(h)  poll 2s for 5m }}
state v_{c}(h: host) {{ a, b }} observe version_{c}(h)
probe version_{c}(h: host) -> string {{ return (run("version", "c{c}") on h).stdout.trim }}
action to_b_{c}(h: host) {{ changes c{c} on h  moves v_{c}(h): a -> b  run("restart", "c{c}") on h  takes 5s..2m }}
action to_a_{c}(h: host) {{ changes c{c} on h  moves v_{c}(h): b -> a  run("restart", "c{c}") on h  takes 5s..2m }}
''')
    out.append("\nupgrade moved of bench {\n")
    out += [f"  initially every n in c{c}: v_{c}(n) == a\n" for c in range(width)]
    out.append("  preflight { await in_service(all) }\n")
    for phase in range(size):
        layer, column = divmod(phase, width)
        above = (layer - 1) * width
        after = f" after p{above + column}, p{above + (column + 1) % width}" if layer else ""
        out.append(f"  phase p{phase}{after} {{\n    rolling n in c{column} {{ to_{'ba'[layer % 2]}_{column}(n)  await in_service(n) }}\n  }}\n")
    out.append("}\n")
    return "".join(out)


def states(size, needs="conf(h) == ready", batch=" batch 3"):
    out = apart(size)
    out.append(f'''
state os(h: host) {{ old, new }} observe os_of(h)
state conf(h: host) {{ plain, ready }} observe conf_of(h)
probe os_of(h: host) -> string {{ return (run("cat", "/etc/os") on h).stdout.trim }}
probe conf_of(h: host) -> string {{ return (run("cat", "/etc/conf") on h).stdout.trim }}
action prepare(h: host) {{ moves conf(h): plain -> ready  run("prepare") on h  takes 5s..2m }}
action move(h: host) {{ requires {needs}  moves os(h): old -> new  changes server on h  run("move") on h  takes 5s..2m }}

upgrade moved of bench {{
  initially every n in server: os(n) == old
  initially every n in server: conf(n) == plain
  finally every n in server: os(n) == new
  preflight {{ await in_service(all) }}
  rolling n in server batch 3 {{ prepare(n) }}
  rolling n in server{batch} {{
    move(n)
    await in_service(n)
  }}
}}
''')
    return "".join(out)


def counts(size):
    """Each turn requires a count over all hosts."""
    return states(size, "conf(h) == ready, count(n in server where os(n) == old) >= 1", "")


def undos(size):
    out = apart(size)
    out.append('''
action step(h: host) {
  changes server on h
  run("step") on h
  undo { run("step", "back") on h }
  takes 5s..2m
}

upgrade undone of bench {
  preflight { await in_service(all) }
  rolling n in server batch 3 { step(n)  await in_service(n) }
  point of no return "what follows cannot be taken back"
}
''')
    return "".join(out)


def aborts(size):
    out = apart(size) + [STEP]
    out.append('''
action back(h: host) { changes server on h  run("step", "back") on h  takes 5s..2m }

upgrade aborted of bench {
  preflight { await in_service(all) }
  rolling n in server { step(n)  await in_service(n) }
  point of no return "what follows cannot be taken back"
  on abort {
    await in_service(all)
    rolling n in server { back(n)  await in_service(n) }
  }
}
''')
    return "".join(out)


def tolerant(size):
    out = apart(size) + [STEP]
    out.append('''
upgrade lossy of bench {
  tolerate 2
  preflight { await in_service(all) }
  rolling n in server batch 1 tolerant { step(n)  await in_service(n) }
}
''')
    return "".join(out)


def ranked(size):
    """Hosts of two ranks, and an order between their roles."""
    out = apart(size)
    for i in range(size):
        out[i + 1] = out[i + 1].replace("roles server", "roles server, " + ("low" if i < size // 2 else "high"))
    for role in ("low", "high"):
        out.append(f'''
role {role} {{ available may be down  health answering  stoppable always "clients go on with another" }}
action {role}_step(h: host) {{ changes {role} on h  run("step") on h  takes 5s..2m }}
''')
    out.append('''
rank low < high
order low before high

upgrade in_turn of bench {
  preflight { await in_service(all) }
  rolling n in low batch 3 { low_step(n)  await in_service(n) }
  rolling n in high batch 3 { high_step(n)  await in_service(n) }
}
''')
    return "".join(out)


def parts(size):
    """Hosts side by side in one `parallel`."""
    out = apart(size, policy=f"all but {size} of host.zone") + [plain_block()]
    out.append("\nupgrade split of bench {\n  preflight { await in_service(all) }\n  parallel ")
    out.append(" and ".join(f"{{\n    install_0(h{i})\n    await in_service(h{i})\n    await stoppable(h{i})\n    restart_0(h{i})\n"
                            f"    await in_service(h{i})\n    await ready_0(h{i})\n  }}" for i in range(size)))
    out.append("\n}\n")
    return "".join(out)


def in_turns(size, line, extra=""):
    out = nine(0) + [plain_block(), extra]
    out.append("\nupgrade repeated of bench {\n  preflight { await in_service(all) }\n  rolling n in server {\n    await ready_0(n)\n")
    out += [f"    {line}\n"] * size
    out.append("  }\n}\n")
    return "".join(out)


def branches(size):
    return in_turns(size, "if serving(n) { await stoppable(n)  restart_0(n)  await in_service(n) } else { install_0(n)  await in_service(n) }")


def attempts(size):
    return in_turns(size, "attempt 2 { await stoppable(n)  restart_0(n)  await in_service(n) } recover when serving(n) "
                          "{ await in_service(n)  install_0(n)  await in_service(n) }")


def nested(size):
    """Procedures fifty deep."""
    out = nine()
    out.append("procedure d0(h: host) { upgrade_0(h)  await in_service(h) }\n")
    out += [f"procedure d{k}(h: host) {{ d{k - 1}(h) }}\n" for k in range(1, 50)]
    out.append("\nupgrade deep of bench {\n  preflight { await in_service(all) }\n  rolling n in server {\n")
    out += ["    d49(n)\n"] * size
    out.append("  }\n}\n")
    return "".join(out)


def commands(size):
    """Lines that say what commands imply, and as many actions that run such commands."""
    out = nine(0)
    out += [f'command "tool-{k} restart *" implies changes server\n' for k in range(size)]
    out += [f'action act_{k}(h: host) {{ changes server on h  sh("tool-{k} restart unit && rm -f /tmp/x{k}; tool-{k} status | grep -q ok") on h  takes 5s..2m }}\n'
            for k in range(size)]
    out.append("\nupgrade told of bench {\n  preflight { await in_service(all) }\n  rolling n in server {\n")
    out += [f"    act_{k}(n)\n" for k in range(size)]
    out.append("    await in_service(n)\n  }\n}\n")
    return "".join(out)


def bastions(size):
    """Hosts behind bastions, ten behind each."""
    out = ["cluster bench {\n"]
    for first in range(0, size, 10):
        out.append(f"  host j{first // 10} {{ roles jump }}\n")
        out += [f"  host h{i} {{ zone z{i}  roles server  via j{first // 10} }}\n" for i in range(first, min(first + 10, size))]
    out.append(apart(0)[-1] + block(0) + '''
role jump { available may be down  health jumps  stoppable always "others lead there too" }
gate jumps(h: host) { pass when serving(h)  poll 2s for 5m }
action hop(h: host) { changes jump on h  run("hop") on h  takes 5s..2m }

upgrade behind of bench {
  preflight { await in_service(all) }
  rolling n in jump { hop(n)  await in_service(n) }
  rolling n in server batch 3 { upgrade_0(n) }
}
''')
    return "".join(out)


def modules(size):
    """SIZE files, each a module with an action; a dictionary of them, the plan under its own name."""
    out = {}
    for k in range(size):
        out[f"m{k}.upg"] = (f"module m{k}\nuse base\n"
                            f'action act(h: host) {{ changes base.server on h  run("act", "{k}") on h  takes 5s..2m }}\n')
    out["base.upg"] = "module base\n" + ROLE
    plan = ["use base, " + ", ".join(f"m{k}" for k in range(size)) + "\n", f"cluster bench {{\n  host {names(9)} {{ roles base.server }}\n}}\n"]
    plan.append("\nupgrade used of bench {\n  preflight { await in_service(all) }\n  rolling n in base.server {\n")
    plan += [f"    m{k}.act(n)\n" for k in range(size)]
    plan.append("    await in_service(n)\n  }\n}\n")
    out["plan.upg"] = "".join(plan)
    return out
