# platform9.sh PLAN SCENE SCENARIO UPGC UPGRUN STANDIN DIR: builds examples/platform9/PLAN.upg with short waits, and runs the scene on a stand-in cluster.
set -euo pipefail
plan=$1 scene=$2 scenario=$3 upgc=$4 upgrun=$5 standin=$6 dir=$7
here=$(dirname "$0")
hosts=(); [ "$plan" != saas ] || hosts=(--hosts desk,hv1,hv2,net1,net2,img1,vol1)
rm -rf "$dir" "$dir.build" && mkdir "$dir.build"
# A test runs at any hour.
sed '/^  window every/d' "$here/../../../examples/platform9/$plan.upg" > "$dir.build/$plan.upg"
"$upgc" build -D pace=200ms -D patience=15s -D startup=10s "$dir.build/$plan.upg" -o "$dir.build/$plan.upgb"
exec "$standin" with "$dir" --world platform9 "${hosts[@]}" --scenario "$here/platform9_$scenario.json" -- \
  /usr/bin/python3 "$here/platform9.py" "$upgrun" "$dir.build/$plan.upgb" "$scene"
