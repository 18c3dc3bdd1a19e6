/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>

/* What shruthi-domain says to the program that called it: lines KEY=VALUE on standard output, one line each
 * whatever they contain. This is the one list of all keys. Pure.
 *
 * RUNNER and DAEMON are shruthi-run and shruthid, if they read the key; the others ignore it, as they ignore
 * keys that they do not know. BOTH read it; NOBODY is for people who run the program by hand. A test
 * compares that with the sources. Numbers are decimal; TIME is CLOCK_MONOTONIC's, in µs. */
#define DOMAIN_KEYS(KEY)                                                                                    \
        /* Any verb, when it fails. */                                                                      \
        KEY(RESULT, "result", RUNNER, "a name of Result: whose failure it is")                              \
        KEY(ERROR_NAME, "error-name", BOTH, "the error's name on the bus")                                  \
        KEY(ERROR, "error", BOTH, "text: the first line of the message")                                    \
        KEY(DETAIL, "detail", NOBODY, "text: each further line of it")                                      \
        /* Any verb. */                                                                                     \
        KEY(NOTICE, "notice", RUNNER, "text for the unikernel's journal")                                   \
        /* start: what the guest is, before there is one. */                                                \
        KEY(OWNER, "owner", RUNNER, "user id: the unikernel's; of network-list the network's")              \
        KEY(SLICE, "slice", RUNNER, "unit in which QEMU will be; empty: libvirt's choice")                  \
        KEY(IMAGE, "image", RUNNER, "digest")                                                               \
        KEY(VOLUMES, "volumes", RUNNER, "names of those that it writes, spaces between")                    \
        KEY(UUID, "uuid", NOBODY, "the domain's")                                                           \
        KEY(MEMORY, "memory", BOTH, "bytes; of statistics: what it has now")                                \
        KEY(CONSOLE_RATE, "console-rate", RUNNER, "bytes/s that go to the journal")                         \
        KEY(CONSOLE_BURST, "console-burst", RUNNER, "bytes at once")                                        \
        KEY(CONSOLE_RATE_USER, "console-rate-user", RUNNER, "the same of all guests of the owner")          \
        KEY(CONSOLE_BURST_USER, "console-burst-user", RUNNER, "the same")                                   \
        KEY(SILENCE_WARNING_USEC, "silence-warning-usec", RUNNER, "µs without output; 0: no warning")       \
        KEY(READY_CHECK, "ready-check", RUNNER, "one of Ready=, other than started")                        \
        KEY(REACH, "reach", RUNNER, "BRIDGE ADDRESS DEVICE: where a device is that checks go to")           \
        KEY(READY_TIMEOUT_USEC, "ready-timeout-usec", RUNNER, "µs; the largest number: no limit")           \
        KEY(HEALTHY_CHECK, "healthy-check", RUNNER, "one of Healthy=")                                      \
        KEY(HEALTHY_INTERVAL_USEC, "healthy-interval-usec", RUNNER, "µs between two looks at its health")   \
        KEY(HEALTHY_RETRIES, "healthy-retries", RUNNER, "failures in a row that make it sick")              \
        KEY(WATCHDOG, "watchdog", RUNNER, "yes: it has to print a line in each such interval")              \
        KEY(WITNESS, "witness", RUNNER, "yes or no: this program stays, to tell how it ends")               \
        KEY(MOMENT, "moment", RUNNER, "NAME TIME, a timestamp of unikernel/timestamps.h")                   \
        KEY(STARTED, "started", RUNNER, "kvm or tcg: there is a guest; process: it was handed over")        \
        /* watch */                                                                                         \
        KEY(ALIVE, "alive", RUNNER, "yes or no: whether there is a guest")                                  \
        /* watch --witness, and start that stays */                                                         \
        KEY(ENDED, "ended", RUNNER, "shutdown, destroyed, crashed, failed, unknown: as libvirt saw it")     \
        /* stop */                                                                                          \
        KEY(STOPPED, "stopped", NOBODY, "yes or no: whether there was a guest")                             \
        /* connections */                                                                                   \
        KEY(CONNECTIONS, "connections", DAEMON, "number: those through its published ports that are open")  \
        /* statistics, and statistics-all for each; also DEVICE.INDEX.FIELD, see below */                   \
        KEY(UNIKERNEL, "unikernel", DAEMON, "name: what follows is of this one")                            \
        KEY(CPU_TIME_USEC, "cpu-time-usec", DAEMON, "µs")                                                   \
        KEY(MEMORY_RESIDENT, "memory-resident", NOBODY, "bytes of the host's")                              \
        /* probe */                                                                                         \
        KEY(KVM, "kvm", DAEMON, "yes or no")                                                                \
        KEY(KVM_REASON, "kvm-reason", NOBODY, "text: why not, or empty")                                    \
        KEY(FAST_START, "fast-start", NOBODY, "yes or no")                                                  \
        KEY(FAST_START_REASON, "fast-start-reason", NOBODY, "text: why not, or empty")                      \
        KEY(LIBVIRT_VERSION, "libvirt-version", NOBODY, "MAJOR.MINOR.MICRO")                                \
        KEY(QEMU_VERSION, "qemu-version", NOBODY, "the same")                                               \
        /* check, check-without-polkit */                                                                   \
        KEY(CHECK, "check", DAEMON, "NAME|STATUS|MESSAGE|FIX")                                              \
        /* networks */                                                                                      \
        KEY(NETWORK_BRIDGE, "network-bridge", DAEMON, "BRIDGE NETWORK")                                     \
        KEY(NETWORK_SUBNET, "network-subnet", DAEMON, "ADDRESS/PREFIX BRIDGE NETWORK; BRIDGE - if none")    \
        KEY(LISTENER, "listener", DAEMON, "PROTOCOL ADDRESS PORT UID: a program of this host; - if all")    \
        /* networks, network-create, network-list */                                                        \
        KEY(BRIDGE, "bridge", DAEMON, "name of an interface")                                               \
        /* networks; network-list: what follows is of this one */                                           \
        KEY(NETWORK, "network", DAEMON, "name")                                                             \
        /* network-list */                                                                                  \
        KEY(MODE, "mode", DAEMON, "nat and other names of NetworkMode, or other")                           \
        KEY(ACTIVE, "active", DAEMON, "yes or no")                                                          \
        KEY(FORMER, "former", DAEMON, "yes: one of ours from before there were records of hosts")           \
        KEY(SUBNET, "subnet", DAEMON, "ADDRESS/PREFIX")                                                     \
        KEY(GATEWAY, "gateway", DAEMON, "address")                                                          \
        KEY(DNS, "dns", DAEMON, "address")                                                                  \
        KEY(IPV6_SUBNET, "ipv6-subnet", DAEMON, "the same of IPv6")                                         \
        KEY(IPV6_GATEWAY, "ipv6-gateway", DAEMON, "the same")                                               \
        KEY(IPV6_DNS, "ipv6-dns", DAEMON, "the same")                                                       \
        /* network-leases */                                                                                \
        KEY(LEASE, "lease", DAEMON, "MAC ADDRESS")

