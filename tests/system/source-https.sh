#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Updates from a server: fetched by shruthi-fetch from one that does as it should, and from one that does not.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

SERVED=/srv/served
LOG=/run/served.log
SERVER=/shruthi/source/tests/client/https-server.py
HOST=builds.example
URL=https://$HOST:8443

# NUMBER: another build of the guest.
build() { { cat "$GUESTS/guest-plain.virtio"; printf '%0100d' "$1"; } >"$SERVED/web.virtio"; }
sign() { minisign -S -s /root/builds.key -m "$SERVED/web.virtio" -t "build $1" >/dev/null; }
digest_of() { echo "sha256:$(sha256sum <"$1" | cut -d' ' -f1)"; }
image_of() { shruthictl cat "$1" | sed -n 's/^Image=//p'; }
newest() { shruthictl history web --json=short | jq -r ".[-1].$1"; }
update() { shruthictl update web --probation=0; }
# PATH: where the next update comes from.
from() { shruthictl set web "UpdateFrom=$URL/$1"; }
requests() { grep -cxF "/$1" $LOG; }
fetchers() { systemctl list-units --no-legend --state=active 'shruthi-fetch@*' | wc -l; }
none_fetches() { [ "$(fetchers)" = 0 ]; }
one_fetches() { [ "$(fetchers)" = 1 ]; }
# PORT CERTIFICATE KEY
serve() { python3 $SERVER "$1" "$2" "$3" $SERVED $LOG >/run/server.log 2>&1 & }

# --- A server, and an authority that vouches for it.

mkdir -p $SERVED
: >$LOG
cd /root || exit 1
echo "127.0.0.1 $HOST other.example" >>/etc/hosts
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Test authority" -keyout ca.key -out ca.crt 2>/dev/null
# NAME HOST
certify() {
        openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
        openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$1.crt" \
                -extfile <(printf 'subjectAltName=DNS:%s' "$2") 2>/dev/null
}
certify good $HOST
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$HOST" -addext "subjectAltName=DNS:$HOST" \
        -keyout self.key -out self.crt 2>/dev/null
cp ca.crt /usr/local/share/ca-certificates/test.crt
update-ca-certificates >/dev/null 2>&1
serve 8443 good.crt good.key
serve 8444 self.crt self.key
check_soon "the server is up" 30 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8443'
check_soon "and so is another" 30 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8444'

minisign -G -W -f -p builds.pub -s builds.key >/dev/null
KEY=minisign:$(tail -n 1 builds.pub)
cp "$GUESTS/guest-plain.virtio" /home/alice/guest-plain.virtio
chmod a+r /home/alice/guest-plain.virtio
check "alice creates a unikernel" as_user alice shruthictl create --now web guest-plain.virtio --memory=16M \
        '--ready=console:^tick 0*2$' -- --tick=100

# --- What may be named.

expect_fail "http is refused" 'http is not encrypted' shruthictl set web UpdateFrom=http://$HOST/a "UpdateVerify=$KEY"
expect_fail "so is another protocol" 'only https' shruthictl set web UpdateFrom=ftp://$HOST/a "UpdateVerify=$KEY"
expect_fail "a password" 'no place for a password' shruthictl set web UpdateFrom=https://a:b@$HOST/a "UpdateVerify=$KEY"
expect_fail "a query" "no '\?'" shruthictl set web "UpdateFrom=$URL/a?b=c" "UpdateVerify=$KEY"
expect_fail "no file" 'no file' shruthictl set web "UpdateFrom=$URL/" "UpdateVerify=$KEY"
expect_fail "what is not verified" 'has to be verified' shruthictl set web UpdateFrom=$URL/web.virtio
expect_fail "alice may name no server" 'only an administrator may name a server' \
        as_user alice shruthictl --no-ask-password set web UpdateFrom=$URL/web.virtio "UpdateVerify=$KEY"
check "root may" shruthictl set web UpdateFrom=$URL/web.virtio "UpdateVerify=$KEY"

# --- One that does as it should.

build 1
expect_fail "without a signature" "no signature $URL/web.virtio.minisig" update
is "the image is not even fetched" 0 "$(requests web.virtio)"
sign 1
expect_output "an update" 'which is proven' as_user alice shruthictl update web --probation=1s
is "has the image" "$(digest_of $SERVED/web.virtio)" "$(image_of web)"
expect_output "and says who signed it" "^signed by minisign key [0-9A-F]{16}: build 1, from $URL/web.virtio$" newest Source
expect_output "again it is up to date" 'is up to date' update
check_soon "no fetcher is left" 30 none_fetches
build 2
expect_fail "an image that was not signed" 'not of this image' update
rm $SERVED/web.virtio
expect_fail "one that is not there" "$URL/web.virtio: the server has no such file \(status 404\)" update
build 2
sign 2
check "behind a redirect" from "to/$URL/web.virtio"
expect_output "both are had" 'which is proven' update

