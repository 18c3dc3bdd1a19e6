/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Runs shruthi-tender with the test guest, as whoever opens descriptors for it would. */

enum {
        NETWORK_FD = 3,
        BLOCK_FD = 4,
        IMAGE_FD = 5,
        KVM_FD = 6,
        BLOCK_SIZE = 1024 * 1024,
};

typedef struct TenderRun {
        pid_t pid;
        int output;  /* its standard output and error */
        int network; /* our end; -1: none */
        int block;   /* a file in memory; -1: none */
        char *text;  /* all that it printed, after tender_run_end() */
        int status;  /* of waitpid(), after tender_run_end() */
} TenderRun;

/* The test guest with the devices of that name: "plain" has none, "disk" service and storage. */
char *tender_guest(const char *name);

/* The same for the target hvt. */
char *tender_guest_machine(const char *name);

/* Runs the program with these arguments, the last of which is NULL. The descriptors above are open in it,
 * KVM_FD if one of them is --kvm=6 and KVM works. */
TenderRun tender_run_argv(const char *program, const char *const *argv);

/* The guest of that name with its devices, options for the tender and the guest's own arguments, both
 * separated by spaces. The program is shruthi-tender, or the one that can leave out a layer. */
TenderRun tender_run(const char *guest, const char *options, const char *arguments);
TenderRun tender_run_without(
                const char *layer, const char *guest, const char *options, const char *arguments);

/* The same with the guest for hvt, where KVM works. */
TenderRun tender_run_machine(const char *guest, const char *options, const char *arguments);
TenderRun tender_run_machine_without(
                const char *layer, const char *guest, const char *options, const char *arguments);

/* Reads more of what it prints; false at its end. */
bool tender_run_read(TenderRun *run);
/* Waits until it has printed that. */
void tender_run_expect(TenderRun *run, const char *text);
void tender_run_end(TenderRun *run);
void tender_run_clear(TenderRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TenderRun, tender_run_clear)

/* The end that it must have come to, by an exit status or a signal. */
void tender_assert_exit(const TenderRun *run, int status);
void tender_assert_signal(const TenderRun *run, int signal);

/* Whether KVM runs a machine here: the device alone does not say so. */
bool tender_can_kvm(void);

/* Under an emulator of user programs there are no filters, so no guest may run there. */
bool tender_can_filter(void);

/* What tender_run() comes to where it cannot filter; false where it can. */
bool tender_assert_no_filter(TenderRun *run);
