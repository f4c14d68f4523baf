# window.sh UPGC PLAN OUT: the plan with a window that is closed now (OUT.closed.upgb), one that is open for hours (OUT.open.upgb), and one that
# closes before a turn fits (OUT.short.upgb): a turn may take 12 minutes, 2 to 3 are left.
set -euo pipefail
upgc=$1 plan=$2 out=$3
with_window() {
  local begin; begin=$(date -u -d "@$(($(date +%s) + $2 * 60))" +%H:%M)
  sed "s/^upgrade small of lab {/&\n  window every \"$begin\" for $3 tz \"UTC\"/" "$plan" >"$out.$1.upg"
  "$upgc" build "$out.$1.upg" -o "$out.$1.upgb"
  echo "$begin" >"$out.$1.begin"
}
with_window closed 120 1h
with_window open -60 6h
with_window short -57 1h
