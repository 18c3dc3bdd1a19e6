/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is a fleet's, and its removal. */

#include "ctl/fleet/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"

#define FILE_MAX      (64 * 1024)
#define DETAILS_MAX   256 /* names in a call */
#define QUIET_USEC    (3 * G_USEC_PER_SEC)
#define STEP_USEC     (300 * 1000)
#define LINE_PLAN     "plan "
#define LINE_NETWORK  "network "
#define LINE_COMPLETE "complete"

static char *state_folder(void)
{
        return g_build_filename(g_get_user_state_dir(), "shruthi", "fleets", NULL);
}

static int state_add(const char *fleet, const char *word, const char *value, Error *ret_error)
{
        g_autofree char *folder = state_folder(), *path = g_build_filename(folder, fleet, NULL),
                        *text = NULL, *whole = NULL;
        int r;

        r = file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read %s", path);
        whole = g_strconcat(text, word, value, "\n", NULL);
        r = file_replace(folder, fleet, whole, strlen(whole), 0600);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s", path) : 0;
}

static int state_refuse(const char *fleet, Error *ret_error)
{
        g_auto(GStrv) networks = NULL;
        g_autofree char *plan = NULL;
        bool complete;

        (void) fleet_state_read(fleet, &plan, &networks, &complete);
        return error_set(ret_error, ERROR_UNIKERNEL_EXISTS,
                        "The fleet %s is up, or was interrupted (its plan was %s): shruthictl fleet down %s",
                        fleet, plan ?: "not noted", fleet);
}

int fleet_state_begin(const char *fleet, const char *plan_path, Error *ret_error)
{
        g_autofree char *absolute = g_canonicalize_filename(plan_path, NULL), *folder = state_folder(),
                        *line = g_strconcat(LINE_PLAN, absolute, "\n", NULL);
        int r;

        if (g_mkdir_with_parents(folder, 0700) < 0)
                return error_set_errno(ret_error, errno, "Cannot make the folder %s", folder);
        r = file_create(folder, fleet, line, strlen(line), 0600);
        if (r == -EEXIST)
                return state_refuse(fleet, ret_error);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s/%s", folder, fleet) : 0;
}

int fleet_state_add_network(const char *fleet, const char *network, Error *ret_error)
{
        return state_add(fleet, LINE_NETWORK, network, ret_error);
}

void fleet_state_forget_network(const char *fleet, const char *network)
{
        g_autofree char *folder = state_folder(), *path = g_build_filename(folder, fleet, NULL),
                        *text = NULL, *line = g_strconcat(LINE_NETWORK, network, "\n", NULL);
        char *found;

        if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
                return;
        found = strstr(text, line);
        if (!found)
                return;
        memmove(found, found + strlen(line), strlen(found + strlen(line)) + 1);
        (void) file_replace(folder, fleet, text, strlen(text), 0600);
}

int fleet_state_complete(const char *fleet, Error *ret_error)
{
        return state_add(fleet, LINE_COMPLETE, "", ret_error);
}

bool fleet_state_read(const char *fleet, char **ret_plan, char ***ret_networks, bool *ret_complete)
{
        g_autofree char *folder = state_folder(), *path = g_build_filename(folder, fleet, NULL),
                        *text = NULL, *plan = NULL;
        g_autoptr(GPtrArray) networks = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) lines = NULL;
        bool complete = false;

        if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
                return false;

        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++)
                if (g_str_has_prefix(*line, LINE_PLAN)) {
                        g_free(plan);
                        plan = g_strdup(*line + strlen(LINE_PLAN));
                } else if (g_str_has_prefix(*line, LINE_NETWORK))
                        g_ptr_array_add(networks, g_strdup(*line + strlen(LINE_NETWORK)));
                else if (g_str_equal(*line, LINE_COMPLETE))
                        complete = true;

        g_ptr_array_add(networks, NULL);
        *ret_plan = g_steal_pointer(&plan);
        *ret_networks = (char **) g_ptr_array_steal(networks, NULL);
        *ret_complete = complete;
        return true;
}

void fleet_state_remove(const char *fleet)
{
        g_autofree char *folder = state_folder();

        (void) file_remove(folder, fleet);
}

char **fleet_state_list(void)
{
        g_autofree char *folder = state_folder();

        return names_list(folder, NULL);
}

void fleet_found_free(gpointer data)
{
        FleetFound *found = data;

        g_free(found->name);
        g_free(found->fleet);
        g_free(found->state);
        g_free(found);
}

