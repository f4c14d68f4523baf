# Runs one law's test: `standin with DIR -- bash law.sh TEST`. DIR and STANDIN are set; the words below are what a test is made of.
set -euo pipefail

die() { printf 'law.sh: %s\n' "$*" >&2; "$STANDIN" ledger "$DIR" | grep -v ' call ' | tail -30 >&2; exit 1; }

# on HOST COMMAND...: plain ssh, as an operator would; the default key exchange costs 100 ms more.
on() { ssh -F "$DIR/ssh_config" -o ConnectTimeout=20 -o KexAlgorithms=curve25519-sha256 "$@"; }

# refused TEXT HOST COMMAND...: it fails and says TEXT.
refused() {
  local text=$1 out; shift
  if out=$(on "$@" </dev/null 2>&1); then die "not refused: $*: $out"; fi
  case $out in *"$text"*) ;; *) die "refused, but without '$text': $*: $out" ;; esac
}

# says TEXT HOST COMMAND...: whatever its exit code, it says TEXT.
says() {
  local text=$1 out; shift
  out=$(on "$@" </dev/null 2>&1) || true
  case $out in *"$text"*) ;; *) die "does not say '$text': $*: $out" ;; esac
}

# await CONDITION...: within 30 s. is CONDITION...: now.
await() { "$STANDIN" await "$DIR" --timeout 30 "$@" || die "await $*"; }
is() { "$STANDIN" await "$DIR" --timeout 0 "$@" || die "is $*"; }

# back HOST: the boot of a host that was given a long one ends now.
back() { "$STANDIN" set "$DIR" "boot_seconds.$1=0.2" && "$STANDIN" boot "$DIR" "$1" || die "back $1"; }

# restart HOST: reboots it and waits until it is back as another boot.
restart() {
  local boot
  boot=$(on "$1" 'cat /proc/sys/kernel/random/boot_id; systemctl reboot')
  await "hosts.$1.boot_id!=$boot" "hosts.$1.settled=true"
}

# violated LAW: the ledger has it. kept: it has none at all. Each looks at the whole ledger, so what was broken stays broken.
violated() { { "$STANDIN" ledger "$DIR" --violations || true; } | grep " $1: " >/dev/null || die "the ledger does not have the broken law $1"; }
kept() { local v; v=$("$STANDIN" ledger "$DIR" --violations) || die "a law is broken: $v"; }

# answers HOST: its sshd answers a fresh connection.
answers() { on "$1" true 2>/dev/null; }

# platform HOST WORDS...: StarlingX's `system`, with the credentials that only the active controller gives.
platform() { local h=$1; shift; on "$h" "source /etc/platform/openrc && system $*" >/dev/null; }
# forbidden TEXT HOST WORDS...: it refuses, and says TEXT.
forbidden() { local text=$1 h=$2; shift 2; refused "$text" "$h" "source /etc/platform/openrc && system $*"; }

# shellcheck source=/dev/null
. "$1"
