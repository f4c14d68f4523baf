# A step that outlives its connection. Stands behind fence.sh. POSIX sh, coreutils and flock only; also right under dash.
# Sent as one argument of sh -c and run by eval, so that the supervisor can be started from the same text. Lines that are
# only a comment are not sent.
#
# What the host keeps of a step, in $root/$name (0700):
#   claim    pid, start time and boot id of the shell that claimed it: the directory itself is the claim (mkdir is atomic)
#   key      the key as the controller gave it
#   input    standard input of the command, if it has any; until it has ended
#   started  made by the supervisor before anything else, or by who finds nobody left that could start one (mkdir again)
#   pid      pid, start time and boot id of the supervisor; written before the command starts
#   out err  output of the command, whole
#   status   exit status, and `signal` behind it where a signal ended the command; written, synced and renamed into place when
#            the command has ended, out and err synced before
#   seat room  as large as what is still to be written, so that no command is begun whose end could not be; removed before it is
#   unit begin self text  what its unit of systemd is started from, and the unit's name; none where there is no unit
set -u
self=$1 mode=$2 end=$3 start=$4 key=$5 name=$6 user=$7 secret=$8 input=$9
shift 9
root=${1:-${UPG_STATE_DIR:-${HOME:-/nonexistent}/.local/state/upg}}/steps
text=$2
# Token, line and names of the locks that the claim stands on; no token: on none.
my_token=$3 line=$4 names=$5
locks=${root%/steps}/locks
dir=$root/$name
password=

say() { printf '%s %s %s\n' "$end" "$1" "${2-}"; }
finish() {
  say "$1" "${2-}"
  exit 0
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
# The supervisor of the pid file is dead; something that it started is still there (a service is the leader of a session,
# too). What left that session (a daemon) is none of the step's.
remains() {
  [ "$its_boot" = "$boot" ] || return 1
  if [ -e "/proc/$its_pid/stat" ] && read_birth "$its_pid" && [ "$born" != "$its_birth" ]; then return 1; fi
  set -f
  for its_stat in $(set +f && echo /proc/[0-9]*/stat); do
    { IFS= read -r born <"$its_stat"; } 2>/dev/null || continue
    set -- ${born##*) }
    case $1${4-} in Z* | X*) ;; ?"$its_pid") set +f && return 0 ;; esac
  done
  set +f
  return 1
}
runs() { is_alive "$dir/pid" || remains; }
# The supervisor is there, or the one who claimed it is about to start it.
in_progress() {
  read_boot
  if [ -s "$dir/pid" ]; then
    runs
    return
  fi
  if [ ! -s "$dir/claim" ]; then
    waited=0
    while [ ! -s "$dir/claim" ] && [ "$waited" -lt 20 ]; do
      sleep 0.1 2>/dev/null || sleep 1
      waited=$((waited + 1))
    done
  fi
  # (who follows what it has claimed itself comes here only when its supervisor has gone)
  is_alive "$dir/claim" && [ "$its_pid" != $$ ] && return 0
  # Who claimed it is gone. Either a supervisor has begun, or from here on none can.
  mkdir "$dir/started" 2>/dev/null && return 1
  waited=0
  while [ ! -s "$dir/pid" ] && [ "$waited" -lt 20 ]; do
    sleep 0.1 2>/dev/null || sleep 1
    waited=$((waited + 1))
  done
  [ -s "$dir/pid" ] && runs
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
  code= how=
  { read -r code how <"$dir/status"; } 2>/dev/null || return 1
  [ -n "$code" ]
}
tell_end() {
  if [ "$how" = signal ]; then finish signaled "$((code - 128))"; fi
  finish exited "$code"
}
# Runs the words for a while at most: sudo may hang in its own questions, and who called it may not kill it. Sets said.
bounded() {
  rm -f "$dir/said"
  mkfifo "$dir/said" || return 1
  {
    "$@" 2>&1
    printf '\n%s' "$?"
  } >"$dir/said" &
  if ! said=$(timeout "${UPG_SUDO_SECONDS:-30}" cat "$dir/said"); then
    said="no answer within ${UPG_SUDO_SECONDS:-30} s"
    return 124
  fi
  rm -f "$dir/said"
  its_code=${said##*
}
  said=${said%
*}
  return "$its_code"
}
sudo_with_password() { printf '%s\n' "$password" | sudo -k -S -p '' -u "$user" -- true; }
# Waits for $1 seconds, or until the supervisor is gone.
pause() {
  if ! is_alive "$dir/pid"; then
    sleep "$1" 2>/dev/null || sleep 1
    return
  fi
  timeout "$1" tail -s 0.05 --pid="$its_pid" -f /dev/null 2>/dev/null
  case $? in 0 | 124) ;; *) sleep "$1" 2>/dev/null || sleep 1 ;; esac
}
# $1 = pipe: standard input is held open by the supervisor alone, so its end is the end of the step.
follow() {
  watch=$1 nap=0.1
  while :; do
    if ended; then
      pump y
      tell_end
    fi
    if [ "$watch" = poll ] && ! in_progress; then
      if ended; then continue; fi
      pump y
      finish vanished
    fi
    pump n
    if [ "$watch" = pipe ]; then
      timeout "$nap" cat >/dev/null && watch=poll
    else
      pause "$nap"
    fi
    case $nap in 0.1) nap=0.2 ;; 0.2) nap=0.5 ;; *) nap=1 ;; esac
  done
}

