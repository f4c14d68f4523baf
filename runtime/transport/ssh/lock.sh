# Looks at the locks of a run on this host, or changes them; all of them or none. Stands behind fence.sh. Prints, for each
# of the names in the order given, what there is now: TOKEN STATE RUN SINCE OWNER PLAN SECONDS-OF-LEASE-LEFT.
# Exit status: 0 done; 9 not done, somebody else has it; 8 not done, its owner is alive; 3 cannot be done, see stderr.
set -u
shift
root=${1:-${UPG_STATE_DIR:-${HOME:-/nonexistent}/.local/state/upg}}
verb=$2 lease=$3 my_token=$4 my_run=$5 my_owner=$6 line=$7
shift 7
names=$*
locks=$root/locks

read_uptime() {
  { read -r uptime rest </proc/uptime; } 2>/dev/null || uptime=0
  uptime=${uptime%%.*}
}
# Sets left.
read_lease() {
  left=0
  { read -r its_boot until length <"$locks/$1/lease"; } 2>/dev/null || return 0
  case $until$length in '' | *[!0-9]*) return 0 ;; esac
  if [ "$its_boot" = "$boot" ]; then left=$((until - uptime)); else left=$((length - uptime)); fi
  [ "$left" -gt 0 ] || left=0
}
write_lease() { printf '%s %s %s\n' "$boot" "$((uptime + lease))" "$lease" >"$locks/$1/lease"; }

damaged() {
  echo "the lock $locks/$1/lock cannot be read" >&2
  exit 3
}
show() {
  for name in $names; do
    read_lock "$name" || damaged "$name"
    read_lease "$name"
    printf '%s %s %s %s %s %s %s\n' "$token" "$state" "$run" "$since" "$owner" "$plan" "$left"
  done
}
refuse() {
  show
  exit "$1"
}
written() {
  "$@" 2>/dev/null || {
    echo "cannot write in $locks (is the disk full?)" >&2
    exit 3
  }
}
mine() { [ "$token" -eq "$my_token" ] && [ "$run" = "$my_run" ]; }

change() {
  read_boot
  read_uptime
  for name in $names; do
    read_lock "$name" || damaged "$name"
    case $verb in
      take)
        if [ "$token" -gt "$my_token" ]; then refuse 9; fi
        if [ "$token" -eq "$my_token" ]; then { mine && [ "$owner" = "$my_owner" ]; } || refuse 9; fi
        if [ "$token" -lt "$my_token" ] && [ "$state" = held ] && [ "$run" != "$my_run" ]; then refuse 9; fi
        ;;
      renew)
        if [ "$token" -gt "$my_token" ]; then refuse 9; fi
        if [ "$token" -eq "$my_token" ] && { [ "$run" != "$my_run" ] || [ "$owner" != "$my_owner" ]; }; then refuse 9; fi
        ;;
      break)
        read_lease "$name"
        if [ "$state" = held ] && [ "$run" = "$my_run" ] && [ "$left" -gt 0 ]; then refuse 8; fi
        ;;
    esac
  done
  all_mine=y
  for name in $names; do
    read_lock "$name" || damaged "$name"
    mine || all_mine=n
    case $verb in
      take | renew)
        [ "$token" -eq "$my_token" ] || written write_lock "$name" "$line"
        written write_lease "$name"
        ;;
      rest)
        if mine; then rm -f "$locks/$name/lease"; fi
        ;;
      free)
        if mine; then
          written write_lock "$name" "$token free $run $since $owner $plan"
          rm -f "$locks/$name/lease"
        fi
        ;;
      break | force)
        if [ "$state" = held ] && [ "$run" = "$my_run" ]; then
          written write_lock "$name" "$((token + 1)) broken $run $since $owner $plan"
          rm -f "$locks/$name/lease"
        fi
        ;;
    esac
  done
  # A run that is over asks after none of its steps any more; whoever took over from this controller does.
  if [ "$verb$all_mine" = freey ]; then
    for step in "$root"/steps/*/; do
      [ -s "$step/status" ] && { IFS= read -r key <"$step/key"; } 2>/dev/null || continue
      case $key in "$my_run"/*) rm -rf "$step" ;; esac
    done
  fi
  show
}

if [ "$verb" = look ] && [ ! -d "$locks" ]; then
  read_boot
  read_uptime
  show
  exit 0
fi
with_mutex change
