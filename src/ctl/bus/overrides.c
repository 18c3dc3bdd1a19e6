/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drop-ins that override settings, and masked units. */

#include "ctl/bus/overrides.h"

#include <stdio.h>

#include "common/keyfile.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "ctl/bus/client.h"
#include "ctl/output/value.h"

/* Whether the command line sets it. setting is a setting that a drop-in overrides, "Memory" or "[Network a]
 * Address". */
static bool overrides_concern(const CommandSettings *settings, bool image, const char *setting)
{
        const struct {
                const char *start;
                bool set;
        } devices[] = {
                        {"[Network ", settings->networks},
                        {"[Volume ", settings->volumes},
                        {"[Credentials ", settings->credentials},
        };
        const Setting *row = setting_find(SECTION_UNIKERNEL, setting);
        SettingID id = row ? (SettingID) (row - setting_table) : _SETTING_INVALID;

        if (row)
                return settings->values[id] || (id == SETTING_IMAGE && image) ||
                       (id == SETTING_ARGUMENTS && settings->argument_list);
        for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
                if (devices[i].set && g_str_has_prefix(setting, devices[i].start))
                        return true;

        return false;
}

void overrides_report(Ctl *ctl, const char *name, const CommandSettings *settings, bool image)
{
        g_autoptr(JsonObject) details = NULL;
        JsonArray *overrides;

        if (client_get_object(ctl, "GetUnikernelDetails", name, false, &details, NULL) < 0)
                return;

        overrides = value_array(details, "Overrides");
        for (guint i = 0; overrides && i < json_array_get_length(overrides); i++) {
                JsonArray *override = json_array_get_array_element(overrides, i);
                g_autofree char *key = text_for_display(json_array_get_string_element(override, 0), 200),
                                *path = text_for_display(json_array_get_string_element(override, 1), 1024);

                if (overrides_concern(settings, image, json_array_get_string_element(override, 0)))
                        fprintf(stderr, "Note: %s= of %s is overridden in %s: change it there.\n", key, name,
                                        path);
        }
}

/* The first device, in the form that --network= and set accept. Free with g_free(). */
static char *overrides_network_words(JsonObject *details)
{
        JsonArray *devices = value_array(details, "Devices");

        for (guint i = 0; devices && i < json_array_get_length(devices); i++) {
                JsonObject *device = json_array_get_object_element(devices, i);
                const char *bridge = value_text(device, "Bridge"), *network = value_text(device, "Network");

                if (!g_str_equal(value_text(device, "Kind"), "network"))
                        continue;
                if (*network)
                        return g_strdup_printf("%s:network=%s,", value_text(device, "Name"), network);
                return g_strdup_printf("%s:%s%s", value_text(device, "Name"), bridge, *bridge ? "," : "");
        }
        return g_strdup("");
}

void overrides_report_blocked_addresses(Ctl *ctl, const char *name)
{
        g_autoptr(JsonObject) details = NULL;
        g_autofree char *words = NULL;
        JsonArray *blocked;

        if (client_get_object(ctl, "GetUnikernelDetails", name, false, &details, NULL) < 0)
                return;

        words = overrides_network_words(details);
        blocked = value_array(details, "BlockedAddresses");
        for (guint i = 0; blocked && i < json_array_get_length(blocked); i++) {
                const char *address = json_array_get_string_element(blocked, i);

                fprintf(stderr,
                                "Note: traffic from %s is dropped, because this address is not assigned to "
                                "%s: either use the assigned one in its arguments ('{DEVICE.address}'), or "
                                "assign this one: shruthictl set %s Network=%saddress=%s\n",
                                address, name, name, words, address);
        }
}

bool unit_is_masked(const char *name)
{
        g_autofree char *unit = unit_name_for(name);
        const char *const units[] = {unit, SHRUTHI_UNIT_PREFIX SHRUTHI_UNIT_SUFFIX};

        for (const char *const *dir = paths_link_directories(); *dir; dir++)
                for (size_t k = 0; k < G_N_ELEMENTS(units); k++) {
                        g_autofree char *path = g_build_filename(*dir, units[k], NULL);

                        if (file_is_masked(path))
                                return true;
                }

        return false;
}
