/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection, single calls, and error messages for the user. */

#include "ctl/bus/client.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "ctl/bus/agent.h"
#include "ctl/bus/namespaces.h"
#include "ctl/output/value.h"

#define PRIVATE_SOCKET "private"

void message_unref_pointer(sd_bus_message **message)
{
        *message = sd_bus_message_unref(*message);
}

static int client_connect_private(sd_bus **ret_bus)
{
        g_autofree char *address = g_strconcat("unix:path=", paths_runtime_dir(), "/" PRIVATE_SOCKET, NULL);
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_new(&bus);
        if (r < 0)
                return r;

        r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                sd_bus_unref(bus);
                return r;
        }

        *ret_bus = bus;
        return 0;
}

static int client_connect_user(Ctl *ctl, Error *ret_error)
{
        int r = sd_bus_open_user_with_description(&ctl->bus, "shruthictl");

        return r >= 0 ? 0
                      : error_set_errno(ret_error, r,
                                        "Cannot connect to your session's bus: log in, or use 'machinectl "
                                        "shell USER@' or ssh, rather than su or sudo; for unikernels that "
                                        "run without a login, 'loginctl enable-linger USER'; there must be "
                                        "a bus at $XDG_RUNTIME_DIR/bus (in Debian: package "
                                        "dbus-user-session)");
}

int client_connect(Ctl *ctl, Error *ret_error)
{
        int r, private_r;

        if (ctl->bus)
                return 0;

        if (paths_are_of_user())
                return client_connect_user(ctl, ret_error);
        r = sd_bus_open_system_with_description(&ctl->bus, "shruthictl");
        if (r >= 0)
                return 0;
        if (geteuid() != 0)
                return error_set_errno(
                                ret_error, r, "Cannot connect to the system bus (root does not need it)");

        private_r = client_connect_private(&ctl->bus);
        if (private_r < 0) {
                (void) error_set(ret_error, ERROR_FAILED,
                                "Cannot connect to the system bus (%s), nor to %s/" PRIVATE_SOCKET
                                " (%s): systemctl start shruthid.socket",
                                g_strerror(-r), paths_runtime_dir(), g_strerror(-private_r));
                return private_r;
        }

        ctl->bus_private = true;
        return 0;
}

int client_message_error(int r, Error *ret_error)
{
        return error_set_errno(ret_error, r, "Cannot call shruthid or read its reply");
}

static int client_start_error(const char *message, Error *ret_error)
{
        g_autofree char *refusal = paths_are_of_user() ? namespaces_find_refusal() : NULL;

        if (refusal)
                return error_set(ret_error, ERROR_NOT_SUPPORTED, "shruthid could not be started: %s",
                                refusal);
        return error_set(ret_error, ERROR_FAILED,
                        "shruthid is not running and could not be started (%s): systemctl %sstatus "
                        "shruthid.service",
                        message, paths_are_of_user() ? "--user " : "");
}

int client_reply_error(const sd_bus_error *e, int r, Error *ret_error)
{
        ErrorCode code = error_code_from_bus_name(e->name);
        const char *message = e->message ?: g_strerror(abs(r));

        if ((int) code >= 0)
                return error_set(ret_error, code, "%s", message);

        /* The bus gives a service 25 s to start (dbus-daemon(1), service_start_timeout); our own errors have
         * other names. */
        if (sd_bus_error_has_names(e, SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER,
                            "org.freedesktop.DBus.Error.TimedOut") ||
                        g_str_has_prefix(e->name ?: "", "org.freedesktop.DBus.Error.Spawn.") ||
                        g_str_has_prefix(e->name ?: "", "org.freedesktop.systemd1."))
                return client_start_error(message, ret_error);
        /* The first of sd_bus_call(), the second of sd_bus_call_async(), in which NoReply alone is what the
         * bus says of a service that has left. */
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_TIMEOUT) ||
                        (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY) &&
                                        g_strcmp0(e->message, "Method call timed out") == 0))
                return error_set(ret_error, ERROR_TIMED_OUT,
                                "shruthid does not answer: systemctl %sstatus shruthid.service",
                                paths_are_of_user() ? "--user " : "");
        if (sd_bus_error_has_names(e, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED) || r == -ECONNRESET)
                return error_set(ret_error, ERROR_FAILED,
                                "shruthid exited before it replied. Operations already begun continue: "
                                "shruthictl list");
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The running shruthid does not support this: %s. It may be an older "
                                "version: systemctl %srestart shruthid.service",
                                message, paths_are_of_user() ? "--user " : "");

        return error_set(ret_error, ERROR_FAILED, "%s", message);
}

