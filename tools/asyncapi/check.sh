#!/usr/bin/env bash
# Validates contracts/asyncapi.json with the reference parser. Installs the parser on first use.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v npm >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing nodejs and npm (apt-get)"
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends nodejs npm; } </dev/null >/dev/null
  else
    echo "needs Node.js with npm: install it (Debian: sudo apt-get install nodejs npm) and try again" >&2
    exit 1
  fi
fi
# npm leaves this file only behind a finished installation.
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent </dev/null
node check.mjs ../../contracts/asyncapi.json
