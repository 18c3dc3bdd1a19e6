#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a sandbox that has just booted: installs SHRUTHI in the order that a package's scripts would follow, makes
# the users of the tests and starts libvirt's default network. Called by tests/sandbox.

set -euo pipefail

# /lib is a link here, and stays one.
tar -C /shruthi/installed -c . | tar -C / -x --keep-directory-symlink --no-overwrite-dir --no-same-owner

systemd-sysusers
systemd-tmpfiles --create
journalctl --update-catalog
systemctl daemon-reload
busctl call --quiet org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
for unit in shruthid.socket unikernels.target; do
        if systemctl cat $unit >/dev/null 2>&1; then
                systemctl preset $unit
                systemctl start $unit
        fi
done

getent group shruthi-users >/dev/null || groupadd --system shruthi-users
for user in alice bob mallory; do
        # This machine may have users of that name.
        if id $user >/dev/null 2>&1; then userdel $user; fi
        useradd --create-home --shell /bin/bash $user
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
