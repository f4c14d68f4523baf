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


def waived(size):
    """Phases that nothing orders, each with an accepted outage of its own role."""
    columns = [column_role(c, 3, 3 * c) for c in range(size)]
    out = ["cluster bench {\n"] + [c[0] for c in columns] + ["}\n"]
    for c in range(size):
        out.append(columns[c][1].split("action")[0])
        out.append(f'''gate unused_{c} {{ pass when (run("unused", "c{c}") on h{3 * c}).code == 0  poll 2s for 5m  watches c{c} }}
action restart_{c}() {{ requires unused_{c}  disrupts c{c} on each c{c}  run("restart", "c{c}") on h{3 * c}  takes 5s..2m }}
''')
    out.append("\nupgrade waived of bench {\n  preflight { await in_service(all) }\n")
    for p in range(size):
        out.append(f"  phase p{p} {{\n    accept outage of c{p} for at most 15m reason \"agreed\" {{\n      await unused_{p}\n      restart_{p}()\n"
                   f"      await in_service(c{p})\n    }}\n  }}\n")
    out.append("}\n")
    return "".join(out)


def relay(size):
    """A chain of phases that each close what the one before left open."""
    out = [f"cluster bench {{\n  host {names(9)} {{ roles server, cache }}\n}}\n", ROLE, '''
role cache { available may be down  health warm  stoppable always "clients ask the source" }
gate warm(h: host) { pass when serving(h)  watches cache  poll 2s for 5m }
action drop(h: host) { disrupts cache on h  requires peers_answer(h)  run("cache-tool", "drop") on h  takes 5s..2m }
action fill(h: host) { changes cache on h  run("cache-tool", "fill") on h  takes 5s..2m }

upgrade relayed of bench {
  preflight { await in_service(all) }
''']
    for p in range(size):
        after = f" after p{p - 1}" if p else ""
        turn = "fill(n)  await in_service(n)" if p % 2 else "await peers_answer(n)  drop(n)"
        out.append(f"  phase p{p}{after} {{ rolling n in server {{ {turn} }} }}\n")
    out.append("}\n" if size % 2 == 0 else "  postflight { await in_service(all) }\n}\n")
    return "".join(out)


def unheld(size):
    """Turns with a hold, each followed by a step that must not run under it."""
    out = apart(size)
    out.append('''
hold quiet {
  observe (run("cat", "/run/quiet") on any server).stdout.trim == "on"
  acquire { spills server  run("touch", "/run/quiet") on any server }
  release { spills server  run("rm", "/run/quiet") on any server }
  takes 1s..1m
  on halt keep
}
action step(h: host) { changes server on h  run("step") on h  takes 5s..2m }
action loud(h: host) { requires not held quiet  changes server on h  run("loud") on h  takes 5s..2m }

upgrade heard of bench {
  preflight { await in_service(all) }
  rolling n in server {
    with quiet { step(n)  await in_service(n) }
    loud(n)
    await in_service(n)
  }
}
''')
    return "".join(out)


def racks(size, extra="low", rules="\nrank low < high\n"):
    """Phases that nothing orders over hosts that are ranked, and a phase for those that rank higher."""
    out = ["cluster bench {\n"] + [f"  host {names(3, 3 * c)} {{ roles c{c}, {extra} }}\n" for c in range(size)]
    out.append(f"  host {names(3, 3 * size)} {{ roles high }}\n}}\n")
    out += [column_role(c, 3, 0)[1] for c in range(size)]
    for role in ("low", "high"):
        out.append(f'''
role {role} {{ available may be down  health answers_0  stoppable always "clients go on with another" }}
action {role}_step(h: host) {{ changes {role} on h  run("step") on h  takes 5s..2m }}
''')
    out.append(rules + "\nupgrade racked of bench {\n  preflight { await in_service(all) }\n")
    out += [f"  phase p{p} {{ rolling n in c{p} {{ await stoppable(n)  restart_{p}(n)  await in_service(n) }} }}\n" for p in range(size)]
    out.append("  phase top after " + ", ".join(f"p{p}" for p in range(size)) + " { rolling n in high { high_step(n)  await in_service(n) } }\n}\n")
    return "".join(out)


