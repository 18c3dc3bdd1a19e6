/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Diagnose(): what is wrong with this host. polkit is checked here, because shruthi-domain does not use the
 * bus; shruthi-domain is told whether polkit answers, and checks the rest. */

#include "daemon/bus/diagnose.h"

#include <inttypes.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/systemd-version.h"
#include "daemon/access/call.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"
#include "daemon/state/unikernel.h"
#include "unikernel/guest-slice.h"
#include "unikernel/order.h"
#include "unikernel/slice-limits.h"

/* The bus gives polkit 25 s to start. */
#define ANSWER_USEC (60 * G_USEC_PER_SEC)

/* Descriptors that libvirtd has open per guest, and without guests. */
#define FILES_PER_GUEST 4
#define FILES_AT_REST   100

#define LIBVIRTD_PATH SYSTEMD_PATH "/unit/libvirtd_2eservice"

/* Since polkit 127 systemd starts the program that checks a password; before, that program is setuid. */
#define PASSWORDS_UNIT "polkit-agent-helper.socket"
#define PASSWORDS_PATH SYSTEMD_PATH "/unit/polkit_2dagent_2dhelper_2esocket"

typedef struct Diagnosis {
        Call *call;
        char *polkit_problem; /* NULL if none */
        uint64_t files_max;   /* of libvirtd; 0 if not known */
        bool no_passwords;    /* the unit that checks them exists, but does not listen */
} Diagnosis;

static int diagnosis_append_polkit(sd_bus_message *reply, const Diagnosis *diagnosis)
{
        g_autofree char *message = NULL;

        if (!diagnosis->polkit_problem)
                return sd_bus_message_append(reply, "(ssss)", "polkit", "ok", "polkit answers", "");

        message = g_strdup_printf("polkit does not answer; all requests except those of root are denied: %s",
                        diagnosis->polkit_problem);
        return sd_bus_message_append(reply, "(ssss)", "polkit", "failed", message,
                        "systemctl unmask polkit.service; systemctl restart polkit.service");
}

static int diagnosis_append_files(sd_bus_message *reply, const Diagnosis *diagnosis)
{
        GHashTable *unikernels = diagnosis->call->manager->unikernels;
        uint64_t needed = FILES_AT_REST, max = diagnosis->files_max;
        g_autofree char *message = NULL;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                needed += unikernel_is_active(value) ? FILES_PER_GUEST : 0;
        if (max == 0 || needed < max - max / 4)
                return 0;

        message = g_strdup_printf("libvirtd can open %" PRIu64
                                  " files (LimitNOFILE=) and needs about %" PRIu64
                                  " for the running guests; beyond that no guest can start",
                        max, needed);
        return sd_bus_message_append(reply, "(ssss)", "libvirtd-files", "warning", message,
                        "systemctl edit libvirtd.service: [Service] LimitNOFILE=65536; systemctl restart "
                        "libvirtd.service");
}

static int diagnosis_append_passwords(sd_bus_message *reply, const Diagnosis *diagnosis)
{
        if (!diagnosis->no_passwords)
                return 0;

        return sd_bus_message_append(reply, "(ssss)", "passwords", "warning",
                        PASSWORDS_UNIT " is not active, so polkit cannot check passwords; requests that "
                                       "need one are denied",
                        "systemctl unmask " PASSWORDS_UNIT "; systemctl enable --now " PASSWORDS_UNIT);
}

/* A change of a definition that makes a loop is refused, but files written by hand can contain one. */
static int diagnosis_append_loop(sd_bus_message *reply, const Diagnosis *diagnosis)
{
        g_autoptr(GPtrArray) orders = registry_collect_orders(diagnosis->call->manager, NULL);
        g_autofree char *loop = order_find_loop(orders, NULL), *message = NULL;

        if (!loop)
                return 0;

        message = g_strdup_printf(ORDER_LOOP_MESSAGE "; systemd leaves one of them out at a start", loop);
        return sd_bus_message_append(reply, "(ssss)", "order", "warning", message,
                        "take one of these names out of the definition");
}

/* Settings that this systemd does not support. */
static int diagnosis_append_restart_steps(sd_bus_message *reply, const Diagnosis *diagnosis)
{
        g_autofree char *message = NULL;
        const char *stepped = NULL;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, diagnosis->call->manager->unikernels);
        while (!stepped && g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;

                if (unikernel->loaded.definition && unikernel->loaded.definition->restart_steps)
                        stepped = unikernel->name;
        }
        if (!stepped || systemd_version() >= SYSTEMD_VERSION_RESTART_STEPS)
                return 0;

        message = g_strdup_printf("RestartSteps= and RestartMaxDelaySec=, as of '%s', are without effect: "
                                  "systemd is older than %d",
                        stepped, SYSTEMD_VERSION_RESTART_STEPS);
        return sd_bus_message_append(reply, "(ssss)", "restart-steps", "warning", message,
                        "set RestartSec= to what it is to wait each time");
}

/* Limits that systemd gets but the host does not have the means for. */
static int diagnosis_append_limits(sd_bus_message *reply, const Diagnosis *diagnosis)
{
        bool slices = guest_slice_is_available();
        g_autofree char *message = NULL;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, diagnosis->call->manager->unikernels);
        while (!message && g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;
                g_autofree char *limits = definition ? slice_limits_format(definition) : NULL;
                g_auto(GStrv) missed = NULL;

                if (!limits)
                        continue;
                missed = slice_limits_without_effect(limits, definition->path, slices);
                if (*missed)
                        message = g_strdup_printf(
                                        "Limits of '%s' are without effect: %s", unikernel->name, *missed);
        }
        if (!message)
                return 0;

        return sd_bus_message_append(reply, "(ssss)", "guest-limits", "warning", message,
                        slices ? "enable that control group controller in the kernel, or remove the limit"
                               : "see the check limits");
}