int client_new_call(Ctl *ctl, const char *member, sd_bus_message **ret_call, Error *ret_error)
{
        int r;

        r = client_connect(ctl, ret_error);
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_call(ctl->bus, ret_call, SHRUTHI_BUS_NAME, SHRUTHI_OBJECT_PATH,
                        SHRUTHI_INTERFACE_MANAGER, member);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

static int call_attempt(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(ctl->bus, call, ctl->call_timeout ?: UINT64_MAX, &e, ret_reply);
        if (r < 0)
                r = client_reply_error(&e, r, ret_error);

        sd_bus_error_free(&e);
        return r < 0 ? r : 0;
}

/* Makes a copy that can be sent again, and that lets polkit ask for a password. */
static int call_repeat(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_call)
{
        _cleanup_message_ sd_bus_message *copy = NULL;
        int r;

        r = sd_bus_message_new_method_call(ctl->bus, &copy, sd_bus_message_get_destination(call),
                        sd_bus_message_get_path(call), sd_bus_message_get_interface(call),
                        sd_bus_message_get_member(call));
        if (r >= 0)
                r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = sd_bus_message_copy(copy, call, true);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(copy, true);
        if (r < 0)
                return r;

        *ret_call = g_steal_pointer(&copy);
        return 0;
}

int client_send_interactively(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *again = NULL;
        int r;

        agent_open(&ctl->options);
        r = call_repeat(ctl, call, &again);
        if (r < 0)
                return client_message_error(r, ret_error);

        return call_attempt(ctl, again, ret_reply, ret_error);
}

int client_send(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = call_attempt(ctl, call, ret_reply, &error);
        if (r < 0 && error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED && !ctl->options.no_ask_password)
                return client_send_interactively(ctl, call, ret_reply, ret_error);
        if (r < 0)
                error_move(ret_error, &error);

        return r;
}

typedef int (*ClientSender)(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error);

static int client_callv(Ctl *ctl, ClientSender send, const char *member, sd_bus_message **ret_reply,
                Error *ret_error, const char *types, va_list ap)
{
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = client_new_call(ctl, member, &call, ret_error);
        if (r < 0)
                return r;
        if (types) {
                r = sd_bus_message_appendv(call, types, ap);
                if (r < 0)
                        return client_message_error(r, ret_error);
        }

        return send(ctl, call, ret_reply, ret_error);
}

int client_call(Ctl *ctl, const char *member, sd_bus_message **ret_reply, Error *ret_error,
                const char *types, ...)
{
        va_list ap;
        int r;

        va_start(ap, types);
        r = client_callv(ctl, client_send, member, ret_reply, ret_error, types, ap);
        va_end(ap);

        return r;
}

int client_call_quietly(Ctl *ctl, const char *member, sd_bus_message **ret_reply, Error *ret_error,
                const char *types, ...)
{
        va_list ap;
        int r;

        va_start(ap, types);
        r = client_callv(ctl, call_attempt, member, ret_reply, ret_error, types, ap);
        va_end(ap);

        return r;
}

int client_read_text(sd_bus_message *reply, char **ret_text, Error *ret_error)
{
        const char *text;
        int r = sd_bus_message_read(reply, "s", &text);

        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_text = g_strdup(text);
        return 0;
}

int client_get_text(Ctl *ctl, const char *member, const char *name, char **ret_text, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = client_call(ctl, member, &reply, ret_error, "s", name);
        return r < 0 ? r : client_read_text(reply, ret_text, ret_error);
}

int client_get_object(Ctl *ctl, const char *member, const char *name, bool interactive,
                JsonObject **ret_object, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = (interactive ? client_call : client_call_quietly)(ctl, member, &reply, ret_error, "s", name);
        if (r < 0)
                return r;

        r = value_read_object(reply, ret_object);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

int client_read_fd(sd_bus_message *reply, int *ret_fd, Error *ret_error)
{
        int r, fd;

        r = sd_bus_message_read(reply, "h", &fd);
        if (r >= 0) {
                fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
                r = fd < 0 ? -errno : 0;
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_fd = fd;
        return 0;
}

int client_refuse_name(const char *name, Error *ret_error)
{
        return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL, "There is no unikernel '%s'", name);
}

static void unikernel_row_free(gpointer data)
{
        UnikernelRow *row = data;

        g_free(row->name);
        g_free(row->state);
        g_free(row->unit);
        g_free(row->result);
        g_free(row->path);
        g_free(row);
}

int client_list(Ctl *ctl, GPtrArray **ret_rows, Error *ret_error)
{
        g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(unikernel_row_free);
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *name, *state, *unit, *result, *path;
        uint32_t owner;
        int r;

        r = client_call(ctl, "ListUnikernels", &reply, ret_error, NULL);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssusso)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssusso)", &name, &state, &owner, &unit, &result,
                                          &path)) > 0) {
                UnikernelRow *row = g_new0(UnikernelRow, 1);

                *row = (UnikernelRow){
                                .name = g_strdup(name),
                                .state = g_strdup(state),
                                .unit = g_strdup(unit),
                                .result = g_strdup(result),
                                .path = g_strdup(path),
                                .owner = owner,
                };
                g_ptr_array_add(rows, row);
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_rows = g_steal_pointer(&rows);
        return 0;
}

