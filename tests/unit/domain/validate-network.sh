#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every golden file is a network by libvirt's own schema; one with an element too much is none, so that this can fail.
set -eu

schema=$1 golden=$2
check() { xmllint --noout --nonet --relaxng "$schema" "$1" >/dev/null 2>&1; }

for file in "$golden"/*.xml; do
        check "$file" || {
                echo "$file is not valid:"
                xmllint --noout --nonet --relaxng "$schema" "$file"
                exit 1
        }
done

bad=$(mktemp)
trap 'rm -f "$bad"' EXIT
sed 's,</network>,<nonsense/></network>,' "$golden/nat.xml" >"$bad"
if check "$bad"; then
        echo "$schema accepts nonsense"
        exit 1
fi
