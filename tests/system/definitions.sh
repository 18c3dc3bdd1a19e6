#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Definitions as an administrator writes them: which file counts, what a broken one does (nothing to others),
# and what becomes of Autostart= and Restart=, by systemctl alone.

# Functions that lib.sh calls by name.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

etc=/etc/shruthi/unikernels
var=/var/lib/shruthi/unikernels
usr=/usr/lib/shruthi/unikernels
image=/srv/plain.virtio

# FILE: its content from standard input, with the folders above it.
put() {
        mkdir -p "$(dirname "$1")"
        cat >"$1"
        chmod 0644 "$1"
}

# FILE LINE…: a definition of an image without devices, with these lines too.
define() {
        local file=$1
        shift
        { printf '[Unikernel]\nImage=%s\n' $image; printf '%s\n' "$@"; } | put "$file"
}

xml() { runuser -u shruthi -- /usr/libexec/shruthi/shruthi-domain xml "$1"; }
log_of() { journalctl --sync; journalctl --quiet --no-pager -o cat _SYSTEMD_UNIT="unikernel@$1.service"; }
is_over() { unit_is inactive "$1" || unit_is failed "$1"; }

if [ "$STAGE" = rebooted ]; then
        check_soon "a unikernel with Autostart= runs after a boot" 60 unit_is active unikernel@boots
        check_soon "so does one of a package, by a drop-in" 60 unit_is active unikernel@shipped
        is "one without does not" inactive "$(unit_show unikernel@rests ActiveState)"
        is "a masked one does not" inactive "$(unit_show unikernel@masked ActiveState)"
        is "a broken one does not" inactive "$(unit_show unikernel@broken ActiveState)"
        check "the target is reached" systemctl is-active unikernels.target
        finish
fi

mkdir -p /srv
cp "$BUILD/tests/guest/guest-plain.virtio" $image

# Which file counts.
define $usr/shipped.unikernel Memory=16M
expect_output "a package's definition counts where there is no other" "<memory[^>]*>(16384|16777216)<" xml shipped
define $var/shipped.unikernel Memory=17M
chown shruthi: $var/shipped.unikernel
expect_output "one made through the bus goes before it" "<memory[^>]*>(17408|17825792)<" xml shipped
define $etc/shipped.unikernel Memory=18M
expect_output "the administrator's goes before both" "<memory[^>]*>(18432|18874368)<" xml shipped
rm $etc/shipped.unikernel $var/shipped.unikernel

put $usr/shipped.unikernel.d/10-memory.conf <<<$'[Unikernel]\nMemory=20M'
put $usr/shipped.unikernel.d/20-cpus.conf <<<$'[Unikernel]\nCPUs=2'
expect_output "drop-ins change it" "<memory[^>]*>(20480|20971520)<" xml shipped
put $etc/shipped.unikernel.d/10-memory.conf <<<$'[Unikernel]\nMemory=21M'
expect_output "the administrator's drop-in stands for the package's of that name" \
        "<memory[^>]*>(21504|22020096)<" xml shipped
expect_output "the package's other one still counts" "<vcpu[^>]*>2<" xml shipped
ln -s /dev/null $etc/shipped.unikernel.d/20-cpus.conf
expect_output "a link to /dev/null switches it off" "<vcpu[^>]*>1<" xml shipped

# Masked, broken.
define $usr/masked.unikernel Autostart=yes
ln -s /dev/null $etc/masked.unikernel
expect_fail "a masked one does not start" 'failed|exit' systemctl start unikernel@masked
is "its exit status is the definition's" 60 "$(unit_show unikernel@masked ExecMainStatus)"
expect_output "and the journal says that it is masked" 'masked' log_of masked

define $etc/broken.unikernel Memory=lots Autostart=yes
define $etc/good.unikernel Memory=16M
expect_fail "a broken one does not start" 'failed|exit' systemctl start unikernel@broken
is "its exit status is the definition's, too" 60 "$(unit_show unikernel@broken ExecMainStatus)"
expect_output "the journal has file, line and value" "$etc/broken\.unikernel:3: Memory=lots: not a size" \
        log_of broken
check "another one is not disturbed" systemctl start unikernel@good
check "nor shruthid, which lists it as broken" bash -c \
        "shruthictl list --all --no-legend --no-pager | grep -w broken || shruthictl status broken | grep -w broken"
systemctl stop unikernel@good

define $etc/typo.unikernel Memroy=32M
systemctl start unikernel@typo 2>/dev/null
expect_output "a key that is mistyped is recognised" "typo\.unikernel:3: unknown key 'Memroy'.*'Memory'" log_of typo
define $etc/service.unikernel '[Service]' CPUWeight=10
systemctl start unikernel@service 2>/dev/null
expect_output "[Service] is sent to systemd" '/etc/systemd/system/unikernel@service\.service\.d/' log_of service
define $etc/stranger.unikernel Owner=no-such-user
systemctl start unikernel@stranger 2>/dev/null
expect_output "an owner whom nobody knows is an error" 'Owner=no-such-user: there is no such user' log_of stranger
ln -s /nonexistent $etc/dangling.unikernel
expect_fail "a link to nowhere does not start" 'failed|exit' systemctl start unikernel@dangling

