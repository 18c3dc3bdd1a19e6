/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* What is asked of shruthi-kvm, by one message of one word: KVM_ASK_OPEN, for /dev/kvm, or KVM_ASK_CHECK,
 * whether it runs a guest. One answer: KVM_DONE, with the descriptor where that was asked for, or the
 * sentence that says why not. The descriptor is for a runner whose guest is for Solo5's hvt target; nobody
 * else is given it (caller.h). */

#define KVM_SOCKET     "kvm"
#define KVM_ASK_OPEN   "open"
#define KVM_ASK_CHECK  "check"
#define KVM_DONE       "done"
#define KVM_WORD_MAX   16
#define KVM_ANSWER_MAX 2048

#ifdef __aarch64__
/* Solo5 has no virtio target there. */
#define KVM_WAY_OUT "build the image for spt (MirageOS: `mirage configure -t spt`)"
#else
#define KVM_WAY_OUT                                                                                         \
        "build the image for another target (MirageOS: `mirage configure -t virtio`, or `-t spt`)"
#endif

/* A user's own unikernels have no virtual machines of libvirt's. */
#define KVM_WAY_OUT_USER "build the image for spt (MirageOS: `mirage configure -t spt`)"

/* Sends the word on a connection of its own. The errors, NOT_SUPPORTED, say why images for hvt do not run.
 */
int kvm_ask(const char *word, int *ret_connection, Error *ret_error);

/* Waits for the answer. ret_fd: closed on exec, negative unless the device was asked for. */
int kvm_receive(int connection, int *ret_fd, Error *ret_error);
