#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed, with owners and modes, is what packaging.list says (MODE OWNER:GROUP PATH; folders
# only where they are ours alone): nothing more, nothing less, on a system that went through a package's
# steps.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

expected=$(grep -v '^#' "$SRC/tests/system/packaging.list" | sort)
actual=$(
        cd /shruthi/installed || exit
        {
                find . ! -type d -printf '/%P\0'
                # Our own folders: those with our name, and what tmpfiles makes.
                find . -type d -name shruthi -printf '/%P\0'
                find /etc/shruthi /var/lib/shruthi /var/lib/shruthi-hosts /var/lib/shruthi-seal /run/shruthi -print0
                # Where systemd.pc says /lib, that is /usr/lib all the same.
        } | xargs -0 stat -c '%04a %U:%G %n' | sed 's| /lib/| /usr/lib/|' | grep -v '/50-sandbox.conf$' | sort -u
)
is_none "no file is missing, or has another owner or mode" "$(comm -23 <(echo "$expected") <(echo "$actual"))"
is_none "no file is there that packaging.list does not know" "$(comm -13 <(echo "$expected") <(echo "$actual"))"

for program in /usr/bin/shruthictl /usr/libexec/shruthi/{shruthid,shruthi-run}; do
        expect_output "$program runs and tells its version" '[0-9]+\.[0-9]+' "$program" --version
done
for program in /usr/bin/shruthictl /usr/libexec/shruthi/*; do
        expect_output "$program is a position independent executable" 'Type: +DYN' readelf -h "$program"
done

for page in /shruthi/installed/usr/share/man/man*/*; do
        is_none "mandoc has nothing to say against ${page##*/} but the length of its lines" \
                "$(mandoc -T lint -W style "$page" | grep -v 'input text line longer than 80 bytes')"
        is_none "… nor troff at 80 columns" "$(MANWIDTH=80 man --warnings=w --local-file "$page" 2>&1 >/dev/null)"
done

cd "$SRC" || exit
mapfile -t scripts < <(grep -rlE --exclude='*.fish' '^#!/bin/(ba)?sh$|^# shellcheck shell=bash' \
        .ci findings tests data/completions)
is_none "shellcheck has nothing to say against ${#scripts[@]} scripts" "$(shellcheck "${scripts[@]}" 2>&1)"

# Where rpm itself knows it, or else is told by rpm.macros, without which group "package" makes no RPM.
is_none "each folder in the RPM's specification is known to Debian's rpm" \
        "$(grep -v '^#' data/packaging/shruthi.spec | grep -oE '%\{_[a-z]+\}' | tr -d '%{}' | sort -u |
                grep -vxE '_(bin|data|doc|libexec|man|sysconf)dir|_prefix' |
                grep -vxF "$(sed -n -E 's/^%(_[a-z]+) .*/\1/p' tests/package/rpm.macros)")"

mapfile -t units < <(find /shruthi/installed -path '*/systemd/system/*' -type f ! -path '*.d/*' -printf '%f\n' |
        sed 's/@\./@verify./')
units+=(unikernel-1000.slice unikernel-1000-verify.slice)
is_none "systemd has nothing to say against the units" \
        "$(systemd-analyze verify --recursive-errors=no "${units[@]}" 2>&1)"
mapfile -t units_of_users < <(find /shruthi/installed -path '*/systemd/user/*' -type f ! -path '*.d/*' -printf '%f\n' |
        sed 's/@\./@verify./')
is_none "nor against those of users" \
        "$(XDG_RUNTIME_DIR=/run systemd-analyze --user verify --recursive-errors=no "${units_of_users[@]}" 2>&1)"
is "the slice of a unikernel goes with its guest" yes "$(systemctl show --value -p StopWhenUnneeded unikernel-1000-verify.slice)"
is "and says whose it is" "Guests of SHRUTHI: a-b" \
        "$(systemctl show --value -p Description 'unikernel-1000-a\x2db.slice')"
is "so does that of its owner" "Guests of SHRUTHI: 1000" "$(systemctl show --value -p Description unikernel-1000.slice)"
is "which goes with its last guest" yes "$(systemctl show --value -p StopWhenUnneeded unikernel-1000.slice)"
for unit in "${units[@]}"; do
        [[ $unit = *.service ]] || continue
        # In tenths. The host's network, which counts for more than the tenth, is what that one is for. Where somebody
        # waits there is no user namespace, for the reason in hardening-quick.in.
        case $unit in
        # It opens packet sockets of guests, too.
        shruthi-antispoof.service) threshold=14 ;;
        # It connects to guests, at addresses that are not known beforehand.
        shruthi-probe.service) threshold=17 ;;
        # It connects to servers, which may be anywhere, and looks up their names.
        shruthi-fetch@*.service) threshold=18 ;;
        shruthid.service | unikernel@*.service) threshold=12 ;;
        *) threshold=10 ;;
        esac
        check "$unit is sandboxed as well as it can be" systemd-analyze security --no-pager \
                --threshold=$threshold "$unit"
done
check "polkit knows our actions" bash -c 'pkaction | grep -q "^org\.dream\.Shruthi\."'
check "the bus activates shruthid" busctl --system call org.dream.Shruthi /org/dream/Shruthi \
        org.freedesktop.DBus.Peer Ping
expect_output "the socket and the target are enabled" '^enabled$' \
        systemctl is-enabled shruthid.socket unikernels.target
expect_output "user shruthi may reach libvirt" '\blibvirt\b' id -Gn shruthi
is "group shruthi-users holds whom the administrator put there" 'alice,bob' \
        "$(getent group shruthi-users | cut -d: -f4)"

finish
