#!/bin/bash
# Starts a systemd of its own: boot.sh FOLDER REPOSITORY NODE, as root and by
#   unshare --mount --pid --net --uts --ipc --fork --kill-child boot.sh …
# Nothing that it does to files outside of FOLDER is seen from outside. It writes its process number to FOLDER/pid, and what the gateway logs to
# FOLDER/gateway.log. Of this machine's units it knows none.
set -euo pipefail
folder=$1 repository=$2 node=$3

mount --make-rprivate /
# As the outside counts: /proc is still the one of there.
read -r pid _ </proc/self/stat

# A control group of its own, which is all that it then sees of them.
groups=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET)
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
group="$groups/${own#/}/gateway-test-$pid"
mkdir "$group"
echo "$group" >"$folder/group"
echo 0 >"$group/cgroup.procs"

export pid
exec unshare --cgroup /bin/bash -euo pipefail /dev/stdin "$@" <<'INNER'
folder=$1 repository=$2 node=$3
umount --recursive /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t proc proc /proc
for empty in /run /mnt /usr/local/sbin /var/lib /etc/systemd/system; do mount -t tmpfs tmpfs "$empty"; done
# /etc itself as it is, but what is written to it goes nowhere.
mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o "lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work" /etc
mount -t tmpfs tmpfs /etc/systemd/system

# Where a service with ProtectHome may read them.
mkdir /mnt/repository
mount --bind "$repository" /mnt/repository
touch /mnt/node
mount --bind "$node" /mnt/node
printf '#!/bin/sh\nexec /mnt/node /mnt/repository/packages/gateway/dist/main.js "$@"\n' >/usr/local/sbin/prom-aggregation-gateway
chmod 755 /usr/local/sbin/prom-aggregation-gateway

units=/run/systemd/system
mkdir -p "$units/prom-aggregation-gateway.service.d"
printf '[Service]\nStandardError=append:%s/gateway.log\n' "$folder" >"$units/prom-aggregation-gateway.service.d/log.conf"
for target in basic sysinit sockets multi-user shutdown; do
  printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" >"$units/$target.target"
done
ln -s multi-user.target "$units/default.target"
# What it mounts for a service, it mounts aside and expects to see here.
mount --make-rshared /
echo "$pid" >"$folder/pid"
export SYSTEMD_UNIT_PATH="$units:/etc/systemd/system" container=gateway-test
exec /lib/systemd/systemd --system --log-target=console --log-level=info --show-status=no
INNER