# A shell gives the same status for `exit 137` and for death by signal 9, but says a word of the latter (unless it is INT or
# PIPE) on its own standard error or on that of the command: neither is where the command's goes.
apart() {
  /bin/sh -c 'exec 2>&4 3>&- 4>&-; exec "$@"' upg-step "$@" >"$dir/out" 2>>"$dir/death" 4>"$dir/err"
}
supervise() {
  trap '' HUP
  mkdir "$dir/started" 2>/dev/null || exit 0
  [ "$secret" = n ] || IFS= read -r password || :
  exec </dev/null
  read_boot
  read_birth $$ || :
  rm -f "$dir/seat"
  { printf '%s %s %s\n' "$$" "$born" "$boot" >"$dir/pid"; } 2>/dev/null || exit 1  # nothing has begun, and nothing does
  from=/dev/null
  [ "$input" = n ] || from=$dir/input
  exec 2>"$dir/death"
  if [ -z "$user" ]; then
    apart /bin/sh -c "$text" <"$from"
  elif [ "$secret" = n ]; then
    apart sudo -n -u "$user" -- /bin/sh -c "$text" <"$from"
  else
    # sudo may or may not read the password; the line after it tells the command's shell where its own input begins.
    { printf '%s\n%s\n' "$password" "$end"; exec cat "$from"; } |
      apart sudo -S -p '' -u "$user" -- /bin/sh -c \
        'while IFS= read -r line && [ "$line" != "$1" ]; do :; done; eval "$2"' upg-step "$end" "$text"
  fi
  code=$?
  exec 2>/dev/null
  if [ "$code" -gt 128 ] && [ -s "$dir/death" ]; then code="$code signal"; fi
  rm -f "$dir/death" "$dir/room"
  rm -f "$dir/input"  # there may be a secret in it
  tries=0
  until printf '%s\n' "$code" >"$dir/status.new" && durable "$dir/out" "$dir/err" "$dir/status.new" && mv "$dir/status.new" "$dir/status"; do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ] || exit 1
    sleep 1
  done
  exec 3>&-
  rm -f "$dir/begin" "$dir/self" "$dir/text"
  durable "$dir"
}

