# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Which Debian a sandbox is made of. Without --suite it is the machine's own, and $base is empty: the layers are put
# over /usr, /etc and /var/lib. With --suite=SUITE they are put over the same folders of bases/SUITE in the cache: a
# minimal system, made once by mmdebstrap, from the archive that the machine's own apt is set up for. mmdebstrap runs
# in a sandbox of its own (layer "bootstrap"), so that the machine needs no more than before. Read by tests/sandbox.

suites=(bookworm trixie sid)
suite=
base=

suite_choose() {
        local one

        for one in "${suites[@]}"; do
                [ "$one" != "$1" ] || { suite=$1; return; }
        done
        usage_error "--suite: there is no suite '$1'; there are: ${suites[*]}"
}

# SUITE (none: this machine's), or its name in os-release: packages that SHRUTHI is built with there, beside
# $build_packages. systemd.pc has moved out of "systemd" with Debian 13.
suite_packages() { [ "${1:-$(machine_release)}" = bookworm ] || echo systemd-dev; }

machine_release() { (. /etc/os-release && echo "${VERSION_CODENAME-}"); }

# Finds or makes the base of $suite, and sets $base.
base_prepare() {
        base=
        [ -n "$suite" ] || return 0
        with_lock "$cache/bases.$suite.lock" base_find_or_make
        base=$cache/bases/$suite
}

base_find_or_make() {
        # It gets this name when it is complete. One that somebody has broken since is made anew.
        [ ! -s "$cache/bases/$suite/var/lib/dpkg/status" ] || [ ! -x "$cache/bases/$suite/usr/bin/apt-get" ] || return 0
        # In a process of its own, since these are the layers of the machine.
        (base_make)
}

base_make() {
        local new=$cache/bases/$suite.new settings=$cache/bases/$suite.settings

        layers=()
        layer_find bootstrap mmdebstrap debian-archive-keyring
        rm -rf --one-file-system "$new" "$settings" "$cache/bases/$suite"
        mkdir -p "$new" "$settings"
        base_sources >"$settings/$suite.sources"
        # What the machine's apt needs in order to reach its archive.
        apt-config dump --format '%f "%v";%n' Acquire::http Acquire::https Acquire::Retries \
                Acquire::Check-Valid-Until Acquire::Check-Date | sed '/ "";$/d' >"$settings/apt.conf"
        printf 'Acquire::Languages "none";\n' >>"$settings/apt.conf"
        tree_make
        step "Fetching the base of $suite" "$cache/bases/$suite.log" box_fetch \
                --capability=all --bind="$new:/shruthi/base" --bind-ro="$settings:/shruthi/settings" -- \
                /usr/bin/mmdebstrap --mode=root --variant=minbase --format=directory \
                --aptopt=/shruthi/settings/apt.conf --skip=output/dev \
                "$(base_includes "$settings/$suite.sources")" \
                "$suite" /shruthi/base "/shruthi/settings/$suite.sources"
        tree_remove
        mv "$new" "$cache/bases/$suite"
        rm -rf "$settings"
}

# SOURCES
base_includes() {
        local packages=apt

        if grep -q '^URIs: *https' "$1"; then packages+=,ca-certificates; fi
        echo "--include=$packages"
}

# The sources of $suite: the machine's own archive with another suite's name.
base_sources() {
        local archive security

        archive=$(base_archive "${SHRUTHI_SANDBOX_ARCHIVE-}")
        [ -n "$archive" ] ||
                die "This machine's apt knows no archive of Debian, from which --suite=$suite could be fetched:" \
                        "name one with SHRUTHI_SANDBOX_ARCHIVE=URI."
        base_stanza "$archive" "$(case $suite in sid) echo sid ;; *) echo "$suite $suite-updates" ;; esac)"
        [ "$suite" != sid ] || return 0
        security=$(apt_archives | awk '$1 ~ /-security$/ &&
                                       ($4 == "Debian" || $3 ~ /\/debian-security\/?$/) { print $3; exit }')
        base_stanza "$(apt_mirror "${security:-${archive%/}-security}")" "$suite-security"
}

# [URI]: that, or where the machine's apt has Debian's packages from.
base_archive() {
        local uri=$1

        [ -n "$uri" ] || uri=$(apt_archives | awk '$1 !~ /-/ && $2 == "main" &&
                                                   ($4 == "Debian" || $3 ~ /\/debian\/?$/) { print $3; exit }')
        apt_mirror "$uri"
}

# RELEASE COMPONENT URI [ORIGIN], one archive in a line; the origin is only known once "apt-get update" was run.
apt_archives() {
        # These are apt's own placeholders.
        # shellcheck disable=SC2016
        apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI) $(ORIGIN)' 'Created-By: Packages'
}

# URI: some images name a file with mirrors, which is not there in a base.
apt_mirror() {
        case $1 in
        mirror+file:*) sed -n -E '/^[a-z]+:/ { s/[[:space:]].*//p; q }' "${1#mirror+file:}" ;;
        *) echo "$1" ;;
        esac
}

# URI SUITES
base_stanza() {
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$1" "$2"
        printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
}

# Of $suite all that is kept.
suite_remove() {
        local dir

        for dir in "$cache/bases/$suite" "$cache/layers/$suite"-* "$cache"/build/*."$suite"; do
                rm -rf --one-file-system "$dir"
        done
}
