# Runs one end-to-end test: `standin with DIR -- bash run.sh TEST UPGRUN PLAN`. DIR and STANDIN are set; these are the words that a test is made of.
set -euo pipefail
test=$1 upgrun=$2 plan=$3
runs=$DIR/runs

die() {
  printf 'run.sh: %s\n' "$*" >&2
  { echo "--- what upgrun said"; tail -40 "$DIR/said"; echo "--- the hosts"; did | tail -40; } >&2
  exit 1
}

# What reaches hosts and where the run is kept; the other options and the subcommand come from the caller.
reach=(--ssh-config "$DIR/ssh_config" --no-agent --runs "$runs")

# ends CODE SUBCOMMAND...: upgrun ends with this exit code. What it says is in $DIR/said.
ends() {
  local code=$1 got=0; shift
  "$upgrun" "$@" >"$DIR/said" 2>&1 </dev/null || got=$?
  [ "$got" = "$code" ] || die "exit code $got, not $code: upgrun $*"
}
start() { local code=$1; shift; ends "$code" run "$plan" --yes "${reach[@]}" "$@"; }
resume() { local code=$1; shift; ends "$code" resume "$(run)" "${reach[@]}" "$@"; }
run() { ls -1d "$runs"/* | tail -n 1; }

# says TEXT...: the last upgrun said each of them.
says() { local text; for text; do grep -qF -- "$text" "$DIR/said" || die "upgrun does not say: $text"; done; }

# did: what was really done on the hosts, one line each. Questions are not in it.
did() {
  "$STANDIN" ledger "$DIR" | awk '$2 == "call"' |
    grep -E ' (qm migrate|sed -i|apt-get update|systemctl (reboot|restart)|ceph osd (set|unset))( |$)' | awk '{$1 = $2 = ""; print substr($0, 3)}' || true
}
nothing_done() { [ -z "$(did)" ] || die "something was done"; }
# times N TEXT: this was done N times, on whichever host.
times() { local n; n=$(did | grep -cF -- "$2") || true; [ "$n" = "$1" ] || die "$n times, not $1: $2"; }

# Everything that the plan does was done, each once, and no law was broken.
once_each() {
  local h v
  times 1 'qm migrate 104 node2 --online'
  for h in node1 node2 node3; do times 1 "$h sed -i s/bookworm/trixie/g /etc/apt/sources.list"; done
  times 1 'node3 systemctl reboot'
  times 1 'ceph osd set noout'
  times 1 'ceph osd unset noout'
  v=$("$STANDIN" ledger "$DIR" --violations) || die "a law is broken: $v"
}

# await CONDITION...: within 30 s.
await() { "$STANDIN" await "$DIR" --timeout 30 "$@" || die "await $*"; }
set_() { "$STANDIN" set "$DIR" "$@" || die "set $*"; }

# shellcheck source=/dev/null
. "$test"
