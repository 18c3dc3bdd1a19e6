/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removes a unikernel with its keys: both or neither, even if the power fails. First the definition is moved
 * aside, then the keys are forgotten, then the definition is deleted. */

#include "common/log.h"
#include "daemon/change/change-work-private.h"
#include "daemon/change/seal-client.h"
#include "unikernel/definition.h"
#include "unikernel/snapshot.h"

static void change_remove_snapshot(const char *name)
{
        _cleanup_error_ Error error = ERROR_INIT;

        if (snapshot_remove(name, &error) < 0 && error.code != ERROR_NO_SUCH_SNAPSHOT)
                log_object(LOG_WARNING, &(LogObject){.unikernel = name}, NULL, NULL, "%s", error.message);
}

int change_work_remove(const ChangeRequest *request, ChangeResult *result)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = definition_retire(request->name, &result->error);
        if (r < 0)
                return r;
        r = seal_forget_all(request->name, &result->error);
        if (r >= 0) {
                generations_remove(request->name);
                change_remove_snapshot(request->name);
                return definition_forget_retired(request->name, &result->error);
        }

        if (definition_restore(request->name, &error) < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = request->name}, NULL, NULL, "%s",
                                error.message);
        return r;
}

void change_finish_removals(void)
{
        g_auto(GStrv) names = definition_list_retired();

        for (char **name = names; *name; name++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = seal_forget_left(*name, &error);

                if (r >= 0) {
                        generations_remove(*name);
                        change_remove_snapshot(*name);
                        r = definition_forget_retired(*name, &error);
                }
                if (r < 0)
                        log_object(LOG_WARNING, &(LogObject){.unikernel = *name}, NULL, NULL,
                                        "Cannot complete the interrupted removal of '%s': %s", *name,
                                        error_message(&error, r));
        }
}
