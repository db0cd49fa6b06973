#!/usr/bin/env bash
# Gets what a Make target needs, and is quick when it is there already.
# Usage: tools/setup.sh uv | python run|dev | broker | printer | browser
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=.venv
say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }

# --- Python -----------------------------------------------------------------------------------

make_venv() {
    [ -x "$venv/bin/python" ] && return
    local python=${PYTHON:-python3}
    command -v "$python" >/dev/null || die "$python is missing (Debian: apt-get install python3 python3-venv)"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "$($python --version) is too old: 3.11 or newer is needed (PYTHON=... names another)"
    say "making $venv"
    "$python" -m venv "$venv" || { rm -rf "$venv"; die "no venv (Debian: apt-get install python3-venv)"; }
}

install_uv() {
    make_venv
    local stamp=$venv/.stamp-uv
    cmp -s requirements/uv.txt "$stamp" && return
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
    cp requirements/uv.txt "$stamp"
}

# The dev lock contains the run lock, so that `make run` after `make test` installs nothing.
install_python() {
    local set=$1 want have stamp=$venv/.stamp-python
    want=$(cat requirements/run.txt requirements/dev.txt pyproject.toml | sha256sum | cut -c1-64)
    have=$(cat "$stamp" 2>/dev/null || true)
    if [ -x "$venv/bin/farsight" ] && { [ "$have" = "dev $want" ] || [ "$have" = "$set $want" ]; }; then
        return
    fi
    install_uv
    say "installing requirements/$set.txt"
    rm -f "$stamp"
    # Compiled once here, not by nine processes that start together.
    "$venv/bin/uv" pip sync -q --compile-bytecode --python "$venv/bin/python" --require-hashes "requirements/$set.txt"
    "$venv/bin/uv" pip install -q --python "$venv/bin/python" --no-deps --no-build-isolation -e .
    echo "$set $want" >"$stamp"
}

# --- Debian packages ----------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install WHY PACKAGE...
apt_install() {
    local why=$1
    shift
    command -v apt-get >/dev/null || die "$why: this is no Debian, install the equivalent of '$*' yourself"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "$why: neither root nor sudo; ask for 'apt-get install $*'"
    say "installing $* from Debian ($why)"
    local options=(-y -qq --no-install-recommends -o Dpkg::Use-Pty=0)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >/dev/null 2>&1 || {
        as_root apt-get update -qq >&2 || true
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >&2 ||
            die "$why: apt-get could not install $* (see above)"
    }
}

# invoke-rc.d and deb-systemd-invoke ask policy-rc.d before they start a service; 101 forbids it.
readonly policy=/usr/sbin/policy-rc.d
forbid_services() {
    if as_root test -e "$policy"; then as_root mv "$policy" "$policy.farsight"; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}
allow_services() {
    as_root rm -f "$policy"
    if as_root test -e "$policy.farsight"; then as_root mv "$policy.farsight" "$policy"; fi
}

install_broker() {
    [ -n "${AMQP_URI:-}" ] && return
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || [ -x /opt/rabbitmq/sbin/rabbitmq-server ] && return
    command -v rabbitmq-server >/dev/null && return
    local why="RabbitMQ carries all events; AMQP_URI would name one you have"
    if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then
        forbid_services
        trap allow_services EXIT
    fi
    apt_install "$why" rabbitmq-server
    # The package enables a broker of its own for the next boot; ours is private and on demand.
    if command -v systemctl >/dev/null; then
        as_root systemctl disable --quiet rabbitmq-server.service epmd.socket 2>/dev/null || true
    fi
}

# What WeasyPrint loads by name (docs/adr/0026-documents.md), each with the package that has it;
# glib and fontconfig's library, which it loads too, come with Pango.
readonly printing=(
    libpango-1.0.so.0=libpango-1.0-0
    libpangoft2-1.0.so.0=libpangoft2-1.0-0
    libharfbuzz-subset.so.0=libharfbuzz-subset0
)
has_library() { "$venv/bin/python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" 2>/dev/null; }
has_family() { command -v fc-list >/dev/null && [ -n "$(fc-list "$1")" ]; }

install_printer() {
    local family="Noto Serif CJK SC" missing=() one
    for one in "${printing[@]}"; do
        has_library "${one%%=*}" || missing+=("${one#*=}")
    done
    command -v fc-list >/dev/null || missing+=(fontconfig)
    has_family "$family" || missing+=(fonts-noto-cjk)
    [ ${#missing[@]} -eq 0 ] || apt_install "documents are printed as PDF" "${missing[@]}"
    family=${FARSIGHT_PAPER_FONT:-$family}
    has_family "$family" || die "no font '$family'; FARSIGHT_PAPER_FONT names one that fc-list knows"
}

install_browser() {
    local missing=()
    command -v chromium >/dev/null || missing+=(chromium)
    command -v fc-list >/dev/null || missing+=(fontconfig)
    { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-cn)" ]; } || missing+=(fonts-noto-cjk)
    [ ${#missing[@]} -eq 0 ] || apt_install "the console's tests look at real pages" "${missing[@]}"
}

case "${1:-}" in
    uv) install_uv ;;
    python) case "${2:-}" in run | dev) install_python "$2" ;; *) die "python run|dev" ;; esac ;;
    broker) install_broker ;;
    printer) install_printer ;;
    browser) install_browser ;;
    *) die "usage: tools/setup.sh uv | python run|dev | broker | printer | browser" ;;
esac
