# Nothing outlives a cluster, however it ends. Processes are found by the folder that their command line or environment names.
set -euo pipefail
standin=$1 tmp=$2

alive() { # DIR: pids of whatever still names it; the pattern is in a file, so that grep does not find itself
  printf '%s\n' "$1/hosts/" > "$1.pattern"
  { grep -lsaF -f "$1.pattern" /proc/[0-9]*/cmdline /proc/[0-9]*/environ || true; } | cut -d/ -f3 | sort -u
}
gone() { # DIR WHAT
  local i left
  for i in $(seq 100); do left=$(alive "$1"); [ -n "$left" ] || return 0; sleep 0.05; done
  echo "after $2 there are left:" >&2; ps -o pid,ppid,args -p $left >&2; exit 1
}
inside() { # DIR: a session that waits and a process that is detached
  ssh -F "$1/ssh_config" node1 'setsid sleep 300 >/dev/null 2>&1 </dev/null & echo started; exec sleep 300' > "$1.out" 2>/dev/null &
  until grep -q started "$1.out"; do kill -0 $! || exit 1; done
  [ -n "$(alive "$1")" ] || { echo "the search finds nothing at all" >&2; exit 1; }
}
supervisor() { sed -n '/supervisor/{n;s/[^0-9]//g;p}' "$1/pid"; }

# Two clusters at the same time do not meet; each ends for itself.
"$standin" up "$tmp/a" & "$standin" up "$tmp/b"; wait $!
[ "$(ssh -F "$tmp/a/ssh_config" node1 cat /etc/machine-id)" != "$(ssh -F "$tmp/b/ssh_config" node1 cat /etc/machine-id)" ]
inside "$tmp/a"
"$standin" down "$tmp/a"
gone "$tmp/a" down
ssh -F "$tmp/b/ssh_config" node1 true

# Its supervisor is killed.
inside "$tmp/b"
kill -9 "$(supervisor "$tmp/b")"
gone "$tmp/b" "kill -9 of the supervisor"
"$standin" down "$tmp/b"

# The harness that runs it is killed.
"$standin" with "$tmp/c" -- sh -c 'touch "$DIR.ready"; exec sleep 300' & harness=$!
until [ -e "$tmp/c.ready" ]; do kill -0 $harness; done
inside "$tmp/c"
kill -9 $harness
gone "$tmp/c" "kill -9 of the harness"

# Its time is over.
"$standin" up "$tmp/d" --lifetime 0.5
gone "$tmp/d" "its lifetime"

# What is not ours is not touched; what does not come up says why and leaves nothing.
mkdir "$tmp/e"; echo mine > "$tmp/e/file"
if "$standin" up "$tmp/e" 2> "$tmp/err"; then echo "up in a folder that is not empty" >&2; exit 1; fi
grep -q 'not ours to use' "$tmp/err"; [ "$(cat "$tmp/e/file")" = mine ]
echo '{"frob": 1}' > "$tmp/bad.json"
if "$standin" up "$tmp/f" --scenario "$tmp/bad.json" 2> "$tmp/err"; then echo "up with a bad scenario" >&2; exit 1; fi
grep -q 'no such key: frob' "$tmp/err"
gone "$tmp/f" "a bad scenario"
