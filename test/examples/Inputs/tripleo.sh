# tripleo.sh SCENE SCENARIO UPGC UPGRUN STANDIN DIR: builds examples/tripleo/in_place.upg with short waits, and runs the scene on a stand-in cluster.
set -euo pipefail
scene=$1 scenario=$2 upgc=$3 upgrun=$4 standin=$5 dir=$6
here=$(dirname "$0")
rm -rf "$dir" "$dir.build" && mkdir "$dir.build"
# A test runs at any hour.
sed '/^  window every/d' "$here/../../../examples/tripleo/in_place.upg" > "$dir.build/in_place.upg"
"$upgc" build -D pace=200ms "$dir.build/in_place.upg" -o "$dir.build/in_place.upgb"
exec "$standin" with "$dir" --world tripleo --scenario "$here/tripleo_$scenario.json" -- \
  /usr/bin/python3 "$here/tripleo.py" "$upgrun" "$dir.build/in_place.upgb" "$scene"
