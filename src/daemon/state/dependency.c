/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Searches from the unit that was not started to the one that failed: reads the state of the units that it
 * requires, and repeats this for the first of these that was not started either. */

#include "daemon/state/dependency.h"

#include "common/log.h"
#include "common/names.h"
#include "common/unikernel-name.h"
#include "daemon/state/systemd.h"
#include "daemon/state/unikernel.h"
#include "unikernel/exit-record.h"

#define UNIT_PATH "/org/freedesktop/systemd1/unit"
#define DEPTH_MAX 8
#define UNITS_MAX 256
/* For a unikernel of which systemd has forgotten all runs. */
#define NO_INVOCATION "00000000000000000000000000000000"

typedef struct Search {
        Manager *manager;
        char *name; /* of the unikernel */
        char *unit; /* whose requirements are looked at */
        unsigned depth;
        void (*done)(void *userdata);
        void *userdata;
} Search;

/* The unit at fault; of several, the worst. */
typedef struct Culprit {
        const char *unit, *description, *load_state, *active_state;
        unsigned badness;
} Culprit;

static int search_ask(Search *search);

/* Only its owner may know why a unikernel failed. */
static const char *search_reason_of(const Search *search, const char *unit)
{
        const Unikernel *own = unikernel_get(search->manager, search->name), *other;
        g_autofree char *name = NULL;

        if (unit_name_parse(unit, &name) < 0)
                return NULL;
        other = unikernel_get(search->manager, name);
        return own && other && own->properties.owner == other->properties.owner ? other->reason : NULL;
}

static char *culprit_message(const Search *search, const Culprit *culprit)
{
        const char *reason;

        if (!culprit)
                return g_strdup_printf("a unit that it requires did not start ('systemctl list-dependencies "
                                       "unikernel@%s')",
                                search->name);

        reason = search_reason_of(search, culprit->unit);
        if (!g_str_equal(culprit->load_state, "loaded"))
                return g_strdup_printf("it requires %s, which systemd does not have (%s)", culprit->unit,
                                culprit->load_state);
        if (reason)
                return g_strdup_printf("it requires %s (%s), which is %s: %s", culprit->unit,
                                culprit->description, culprit->active_state, reason);

        return g_strdup_printf("it requires %s (%s), which is %s (see 'systemctl status %s')", culprit->unit,
                        culprit->description, culprit->active_state, culprit->unit);
}

static void search_end(Search *search, const Culprit *culprit)
{
        g_autofree char *reason = culprit_message(search, culprit);
        Unikernel *unikernel = unikernel_get(search->manager, search->name);
        const char *id = unikernel ? unikernel->status.invocation_id : NULL;
        ExitRecord exit_record = {.invocation_id = (char *) (id && id[0] ? id : NO_INVOCATION),
                        .result = RESULT_DEPENDENCY,
                        .exit_status = -1,
                        .reason = reason,
                        .error = ERROR_START_FAILED};
        int r;

        if (unikernel) {
                g_autofree char *owner = g_strdup_printf("%u", (unsigned) unikernel->properties.owner);

                r = exit_record_write(search->name, &exit_record);
                if (r < 0)
                        log_warning("Cannot write the exit record of '%s': %s", search->name,
                                        g_strerror(-r));
                log_object(LOG_ERR, &(LogObject){.unikernel = search->name, .owner = owner}, NULL, NULL,
                                "Unikernel '%s' was not started: %s", search->name, reason);
                g_clear_pointer(&unikernel->forgotten, g_free);
                (void) unikernel_refresh(unikernel);
        }
        search->done(search->userdata);
        g_free(search->name);
        g_free(search->unit);
        g_free(search);
}

static unsigned unit_badness(const char *load_state, const char *active_state)
{
        if (g_str_equal(active_state, "failed"))
                return 3;
        if (!g_str_equal(load_state, "loaded"))
                return 2;

        return g_str_equal(active_state, "inactive") ? 1 : 0;
}

static int culprit_read(sd_bus_message *reply, Culprit *ret)
{
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "ssssssouso")) > 0) {
                Culprit unit = {};

                r = sd_bus_message_read(reply, "ssss", &unit.unit, &unit.description, &unit.load_state,
                                &unit.active_state);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "ssouso");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return r;
                unit.badness = unit_badness(unit.load_state, unit.active_state);
                if (unit.badness > ret->badness)
                        *ret = unit;
        }

        return r;
}

/* A unit that is only inactive was not started because of another one, as ours. */
static int on_search_units(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Search *search = userdata;
        Culprit culprit = {};

        if (sd_bus_message_is_method_error(reply, NULL) || culprit_read(reply, &culprit) < 0 ||
                        culprit.badness == 0) {
                search_end(search, NULL);
                return 0;
        }
        if (culprit.badness == 1 && search->depth < DEPTH_MAX) {
                g_free(search->unit);
                search->unit = g_strdup(culprit.unit);
                search->depth++;
                if (search_ask(search) >= 0)
                        return 0;
        }

        search_end(search, &culprit);
        return 0;
}

static int search_read_requirements(sd_bus_message *reply, GPtrArray *units)
{
        static const char *const properties[] = {"Requires", "Requisite", "BindsTo", NULL};
        const char *key, *unit;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &key);
                if (r < 0)
                        return r;
                if (!g_strv_contains(properties, key))
                        r = sd_bus_message_skip(reply, "v");
                else {
                        r = sd_bus_message_enter_container(reply, 'v', "as");
                        if (r >= 0)
                                r = sd_bus_message_enter_container(reply, 'a', "s");
                        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &unit)) > 0)
                                if (units->len < UNITS_MAX)
                                        g_ptr_array_add(units, g_strdup(unit));
                        if (r >= 0)
                                r = sd_bus_message_exit_container(reply);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(reply);
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }

        return r;
}

static int search_ask_units(Search *search, GPtrArray *units)
{
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        g_ptr_array_add(units, NULL);
        r = sd_bus_message_new_method_call(search->manager->bus, &m, SYSTEMD_NAME, SYSTEMD_PATH,
                        SYSTEMD_MANAGER, "ListUnitsByNames");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) units->pdata);
        return r < 0 ? r : sd_bus_call_async(search->manager->bus, NULL, m, on_search_units, search, 0);
}

static int on_search_requirements(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(GPtrArray) units = g_ptr_array_new_with_free_func(g_free);
        Search *search = userdata;

        if (sd_bus_message_is_method_error(reply, NULL) || search_read_requirements(reply, units) < 0 ||
                        units->len == 0 || search_ask_units(search, units) < 0)
                search_end(search, NULL);
        return 0;
}

static int search_ask(Search *search)
{
        g_autofree char *path = NULL;
        int r;

        if (!systemd_is_reachable(search->manager))
                return -ENOTCONN;
        r = sd_bus_path_encode(UNIT_PATH, search->unit, &path);
        if (r < 0)
                return r;

        return sd_bus_call_method_async(search->manager->bus, NULL, SYSTEMD_NAME, path,
                        "org.freedesktop.DBus.Properties", "GetAll", on_search_requirements, search, "s",
                        SYSTEMD_NAME ".Unit");
}

void dependency_note(Manager *manager, const char *name, void (*done)(void *userdata), void *userdata)
{
        Search *search = g_new0(Search, 1);

        *search = (Search){.manager = manager,
                        .name = g_strdup(name),
                        .unit = unit_name_for(name),
                        .done = done,
                        .userdata = userdata};
        if (search_ask(search) < 0)
                search_end(search, NULL);
}
