#!/bin/sh
# Makes .venv what uv.lock says. The Makefile calls it before each command; when there is nothing to do it takes milliseconds.
# `sh environment.sh course` installs what students need, `sh environment.sh everything` also what tests and instructors need.
# A script and not make recipes: it asks questions (which Python? what went wrong?), and macOS has make 3.81, one shell per line.
#
# .venv/.made tells what .venv is: "unfinished" while it is being made, afterwards which of the two it holds, the checksum of the two
# files, and this folder. Without it, .venv is removed and made anew. That is quick, because uv keeps what it has fetched in its cache.
set -eu
trap 'exit 130' INT
cd "$(dirname "$0")"
unset VIRTUAL_ENV UV_PYTHON                     # another project's choices
export UV_PROJECT_ENVIRONMENT=.venv

here=$(pwd -P)
made=$(cat .venv/.made 2>/dev/null) || made=
case "$made ${1-}" in                           # what is there once is kept up to date, also by those who need less
    "everything "* | *" everything") set=everything without= needs="a download of about 0.8 GB, and 4 GB on disk" ;;
    *) set=course without=--no-dev needs="a download of about 0.6 GB, and 3 GB on disk" ;;
esac
wanted="$set $(cat pyproject.toml uv.lock | cksum) $here"
log=.venv/.log

say() { printf '%s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }
suits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }
start_over() {
    [ ! -d .venv ] || say "Making .venv anew: the one that is here is unfinished, was moved, or was not made by this command ..."
    rm -rf .venv
    made=
}

uv_on_path() {
    case "$(uv --version 2>/dev/null)" in
        "" | "uv 0."[0-8].*) false ;;           # none, or older than pyproject.toml asks
    esac
}

find_python() {
    incomplete=
    for python in python3.13 python3.12 python3.11 python3 python; do
        suits "$python" || continue
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return
        incomplete=${incomplete:-$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')}
    done
    [ -z "$incomplete" ] ||
        fail "This $incomplete cannot make environments: run 'sudo apt install $incomplete-venv', then this command again."
    fail "No Python 3.11, 3.12 or 3.13 found: install one (from python.org, with 'brew install python@3.13' or" \
        "'sudo apt install python3-venv') or uv, which brings its own, then run this command again."
}

bring_uv() {
    .venv/bin/python -m ensurepip >"$log" 2>&1 || explain
    PIP_USER=no .venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 2 'uv>=0.9,<1' \
        >"$log" 2>&1 || explain
}

sync() { "$uv" sync --locked --inexact $without; } # inexact: leaves uv itself, and what a student has added

explain() {
    if grep -Eqi 'no space left' "$log"; then
        fail "The disk is full: this needs $needs; make room, then run this command again."
    elif grep -Eqi 'for the current platform' "$log"; then
        grep -i 'for the current platform' "$log" >&2
        fail "A package has no build for this machine (Intel Macs have no TensorFlow): use another machine, or Binder."
    elif grep -Eqi 'retrying|failed to fetch|error sending request|dns error|timed out|network' "$log"; then
        # uv installs when it has all packages: what was there is untouched, and the next run can go on from here.
        say "${made:-fetched nothing $here}" >.venv/.made
        case "${1-} $made" in                   # a student's old packages open the course; tests need the new ones
            "course course "* | "course everything "*)
                say "No network: the packages stay those of the edition before, until this command finds one."
                exit 0 ;;
        esac
        fail "The packages could not be fetched: connect this machine to the network, then run this command again."
    fi
    cat "$log" >&2
    fail "The environment could not be made, for the reason above; run this command again once it is gone."
}

case "$made" in
    "$wanted") if suits .venv/bin/python; then exit 0; fi ;;
    "course "*" $here" | "everything "*" $here" | "fetched nothing $here") ;; # for another uv.lock, or for less: updated below
    *) start_over ;;                            # interrupted, moved, or not made here: uv would not see missing files
esac
suits .venv/bin/python || start_over            # its Python has left this machine

if uv_on_path; then
    uv=uv
    [ -d .venv ] || uv venv .venv || fail "uv could not make .venv, for the reason above; run this command again once it is gone."
    say unfinished >.venv/.made
else
    uv=.venv/bin/uv
    if [ ! -d .venv ]; then
        find_python
        say "Making .venv with $("$python" --version) ..."
        "$python" -m venv --without-pip .venv || fail "$python could not make .venv, for the reason above."
    fi
    say unfinished >.venv/.made
    if ! "$uv" --version >/dev/null 2>&1; then
        say "Fetching uv, which installs the packages ..."
        bring_uv
    fi
fi

say "Installing the packages of uv.lock: the first time $needs ..."
if ! sync; then
    say "Trying once more, trusting this machine's own certificates ..."
    (export UV_SYSTEM_CERTS=true UV_NATIVE_TLS=true; sync) 2>"$log" || explain "${1-}"
fi
rm -f "$log"
say "$wanted" >.venv/.made