# Arguments pass unchanged.
# shellcheck disable=SC1003
define $etc/words.unikernel 'Arguments=--exit=0 {{brace}} "a  b" \\x \' '  --hello'
systemctl start unikernel@words
check_soon "a unikernel that exits is over" 60 is_over unikernel@words
is "its arguments came through, joined and with their braces" '--exit=0 {brace} "a b" \\x --hello ' \
        "$(log_of words | sed -n 's/^argument: //p' | tr '\n' ' ')"
expect_output "spaces are not changed on the way" '>--exit=0 \{brace\} ("|&quot;)a  b("|&quot;) \\\\x +--hello<' \
        xml words

# Restart=.
define $etc/fails.unikernel Arguments=--exit=7 Restart=on-failure
define $etc/ends.unikernel Arguments=--exit=0 Restart=on-failure
define $etc/always.unikernel Arguments=--exit=0 Restart=always
define $etc/wrong.unikernel Arguments=--exit=64 Restart=always
define $etc/plain.unikernel Arguments=--exit=7
systemctl daemon-reload
is "Restart=on-failure is the unit's" on-failure "$(unit_show unikernel@fails Restart)"
is "Restart=always is the unit's" always "$(unit_show unikernel@always Restart)"
is "without it a guest that ended is not restarted" on-abnormal "$(unit_show unikernel@plain Restart)"
for name in fails ends always wrong plain; do
        systemctl start unikernel@$name 2>/dev/null
done
restarted() { [ "$(unit_show "unikernel@$1" NRestarts)" -gt 0 ]; }
check_soon "one that fails is started anew" 60 restarted fails
check_soon "with always, so is one that ends well" 60 restarted always
for name in ends wrong plain; do
        check_soon "$name ends" 60 is_over unikernel@$name
        is "$name stays ended" 0 "$(unit_show unikernel@$name NRestarts)"
done
is "a guest's 64 is the unit's status" 64 "$(unit_show unikernel@wrong ExecMainStatus)"
systemctl stop unikernel@fails unikernel@always

# shruthid knows of a file that was written before the call, however it finds out of both at once.
written() { rm -f $etc/late*.unikernel; shruthictl list >/dev/null; kill -STOP "$(unit_show shruthid MainPID)"; define $etc/"$1".unikernel; }
# ARGUMENTS…: of busctl call, answered after shruthid has gone on.
answered_late() {
        local caller status

        busctl --system --timeout=60 call org.dream.Shruthi "$@" &
        caller=$!
        sleep 1
        kill -CONT "$(unit_show shruthid MainPID)"
        wait "$caller"
        status=$?
        return "$status"
}
for turn in 1 2 3 4 5; do
        written late$turn
        expect_output "a definition that was just written is found ($turn)" "unikernel/late$turn" \
                answered_late /org/dream/Shruthi org.dream.Shruthi.Manager GetUnikernel s late$turn
done
written late-unit
expect_output "by its unit, too" unikernel/late_2dunit answered_late /org/dream/Shruthi org.dream.Shruthi.Manager \
        GetUnikernelByUnit s unikernel@late-unit.service
written latest
expect_output "and as an object" '^s "\[Unikernel\]' answered_late /org/dream/Shruthi/unikernel/latest \
        org.dream.Shruthi.Unikernel GetDefinition
written late
expect_fail "another one is not" "There is no unikernel 'later'" answered_late /org/dream/Shruthi \
        org.dream.Shruthi.Manager GetUnikernel s later
rm $etc/late*.unikernel

# Autostart=.
define $etc/boots.unikernel Autostart=yes
define $etc/rests.unikernel
put $etc/shipped.unikernel.d/30-boot.conf <<<$'[Unikernel]\nAutostart=yes'
systemctl daemon-reload
expect_output "Autostart= makes it wanted by the target" '\bunikernel@boots\.service\b' \
        systemctl show --property=Wants unikernels.target
expect_output "a drop-in does that too" '\bunikernel@shipped\.service\b' \
        systemctl show --property=Wants unikernels.target
expect_fail "one without is not wanted" '^$' \
        bash -c 'systemctl show -p Wants unikernels.target | grep -o unikernel@rests'
expect_output "the generator names the broken one" \
        '^shruthi-generator: Skipping broken: .*/broken\.unikernel:3: Memory=lots: not a size' \
        env SYSTEMD_LOG_TARGET=console /lib/systemd/system-generators/shruthi-generator /run/generated
is_none "the generator wrote nothing else" "$(find /run/systemd/generator* -path '*unikernel*' ! -type d \
        ! -path '/run/systemd/generator/unikernels.target.wants/unikernel@*.service' \
        ! -path '/run/systemd/generator/unikernel@*.service.d/50-shruthi-restart.conf' \
        ! -path '/run/systemd/generator/unikernel@*.service.d/50-shruthi-mounts.conf')"
sandbox_reboot rebooted
