/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file of a fleet. */

#include "ctl/fleet/state.h"

#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define FILE_MAX      (64 * 1024)
#define LINE_PLAN     "plan "
#define LINE_NETWORK  "network "
#define LINE_COMPLETE "complete"

/* Root has one, whatever HOME the caller of sudo has left to it. */
static char *state_folder(void)
{
        const struct passwd *root = geteuid() == 0 ? getpwuid(0) : NULL;
        g_autofree char *of_root = root ? g_build_filename(root->pw_dir, ".local", "state", NULL) : NULL;

        return g_build_filename(of_root ?: g_get_user_state_dir(), "shruthi", "fleets", NULL);
}

/* What another user could write there would decide what is removed. */
static int state_check_folder(const char *folder, Error *ret_error)
{
        struct stat st;

        if (lstat(folder, &st) < 0)
                return errno == ENOENT ? 0 : error_set_errno(ret_error, errno, "Cannot open %s", folder);
        if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "%s, where shruthictl notes your fleets, is no folder that only you can "
                                "write to: set XDG_STATE_HOME or HOME to yours, or mend its owner and mode",
                                folder);

        return 0;
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
        if (strlen(whole) > FILE_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "%s would be larger than 64 KiB: write fewer networks in the plan", path);
        r = file_replace(folder, fleet, whole, strlen(whole), 0600);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s", path) : 0;
}

static int state_refuse(const char *fleet, Error *ret_error)
{
        g_auto(GStrv) networks = NULL;
        g_autofree char *plan = NULL;
        bool complete;

        if (fleet_state_read(fleet, &plan, &networks, &complete, ret_error) < 0)
                return -EIO;
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
        r = state_check_folder(folder, ret_error);
        if (r < 0)
                return r;
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

int fleet_state_read(const char *fleet, char **ret_plan, char ***ret_networks, bool *ret_complete,
                Error *ret_error)
{
        g_autofree char *folder = state_folder(), *path = g_build_filename(folder, fleet, NULL),
                        *text = NULL, *plan = NULL;
        g_autoptr(GPtrArray) networks = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) lines = NULL;
        bool complete = false;
        int r;

        r = state_check_folder(folder, ret_error);
        if (r < 0)
                return r;
        r = file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read %s", path);

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
        return 1;
}

void fleet_state_remove(const char *fleet)
{
        g_autofree char *folder = state_folder();

        (void) file_remove(folder, fleet);
}

char **fleet_state_list(void)
{
        g_autofree char *folder = state_folder();
        char **names = state_check_folder(folder, NULL) < 0 ? NULL : names_list(folder, NULL);

        return names ?: g_new0(char *, 1);
}
