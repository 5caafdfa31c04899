# Sourced by the scripts beside it: makes ./.venv and installs edgerund into it (editable), once per change of pyproject.toml.
# The caller sets $extra (ort, dev); $bin is then the folder of the environment's programs.
# PYTHON chooses the interpreter (default: python3, 3.10 or newer).

say() { printf '%s\n' "$*" >&2; }
fail() { say "$0: $*"; exit 1; }

python=${PYTHON:-python3}
bin=.venv/bin
version='import sys; print(*sys.version_info[:2], sep=".")'

command -v "$python" >/dev/null || fail "cannot find $python: install Python 3.10 or newer (apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "cannot use $("$python" -V 2>&1): Python 3.10 or newer is needed; name one with PYTHON=python3.x $0"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "cannot make a virtual environment: apt-get install python3-venv (or python$("$python" -c "$version")-venv)"

# an environment of another interpreter than the one asked for, or one that was moved or half made, is made anew
if [ "$("$bin/python" -c "$version" 2>/dev/null)" != "$("$python" -c "$version")" ] || ! "$bin/python" -m pip -V >/dev/null 2>&1; then
    say "making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv
fi
stamp=".venv/installed-$extra"
wanted=$(cksum <pyproject.toml)@$PWD
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    say "installing edgerund[$extra] into .venv"
    "$bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extra]" ||
        fail "cannot install edgerund[$extra]: see pip's message above; is there a network?"
    printf '%s\n' "$wanted" >"$stamp"
fi
