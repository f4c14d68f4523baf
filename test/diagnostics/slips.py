#!/usr/bin/env python3
"""What a new user writes at 2 a.m., one slip at a time in a sound plan, and what the compiler says of it.

usage: slips.py UPGC"""

import json
import pathlib
import subprocess
import sys

TODAY = "--today=2026-01-01"
BASE = pathlib.Path(__file__).parent / "Inputs" / "slips.upg"

SLIPS = [  # (old text, new text)
    # ---- modules
    ("use linux", "use std.linux"),
    ("use linux", "use \"linux\""),
    ("use linux", "use std/linux"),
    ("use linux", "use linux;"),
    ("use linux", "use linux as l"),
    ("use linux", "use { reboot } from linux"),
    ("use linux", "import linux"),
    ("use linux", "import \"linux.upg\""),
    ("use linux", "include linux"),
    ("use linux", "from linux import reboot"),
    ("use linux", "use module linux"),
    ("use linux", "require linux"),
    ("use linux", "using linux"),
    ("use linux", "use linus"),
    ("use linux", "  use linux"),
    ("use linux", "#include <linux>"),
    # ---- declarations of other languages
    ("gate joined(h: host) {", "def joined(h: host) {"),
    ("gate joined(h: host) {", "fn joined(h: host) {"),
    ("gate joined(h: host) {", "check joined(h: host) {"),
    ("gate joined(h: host) {", "gate joined(h) {"),
    ("gate joined(h: host) {", "gate joined(host h) {"),
    ("gate joined(h: host) {", "gate joined h: host {"),
    ("gate joined(h: host) {", "gates joined(h: host) {"),
    ("action install(h: host, what: string) {", "task install(h: host, what: string) {"),
    ("action install(h: host, what: string) {", "Action install(h: host, what: string) {"),
    ("probe copies -> int {", "probe copies: int {"),
    ("probe copies -> int {", "probe copies() {"),
    ("upgrade database of shop {", "plan database of shop {"),
    ("upgrade database of shop {", "upgrade database {"),
    ("upgrade database of shop {", "upgrade database on shop {"),
    ("upgrade database of shop {", "upgrade \"database\" of shop {"),
    ("param release: string = \"2.1\"", "param release = \"2.1\""),
    ("param release: string = \"2.1\"", "const release = \"2.1\""),
    ("param release: string = \"2.1\"", "param release: version = 2.1"),
    ("param release: string = \"2.1\"", "param release: str = \"2.1\""),
    # ---- clauses
    ("role balancer { available may be down }", "role balancer { may be down }"),
    ("role balancer { available may be down }", "role balancer { }"),
    ("  available quorum\n", "  available: quorum\n"),
    ("  available quorum\n", "  avaliable quorum\n"),
    ("  available quorum\n", "  available 2\n"),
    ("  available quorum\n", "  available all but one\n"),
    ("  available quorum\n", "  available majority\n"),
    ("  serial\n", "  serial true\n"),
    ("  health    joined\n", "  health    joined(h)\n"),
    ("  host lb1", "  hosts lb1"),
    ("{ roles balancer }", "{ role balancer }"),
    ("{ roles member  rack \"a\" }", "{ roles: [member]  rack: \"a\" }"),
    ("  user \"root\"\n", "  user root;\n"),
    ("  watches member\n", "  watch member\n"),
    ("  poll 5s for 10m\n", "  poll every 5s for 10m\n"),
    ("  poll 5s for 10m\n", "  poll 5s\n"),
    ("  poll 5s for 10m\n", "  poll 5sec for 10min\n"),
    ("  poll 5s for 10m\n", "  poll 5 for 10m\n"),
    ("  poll 5s for 10m\n", "  poll 5 s for 10 m\n"),
    ("  poll 5s for 10m\n", "  poll(5s, 10m)\n"),
    ("  changes member on h\n", "  change member on h\n"),
    ("  changes member on h\n", "  changes member\n"),
    ("  retry 2 every 30s\n", "  retries 2 every 30s\n"),
    ("  retry 2 every 30s\n", "  retry 2\n"),
    ("  takes 30s..10m\n", "  takes 10m\n"),
    ("  takes 30s..10m\n", "  takes 30s-10m\n"),
    ("  takes 30s..10m\n", "  takes 30s to 10m\n"),
    ("  takes 30s..10m\n", "  timeout 10m\n"),
    ("  takes 30s..10m\n", ""),
    ("  done when installed(h) == release", "  done when installed(h) = release"),
    ("  done when installed(h) == release", "  done if installed(h) == release"),
    ("  done when installed(h) == release", "  done installed(h) == release"),
    ("env DEBIAN_FRONTEND = \"noninteractive\"", "env DEBIAN_FRONTEND=noninteractive"),
    ("env DEBIAN_FRONTEND = \"noninteractive\"", "env { DEBIAN_FRONTEND: \"noninteractive\" }"),
    ("  on halt keep\n", "  on halt: keep\n"),
    ("  on halt keep\n", ""),
    ("  on halt keep\n  takes 1s..30s\n", "  on halt keep\n"),
    # ---- expressions
    ("let r = run(\"dbctl\", \"status\") on h", "r = run(\"dbctl\", \"status\") on h"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run(\"dbctl status\") on h"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run(dbctl, status) on h"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run(\"dbctl\", \"status\")"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run(\"dbctl\", \"status\" on h"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run(\"dbctl\", \"status) on h"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run('dbctl', 'status') on h"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = `dbctl status`"),
    ("let r = run(\"dbctl\", \"status\") on h", "let r = run \"dbctl\" \"status\" on h"),
    ("r.code == 0 and", "r.code = 0 and"),
    ("r.code == 0 and", "r.code == 0 &&"),
    ("r.code == 0 and", "r.code is 0 and"),
    ("r.code == 0 and", "r.exit_code == 0 and"),
    ("r.code == 0 and r.stdout", "!r.code and r.stdout"),
    ("contains \"joined\"", "~= \"joined\""),
    ("contains \"joined\"", ".contains(\"joined\")"),
    ("contains \"joined\"", "contains joined"),
    ("return int(r.stdout.trim)", "return r.stdout.toInt()"),
    ("return int(r.stdout.trim)", "return int(r.stdout.trim())"),
    ("return int(r.stdout.trim)", "return int r.stdout.trim"),
    ("  return r.stdout.trim\n", "  r.stdout.trim\n"),
    # ---- statements
    ("  preflight { await in_service(all) }", "  preflight { in_service(all) }"),
    ("  preflight { await in_service(all) }", "  preflight { wait in_service(all) }"),
    ("  preflight { await in_service(all) }", "  preflight: await in_service(all)"),
    ("  preflight { await in_service(all) }", "  preflight { await in_service(*) }"),
    ("  preflight { await in_service(all) }", "  preflight { sleep 10s }"),
    ("  with quiet {\n", "  with quiet\n"),
    ("  with quiet {\n", "  with quite {\n"),
    ("  with quiet {\n", "  hold quiet {\n"),
    ("    rolling n in member at most 1h {", "    for each n in member at most 1h {"),
    ("    rolling n in member at most 1h {", "    foreach n in member at most 1h {"),
    ("    rolling n in member at most 1h {", "    rolling member at most 1h {"),
    ("    rolling n in member at most 1h {", "    rolling n in members at most 1h {"),
    ("    rolling n in member at most 1h {", "    rolling n in member at most 1hour {"),
    ("    rolling n in member at most 1h {", "    rolling n in member max 1h {"),
    ("    rolling n in member at most 1h {", "    rolling (n in member) {"),
    ("    rolling n in member at most 1h {", "    rolling n in member, batch 2 {"),
    ("    rolling n in member at most 1h {", "    rolling on in member at most 1h {"),
    ("      restart(n)\n", "      restart n\n"),
    ("      restart(n)\n", "      restart(h)\n"),
    ("      restart(n)\n", "      restart()\n"),
    ("      restart(n)\n", "      restart(n);\n"),
    ("      restart(n)\n", "      call restart(n)\n"),
    ("      restart(n)\n", "      resart(n)\n"),
    ("      restart(n)\n", "      await restart(n)\n"),
    ("      restart(n)\n", "      run(\"systemctl\", \"restart\", \"database\") on n\n"),
    ("      restart(n)\n", "      linux.restart(n)\n"),
    ("      restart(n)\n", "      if installed(n) != release { restart(n) }\n"),
    ("      restart(n)\n", "      try { restart(n) } catch { }\n"),
    ("\"install\", what)", "\"install\", \"database=$release\")"),
    ("\"database=${release}\"", "\"database=${release\""),
    ("\"database=${release}\"", "f\"database={release}\""),
    ("  window every \"Sat 20:00\" for 10h tz \"Europe/Berlin\"\n", "  window \"Sat 20:00\"..\"Sun 06:00\"\n"),
    ("  window every \"Sat 20:00\" for 10h tz \"Europe/Berlin\"\n", "  window every Sat 20:00 for 10h tz \"Europe/Berlin\"\n"),
    ("  window every \"Sat 20:00\" for 10h tz \"Europe/Berlin\"\n", "  window every \"Sat 20:00\" for 10h\n"),
    ("  window every \"Sat 20:00\" for 10h tz \"Europe/Berlin\"\n", "  window every \"Sa 20:00\" for 10h tz \"CET/Berlin\"\n"),
    # ---- braces
    ("      await in_service(n)\n    }\n  }\n}\n", "      await in_service(n)\n    }\n  }\n"),
    ("      await in_service(n)\n    }\n  }\n}\n", "      await in_service(n)\n  }\n}\n"),
    ("      await in_service(n)\n    }\n  }\n}\n", "      await in_service(n)\n    }\n  }\n}\n}\n"),
    ("  watches member\n}\n", "  watches member\n"),
]


MORE_THAN_ONE = {"role balancer { }", 'let r = run(dbctl, status) on h'}  # several things are missing


def main():
    upgc = sys.argv[1]
    base = BASE.read_text(encoding="utf-8")
    for old, new in SLIPS:
        assert old in base, old
        done = subprocess.run([upgc, "check", TODAY, "--format=json", "-"], input=base.replace(old, new, 1), capture_output=True, text=True,
                              check=False)
        found = json.loads(done.stdout)["diagnostics"]
        print(new.strip().replace("\n", "\\n") or f"(without `{old.strip()}`)")
        for d in found:
            begin = d["location"]["begin"]
            print(f"    {d['code']} {begin['line']}:{begin['column']} {d['message']}")
            for text in d["notes"] + d["helps"] + [fix["title"] for fix in d["fixes"]]:
                print(f"        {text}")
        if not found:
            print("    (nothing)")
        if len([d for d in found if d["severity"] == "error"]) > 1 and new.strip() not in MORE_THAN_ONE:
            print("    SEVERAL MESSAGES FOR ONE SLIP")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
