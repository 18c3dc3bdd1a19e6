/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* start, stop, restart, kill, pause, resume, snapshot, restore, discard, remove, enable, disable: the same
 * call for each name. */

#include <stdio.h>

#include "ctl/bus/client.h"
#include "ctl/bus/overrides.h"
#include "ctl/output/value.h"
#include "ctl/verbs/verb-analyze.h"

static int make_kill_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, "KillUnikernel", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "si", name, (int32_t) ctl->options.signal);
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_call = g_steal_pointer(&call);
        return 0;
}

static int make_autostart_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        const bool *autostart = userdata;
        int r;

        r = client_new_call(ctl, "SetUnikernelSettings", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "sa{sv}", name, 1, "Autostart", "b", (int) *autostart);
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_call = g_steal_pointer(&call);
        return 0;
}

static int lifecycle_call_all(Ctl *ctl, char **operands, const char *what, ClientCallMaker make,
                const char *member, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        return client_call_each(ctl, names, what, make, (void *) member, NULL);
}

/* userdata maps name → when its call was made. */
static int make_timed_start_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error)
{
        uint64_t now;
        int r;

        r = client_make_job_call(ctl, name, (void *) "StartUnikernel", ret_call, ret_error);
        if (r < 0)
                return r;

        now = (uint64_t) g_get_monotonic_time();
        g_hash_table_insert(userdata, g_strdup(name), g_memdup2(&now, sizeof now));
        return 0;
}

static int start_and_analyze(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GHashTable) sent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GPtrArray) started = g_ptr_array_new();
        g_auto(GStrv) names = NULL;
        int r, analyzed;

        if (ctl->options.no_block)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "--time waits for the start, --no-block does not: omit one of them.");

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        r = client_call_each(ctl, names, "start", make_timed_start_call, sent, started);
        g_ptr_array_add(started, NULL);
        analyzed = analyze_print(ctl, (char **) started->pdata, operands_are_single(operands), sent);
        return r != CTL_EXIT_SUCCESS ? r : analyzed;
}

int verb_start(Ctl *ctl, char **operands, Error *ret_error)
{
        if (ctl->options.time)
                return start_and_analyze(ctl, operands, ret_error);

        return lifecycle_call_all(ctl, operands, "start", client_make_job_call, "StartUnikernel", ret_error);
}

int verb_stop(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(ctl, operands, "stop", client_make_job_call, "StopUnikernel", ret_error);
}

int verb_restart(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(
                        ctl, operands, "restart", client_make_job_call, "RestartUnikernel", ret_error);
}

int verb_kill(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(ctl, operands, "kill", make_kill_call, NULL, ret_error);
}

int verb_pause(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(
                        ctl, operands, "pause", client_make_name_call, "PauseUnikernel", ret_error);
}

int verb_resume(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(
                        ctl, operands, "resume", client_make_name_call, "ResumeUnikernel", ret_error);
}

int verb_snapshot(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(
                        ctl, operands, "save", client_make_name_call, "SnapshotUnikernel", ret_error);
}

int verb_restore(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(
                        ctl, operands, "restore", client_make_name_call, "RestoreUnikernel", ret_error);
}

int verb_discard(Ctl *ctl, char **operands, Error *ret_error)
{
        return lifecycle_call_all(ctl, operands, "discard the snapshot of", client_make_name_call,
                        "RemoveUnikernelSnapshot", ret_error);
}

/* Makes a second call for the names for which the first succeeded; the first failure of both is the exit
 * status. */
static int lifecycle_call_next(Ctl *ctl, GPtrArray *done, int before, const char *what, const char *member)
{
        int r;

        g_ptr_array_add(done, NULL);
        r = client_call_each(ctl, (char **) done->pdata, what, client_make_job_call, (void *) member, NULL);
        return before != CTL_EXIT_SUCCESS ? before : r;
}

int verb_remove(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(GPtrArray) stopped = g_ptr_array_new();
        g_auto(GStrv) names = NULL;
        int r;

        if (!ctl->options.now)
                return lifecycle_call_all(
                                ctl, operands, "remove", client_make_job_call, "RemoveUnikernel", ret_error);

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;
        r = client_call_each(ctl, names, "stop", client_make_job_call, (void *) "StopUnikernel", stopped);
        return lifecycle_call_next(ctl, stopped, r, "remove", "RemoveUnikernel");
}

/* We cannot undo the administrator's "systemctl enable". */
static void autostart_warn_about_enabled(Ctl *ctl, const GPtrArray *names)
{
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];
                g_autoptr(JsonObject) properties = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                if (client_get_properties(ctl, name, &properties, &error) >= 0 &&
                                value_flag(properties, "Autostart"))
                        fprintf(stderr,
                                        "%s still starts at boot, because systemctl enabled it too: "
                                        "systemctl disable unikernel@%s.service\n",
                                        name, name);
        }
}

/* Reports if a drop-in overrides it, or if the unit is masked. */
static void autostart_report_ineffective(Ctl *ctl, const GPtrArray *names, bool autostart)
{
        const CommandSettings settings = {.values[SETTING_AUTOSTART] = (char *) "yes"};

        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];

                overrides_report(ctl, name, &settings, false);
                if (autostart && unit_is_masked(name))
                        fprintf(stderr,
                                        "Note: %s does not start, because its unit is masked: systemctl "
                                        "unmask unikernel@%s.service\n",
                                        name, name);
        }
}

/* A definition in /etc returns NotManaged; systemd's own way works for it. */
static int autostart_set(Ctl *ctl, char **operands, bool autostart, Error *ret_error)
{
        g_autoptr(GPtrArray) done = g_ptr_array_new();
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        r = client_call_each(
                        ctl, names, autostart ? "enable" : "disable", make_autostart_call, &autostart, done);
        if (ctl->not_managed)
                fprintf(stderr,
                                "A definition written by an administrator takes 'Autostart=' in the file "
                                "itself, or: systemctl %s unikernel@NAME.service\n",
                                autostart ? "enable" : "disable");
        if (!autostart)
                autostart_warn_about_enabled(ctl, done);
        autostart_report_ineffective(ctl, done, autostart);
        if (!ctl->options.now)
                return r;

        return lifecycle_call_next(ctl, done, r, autostart ? "start" : "stop",
                        autostart ? "StartUnikernel" : "StopUnikernel");
}

int verb_enable(Ctl *ctl, char **operands, Error *ret_error)
{
        return autostart_set(ctl, operands, true, ret_error);
}

int verb_disable(Ctl *ctl, char **operands, Error *ret_error)
{
        return autostart_set(ctl, operands, false, ret_error);
}