(cd $SERVED && sha256sum web.virtio >SHA256SUMS)
check "a list of digests" shruthictl set web UpdateFrom=$URL/web.virtio UpdateVerify=sha256sums:$URL/SHA256SUMS
before=$(requests web.virtio)
expect_output "tells what is up to date" 'is up to date' update
is "without the image" "$before" "$(requests web.virtio)"
build 3
expect_output "a new image is none before the list has it" 'is up to date' update
(cd $SERVED && sha256sum web.virtio >SHA256SUMS)
expect_output "a new one" 'which is proven' update
expect_output "is in its history" "^listed in $URL/SHA256SUMS, from $URL/web.virtio$" newest Source
check "a list beside a file of the host" shruthictl set web UpdateFrom=$SERVED/web.virtio
expect_output "is fetched too" 'is up to date' update

# --- One that does not.

good=$(image_of web)
qemu=$(qemu_pid web)
check "an image of its own for each" shruthictl set web "UpdateFrom=$URL/web.virtio" "UpdateVerify=sha256sums:$SERVED/list"
for file in endless large slow cut silent headers loop web.virtio passwd 500 204; do
        printf '%064d  %s\n' 0 $file
done >$SERVED/list
# PATH REGEX
refused() {
        check "UpdateFrom=…/$1" from "$1"
        expect_fail "… is refused: $2" "$2" timeout 120 shruthictl update web --probation=0
}
refused status/500 'refuses with status 500'
refused status/204 'refuses with status 204'
refused other.virtio "list: it does not list 'other.virtio'"
is "which is not fetched for that" 0 "$(requests other.virtio)"
refused "to/http:__$HOST:8443/web.virtio" 'redirects to what is not https'
refused "to/file:__/etc/passwd" 'redirects to what is not https'
refused loop 'redirects more than 5 times'
refused large 'larger than 256'
refused endless 'larger than 256'
refused cut 'terminated|end|bytes|closed'
refused headers 'header|memory|large|bytes'
refused slow 'took too long'
is "it was given its time, and not more" "$good" "$(image_of web)"
check "a server that is not there" shruthictl set web UpdateFrom=https://$HOST:8499/web.virtio
expect_fail "… is refused" "$HOST:8499/web.virtio: .*onnect" update
check "a name that is none" shruthictl set web UpdateFrom=https://nowhere.invalid/web.virtio
expect_fail "… is refused" 'nowhere.invalid' update
check "a certificate that nobody vouches for" shruthictl set web UpdateFrom=https://$HOST:8444/web.virtio
expect_fail "… is refused" 'no secure connection.*authority' update
check "one of another host" shruthictl set web UpdateFrom=https://other.example:8443/web.virtio
expect_fail "… is refused" 'no secure connection' update

# --- A fetcher that is killed, and a caller that leaves.

check "a server that says nothing" from silent
in_background silent shruthictl update web
check_soon "is being asked" 30 one_fetches
expect_fail "meanwhile there is no other update from it" 'being fetched already' update
systemctl kill --signal=KILL 'shruthi-fetch@*'
check_soon "a fetcher that is killed" 30 background_ended silent
expect_output "fails the update" 'without an answer' cat /run/silent.out
in_background silent shruthictl update web
check_soon "it is asked again" 30 one_fetches
systemctl kill --signal=KILL shruthid
check_soon "when shruthid is killed, the fetcher ends too" 30 none_fetches
check_soon "and the caller is told" 30 background_ended silent
is "the guest runs on all the time" "$qemu" "$(qemu_pid web)"
is "with its image" "$good" "$(image_of web)"
systemctl stop shruthi-fetch.socket
expect_fail "without the socket the reason says so" 'shruthi-fetch.socket' update
systemctl start shruthi-fetch.socket

# --- Its walls.

expect_fail "alice cannot ask it" 'denied' as_user alice socat - UNIX-CONNECT:/run/shruthi/fetch,type=5
is "no file is left" 0 "$(find /var/tmp -name 'fetch-*' 2>/dev/null | wc -l)"
# systemd 262 also warns of each process controller that a container has not.
is_none "its log has nothing to warn of" "$(journalctl -q -o cat -p warning -u 'shruthi-fetch@*' |
        grep -v 'killed\|Failed with result\|Failed to read pids\.max .*, ignoring')"

finish
