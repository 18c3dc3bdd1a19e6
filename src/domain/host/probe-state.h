/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/error.h"
#include "image/architecture.h"

/* What the probe found, as it is remembered, and the kernel that it boots. Pure. */

typedef struct ProbeResult {
        bool kvm;
        bool kvm_offered; /* by libvirt, when it was asked */
        bool fast_start;
        bool fast_start_refused; /* by libvirt or QEMU, though it was wanted */
        char *kvm_reason;        /* a message */
        char *fast_start_reason;
        char *trouble; /* why no guest runs in the way that starts are to take; NULL if one did */
} ProbeResult;

void probe_result_clear(ProbeResult *result);
#define _cleanup_probe_result_ __attribute__((cleanup(probe_result_clear)))

/* The text that remembers result for key, and back: -ESTALE when it was written for another key, -EBADMSG
 * when it is no such text. Free with g_free(). */
char *probe_result_format(const char *key, const ProbeResult *result);
int probe_result_parse(const char *text, const char *key, ProbeResult *ret_result);

/* Whether a guest of this host's own architecture can be started under that setting: START_FAILED, with what
 * was found and the way out, for Acceleration=kvm where libvirt offers no KVM. */
int probe_result_check(const ProbeResult *result, Acceleration acceleration, Error *ret_error);

/* Whether a boot that took that long with KVM, and without, shows a KVM that is worse than none. Nearly all
 * of the boot are exits to QEMU, where a nested KVM is at its worst: there it may well be some times slower
 * than emulation, and yet computes ten times as fast. */
bool probe_kvm_is_slow(int64_t kvm_usec, int64_t tcg_usec);

/* How many commands libvirt has sent to a QEMU, by the answer to one that it passed on: it numbers them,
 * {…,"id":"libvirt-417"}. 0 if the text does not say. */
unsigned probe_count_commands(const char *answer);

/* Whether the element is worth it: with it libvirt asks at most half as often. 0 is a number not known, of
 * which nothing follows: it is taken as worth it, which it was with all libvirts that tell none. */
bool probe_fast_start_gains(unsigned commands_without, unsigned commands_with);

/* A kernel of a few bytes that powers its machine off as soon as it runs: `pc` by ACPI, `virt` by PSCI. */
const uint8_t *probe_kernel(ImageArchitecture architecture, size_t *ret_size);
