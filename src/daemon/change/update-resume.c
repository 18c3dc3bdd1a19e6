/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where an update continues that a former shruthid has left. */

#include <fcntl.h>
#include <systemd/sd-id128.h>

#include "common/io.h"
#include "daemon/change/update.h"

bool update_is_of_this_boot(const Update *update)
{
        char text[SD_ID128_STRING_MAX];
        sd_id128_t boot;

        return sd_id128_get_boot(&boot) >= 0 &&
               g_strcmp0(sd_id128_to_string(boot, text), update->record.boot_id) == 0;
}

bool update_was_left_behind(const Update *update, const Unikernel *unikernel)
{
        return !update->shutdown_canceled && !update_is_of_this_boot(update) &&
               !unikernel->properties.autostart && !unikernel_is_active(unikernel);
}

/* Whether the definition is that of the new generation. If it cannot be read, nothing speaks against it. */
static bool update_is_written(const Update *update)
{
        g_autofree char *path = NULL, *text = NULL;
        DefinitionOrigin origin;

        if (definition_find(update->name, &path, &origin, NULL) < 0 ||
                        file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, NULL) < 0)
                return true;

        return generation_find_current(update->name, text) == update->record.new_number;
}

/* The former shruthid was killed before it wrote the definition, or after it had restored the former one
 * without being able to record that. In the latter case it may have noted why the new one failed. */
static void update_note_unwritten(Update *update)
{
        g_autoptr(Generation) generation = NULL;

        update->former_in_force = true;
        if (generation_read(update->name, update->record.new_number, &generation, NULL) >= 0 &&
                        generation->state == GENERATION_FAILED) {
                update->failure = g_strdup(generation->reason);
                update->invocation = g_strdup(generation->invocation);
        }
        if (!update->failure)
                update->failure = g_strdup("its definition was not written");
}

/* After a boot there is no former guest beside which a twin could be tried. */
static bool update_can_try(const Update *update, const Unikernel *unikernel)
{
        return update_is_of_this_boot(update) ||
               (update->shutdown_canceled && unikernel_state_is_up(unikernel->properties.state));
}

void update_find_state(Update *update, const Unikernel *unikernel)
{
        update->was_active = !update_was_left_behind(update, unikernel);
        if (update->record.phase == UPDATE_PHASE_RETURNING)
                update->failure = g_strdup(update->record.reason ?: "it was not proven");
        else if (!update_is_written(update))
                update_note_unwritten(update);

        update->state = update->failure ? UPDATE_RETURNING
                        : update->record.phase == UPDATE_PHASE_TRYING && update_can_try(update, unikernel)
                                        ? UPDATE_TRYING
                                        : UPDATE_LOOKING;
        if (update->failure)
                update->outcome = GENERATION_FAILED;
}
