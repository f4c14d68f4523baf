# A step that outlives its connection. POSIX sh and coreutils only; also right under dash. Sent as one argument of sh -c
# and run by eval, so that the supervisor can be started from the same text. Lines that are only a comment are not sent.
#
# What the host keeps of a step, in $root/$name (0700):
#   claim    boot id, pid and start time of the shell that claimed it: the directory itself is the claim (mkdir is atomic)
#   key      the key as the controller gave it
#   input    standard input of the command, if it has any; until it has ended
#   pid      pid, start time and boot id of the supervisor; written before the command starts
#   out err  output of the command, whole
#   status   exit status; written, synced and renamed into place when the command has ended
set -u
self=$1 mode=$2 end=$3 start=$4 key=$5 name=$6 user=$7 secret=$8 input=$9
shift 9
root=${1:-${UPG_STATE_DIR:-${HOME:-/nonexistent}/.local/state/upg}}/steps
text=$2
dir=$root/$name
password=

say() { printf '%s %s %s\n' "$end" "$1" "${2-}"; }
finish() {
  say "$1" "${2-}"
  exit 0
}
durable() { sync -- "$@" 2>/dev/null || sync; }

# Sets boot.
read_boot() {
  boot=unknown
  { IFS= read -r boot <"${UPG_BOOT_ID_FILE:-/proc/sys/kernel/random/boot_id}"; } 2>/dev/null || :
}
# Sets born to the start time of process $1 (field 22 of its stat; its name may hold anything), or fails.
read_birth() {
  born=
  { IFS= read -r born <"/proc/$1/stat"; } 2>/dev/null || return 1
  born=${born##*) }
  set -f
  set -- $born
  set +f
  case $1 in Z | X) return 1 ;; esac
  shift 19
  born=$1
}
# Is the process of a "pid start boot" file still there?
is_alive() {
  its_pid= its_birth= its_boot=
  { read -r its_pid its_birth its_boot <"$1"; } 2>/dev/null || return 1
  [ "$its_boot" = "$boot" ] && read_birth "$its_pid" && [ "$born" = "$its_birth" ]
}
# The supervisor is there, or the one who claimed it is about to start it.
in_progress() {
  read_boot
  if [ -s "$dir/pid" ]; then
    is_alive "$dir/pid"
    return
  fi
  if [ ! -s "$dir/claim" ]; then
    waited=0
    while [ ! -s "$dir/claim" ] && [ "$waited" -lt 20 ]; do
      sleep 0.1 2>/dev/null || sleep 1
      waited=$((waited + 1))
    done
  fi
  is_alive "$dir/claim" || {
    sleep 0.3 2>/dev/null || sleep 1
    [ -s "$dir/pid" ] && is_alive "$dir/pid"
  }
}

# Writes what is new in out and err since the last time; $1 = y: they will not grow any more.
offset_out=0 offset_err=0
pump_one() {
  from=$2
  [ "$4" = y ] || [ "$3" -gt "$from" ] || return 0
  if [ "$4" = y ]; then
    if [ "$from" = 0 ]; then cat "$1"; else tail -c "+$((from + 1))" "$1"; fi
  else
    tail -c "+$((from + 1))" "$1" | head -c "$(($3 - from))"
  fi || exit 1
}
pump() {
  if [ "$1" = y ]; then
    [ ! -s "$dir/out" ] || pump_one "$dir/out" "$offset_out" 0 y
    [ ! -s "$dir/err" ] || pump_one "$dir/err" "$offset_err" 0 y >&2
    return
  fi
  [ -s "$dir/out" ] || [ -s "$dir/err" ] || return 0
  sizes=$(stat -c %s "$dir/out" "$dir/err" 2>/dev/null) || return 0
  size_out=${sizes%%
*}
  size_err=${sizes##*
}
  pump_one "$dir/out" "$offset_out" "$size_out" n
  pump_one "$dir/err" "$offset_err" "$size_err" n >&2
  offset_out=$size_out offset_err=$size_err
}
ended() {
  code=
  { IFS= read -r code <"$dir/status"; } 2>/dev/null || return 1
  [ -n "$code" ]
}
# $1 = pipe: standard input is held open by the supervisor alone, so its end is the end of the step.
follow() {
  how=$1 nap=0.1
  while :; do
    if ended; then
      pump y
      finish exited "$code"
    fi
    if [ "$how" = poll ] && ! in_progress; then
      if ended; then continue; fi
      pump y
      finish vanished
    fi
    pump n
    if [ "$how" = pipe ]; then
      timeout "$nap" cat >/dev/null && how=poll
    else
      sleep "$nap" 2>/dev/null || sleep 1
    fi
    case $nap in 0.1) nap=0.2 ;; 0.2) nap=0.5 ;; *) nap=1 ;; esac
  done
}

