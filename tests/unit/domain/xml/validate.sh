#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SCHEMA FOLDER FILE ELEMENT: every golden file of the folder is valid by libvirt's own schema; FILE with something too
# much in its ELEMENT is not, so that this can fail.
set -eu

schema=$1 golden=$2 file_to_break=$3 element=$4
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
sed "s,<$element>,<$element><nonsense/>," "$golden/$file_to_break" >"$bad"
if check "$bad"; then
        echo "$schema accepts nonsense"
        exit 1
fi