def derived(size):
    """Phases that an order between two roles puts one half after the other."""
    out = ["cluster bench {\n"]
    out += [f"  host h{i} {{ roles {'first' if i < size // 2 else 'second'} }}\n" for i in range(size)]
    out.append("}\n" + ROLE.split("/// What")[0])
    out.append("""
probe serving(h: host) -> bool { return (run("ask") on h exits 0, 1).code == 0 }
gate answering(h: host) { pass when serving(h)  poll 2s for 5m }
order first before second
""")
    for role in ("first", "second"):
        out.append(f'''
role {role} {{ available may be down  health answering  stoppable always "clients go on with another" }}
action {role}_step(h: host) {{ changes {role} on h  run("step") on h  takes 5s..2m }}
''')
    out.append("\nupgrade put_in_order of bench {\n  preflight { await in_service(all) }\n")
    for p in range(size):
        step = "first_step" if p < size // 2 else "second_step"
        out.append(f"  phase p{p} {{ {step}(h{p})  await in_service(h{p}) }}\n")
    out.append("}\n")
    return "".join(out)


def contrary(size):
    """Hosts of two ranks that an order visits the other way round."""
    text = ranked(size).replace("order low before high", "order high before low")
    low, high = text.index("  rolling n in low"), text.index("  rolling n in high")
    return text[:low] + text[high:-2] + text[low:high] + "}\n"


def lossy_order(size):
    """A tolerant rollout, then rollouts over roles that have an order of their own."""
    out = apart(size, roles="server, low, high") + [STEP]
    for role in ("low", "high"):
        out.append(f'''
role {role} {{ available may be down  health answering  stoppable always "clients go on with another" }}
action {role}_step(h: host) {{ changes {role} on h  run("step") on h  takes 5s..2m }}
''')
    out.append('''
order low before high

upgrade lossy of bench {
  tolerate 2
  preflight { await in_service(all) }
  rolling n in server batch 1 tolerant { step(n)  await in_service(n) }
  rolling n in low { low_step(n)  await in_service(n) }
  rolling n in high { high_step(n)  await in_service(n) }
}
''')
    return "".join(out)


def retried(size):
    """A rollout inside of one attempt."""
    out = apart(size) + [plain_block()]
    out.append('''
upgrade retried of bench {
  preflight { await in_service(all) }
  attempt 2 {
    rolling n in server { await stoppable(n)  restart_0(n)  await in_service(n) }
  } recover when serving(h0) { await in_service(all) }
}
''')
    return "".join(out)


def boots(size):
    """Reboots, and as many states that one of them may move."""
    out = apart(size)
    out += [f"""
state s_{k}(h: host) {{ old, transient armed, new }} observe s_{k}_of(h)
  on boot armed -> new
probe s_{k}_of(h: host) -> string {{ return (run("ask", "{k}") on h).stdout.trim }}
gate g_{k}(h: host) {{ pass when serving(h)  watches s_{k}(h)  poll 2s for 5m }}
""" for k in range(size // 40)]
    out.append('''
probe boot_id(h: host) -> string { return (run("cat", "/proc/sys/kernel/random/boot_id") on h).stdout.trim }
gate up(h: host) { pass when answers(h)  poll 2s for 5m }
role alive { available may be down  health up  stoppable always "its other roles decide"  boot boot_id }
action reboot(h: host) { disrupts all on h  run("systemctl", "reboot") on h  awaits boot of h  takes 3m..15m }

upgrade booted of bench {
  preflight { await in_service(all) }
  rolling n in server { await stoppable(n)  reboot(n)  await in_service(n) }
}
''')
    return "".join(out).replace("roles server }", "roles server, alive }")


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
