/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* doctor: what shruthid finds on the host, in its own sandbox as its own user, and what can be checked from
 * here: whether it can be reached at all, and what the caller may do. */

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "common/names.h"
#include "common/paths.h"
#include "config.h"
#include "ctl/bus/client.h"
#include "ctl/bus/core-files.h"
#include "ctl/output/format.h"
#include "ctl/output/table.h"

typedef struct DoctorReport {
        Ctl *ctl;
        JsonArray *checks;
        bool failed;
} DoctorReport;

static void doctor_add_check(DoctorReport *report, const char *check, const char *status,
                const char *message, const char *fix)
{
        JsonObject *object = json_object_new();

        json_object_set_string_member(object, "Check", check);
        json_object_set_string_member(object, "Status", status);
        json_object_set_string_member(object, "Message", message);
        json_object_set_string_member(object, "Fix", fix);
        json_array_add_object_element(report->checks, object);

        if (g_str_equal(status, "failed"))
                report->failed = true;
}

/* Escapes all untrusted text for the terminal. */
static void doctor_print_check(JsonArray *array, guint index, JsonNode *element, void *userdata)
{
        JsonObject *object = json_node_get_object(element);
        const char *status = json_object_get_string_member(object, "Status");
        bool ok = g_str_equal(status, "ok"), warning = g_str_equal(status, "warning");
        Color color = ok ? COLOR_GREEN : warning ? COLOR_YELLOW : COLOR_RED;
        g_autofree char *message = lines_for_display(json_object_get_string_member(object, "Message"));
        g_autofree char *fix = lines_for_display(json_object_get_string_member(object, "Fix"));
        g_autofree char *check = lines_for_display(json_object_get_string_member(object, "Check"));

        printf("%s%-8s%s%s%s%s: %s\n", color_on(color),
                        ok        ? "ok"
                        : warning ? "warning"
                                  : "failed",
                        color_off(color), color_on(COLOR_BOLD), check, color_off(COLOR_BOLD), message);
        if (*fix)
                printf("        to fix it: %s\n", fix);
}

static int doctor_ask_shruthid(DoctorReport *report, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *check, *status, *message, *fix;
        int r;

        r = client_call(report->ctl, "Diagnose", &reply, ret_error, NULL);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssss)", &check, &status, &message, &fix)) > 0)
                doctor_add_check(report, check, status, message, fix);

        return r < 0 ? client_message_error(r, ret_error) : 0;
}

static bool caller_is_in(const char *name)
{
        gid_t groups[256];
        struct group *group = getgrnam(name);
        int n = getgroups(G_N_ELEMENTS(groups), groups);

        if (!group)
                return false;
        if (getegid() == group->gr_gid)
                return true;
        for (int i = 0; i < n; i++)
                if (groups[i] == group->gr_gid)
                        return true;

        return false;
}

static void doctor_check_caller(DoctorReport *report)
{
        g_autofree char *user = format_user(geteuid()), *fix = NULL;

        if (geteuid() == 0)
                return;
        if (caller_is_in(SHRUTHI_USERS_GROUP)) {
                doctor_add_check(report, "user", "ok",
                                "You are in group " SHRUTHI_USERS_GROUP ": you may create and manage "
                                "unikernels of your own.",
                                "");
                return;
        }

        fix = g_strdup_printf("adduser %s " SHRUTHI_USERS_GROUP " (as root; takes effect at the next login)",
                        user);
        doctor_add_check(report, "user", "warning",
                        "You are not in group " SHRUTHI_USERS_GROUP
                        ": changes require an administrator's password.",
                        fix);
}

/* Checks running unikernels with keys: without any, there is nothing to dump. */
static void doctor_check_core_files(DoctorReport *report)
{
        g_autofree char *names = NULL, *message = NULL;
        struct passwd *qemu = getpwnam(SHRUTHI_QEMU_USER);
        bool any;

        if (!qemu)
                return;
        names = core_files_find("/proc", qemu->pw_uid, &any);
        if (!names) {
                if (any)
                        doctor_add_check(report, "core-files", "ok",
                                        "QEMU writes no core files of guests that have keys.", "");
                return;
        }

        message = g_strdup_printf(
                        "If QEMU crashes, it may write a core file of guests that have keys: %s. It does "
                        "not contain their memory, but may contain what QEMU has just read for them.",
                        names);
        doctor_add_check(report, "core-files", "warning", message,
                        "write max_core = 0 into /etc/libvirt/qemu.conf and restart libvirtd (or "
                        "virtqemud); it takes effect at the next start of each guest");
}

static void doctor_check_reach(DoctorReport *report)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = client_connect(report->ctl, &error);
        if (r < 0) {
                doctor_add_check(report, "bus", "failed", error_message(&error, r),
                                paths_are_of_user() ? "systemctl --user start dbus.socket"
                                                    : "systemctl start dbus.socket shruthid.socket");
                return;
        }
        if (report->ctl->bus_private)
                doctor_add_check(report, "bus", "warning",
                                "The system bus is not available; using shruthid's private socket, which "
                                "serves only root.",
                                "systemctl start dbus.socket");
        else
                doctor_add_check(report, "bus", "ok",
                                paths_are_of_user() ? "The bus of your session can be reached."
                                                    : "The system bus can be reached.",
                                "");

        r = doctor_ask_shruthid(report, &error);
        if (r < 0) {
                bool refused = error.code == ERROR_ACCESS_DENIED ||
                               error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;

                /* A refusal also shows that it answers. */
                if (refused)
                        doctor_add_check(report, "shruthid", "ok",
                                        "shruthid answers. Only administrators see what it finds on this "
                                        "host: sudo shruthictl doctor",
                                        "");
                else
                        doctor_add_check(report, "shruthid", "failed", error_message(&error, r),
                                        paths_are_of_user() ? "journalctl --user -b -u shruthid.service"
                                                            : "journalctl -b -u shruthid.service");
        }
}

int verb_doctor(Ctl *ctl, char **operands, Error *ret_error)
{
        g_autoptr(JsonArray) checks = json_array_new();
        DoctorReport report = {.ctl = ctl, .checks = checks};

        doctor_check_reach(&report);
        if (!paths_are_of_user()) {
                doctor_check_caller(&report);
                doctor_check_core_files(&report);
        }

        if (ctl->options.json != JSON_OFF) {
                g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), checks);

                json_print(&ctl->options, node);
        } else
                json_array_foreach_element(checks, doctor_print_check, NULL);

        return report.failed ? CTL_EXIT_FAILURE : CTL_EXIT_SUCCESS;
}