bool name_is_pattern(const char *text)
{
        return strpbrk(text, "*?[") != NULL;
}

bool name_matches(const char *name, char *const *patterns)
{
        for (char *const *pattern = patterns; *pattern; pattern++)
                if (fnmatch(*pattern, name, FNM_NOESCAPE) == 0)
                        return true;

        return !patterns[0];
}

bool operands_are_single(char **operands)
{
        return !operands[0] || (!operands[1] && !name_is_pattern(operands[0]));
}

/* "unikernel@NAME.service" is accepted too, because systemctl and the journal show it. */
static int client_expand_name(const char *text, GPtrArray *names, Error *ret_error)
{
        g_autofree char *name = NULL;
        int r;

        if (unit_name_parse(text, &name) < 0)
                name = g_strdup(text);
        r = name_check(name, ret_error);
        if (r < 0)
                return r;

        if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                g_ptr_array_add(names, g_steal_pointer(&name));
        return 0;
}

static int client_expand_pattern(
                const char *pattern, const GPtrArray *rows, GPtrArray *names, Error *ret_error)
{
        g_autofree char *shown = NULL;
        bool found = false;

        for (guint i = 0; i < rows->len; i++) {
                const UnikernelRow *row = rows->pdata[i];

                if (fnmatch(pattern, row->name, FNM_NOESCAPE) != 0)
                        continue;
                found = true;
                if (!g_ptr_array_find_with_equal_func(names, row->name, g_str_equal, NULL))
                        g_ptr_array_add(names, g_strdup(row->name));
        }
        if (found)
                return 0;

        shown = text_for_display(pattern, 80);
        return error_set(ret_error, ERROR_NO_SUCH_UNIKERNEL,
                        "No unikernel matches '%s'; shruthictl list shows all.", shown);
}

int client_expand(Ctl *ctl, char **patterns, char ***ret_names, Error *ret_error)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), rows = NULL;
        int r;

        for (char **pattern = patterns; *pattern; pattern++) {
                if (!name_is_pattern(*pattern))
                        r = client_expand_name(*pattern, names, ret_error);
                else {
                        r = rows ? 0 : client_list(ctl, &rows, ret_error);
                        if (r >= 0)
                                r = client_expand_pattern(*pattern, rows, names, ret_error);
                }
                if (r < 0)
                        return r;
        }

        g_ptr_array_add(names, NULL);
        *ret_names = (char **) g_ptr_array_steal(names, NULL);
        return 0;
}

int client_get_properties(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *found = NULL, *call = NULL, *reply = NULL;
        const char *path = SHRUTHI_OBJECT_PATH;
        int r;

        r = client_connect(ctl, ret_error);
        if (r < 0)
                return r;
        if (name) {
                r = client_call(ctl, "GetUnikernel", &found, ret_error, "s", name);
                if (r < 0)
                        return r;
                r = sd_bus_message_read(found, "o", &path);
                if (r < 0)
                        return client_message_error(r, ret_error);
        }

        r = sd_bus_message_new_method_call(ctl->bus, &call, SHRUTHI_BUS_NAME, path,
                        "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(
                                call, "s", name ? SHRUTHI_INTERFACE_UNIKERNEL : SHRUTHI_INTERFACE_MANAGER);
        if (r < 0)
                return client_message_error(r, ret_error);
        r = client_send(ctl, call, &reply, ret_error);
        if (r < 0)
                return r;

        r = value_read_object(reply, ret_properties);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}
