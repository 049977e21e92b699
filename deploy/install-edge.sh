#!/bin/sh
# Installs the edge node on Debian 12 or later, or Raspberry Pi OS; also brings an installed one up to
# date. Run by root in a checkout that has been built (npm ci && npm run build). May be run again at any
# time: configuration and collected data stay as they are.
#
#   sudo deploy/install-edge.sh              on this machine
#   sudo deploy/install-edge.sh --root DIR   into the image of a card mounted at DIR
#   --modules DIR                            takes npm packages from there instead of downloading them
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
root=
modules=
while [ $# -gt 0 ]; do
  case $1 in
    --root) root=${2:?--root needs a folder}; shift 2 ;;
    --modules) modules=${2:?--modules needs a folder}; shift 2 ;;
    *) echo "$1 is not known; see the head of $0" >&2; exit 2 ;;
  esac
done
units=$top/deploy/systemd
target=$root/opt/plenum
packages="gpiod util-linux systemd"
[ -n "$modules" ] || packages="$packages g++ make python3"

say() { echo "plenum-edge: $*"; }
stop() { echo "plenum-edge: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || stop "run this as root: sudo $0"
[ -z "$root" ] || [ -d "$root/etc" ] || stop "$root holds no system: there is no $root/etc"
[ -f "$top/dist/edge/main.js" ] || stop "nothing is built here; first run: npm ci && npm run build"
node=${root:-}/usr/bin/node
[ -x "$node" ] || stop "Node.js is missing at $node; install nodejs 20 or later (Debian 13 has it: apt-get install nodejs)"
if [ -z "$root" ]; then
  major=$("$node" -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || stop "Node.js $major is too old; 20 is the oldest that works"
fi

if [ -z "$root" ]; then
  missing=
  for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    say "installing$missing"
    apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
  fi
fi

# The new program is put together beside the old one and takes its place at once, so that a power cut in
# between leaves a whole one.
say "copying the program to $target"
fresh=$target.new
rm -rf "$fresh"
mkdir -p "$fresh/dist" "$fresh/edge" "$fresh/contract"
cp "$top/package.json" "$top/package-lock.json" "$fresh/"
cp "$top/contract/package.json" "$fresh/contract/"
cp "$top/edge/package.json" "$top/edge/plenum-edge.mjs" "$fresh/edge/"
cp -R "$top/dist/contract" "$top/dist/edge" "$fresh/dist/"
if [ -n "$modules" ]; then
  cp -RL "$modules" "$fresh/node_modules"
else
  say "fetching npm packages (some minutes on a Pi)"
  (cd "$fresh" && npm ci --omit=dev --workspace=contract --workspace=edge --no-audit --no-fund)
fi
chown -R 0:0 "$fresh"
chmod -R go-w "$fresh"
rm -rf "$target.old"
[ ! -d "$target" ] || mv "$target" "$target.old"
mv "$fresh" "$target"
rm -rf "$target.old"

say "user, devices and service"
install -D -m 644 "$units/plenum-edge.sysusers.conf" "$root/usr/lib/sysusers.d/plenum-edge.conf"
install -D -m 644 "$units/60-plenum-edge.rules" "$root/etc/udev/rules.d/60-plenum-edge.rules"
install -D -m 644 "$units/plenum-edge.service" "$root/etc/systemd/system/plenum-edge.service"
# Only a Raspberry Pi has the watchdog that this file is about.
if grep -qs '^Raspberry Pi' "$root/proc/device-tree/model" || [ -d "$root/boot/firmware/overlays" ]; then
  install -D -m 644 "$units/plenum-watchdog.conf" "$root/etc/systemd/system.conf.d/plenum-watchdog.conf"
fi
systemd-sysusers ${root:+--root="$root"} "$root/usr/lib/sysusers.d/plenum-edge.conf"
group=$(grep '^plenum-edge:' "$root/etc/group" | cut -d: -f3)
install -d -m 750 -o 0 -g "$group" "$root/etc/plenum"
systemctl ${root:+--root="$root"} enable plenum-edge.service

config=$root/etc/plenum/edge.yaml
if [ -f "$config" ]; then
  chgrp "$group" "$config"
  chmod 640 "$config"
fi
if [ -n "$root" ]; then
  say "installed into $root; the node starts with it once $config is there"
  exit 0
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  udevadm control --reload
  udevadm trigger --subsystem-match=i2c-dev --subsystem-match=gpio --subsystem-match=w1 --subsystem-match=tty
fi
if [ ! -f "$config" ]; then
  say "installed. Next: write $config ($node $target/edge/plenum-edge.mjs scan helps), then: systemctl restart plenum-edge"
  exit 0
fi
"$node" "$target/edge/plenum-edge.mjs" check --config "$config" || stop "installed but not started: mend $config, then: systemctl restart plenum-edge"
if [ -d /run/systemd/system ]; then
  systemctl restart plenum-edge.service
  say "running; systemctl status plenum-edge tells how it is"
fi
