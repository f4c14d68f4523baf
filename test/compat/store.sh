#!/bin/bash
# store.sh [BUILD]: keeps a plan, and the folder of a run of it that stands at a failed step, under stored/planN-journalM for the upgruns to come.
# Run it once after the number of a format was raised, and commit what it makes; what is there is never changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd) build=$(cd "${1:-$here/../../build/default}" && pwd)
version=$("$build/bin/upgrun" --version)
name=plan$(sed -n 's/^plan format //p' <<<"$version")-journal$(sed -n 's/^journal format //p' <<<"$version")
[ ! -e "$here/stored/$name" ] || { echo "store.sh: $name is there already" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"  # the path stands in the plan
"$build/bin/upgc" build test/run/Inputs/small.upg -o "$work/plan.upgb"
cat >"$work/fails" <<'END'
set_ fail.migrate.104=1
start 4
cp -r "$(run)" "$KEEP"
END
KEEP=$work/run "$root/test/standin/standin" with "$work/hosts" --scenario "$root/test/run/Inputs/scenario.json" -- \
  bash "$root/test/run/Inputs/run.sh" "$work/fails" "$build/bin/upgrun" "$work/plan.upgb"
mkdir -p "$here/stored/$name/output"
for file in plan.upgb journal.sqlite journal.head report.json upgrun.log output; do cp -r "$work/run/$file" "$here/stored/$name/"; done
rm -f "$here/stored/$name/output/"*.questions.log
echo "stored $name"
