"""What the generated plans are made of: a role with its gates, blocks of a package, lists of hosts."""

ROLE = """
/// What the hosts are here for; two of three carry the load.
role server {
  available >= 50%
  serial
  health    answering
  stoppable peers_answer
  settles   1s
}

/// The service of this host answers.
probe serving(h: host) -> bool {
  let r = run("curl", "-fsS", "http://localhost/") on h exits 0, 7
  return r.code == 0
}

gate answering(h: host) {
  pass when serving(h)
  poll 2s for 5m
}

/// The others can carry the load.
gate peers_answer(h: host) {
  pass when every p in server except h: serving(p)
  watches server
}
"""


def block(k):
    """A probe, a gate, two actions and a procedure of one package."""
    return f'''
/// The version of package-{k} that is installed.
/// Source: dpkg-query(1), "--showformat".
probe version_{k}(h: host) -> string {{
  let r = run("dpkg-query", "--show", "package-{k}") on h exits 0, 1
  if r.code == 1 {{ return "" }}
  return r.stdout.trim
}}

/// package-{k} is the new one and has room to work.
gate ready_{k}(h: host) {{
  let r = run("df", "--output=avail", "-B1", "/srv/{k}") on h
  pass when version_{k}(h) == "{k % 9 + 1}.{k % 7}" and bytes(r.stdout.lines[1]) >= {k % 50 + 1}GB
  poll 5s for {k % 20 + 1}m
}}

/// Installs package-{k}; the service stays up.
action install_{k}(h: host) {{
  changes server on h
  done when version_{k}(h) == "{k % 9 + 1}.{k % 7}"
  retry 2 every 30s
  run("package-tool", "install", "package-{k}={k % 9 + 1}.{k % 7}") on h  env LANG = "C"
  takes {k % 50 + 10}s..5m
}}

/// Restarts what package-{k} brought.
action restart_{k}(h: host) {{ disrupts server on h  run("service-tool", "restart", "unit-{k}") on h  takes 5s..2m }}

/// Package {k} from one version to the next.
procedure upgrade_{k}(h: host) {{
  install_{k}(h)
  await in_service(h)
  await stoppable(h)
  restart_{k}(h)
  await in_service(h)
  await ready_{k}(h)
}}
'''


def names(count, first=0):
    """`h0, h1, ...`, ten to a line, the commas before the line ends."""
    rows = []
    for start in range(first, first + count, 10):
        rows.append(", ".join(f"h{i}" for i in range(start, min(start + 10, first + count))))
    return ",\n       ".join(rows)
