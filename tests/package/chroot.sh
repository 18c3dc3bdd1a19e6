#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a minimal Debian in which nothing runs, as in a chroot, a container that is being built, or an
# installer: the package is installed with all that it depends on, removed and purged. Writes TAP.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

# A tool that needs a running system would hang or fail here.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d

check "without a running systemd it is installed, with what it depends on and no more" \
        apt-get install -q -y --no-install-recommends /shruthi/build/debs/shruthi_*.deb
check "… and is all there" shruthictl --version
expect_output "… the users are" '^shruthi:' getent passwd shruthi
expect_output "… the folders are" '^2710 shruthi:libvirt-qemu$' stat -c '%a %U:%G' /var/lib/shruthi/images
expect_output "… what is started at the next boot is" 'shruthid.socket' \
        ls /etc/systemd/system/sockets.target.wants
check "… it can be installed over itself" apt-get install -q -y --reinstall --no-install-recommends \
        /shruthi/build/debs/shruthi_*.deb
check "… removed" apt-get remove -q -y shruthi
check "… and purged" apt-get purge -q -y shruthi
is_none "nothing is left of it" "$(find /etc /usr /var/lib /run -xdev -ipath '*shruthi*' \
        ! -path '/usr/lib/sysimage/*' ! -path '/var/lib/dpkg/*' 2>/dev/null)"

finish
