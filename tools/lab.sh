#!/usr/bin/env bash
# The laboratory's long jobs on the real series of ../shared/lab (LAB=... names another place).
# Usage: tools/lab.sh scoreboard | calibration
# Cases are made once into .data/lab and stay there; the series never enter the repository.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly lab=${LAB:-../shared/lab} out=.data/lab farsight=.venv/bin/farsight
readonly python=$out/python/bin/python
export OMP_NUM_THREADS=1

[ -d "$lab/data/public" ] || { echo "lab: no series in $lab; set LAB" >&2; exit 1; }

# The builder of the public benchmark needs pandas, which is no part of the product.
with_pandas() {
    [ -x "$python" ] || python3 -m venv "$out/python"
    "$python" -c 'import pandas' 2>/dev/null || .venv/bin/uv pip install -q --python "$python" pandas==3.1.1 numpy
    "$python" "$@"
}

# built NAME COMMAND...: makes a folder of cases unless it is there
built() {
    local folder=$out/$1
    shift
    [ -f "$folder/series.csv" ] || "$@"
}

cases() { built "$1" with_pandas "$lab/bench/make_cases.py" --split public --seed "$2" --out "$out/$1"; }
kinds() { built "$1" with_pandas tools/clean_cases.py "$lab" "$out/$1" "$2"; }
made() { built "$1" "$farsight" lab make "$out/$1" --data "$lab/data/public" "${@:2}"; }

# Seed 20240101 is the public benchmark; calibration never sees its draw, though it sees its series.
scoreboard() {
    cases public 20240101
    cases seed_11 11
    made cheats --simulated 150 --seed 3
    made unseen --group unseen --clean-only
    "$farsight" lab report --cases "$out/public" --cases "$out/seed_11" --made "$out/cheats" --unseen "$out/unseen"
}

calibration() {
    local seed
    for seed in 21 22 23 25 26; do cases "make_cases_$seed" "$seed"; done
    for seed in 31 32; do kinds "clean_kinds_$seed" "$seed"; done
    made made_41 --simulated 80 --seed 41 --events 2
    "$farsight" lab calibrate "$out"/make_cases_2? --more "$out/clean_kinds_31" --more "$out/clean_kinds_32" \
        --more "$out/made_41"
}

mkdir -p "$out"
case ${1:-} in
    scoreboard | calibration) "$1" ;;
    *) echo "usage: tools/lab.sh scoreboard | calibration" >&2; exit 2 ;;
esac
