#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a sandbox that has just booted: installs SHRUTHI in the order that a package's scripts
# would follow, makes the users of the tests and starts libvirt's default network. Called by tests/sandbox.

set -euo pipefail

# Folder by folder: /lib is a link here, and what the bus daemon watches must stay readable to it all the
# time.
(
        cd /shruthi/installed
        find . -type d -printf '/%P\0' | xargs -0 mkdir -p
        find . ! -type d -exec cp --no-dereference --preserve=mode,timestamps --parents --target-directory=/ {} +
)

# What an administrator sets first: the bridge that unikernels are attached to by default.
mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nBridgeInterface=virbr0\n' >/etc/shruthi/shruthi.conf.d/50-sandbox.conf

systemd-sysusers
systemd-tmpfiles --create
journalctl --update-catalog
systemctl daemon-reload
busctl call --quiet org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
systemctl preset shruthid.socket shruthi-domain.socket shruthi-antispoof.socket shruthi-neighbours.socket \
        shruthi-demand.socket shruthi-kvm.socket shruthi-probe.socket shruthi-fetch.socket shruthi-seal.socket \
        shruthi-switch.socket \
        unikernels.target
systemctl start shruthid.socket shruthi-domain.socket shruthi-antispoof.socket shruthi-neighbours.socket \
        shruthi-demand.socket shruthi-kvm.socket shruthi-probe.socket shruthi-fetch.socket shruthi-seal.socket \
        shruthi-switch.socket \
        unikernels.target

# libvirt isolates ports of bridges (network create --emulated) by sysfs, which systemd-nspawn mounts read-only. What is
# writable now is about the sandbox's own interfaces.
if systemd-detect-virt --quiet --container; then
        cat >/etc/systemd/system/sandbox-interfaces.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=mount --bind /sys/devices/virtual/net /sys/devices/virtual/net
ExecStart=mount -o remount,rw /sys/devices/virtual/net
[Install]
WantedBy=multi-user.target
END
        systemctl enable --quiet --now sandbox-interfaces.service
fi

for user in alice bob mallory; do
        # This machine may have users of that name.
        if id $user >/dev/null 2>&1; then userdel $user; fi
        # Closed to others on every release, as it is by default since Debian 13.
        useradd --create-home -K HOME_MODE=0700 --shell /bin/bash $user
done
usermod --append --groups shruthi-users alice
usermod --append --groups shruthi-users bob
printf '%s:%s\n' root root alice alice bob bob mallory mallory | chpasswd

# With libvirt's stock settings (spanning tree) the first packet takes four seconds.
cat >/run/default-network.xml <<'END'
<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='off' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.100' end='192.168.122.254'/></dhcp>
  </ip>
</network>
END
virsh --quiet net-define /run/default-network.xml
virsh --quiet net-autostart default
virsh --quiet net-start default
rm /run/default-network.xml
