# Who may start steps on this host. For each lock, in $locks/NAME (0700):
#   lock    TOKEN STATE RUN SINCE OWNER PLAN: the highest token ever seen here; the state is held, free or broken
#   lease   BOOT END LENGTH: whoever holds it is taken for alive until END, in seconds of the uptime of that boot
# Read and written under flock on $locks/mutex only, and so is each claim of a step: no token is raised between the look
# at it and the claim.

durable() { sync -- "$@" 2>/dev/null || sync; }

# Sets boot.
read_boot() {
  boot=unknown
  { IFS= read -r boot <"${UPG_BOOT_ID_FILE:-/proc/sys/kernel/random/boot_id}"; } 2>/dev/null || :
}
# Sets token, state, run, since, owner and plan of lock $1; fails if there is one that cannot be read.
read_lock() {
  token=0 state=free run=- since=0 owner=- plan=-
  [ -e "$locks/$1/lock" ] || return 0
  { read -r token state run since owner plan <"$locks/$1/lock"; } 2>/dev/null || return 1
  case $token in '' | *[!0-9]* | ????????????????*) return 1 ;; esac
  [ "$plan" ]
}
write_lock() {
  [ -d "$locks/$1" ] || mkdir -p -m 700 "$locks/$1" || return 1
  printf '%s\n' "$2" >"$locks/$1/lock.new" && durable "$locks/$1/lock.new" &&
    mv -f "$locks/$1/lock.new" "$locks/$1/lock" && durable "$locks/$1" "$locks"
}
# Runs the function $1 with the mutex; its exit status, or 3 with what is wrong on stderr.
with_mutex() {
  command -v flock >/dev/null || {
    echo 'flock is not there; install util-linux' >&2
    return 3
  }
  [ -d "$locks" ] || mkdir -p -m 700 "$locks" 2>/dev/null || {
    echo "cannot create $locks" >&2
    return 3
  }
  (
    flock -w 20 9 || {
      echo "another process has held $locks/mutex for 20 s" >&2
      exit 3
    }
    "$1"
  ) 9>>"$locks/mutex"
}
