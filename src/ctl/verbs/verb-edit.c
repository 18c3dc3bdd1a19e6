/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* edit: opens the definition in an editor, and sends it back to shruthid, which checks it. */

#include <stdio.h>
#include <string.h>

#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/bus/needs-restart.h"
#include "ctl/cli/error-context.h"
#include "ctl/input/editor.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"

/* Definitions in /etc belong to administrators; this is reported before the editor opens. */
static int edit_check_origin(Ctl *ctl, const char *name, JsonObject **ret_details, Error *ret_error)
{
        g_autoptr(JsonObject) details = NULL;
        g_autofree char *path = NULL;
        int r;

        r = client_get_object(ctl, "GetUnikernelDetails", name, true, &details, ret_error);
        if (r < 0)
                return r;

        if (g_str_equal(value_text(details, "Origin"), "config")) {
                path = text_for_display(value_text(details, "DefinitionPath"), 1024);
                return error_set(ret_error, ERROR_NOT_MANAGED,
                                "The definition was written by an administrator: change it with sudoedit "
                                "%s; it is read again at the next start.",
                                path);
        }

        *ret_details = g_steal_pointer(&details);
        return 0;
}

/* Somebody else may have changed it while the editor was open; their change must not be lost silently. */
static int edit_set_definition(
                Ctl *ctl, const char *name, const char *before, const char *text, Error *ret_error)
{
        g_autofree char *now = NULL;
        int r;

        r = client_get_text(ctl, "GetUnikernelDefinition", name, &now, ret_error);
        if (r < 0)
                return r;
        if (!g_str_equal(now, before))
                return error_set(ret_error, ERROR_BUSY, "Someone else has changed it in the meantime.");

        return client_call(ctl, "SetUnikernelDefinition", NULL, ret_error, "ss", name, text);
}

/* Errors in the text itself, which the user can fix in the editor. */
static bool edit_is_fault_of_text(ErrorCode code)
{
        switch (code) {
        case ERROR_INVALID_ARGS:
        case ERROR_INVALID_DEFINITION:
        case ERROR_DEVICE_MISMATCH:
        case ERROR_NO_SUCH_NETWORK:
        case ERROR_NO_SUCH_VOLUME:
        case ERROR_NETWORK_NOT_ALLOWED:
        case ERROR_PATH_NOT_ALLOWED:
        case ERROR_NO_SUCH_IMAGE:
        case ERROR_INVALID_IMAGE:
        case ERROR_UNSUPPORTED_IMAGE:
        case ERROR_LIMIT_EXCEEDED:
        case ERROR_ACCESS_DENIED:
                return true;
        default:
                return false;
        }
}

static void edit_report_result(Ctl *ctl, const char *name, JsonObject *details)
{
        if (ctl->options.quiet)
                return;

        if (g_str_equal(value_text(details, "Origin"), "vendor")) {
                g_autofree char *path = text_for_display(value_text(details, "DefinitionPath"), 1024);

                printf("Copied from %s, which it now replaces; shruthictl remove %s restores that.\n", path,
                                name);
        }
        if (!needs_restart_report(ctl, name))
                printf("Changed %s.\n", name);
}

static int edit_definition(Ctl *ctl, const char *name, Error *ret_error)
{
        _cleanup_editor_ EditorFile file = EDITOR_FILE_INIT;
        g_autoptr(JsonObject) details = NULL;
        g_autofree char *before = NULL;
        int r;

        r = edit_check_origin(ctl, name, &details, ret_error);
        if (r >= 0)
                r = client_get_text(ctl, "GetUnikernelDefinition", name, &before, ret_error);
        if (r >= 0)
                r = editor_file_create(&file, name, before, ret_error);
        if (r < 0)
                return r;

        for (;;) {
                g_autofree char *text = NULL;
                _cleanup_error_ Error error = ERROR_INIT;

                r = editor_file_edit(&file, &text, ret_error);
                if (r < 0)
                        return r;
                if (g_str_equal(text, before)) {
                        if (!ctl->options.quiet)
                                printf("%s is unchanged.\n", name);
                        return 0;
                }

                r = edit_set_definition(ctl, name, before, text, &error);
                if (r >= 0) {
                        edit_report_result(ctl, name, details);
                        return 0;
                }
                if (edit_is_fault_of_text(error.code) && editor_can_ask()) {
                        terminal_print_error(&error, r);
                        if (editor_ask_again())
                                continue;
                        return error_set(ret_error, ERROR_CANCELED, "Nothing was changed.");
                }

                error_move(ret_error, &error);
                editor_file_keep(&file, ret_error);
                return r;
        }
}

int verb_edit(Ctl *ctl, char **operands, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        if (r < 0)
                return r;

        for (char **name = names; *name; name++) {
                r = edit_definition(ctl, *name, ret_error);
                if (r < 0) {
                        error_cannot(ret_error, "edit %s", *name);
                        return r;
                }
        }

        return CTL_EXIT_SUCCESS;
}
