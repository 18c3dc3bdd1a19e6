#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a minimal Debian with what packages are built with: makes the packages, twice, and looks at them; an
# RPM, too, as far as Debian's rpm can.
# Writes TAP; the packages are left in /shruthi/build/debs, the test guest that was built beside them in guests.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

OUT=/shruthi/build
WORK=$OUT/work
PACKAGING=$SRC/data/packaging

rm -rf "${OUT:?}"/{work,debs,guests}
mkdir -p "$WORK" "$OUT/debs" "$OUT/guests"

version=$(dpkg-parsechangelog -l "$PACKAGING/debian/changelog" -S Version)
epoch=$(dpkg-parsechangelog -l "$PACKAGING/debian/changelog" -S Timestamp)
upstream=${version%-*}

# What a release is: this tree without what .gitignore names, in one order and of one time.
make_tarball() {
        find "$SRC" -mindepth 1 \( -path "$SRC/.git" -o -path "$SRC/build*" \) -prune -o \
                ! -type d ! -name '*~' ! -name '*.swp' -printf '%P\0' | LC_ALL=C sort -z |
                tar -C "$SRC" --null --no-recursion --files-from=- --mtime="@$epoch" \
                        --owner=0 --group=0 --numeric-owner --mode=u+rw,go-w,a+rX --transform="flags=r;s,^,shruthi-$upstream/," -c |
                xz -T1 >"$WORK/shruthi_$upstream.orig.tar.xz"
}

# DIR: an unpacked source tree with debian/ in it.
make_tree() {
        mkdir -p "$1"
        cp "$WORK/shruthi_$upstream.orig.tar.xz" "$1/"
        tar -C "$1" -xf "$WORK/shruthi_$upstream.orig.tar.xz"
        cp -r "$PACKAGING/debian" "$1/shruthi-$upstream/"
}

# DIR COMMAND…
build_in() {
        (cd "$1/shruthi-$upstream" && shift && "$@") >"$1/log" 2>&1 || { tail -n 60 "$1/log"; return 1; }
}

make_tarball
make_tree "$WORK/one"
check "the source package and the packages are built, with what Build-Depends names, and the unit tests pass" \
        build_in "$WORK/one" env LC_ALL=C.UTF-8 TZ=UTC dpkg-buildpackage -us -uc
(
        cd "$WORK/one" || exit
        mv -- *.deb *.dsc *.tar.xz *.changes *.buildinfo "$OUT/debs/"
        cp shruthi-*/obj-*/tests/guest/guest*.virtio "$OUT/guests/"
)

# ── RPM, of what has just been compiled: Debian's rpm has neither Fedora's macros nor its packages.
export HOME=$WORK/rpm
mkdir -p "$HOME"/rpmbuild/{SOURCES,SPECS}
cp "$WORK/shruthi_$upstream.orig.tar.xz" "$HOME/rpmbuild/SOURCES/shruthi-$upstream.tar.xz"
cp "$PACKAGING/shruthi.spec" "$HOME/rpmbuild/SPECS/"
objects=$(echo "$WORK"/one/shruthi-*/obj-*)
rpm_build() {
        rpmbuild --load="$SRC/tests/package/rpm.macros" --define "shruthi_objects $objects" --nodeps "$@" \
                "$HOME/rpmbuild/SPECS/shruthi.spec" >"$HOME/log" 2>&1 || { tail -n 60 "$HOME/log"; return 1; }
}
is "the version of the RPM is meson's" "$upstream" \
        "$(sed -n 's/^Version: *//p' "$PACKAGING/shruthi.spec")"
is "… and so is the Debian package's" "$(sed -n "s/^  version: '\(.*\)',/\1/p" "$SRC/meson.build")" "$upstream"
check "rpmbuild makes the source package" rpm_build -bs
check "… and the package: each file that is installed is in it" rpm_build -bb
# Newer versions of rpm make one of debug information, too.
mapfile -t rpms < <(find "$HOME/rpmbuild" -name '*.rpm')
is "both packages are there" 2 "$(printf '%s\n' "${rpms[@]}" | grep -cvE -- '-debug(info|source)-')"
lint() { rpmlint --rpmlintrc "$PACKAGING/shruthi.rpmlintrc" "$HOME/rpmbuild/SPECS/shruthi.spec" "${rpms[@]}"; }
expect_output "rpmlint looks at the specification and at all packages" \
        "\b${#rpms[@]} packages and 1 specfiles checked" eval 'lint || :'
# Its versions do not find the same, so each has no use for some of our filters.
is_none "and finds no error" "$(grep ': E: ' <<<"$output" | grep -v ': unused-rpmlintrc-filter')"
rm -rf "$WORK/one/shruthi-$upstream" "$HOME"

# Everything about the build is another: where it is, when, by whom, in which language, how many at once. The unit tests
# have run.
second=$WORK/another/folder/with+a/longer-name
make_tree "$second"
chown -R 1234:1234 "$WORK/another"
check "… and once more, elsewhere, later, by another user, in another language and time zone" \
        build_in "$second" setpriv --reuid=1234 --regid=1234 --clear-groups env -i PATH="$PATH" HOME="$second" \
        LC_ALL=POSIX LANGUAGE=de TZ=XYZ+13 USER=builder DEB_BUILD_OPTIONS='nocheck parallel=1' NO_FAKE_STAT=1 \
        faketime -f '+397d' bash -c 'umask 0002; exec dpkg-buildpackage -us -uc'
for file in "$OUT"/debs/*.{deb,dsc,tar.xz}; do
        check "${file##*/} has the same bytes" cmp "$file" "$second/${file##*/}"
done
rm -rf "$WORK/another"

shopt -s nullglob
for file in "$OUT"/debs/*.changes; do
        check "lintian has nothing to say against it" lintian --pedantic --fail-on=error,warning,info,pedantic \
                --allow-root "$file"
        [ -z "$output" ] || diag "$output"
done

deb=("$OUT"/debs/shruthi_*.deb)
contents=$(dpkg-deb --fsys-tarfile "${deb[0]}" | tar -t | sed -e 's,^\.,,' -e 's,^/lib/,/usr/lib/,' -e '/\/$/d' |
        sed -E -e '\,^/usr/share/doc/shruthi/examples/,b' -e '\,^/usr/share/(doc|lintian)/,d' -e 's,(/usr/share/man/.*)\.gz$,\1,' | sort)
expected=$({ sed -n -E 's,^[0-7]+ [a-z:-]+ (/(usr|lib|etc)/.*),\1,p' "$SRC/tests/system/packaging.list" |
        sed -e 's,^/lib/,/usr/lib/,' | grep -vxE '/etc/shruthi(/shruthi.conf.d|/unikernels)?|/usr/(lib|libexec|share/doc)/shruthi'
        echo /etc/needrestart/conf.d/shruthi.conf; } | sort)
check "what meson installs is known" test -n "$expected"
is_none "it has in it what meson installs, and nothing else" "$(diff <(echo "$expected") <(echo "$contents"))"

touch "$OUT/debs/complete"
finish