static int diagnosis_append(sd_bus_message *reply, const Diagnosis *diagnosis, const char *output)
{
        DomainKey key;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssss)");
        if (r >= 0 && !paths_are_of_user())
                r = diagnosis_append_polkit(reply, diagnosis);
        if (r >= 0)
                r = diagnosis_append_passwords(reply, diagnosis);
        if (r >= 0)
                r = diagnosis_append_files(reply, diagnosis);
        if (r >= 0)
                r = diagnosis_append_loop(reply, diagnosis);
        if (r >= 0)
                r = diagnosis_append_restart_steps(reply, diagnosis);
        if (r >= 0)
                r = diagnosis_append_limits(reply, diagnosis);
        for (char *value; r >= 0 && domain_next_key(&output, &key, &value);) {
                g_autofree char *owned_value = g_utf8_make_valid(value, -1);
                g_auto(GStrv) parts = g_strsplit(owned_value, "|", 4);

                g_free(value);
                if (key == DOMAIN_KEY_CHECK && g_strv_length(parts) == 4)
                        r = sd_bus_message_append(reply, "(ssss)", parts[0], parts[1], parts[2], parts[3]);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_diagnosis_checked(int r, Error *error, const char *output, void *userdata)
{
        g_autoptr(sd_bus_message) reply = NULL;
        Diagnosis *diagnosis = userdata;
        Manager *manager = diagnosis->call->manager;

        if (r >= 0)
                r = call_new_reply(diagnosis->call, &reply);
        if (r >= 0)
                r = diagnosis_append(reply, diagnosis, output);
        call_finish(diagnosis->call, reply, r, error);
        g_free(diagnosis->polkit_problem);
        g_free(diagnosis);

        /* shruthi-domain may have found KVM where there was none before. */
        manager_probe(manager);
}

static void diagnosis_run_checks(Diagnosis *diagnosis)
{
        libvirt_helper_run(diagnosis->call->manager->helper, diagnosis->call->uid,
                        diagnosis->polkit_problem ? "check-without-polkit" : "check", NULL,
                        on_diagnosis_checked, diagnosis);
}

typedef struct PasswordsUnit {
        const char *load, *active; /* owned by the message */
} PasswordsUnit;

static int passwords_unit_read(sd_bus_message *answer, const char *key, void *userdata, Error *ret_error)
{
        PasswordsUnit *unit = userdata;

        if (g_str_equal(key, "LoadState"))
                return sd_bus_message_read(answer, "v", "s", &unit->load);
        if (g_str_equal(key, "ActiveState"))
                return sd_bus_message_read(answer, "v", "s", &unit->active);
        return sd_bus_message_skip(answer, "v");
}

static int on_diagnosis_passwords(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
        Diagnosis *diagnosis = userdata;
        PasswordsUnit unit = {.load = "", .active = ""};

        if (!sd_bus_message_is_method_error(answer, NULL) &&
                        dictionary_read(answer, "unit", passwords_unit_read, &unit, NULL) >= 0)
                diagnosis->no_passwords =
                                !g_str_equal(unit.load, "not-found") && !g_str_equal(unit.active, "active");
        diagnosis_run_checks(diagnosis);
        return 0;
}

static int on_diagnosis_files(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
        Diagnosis *diagnosis = userdata;

        if (!sd_bus_message_is_method_error(answer, NULL))
                (void) sd_bus_message_read(answer, "v", "t", &diagnosis->files_max);
        if (sd_bus_call_method_async(diagnosis->call->manager->bus, NULL, SYSTEMD_NAME, PASSWORDS_PATH,
                            "org.freedesktop.DBus.Properties", "GetAll", on_diagnosis_passwords, diagnosis,
                            "s", "org.freedesktop.systemd1.Unit") < 0)
                diagnosis_run_checks(diagnosis);
        return 0;
}

static int on_diagnosis_polkit(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(answer);
        Diagnosis *diagnosis = userdata;

        if (error)
                diagnosis->polkit_problem = g_strdup(error->message ?: error->name);
        if (sd_bus_call_method_async(diagnosis->call->manager->bus, NULL, SYSTEMD_NAME, LIBVIRTD_PATH,
                            "org.freedesktop.DBus.Properties", "Get", on_diagnosis_files, diagnosis, "ss",
                            "org.freedesktop.systemd1.Service", "LimitNOFILE") < 0)
                diagnosis_run_checks(diagnosis);
        return 0;
}

int method_diagnose(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(sd_bus_message) query = NULL;
        Manager *manager = userdata;
        Diagnosis *diagnosis;
        Call *call;
        int r = -ENOTCONN;

        if (!call_authorize(manager, message, &(PolkitDetails){.verb = "check this host"},
                            SHRUTHI_ACTION_DIAGNOSE, &call))
                return 1;

        diagnosis = g_new0(Diagnosis, 1);
        diagnosis->call = call;
        if (paths_are_of_user()) {
                diagnosis_run_checks(diagnosis);
                return 1;
        }
        if (manager->bus)
                r = sd_bus_message_new_method_call(manager->bus, &query, POLKIT_NAME, POLKIT_PATH,
                                "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(query, "ss", POLKIT_INTERFACE, "BackendVersion");
        if (r >= 0)
                r = sd_bus_call_async(
                                manager->bus, NULL, query, on_diagnosis_polkit, diagnosis, ANSWER_USEC);
        if (r < 0) {
                diagnosis->polkit_problem = g_strdup_printf("no answer (%s)", g_strerror(-r));
                diagnosis_run_checks(diagnosis);
        }
        return 1;
}