/* The word for "started" of a guest that the caller is to execute. */
#define DOMAIN_STARTED_PROCESS "process"

/* KIND.INDEX.FIELD of statistics: KIND is network or volume, and INDEX counts the devices of that kind. */
#define DOMAIN_KIND_NETWORK "network"
#define DOMAIN_KIND_VOLUME  "volume"
#define DOMAIN_FIELDS(FIELD)                                                                                \
        FIELD(NAME, "name", DAEMON, "the device's, first of all")                                           \
        FIELD(ADDRESSES, "addresses", DAEMON, "those in use, spaces between")                               \
        FIELD(RX_BYTES, "rx-bytes", DAEMON, "number")                                                       \
        FIELD(RX_PACKETS, "rx-packets", DAEMON, "number")                                                   \
        FIELD(RX_DROPPED, "rx-dropped", NOBODY, "number")                                                   \
        FIELD(TX_BYTES, "tx-bytes", DAEMON, "number")                                                       \
        FIELD(TX_PACKETS, "tx-packets", DAEMON, "number")                                                   \
        FIELD(TX_DROPPED, "tx-dropped", NOBODY, "number")                                                   \
        FIELD(RD_BYTES, "rd-bytes", DAEMON, "number")                                                       \
        FIELD(RD_REQUESTS, "rd-requests", DAEMON, "number")                                                 \
        FIELD(WR_BYTES, "wr-bytes", DAEMON, "number")                                                       \
        FIELD(WR_REQUESTS, "wr-requests", DAEMON, "number")                                                 \
        FIELD(FLUSH_REQUESTS, "flush-requests", NOBODY, "number")

typedef enum DomainKey {
#define KEY(name, text, readers, form) DOMAIN_KEY_##name,
        DOMAIN_KEYS(KEY)
#undef KEY
                        _DOMAIN_KEY_MAX,
        _DOMAIN_KEY_INVALID = -EINVAL,
} DomainKey;

typedef enum DomainField {
#define FIELD(name, text, readers, form) DOMAIN_FIELD_##name,
        DOMAIN_FIELDS(FIELD)
#undef FIELD
                        _DOMAIN_FIELD_MAX,
        _DOMAIN_FIELD_INVALID = -EINVAL,
} DomainField;

/* Returns the next line from *position on, which the caller first sets to the text; false at the end. key
 * and value are new strings; a line without '=' is skipped. */
bool domain_next_line(const char **position, char **ret_key, char **ret_value);

/* The same for lines with a known key. */
bool domain_next_key(const char **position, DomainKey *ret_key, char **ret_value);

const char *domain_key_to_string(DomainKey key);
DomainKey domain_key_from_string(const char *text); /* _DOMAIN_KEY_INVALID if not known */

const char *domain_field_to_string(DomainField field);
DomainField domain_field_from_string(const char *text);
