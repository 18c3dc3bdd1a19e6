#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd-creds 252 encrypts credentials that neither it nor LoadCredentialEncrypted= can load again.
#
# A credential may have 1 MiB, and "systemd-creds encrypt" takes that much without a warning. The limit on the way back
# holds for the Base64 text: 1179648 characters, which is about 873 000 bytes of plaintext. A key of 900 000 bytes is
# encrypted, stored, and lost.
#
# Seen with systemd 252.39-1~deb12u2:
#   encrypting 900000 bytes: exit status 0
#   decrypting them: Data too long for encrypted credential (allowed size: 1179648).
# The null key is used, since a temporary folder has no key of a host; host keys give texts of the same kind of size.
# What follows: check the size before anything is encrypted (here: 872448 bytes), and read back what was written.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages systemd=252.39-1~deb12u2

# SIZE: the exit statuses of encrypting and of decrypting so many bytes, and how many bytes came back.
round_trip() {
        local encrypted=0 decrypted=0 back=0

        head -c "$1" /dev/zero >"$root/tmp/plain"
        rm -f "$root"/tmp/{sealed,back}
        finding_run systemd-creds encrypt --with-key=tpm2-absent --name=key /tmp/plain /tmp/sealed 2>/dev/null ||
                encrypted=$?
        finding_run systemd-creds decrypt --name=key /tmp/sealed /tmp/back 2>"$finding_dir/error" || decrypted=$?
        [ ! -e "$root/tmp/back" ] || back=$(stat -c %s "$root/tmp/back")
        echo "encrypt $encrypted, decrypt $decrypted, $back bytes back"
}

finding_is "860000 bytes" "encrypt 0, decrypt 0, 860000 bytes back" "$(round_trip 860000)"
finding_is "900000 bytes" "encrypt 0, decrypt 1, 0 bytes back" "$(round_trip 900000)"
finding_is "what it says" "Data too long for encrypted credential (allowed size: 1179648)." \
        "$(round_trip 900000 >/dev/null; tail -n 1 "$finding_dir/error")"