# Starts the supervisor as a unit of systemd, which no logout ends: true if it has begun. Where that is not possible, or
# where it comes late, the other way is taken, and only the first of two supervisors goes on. Its environment and texts
# are in files: whoever is on the host may read a unit.
start_unit() {
  [ -d "${UPG_SYSTEMD_DIR:-/run/systemd/system}" ] && command -v systemd-run >/dev/null || return 1
  case $dir$user in *[!A-Za-z0-9/._-]*) return 1 ;; esac
  if [ "$(id -u)" = 0 ]; then
    set --
  elif [ "$secret" = n ] && bounded sudo -n -l systemd-run; then
    set -- sudo -n
  else
    return 1
  fi
  unit=upg-$name.service
  {
    printf '%s\n' "$unit" >"$dir/unit" && printf '%s' "$self" >"$dir/self" && printf '%s' "$text" >"$dir/text" && {
      export -p
      echo 'unset INVOCATION_ID SYSTEMD_EXEC_PID'
      echo 'dir=$1; shift; exec /bin/sh -c '\''eval "$1"'\'' upg-step "$(cat "$dir/self")" supervise "" "" "" "$@" "$(cat "$dir/text")" "" "" ""'
    } >"$dir/begin"
  } 2>/dev/null || return 1
  bounded "$@" systemd-run --quiet --collect --no-ask-password --unit="$unit" --description="step of an upgrade: $name" \
    --service-type=exec --uid="$(id -u)" --gid="$(id -g)" --working-directory="$PWD" -p UMask="$(umask)" \
    -p KillMode=process -p StandardOutput=null -p StandardError=null -p TasksMax=infinity -p OOMPolicy=continue \
    /bin/sh "$dir/begin" "$dir" "$name" "$user" n "$input" "${root%/steps}" || return 1
  waited=0
  while [ ! -s "$dir/pid" ] && [ "$waited" -lt 200 ]; do
    sleep 0.05 2>/dev/null || sleep 1
    waited=$((waited + 1))
  done
  [ -s "$dir/pid" ]
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
      "$input" "${root%/steps}" "$text" "" "" ""
  } &
}

# Exit status 0: claimed; 1: it is there already; 2: it cannot be; 3: no lock to be had; 9: the token is an old one, who
# has a newer one is said.
claim() {
  for name_of_lock in $names; do
    read_lock "$name_of_lock" || {
      echo "the lock $locks/$name_of_lock/lock cannot be read" >&2
      exit 3
    }
    if [ "$token" -gt "$my_token" ]; then
      echo "$token $state $run $since $owner $plan 0"
      exit 9
    fi
    [ "$token" -eq "$my_token" ] || write_lock "$name_of_lock" "$line" || {
      echo "cannot write in $locks" >&2
      exit 3
    }
  done
  mkdir -m 700 "$dir" 2>/dev/null && exit 0
  [ ! -d "$dir" ] || exit 1
  exit 2
}

run() {
  if [ "$secret" = y ]; then
    IFS= read -r password || finish refused 'no password came'
  fi
  [ -d "$root" ] || mkdir -p -m 700 "$root" 2>/dev/null || finish refused "cannot create $root"
  if [ "$my_token" ]; then said=$(with_mutex claim 2>&1); else said=$(claim); fi
  case $? in
    0) ;;
    1) follow poll ;;
    2) finish refused "cannot create $dir" ;;
    9) finish fenced "$said" ;;
    *) finish refused "$said" ;;
  esac
  # Nothing has been started yet: what goes wrong from here to the launch takes the claim back.
  read_boot
  read_birth $$ || :
  { printf '%s %s %s\n' "$$" "$born" "$boot" >"$dir/claim"; } 2>/dev/null || {
    rm -rf "$dir"
    finish refused "cannot write in $dir"
  }
  if [ "$user" ]; then
    if [ "$secret" = y ]; then
      bounded sudo_with_password
    else
      bounded sudo -n -u "$user" -- true
    fi || {
      rm -rf "$dir"
      finish refused "sudo: $said"
    }
  fi
  {
    printf '%s\n' "$key" >"$dir/key" && : >"$dir/out" && : >"$dir/err" && { [ "$input" = n ] || cat >"$dir/input"; } &&
      printf '%4096s' '' >"$dir/seat" && printf '%12288s' '' >"$dir/room"
  } 2>/dev/null || {
    rm -rf "$dir"
    finish refused "cannot write in $dir (is the disk full?)"
  }
  durable "$dir/claim" "$dir" "$root"
  if start_unit; then follow poll; fi
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
    if ended; then tell_end; fi
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
