/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/error.h"
#include "image/architecture.h"

/* The result of the probe, the text that remembers it, and the kernel that it boots. Pure. */

typedef struct ProbeResult {
        bool kvm;
        bool kvm_offered; /* by libvirt, when asked */
        bool fast_start;
        bool fast_start_refused; /* by libvirt or QEMU, although configured */
        char *kvm_reason;        /* a message */
        char *fast_start_reason;
        char *trouble; /* why no guest runs with the chosen settings; NULL if one did */
} ProbeResult;

void probe_result_clear(ProbeResult *result);
#define _cleanup_probe_result_ __attribute__((cleanup(probe_result_clear)))

/* Format and parse the text that remembers result for key: -ESTALE if it was written for another key,
 * -EBADMSG if it cannot be parsed. Free with g_free(). */
char *probe_result_format(const char *key, const ProbeResult *result);
int probe_result_parse(const char *text, const char *key, ProbeResult *ret_result);

/* Checks whether a guest of the host's architecture can be started with that setting: START_FAILED, with the
 * cause and what to do, for Acceleration=kvm if libvirt offers no KVM. */
int probe_result_check(const ProbeResult *result, Acceleration acceleration, Error *ret_error);

/* Whether these boot times with KVM and without it show a KVM that is worse than none. The boot consists
 * mostly of exits to QEMU, where nested KVM is slowest: it may take several times as long as emulation
 * there, although it computes ten times as fast. */
bool probe_kvm_is_slow(int64_t kvm_usec, int64_t tcg_usec);

/* The number of commands that libvirt has sent to a QEMU, from the answer to one: it numbers them,
 * {…,"id":"libvirt-417"}. 0 if the text does not have it. */
unsigned probe_count_commands(const char *answer);

/* Whether the fast start pays off: libvirt then sends at most half as many commands. 0 is an unknown number:
 * then the fast start counts as paying off, as it did with all versions of libvirt that do not report it. */
bool probe_fast_start_gains(unsigned commands_without, unsigned commands_with);

/* A kernel of a few bytes that powers its machine off as soon as it runs: `pc` by ACPI, `virt` by PSCI. */
const uint8_t *probe_kernel(ImageArchitecture architecture, size_t *ret_size);
