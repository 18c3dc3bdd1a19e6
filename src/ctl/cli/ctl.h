/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "common/error.h"
#include "ctl/cli/options.h"

/* The folder cli/ owns the command line: options (options.h), settings (command-settings.h), errors in its
 * terms (error-context.h), the exit status, and here the context of a run and its verbs. It prints only
 * notes and makes no calls; all other folders of shruthictl use it. */

typedef struct Ctl {
        Options options;
        const char *noun; /* of the verb: "volume" in "volume show"; NULL for a verb of unikernels */
        sd_bus *bus;      /* connected by the first call */
        bool bus_private; /* the bus is /run/shruthi/private */
        uint64_t call_timeout; /* µs; 0: calls wait as long as it takes */
        bool not_managed; /* a call for several names met a definition of an administrator or a package */
} Ctl;

/* As in systemctl, if the meaning is the same. */
enum {
        CTL_EXIT_SUCCESS = 0,
        CTL_EXIT_FAILURE = 1,
        CTL_EXIT_USAGE = 2,
        CTL_EXIT_NOT_RUNNING = 3,
        CTL_EXIT_NO_SUCH = 4,
};

/* The exit status for an error: a given name does not exist, not running, an invalid command line, anything
 * else. */
int ctl_exit_status(const Ctl *ctl, const Error *error);

/* Verbs take their operands (NULL-terminated) and return an exit status, or a negative errno with the error
 * that the caller prints. With several names, they print the error for each and continue. */
typedef int (*VerbFunction)(Ctl *ctl, char **operands, Error *ret_error);

int verb_list(Ctl *ctl, char **operands, Error *ret_error);
int verb_status(Ctl *ctl, char **operands, Error *ret_error);
int verb_statistics(Ctl *ctl, char **operands, Error *ret_error);
int verb_show(Ctl *ctl, char **operands, Error *ret_error);
int verb_create(Ctl *ctl, char **operands, Error *ret_error);
int verb_start(Ctl *ctl, char **operands, Error *ret_error);
int verb_stop(Ctl *ctl, char **operands, Error *ret_error);
int verb_analyze(Ctl *ctl, char **operands, Error *ret_error);
int verb_restart(Ctl *ctl, char **operands, Error *ret_error);
int verb_kill(Ctl *ctl, char **operands, Error *ret_error);
int verb_pause(Ctl *ctl, char **operands, Error *ret_error);
int verb_resume(Ctl *ctl, char **operands, Error *ret_error);
int verb_snapshot(Ctl *ctl, char **operands, Error *ret_error);
int verb_restore(Ctl *ctl, char **operands, Error *ret_error);
int verb_discard(Ctl *ctl, char **operands, Error *ret_error);
int verb_remove(Ctl *ctl, char **operands, Error *ret_error);
int verb_enable(Ctl *ctl, char **operands, Error *ret_error);
int verb_disable(Ctl *ctl, char **operands, Error *ret_error);
int verb_logs(Ctl *ctl, char **operands, Error *ret_error);
int verb_console(Ctl *ctl, char **operands, Error *ret_error);
int verb_wait(Ctl *ctl, char **operands, Error *ret_error);
int verb_events(Ctl *ctl, char **operands, Error *ret_error);
int verb_tree(Ctl *ctl, char **operands, Error *ret_error);
int verb_cat(Ctl *ctl, char **operands, Error *ret_error);
int verb_edit(Ctl *ctl, char **operands, Error *ret_error);
int verb_set(Ctl *ctl, char **operands, Error *ret_error);
int verb_update(Ctl *ctl, char **operands, Error *ret_error);
int verb_rollback(Ctl *ctl, char **operands, Error *ret_error);
int verb_history(Ctl *ctl, char **operands, Error *ret_error);
int verb_diff(Ctl *ctl, char **operands, Error *ret_error);
int verb_check(Ctl *ctl, char **operands, Error *ret_error);
int verb_arguments(Ctl *ctl, char **operands, Error *ret_error);
int verb_xml(Ctl *ctl, char **operands, Error *ret_error);
int verb_image_list(Ctl *ctl, char **operands, Error *ret_error);
int verb_image_inspect(Ctl *ctl, char **operands, Error *ret_error);
int verb_image_import(Ctl *ctl, char **operands, Error *ret_error);
int verb_image_prune(Ctl *ctl, char **operands, Error *ret_error);
int verb_credential_list(Ctl *ctl, char **operands, Error *ret_error);
int verb_credential_set(Ctl *ctl, char **operands, Error *ret_error);
int verb_credential_rotate(Ctl *ctl, char **operands, Error *ret_error);
int verb_credential_remove(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_list(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_create(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_show(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_resize(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_import(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_export(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_clone(Ctl *ctl, char **operands, Error *ret_error);
int verb_volume_remove(Ctl *ctl, char **operands, Error *ret_error);
int verb_network_create(Ctl *ctl, char **operands, Error *ret_error);
int verb_network_list(Ctl *ctl, char **operands, Error *ret_error);
int verb_network_show(Ctl *ctl, char **operands, Error *ret_error);
int verb_network_remove(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_check(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_up(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_run(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_status(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_down(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_list(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_exec(Ctl *ctl, char **operands, Error *ret_error);
int verb_fleet_report(Ctl *ctl, char **operands, Error *ret_error);
int verb_limits(Ctl *ctl, char **operands, Error *ret_error);
int verb_doctor(Ctl *ctl, char **operands, Error *ret_error);
int verb_import_rhyzome(Ctl *ctl, char **operands, Error *ret_error);
int verb_instance_create(Ctl *ctl, char **operands, Error *ret_error);
int verb_instance_other(Ctl *ctl, char **operands, Error *ret_error);
