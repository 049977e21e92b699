#!/bin/bash
# First process of the guest. The kernel hands it $plenum_run, a folder of the host, which holds
# `job` (what to run) and takes `started` and `code` (how it went).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

power_off() { perl -e 'syscall(169, 0xfee1dead, 672274793, 0x4321fedc)'; } # reboot(2)

# The host's files as they are, with everything written going to memory.
if [ "${1:-}" != inside ]; then
  mount -t tmpfs -o mode=755 tmpfs /mnt &&
    mkdir /mnt/new /mnt/work /mnt/root &&
    mount -t overlay -o lowerdir=/,upperdir=/mnt/new,workdir=/mnt/work overlay /mnt/root &&
    cd /mnt/root &&
    mount -t proc proc proc &&
    mount -t sysfs sysfs sys &&
    mount -t devtmpfs dev dev &&
    mkdir -p dev/pts dev/shm &&
    mount -t devpts -o ptmxmode=666 devpts dev/pts &&
    mount -t tmpfs tmpfs dev/shm &&
    mount -t tmpfs tmpfs run &&
    mount -t configfs configfs sys/kernel/config &&
    mount -t debugfs debugfs sys/kernel/debug &&
    mount -t hostfs -o "$plenum_run" none ".$plenum_run" &&
    chroot . "$0" inside
  power_off
fi

# A GPIO chip whose lines a test moves: sim_gpio17/pull takes pull-up and pull-down.
gpio_chip() { # folder name, label, number of lines; sets $chip
  local folder=/sys/kernel/config/gpio-sim/$1
  mkdir -p "$folder/bank"
  echo "$3" > "$folder/bank/num_lines"
  echo "$2" > "$folder/bank/label"
  echo 1 > "$folder/live"
  chip=/sys/devices/platform/$(cat "$folder/dev_name")/$(cat "$folder/bank/chip_name")
}

set -e # a step that fails ends the guest before `started`
# Sets the environment, $folder, $command, $modules, $i2c_buses, $gpio_layout and $disk_folder.
. "$plenum_run/job"

ip link set lo up
insmod "$modules/i2c-peer.ko" "buses=$i2c_buses"
case $gpio_layout in
  pi-4) gpio_chip header pinctrl-bcm2711 58 ;;
  # On a Pi 5 four chips of the processor, 59 lines, come before the header's own.
  pi-5) gpio_chip processor gpio-brcmstb@107d508500 59 && gpio_chip header pinctrl-rp1 54 ;;
esac
export PLENUM_PI_GPIO=$chip PLENUM_PI_MODULES=$modules
if [ "$disk_folder" ]; then
  mkdir -p "$disk_folder"
  mount -t ext4 /dev/ubda "$disk_folder"
fi

# Output leaves by serial lines; pipes before them, so that the command sees no terminal.
stty -F /dev/ttyS0 raw -echo
stty -F /dev/ttyS1 raw -echo
mkfifo /run/stdout /run/stderr
cat /run/stdout > /dev/ttyS0 & out=$!
cat /run/stderr > /dev/ttyS1 & err=$!
: > "$plenum_run/started"
set +e
cd "$folder" && "${command[@]}" > /run/stdout 2> /run/stderr < /dev/null
code=$?
for process in /proc/[0-9]*; do # whatever the command left running holds the pipes open
  [[ ${process#/proc/} =~ ^(1|$$|$out|$err)$ ]] || kill -9 "${process#/proc/}"
done 2> /dev/null
wait
[ -z "$disk_folder" ] || umount "$disk_folder"
echo "$code" > "$plenum_run/code"
