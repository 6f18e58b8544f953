#!/usr/bin/env bash
# `make fresh`: does a clone work on a machine that has never seen it? Makes a minimal Debian root for each suite, clones
# this repository's HEAD into it, runs `make demo` and `make test` there, prints the times, and removes the roots.
#
#   fresh.sh [SUITE...]            default: bookworm trixie
#   FRESH_TARGETS="setup"          other targets than demo and test
#   FRESH_WORKTREE=1               the working tree as it is, instead of HEAD
#
# How this machine reaches its package sources (apt, pip, certificates, proxies) is copied into the roots when it runs;
# nothing of it is kept. Needs root: mounts and processes live in namespaces of their own and end with them.

set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
read -ra targets <<<"${FRESH_TARGETS:-demo test}"

[ "$(id -u)" -eq 0 ] || { echo "fresh: needs root" >&2; exit 3; }
for tool in mmdebstrap unshare pivot_root git; do
  command -v "$tool" >/dev/null || { echo "fresh: $tool is missing: apt-get install mmdebstrap util-linux git" >&2; exit 3; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/cps-fresh.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"

# --- what is cloned ---------------------------------------------------------------------------------------------------
if [ -n "${FRESH_WORKTREE:-}" ]; then
  snapshot=$work/snapshot
  git init -q -b main "$snapshot"
  (cd "$repository" && git ls-files -z --cached --others --exclude-standard) |
    tar -C "$repository" --null --ignore-failed-read -T - -cf - | tar -C "$snapshot" -xf -
  git -C "$snapshot" add -A
  git -C "$snapshot" -c user.name=fresh -c user.email=fresh@localhost commit -q -m "the working tree"
else
  snapshot=$repository
fi
git -C "$snapshot" bundle create -q "$work/repository.bundle" HEAD

# --- how this machine reaches its sources -----------------------------------------------------------------------------
uris=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
  grep -v '^ *#' | grep -oE '[a-z+]+:[^ ]*/debian(-security)?/?( |$)' | tr -d ' ' | sed 's:/$::' | sort -u || true)
mirror=$(grep -E '/debian$' <<<"$uris" | head -n 1 || true)
security=$(grep -E '/debian-security$' <<<"$uris" | head -n 1 || true)
[ -n "$mirror" ] || { echo "fresh: this machine's apt names no Debian mirror" >&2; exit 3; }
apt-config dump | grep '^Acquire::' | grep -vE '^Acquire::(IndexTargets|CompressionTypes|Changelogs)' >"$work/apt.conf"

settings=()
while read -r name; do
  settings+=("$name=${!name}")
done < <(compgen -e | grep -E '^(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE$|CURL_CA_BUNDLE$|(https?|no|all)_proxy$|(HTTPS?|NO|ALL)_PROXY$)')

# Folders that pip is told to read packages from; an index keeps its files beside its `simple`.
mapfile -t folders < <(/usr/bin/env python3 -m pip config list 2>/dev/null | grep -E '(index-url|find-links)=' |
  grep -oE "(file://)?/[^ '\"]+" | sed -e 's:^file\://::' -e 's:/simple/*$::' | sort -u |
  while read -r folder; do [ ! -d "$folder" ] || echo "$folder"; done)

make_root() { # suite root
  local sources=("deb $mirror $1 main" "deb $mirror $1-updates main")
  [ -z "$security" ] || sources+=("deb $security $1-security main")
  printf '%s\n' "${sources[@]}" >"$work/sources.$1"
  mmdebstrap --quiet --variant=minbase --include=git,make,ca-certificates --aptopt="$work/apt.conf" \
    "$1" "$2" "$work/sources.$1"
  cp -L /etc/resolv.conf /etc/hosts "$2/etc/"
  local file
  for file in /etc/pip.conf "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf"; do
    [ ! -f "$file" ] || install -D -m 644 "$file" "$2/${file/#"$HOME"//srv}"
  done
  find /usr/local/share/ca-certificates -name '*.crt' -exec cp -t "$2/usr/local/share/ca-certificates" {} +
  chroot "$2" update-ca-certificates >/dev/null
  # as in any container: installing a package starts no service
  printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
  chmod 755 "$2/usr/sbin/policy-rc.d"
  cp "$work/repository.bundle" "$2/srv/"
}

run_in_root() { # root target...
  local root=$1
  shift
  printf '%s\n' "${folders[@]}" >"$root/srv/folders"
  # pivot_root, not chroot: the suite makes mount namespaces of its own, which a chroot forbids
  env -i HOME=/srv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${settings[@]}" \
    unshare --mount --pid --fork --kill-child --propagation private \
    bash "$here/inside.sh" "$root" "$@" </dev/null
}

failed=0
report=()
for suite in "${suites[@]}"; do
  root=$work/$suite
  SECONDS=0
  echo "fresh: making $suite"
  make_root "$suite" "$root"
  report+=("$suite root: ${SECONDS} s")
  status=0
  run_in_root "$root" "${targets[@]}" || status=$?
  while read -r line; do report+=("$suite $line"); done <"$root/srv/times"
  [ "$status" -eq 0 ] || { failed=1; report+=("$suite FAILED (exit $status)"); }
  rm -rf --one-file-system "$root"
done

echo
printf 'fresh: %s\n' "${report[@]}"
exit "$failed"