supervise() {
  trap '' HUP
  [ "$secret" = n ] || IFS= read -r password || :
  exec </dev/null
  read_boot
  read_birth $$ || :
  printf '%s %s %s\n' "$$" "$born" "$boot" >"$dir/pid"
  from=/dev/null
  [ "$input" = n ] || from=$dir/input
  if [ -z "$user" ]; then
    /bin/sh -c "$text" <"$from" >"$dir/out" 2>"$dir/err" 3>&-
  elif [ "$secret" = n ]; then
    sudo -n -u "$user" -- /bin/sh -c "$text" <"$from" >"$dir/out" 2>"$dir/err" 3>&-
  else
    # sudo may or may not read the password; the line after it tells the command's shell where its own input begins.
    { printf '%s\n%s\n' "$password" "$end"; exec cat "$from"; } |
      sudo -S -p '' -u "$user" -- /bin/sh -c 'while IFS= read -r line && [ "$line" != "$1" ]; do :; done; eval "$2"' \
        upg-step "$end" "$text" >"$dir/out" 2>"$dir/err" 3>&-
  fi
  code=$?
  rm -f "$dir/input"  # there may be a secret in it
  tries=0
  until printf '%s\n' "$code" >"$dir/status.new" && durable "$dir/status.new" && mv "$dir/status.new" "$dir/status"; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || exit 1
    sleep 1
  done
  exec 3>&-
  durable "$dir"
}

launch() {
  exec 3>&1 >/dev/null 2>&1
  if [ "$secret" = y ]; then
    printf '%s\n' "$password"
  fi | {
    [ "$secret" = y ] || exec </dev/null
    session=setsid
    command -v setsid >/dev/null || session=
    exec $session /bin/sh -c 'eval "$1"' upg-step "$self" supervise "$end" "$start" "$key" "$name" "$user" "$secret" \
      "$input" "${root%/steps}" "$text"
  } &
}

run() {
  if [ "$secret" = y ]; then
    IFS= read -r password || finish refused 'no password came'
  fi
  [ -d "$root" ] || mkdir -p -m 700 "$root" 2>/dev/null || finish refused "cannot create $root"
  if ! mkdir -m 700 "$dir" 2>/dev/null; then
    [ -d "$dir" ] || finish refused "cannot create $dir"
    follow poll
  fi
  # Nothing has been started yet: what goes wrong from here to the launch takes the claim back.
  if [ "$user" ]; then
    if [ "$secret" = y ]; then
      said=$(printf '%s\n' "$password" | sudo -k -S -p '' -u "$user" -- true 2>&1)
    else
      said=$(sudo -n -u "$user" -- true 2>&1)
    fi || {
      rm -rf "$dir"
      finish refused "sudo: $said"
    }
  fi
  read_boot
  read_birth $$ || :
  {
    printf '%s\n' "$key" >"$dir/key" && : >"$dir/out" && : >"$dir/err" &&
      { [ "$input" = n ] || cat >"$dir/input"; } &&
      printf '%s %s %s\n' "$$" "$born" "$boot" >"$dir/claim"
  } 2>/dev/null || {
    rm -rf "$dir"
    finish refused "cannot write in $dir"
  }
  durable "$dir/claim" "$dir" "$root"
  launch | follow pipe
  exit 0
}

case $mode in
  run)
    printf '%s%s:' "$start" $$
    run
    ;;
  attach)
    printf '%s%s:' "$start" $$
    [ -d "$dir" ] || finish absent
    if ! ended && in_progress; then finish running; fi
    pump y
    if ended; then finish exited "$code"; fi
    finish vanished
    ;;
  supervise)
    supervise
    ;;
  forget)
    [ -d "$dir" ] || exit 0
    if ! ended && in_progress; then
      echo 'the step still runs' >&2
      exit 3
    fi
    rm -rf "$dir"
    ;;
esac
