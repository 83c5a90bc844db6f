#!/usr/bin/env bash
# Installs what a checkout needs: a virtual environment from the lock file, Java and Maven, and
# Kafka's jars in the cache. Safe to repeat; does only what is missing. Called by `make setup`.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf '\033[2m[setup]\033[0m %s\n' "$*"; }
fail() { printf '[setup] %s\n' "$*" >&2; exit 1; }

# install PACKAGE...: from Debian as root, else say what to install.
install() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $* (apt-get)"
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } \
      </dev/null >/dev/null || fail "apt-get could not install $*"
  else
    fail "needs $*: install it (Debian: sudo apt-get install $*; macOS: brew install openjdk maven python) and run make setup again"
  fi
}

find_python() {
  local name
  for name in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  fail "needs Python 3.11 or newer: install it, or name it with PYTHON=/path/to/python"
}

if [ ! -x .venv/bin/python ]; then
  python=$(find_python)
  say "making .venv with $("$python" --version)"
  "$python" -c 'import ensurepip' 2>/dev/null || install python3-venv
  "$python" -m venv .venv
fi

# What was installed from: the same files need no second installation.
wanted=$(cat requirements.lock ./*/pyproject.toml services/*/pyproject.toml <(echo "$UV_VERSION") | cksum)
if [ "$(cat .venv/installed-from 2>/dev/null)" != "$wanted" ]; then
  say "installing uv $UV_VERSION into .venv"
  .venv/bin/python -m pip install -q --disable-pip-version-check "uv==$UV_VERSION" </dev/null
  say "installing $(grep -c '^[a-zA-Z]' requirements.lock) packages from requirements.lock (versions and hashes checked)"
  .venv/bin/uv pip sync -q --python .venv/bin/python --require-hashes requirements.lock
  say "installing Pravah's own packages, editable"
  editable=()
  for package in $PACKAGES; do editable+=(-e "./$package"); done
  .venv/bin/uv pip install -q --python .venv/bin/python --no-deps "${editable[@]}"
  echo "$wanted" > .venv/installed-from
fi

missing=()
java -version >/dev/null 2>&1 || missing+=(default-jre-headless)
mvn -v </dev/null >/dev/null 2>&1 || missing+=(maven)
[ ${#missing[@]} = 0 ] || install "${missing[@]}"

.venv/bin/python -m pravah_cli.local