/* Keeps of these rows those whose definition has the mark. */
static int find_marked(Ctl *ctl, UnikernelRow **rows, guint n, const char *fleet, GPtrArray *found,
                Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        g_autoptr(JsonObject) all = NULL;
        int r;

        r = client_new_call(ctl, "ListUnikernelDetails", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(call, 'a', "s");
        for (guint i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(call, "s", rows[i]->name);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r < 0)
                return client_message_error(r, ret_error);
        r = client_send(ctl, call, &reply, ret_error);
        if (r < 0)
                return r;
        r = value_read_object(reply, &all);
        if (r < 0)
                return client_message_error(r, ret_error);

        for (guint i = 0; i < n; i++) {
                JsonObject *details = json_object_has_member(all, rows[i]->name)
                                                      ? json_object_get_object_member(all, rows[i]->name)
                                                      : NULL;
                const char *mark = details ? value_text(details, "Fleet") : "";
                g_autofree char *prefix = g_strconcat(mark, "-", NULL);
                FleetFound *one;

                if (!*mark || !g_str_has_prefix(rows[i]->name, prefix) ||
                                (fleet && !g_str_equal(mark, fleet)))
                        continue;
                one = g_new0(FleetFound, 1);
                *one = (FleetFound){.name = g_strdup(rows[i]->name),
                                .fleet = g_strdup(mark),
                                .state = g_strdup(rows[i]->state),
                                .owner = rows[i]->owner};
                g_ptr_array_add(found, one);
        }

        return 0;
}

int fleet_find_members(Ctl *ctl, const char *fleet, GPtrArray **ret_found, Error *ret_error)
{
        g_autoptr(GPtrArray) rows = NULL, candidates = g_ptr_array_new(),
                             found = g_ptr_array_new_with_free_func(fleet_found_free);
        g_autofree char *prefix = fleet ? g_strconcat(fleet, "-", NULL) : g_strdup("");
        int r;

        r = client_list(ctl, &rows, ret_error);
        if (r < 0)
                return r;
        for (guint i = 0; i < rows->len; i++) {
                UnikernelRow *row = rows->pdata[i];

                if (strchr(row->name, '-') && g_str_has_prefix(row->name, prefix) &&
                                (geteuid() == 0 || row->owner == geteuid()))
                        g_ptr_array_add(candidates, row);
        }
        for (guint i = 0; r >= 0 && i < candidates->len; i += DETAILS_MAX)
                r = find_marked(ctl, (UnikernelRow **) candidates->pdata + i,
                                MIN(candidates->len - i, DETAILS_MAX), fleet, found, ret_error);
        if (r < 0)
                return r;

        *ret_found = g_steal_pointer(&found);
        return 0;
}

/* Fleets of other owners stay, whatever their names are. Returns the owner of one that stays. */
static uid_t keep_owned(GPtrArray *found, uid_t owner)
{
        uid_t other = owner;

        for (guint i = found->len; i > 0; i--)
                if (((FleetFound *) found->pdata[i - 1])->owner != owner) {
                        other = ((FleetFound *) found->pdata[i - 1])->owner;
                        g_ptr_array_remove_index(found, i - 1);
                }

        return other;
}

static int remove_refuse(const char *fleet, uid_t owner, uid_t other, Error *ret_error)
{
        if (other != owner)
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                                "There is no fleet '%s' of yours, but one of the user %u: shruthictl fleet "
                                "down %u:%s",
                                fleet, (unsigned) other, (unsigned) other, fleet);
        if (owner != geteuid())
                return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                                "There is no fleet '%s' of the user %u: shruthictl fleet list", fleet,
                                (unsigned) owner);
        return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                        "There is no fleet '%s' of yours: shruthictl fleet list", fleet);
}

static int remove_members(Ctl *ctl, const GPtrArray *found)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new(), stopped = g_ptr_array_new();
        int r, removed;

        for (guint i = 0; i < found->len; i++)
                g_ptr_array_add(names, ((FleetFound *) found->pdata[i])->name);
        g_ptr_array_add(names, NULL);
        r = client_call_each(ctl, (char **) names->pdata, "stop", client_make_job_call,
                        (void *) "StopUnikernel", stopped);
        g_ptr_array_add(stopped, NULL);
        removed = client_call_each(ctl, (char **) stopped->pdata, "remove", client_make_job_call,
                        (void *) "RemoveUnikernel", NULL);
        return r != CTL_EXIT_SUCCESS ? r : removed;
}

/* One that is gone already is as good as one that is removed. */
static int remove_networks(Ctl *ctl, char **networks, Error *ret_error)
{
        for (char **network = networks; *network; network++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = client_call_quietly(ctl, "RemoveNetwork", NULL, &error, "s", *network);

                if (r < 0 && error.code != ERROR_NO_SUCH_NETWORK) {
                        error_prefix(&error, "Cannot remove the network %s", *network);
                        error_move(ret_error, &error);
                        return r;
                }
        }

        return 0;
}

int fleet_remove(Ctl *ctl, const char *fleet, uid_t owner, guint *ret_n, Error *ret_error)
{
        g_auto(GStrv) networks = NULL;
        g_autofree char *plan = NULL;
        bool complete = true,
             known = owner == geteuid() && fleet_state_read(fleet, &plan, &networks, &complete);
        uid_t other = owner;
        int64_t quiet_until = known && !complete ? g_get_monotonic_time() + QUIET_USEC : 0;
        guint n = 0;
        int r;

        for (;;) {
                g_autoptr(GPtrArray) found = NULL;

                r = fleet_find_members(ctl, fleet, &found, ret_error);
                if (r < 0)
                        return r;
                other = keep_owned(found, owner);
                n += found->len;
                if (found->len > 0) {
                        r = remove_members(ctl, found);
                        if (r != CTL_EXIT_SUCCESS)
                                return r;
                        if (quiet_until > 0)
                                quiet_until = g_get_monotonic_time() + QUIET_USEC;
                } else if (g_get_monotonic_time() >= quiet_until)
                        break;
                else
                        g_usleep(STEP_USEC);
        }

        if (!known && n == 0)
                return remove_refuse(fleet, owner, other, ret_error);
        if (known)
                r = remove_networks(ctl, networks, ret_error);
        if (r < 0)
                return r;
        if (known)
                fleet_state_remove(fleet);
        if (ret_n)
                *ret_n = n;
        return CTL_EXIT_SUCCESS;
}
