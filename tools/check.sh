#!/usr/bin/env bash
# Everything that can be said about the tree without running it: `make check`, and what CI runs first.
# Usage: tools/check.sh [STEP ...]   without steps: all of them. Exit 1 when a step failed; all steps run.
set -u
cd "$(dirname "$0")/.." || exit 2
[ -d .venv/bin ] && PATH="$PWD/.venv/bin:$PATH"

failed=()
wanted=("$@")
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# step NAME COVERS COMMAND...: run one check; its output is shown only when it fails.
step() {
    local name=$1 covers=$2 began=$SECONDS
    shift 2
    if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
    if "$@" >"$log" 2>&1; then
        printf 'ok      %-10s %3d s  %s\n' "$name" $((SECONDS - began)) "$covers"
    else
        printf 'FAILED  %-10s %3d s  %s\n' "$name" $((SECONDS - began)) "$covers"
        sed 's/^/        /' "$log"
        failed+=("$name")
    fi
}

step lint       "ruff, all rules but those pyproject.toml names with a reason"          ruff check --no-cache .
step format     "ruff format, 100 columns"                                              ruff format --check .
step types      "mypy strict over services and farsight"                                mypy
step tools      "mypy strict over tools"                                                mypy --explicit-package-bases tools
step arrows     "import contracts of .importlinter, chains included"                    lint-imports --no-logo
step structure  "lengths; no clock, environment or chance in domain, kernels, hj212"    python -m tools.check_structure
step protos     "buf lint STANDARD over protos"                                         buf lint protos
step comments   "every message, field, value and method of protos has a comment"         python -m tools.check_comments
step breaking   "buf breaking WIRE_JSON against protos/baseline.binpb"                  buf breaking protos --against protos/baseline.binpb
step generated  "services/chassis/pb is what protos make today"                         python -m tools.check_generated
step kubernetes "every overlay built, each object against the strict schema and policy" python -m tools.check_k8s
step image      "Dockerfile: copied paths, targets, commands' modules"                  python -m tools.check_image
step docs       "links, commands and environment names that documents mention exist"    python -m tools.check_docs

if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}"
    exit 1
fi
