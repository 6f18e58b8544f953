#!/usr/bin/env bash
# The half of fresh.sh that runs in namespaces of its own: inside.sh ROOT TARGET...
# Everything mounted here goes when its last process does.

set -eu -o pipefail

root=$1
shift

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind --make-rslave /sys "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while read -r folder; do
  [ -n "$folder" ] || continue
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  mount -o remount,bind,ro "$root$folder"
done <"$root/srv/folders"

cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
rmdir /old
cd /srv

: >times
git clone -q repository.bundle cps-appliance
cd cps-appliance
for target in "$@"; do
  SECONDS=0
  echo "fresh: make $target"
  status=0
  make "$target" || status=$?
  echo "make $target: ${SECONDS} s, exit $status" >>/srv/times
  [ "$status" -eq 0 ] || exit "$status"
done
