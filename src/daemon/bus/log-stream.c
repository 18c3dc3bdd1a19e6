/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Open logs: children that end when their reader closes (SIGPIPE, and journalctl --follow watches its
 * output). */

#include "daemon/bus/log-stream.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel-access.h"

extern char **environ;

#define BOOT_DIGITS_MAX 6

typedef struct LogStream {
        Manager *manager;
        uid_t uid;
        sd_event_source *source;
} LogStream;

void log_options_free(LogOptions *options)
{
        if (!options)
                return;

        g_free(options->invocation);
        g_free(options->boot);
        g_free(options);
}

static int log_option_refuse(Error *ret_error, const char *key, const char *why)
{
        g_autofree char *shown = text_for_display(key, 40);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: %s", shown, why);
}

static bool invocation_is_valid(const char *id)
{
        return strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32;
}

/* As for journalctl: an ID, an offset from the last boot ("-1", "+2", "0"), or "all". */
static bool boot_is_valid(const char *boot)
{
        const char *digits = boot + (*boot == '-' || *boot == '+' ? 1 : 0);
        size_t length = strlen(digits);

        if (g_str_equal(boot, "all") || invocation_is_valid(boot))
                return true;

        return length > 0 && length <= BOOT_DIGITS_MAX && strspn(digits, "0123456789") == length;
}

static int log_option_read_boot(
                sd_bus_message *message, const char *key, LogOptions *options, Error *ret_error)
{
        const char *text;

        if (sd_bus_message_read(message, "v", "s", &text) < 0)
                return log_option_refuse(ret_error, key, "expected a value of type 's'");
        if (!boot_is_valid(text))
                return log_option_refuse(ret_error, key,
                                "must be an offset such as -1, a boot ID of 32 hexadecimal digits, or "
                                "'all'");

        g_free(options->boot);
        /* We find the current boot ourselves, see boot_search_run(). */
        options->boot = g_str_equal(text, "0") || g_str_equal(text, "-0") ? NULL : g_strdup(text);
        return 0;
}

static int log_option_read_time(sd_bus_message *message, const char *key, bool *ret_have, uint64_t *ret_usec,
                Error *ret_error)
{
        if (sd_bus_message_read(message, "v", "t", ret_usec) < 0)
                return log_option_refuse(
                                ret_error, key, "expected a value of type 't', microseconds since 1970");

        *ret_have = true;
        return 0;
}

static int log_option_read_priority(
                sd_bus_message *message, const char *key, LogOptions *options, Error *ret_error)
{
        if (sd_bus_message_read(message, "v", "u", &options->priority) < 0)
                return log_option_refuse(ret_error, key, "expected a value of type 'u'");
        if (options->priority > LOG_DEBUG)
                return log_option_refuse(ret_error, key, "must be 0 (emerg) to 7 (debug)");

        options->have_priority = true;
        return 0;
}

static int log_option_read(sd_bus_message *message, const char *key, void *userdata, Error *ret_error)
{
        LogOptions *options = userdata;
        const char *text;
        int b;

        if (g_str_equal(key, "Lines")) {
                if (sd_bus_message_read(message, "v", "u", &options->lines) < 0)
                        return log_option_refuse(ret_error, key, "expected a value of type 'u'");
                options->have_lines = true;
        } else if (g_str_equal(key, "Follow")) {
                if (sd_bus_message_read(message, "v", "b", &b) < 0)
                        return log_option_refuse(ret_error, key, "expected a value of type 'b'");
                options->follow = b;
        } else if (g_str_equal(key, "Invocation")) {
                if (sd_bus_message_read(message, "v", "s", &text) < 0)
                        return log_option_refuse(ret_error, key, "expected a value of type 's'");
                if (!invocation_is_valid(text))
                        return log_option_refuse(
                                        ret_error, key, "must be 32 hexadecimal digits in lower case");
                g_free(options->invocation);
                options->invocation = g_strdup(text);
        } else if (g_str_equal(key, "Boot"))
                return log_option_read_boot(message, key, options, ret_error);
        else if (g_str_equal(key, "Since"))
                return log_option_read_time(message, key, &options->have_since, &options->since, ret_error);
        else if (g_str_equal(key, "Until"))
                return log_option_read_time(message, key, &options->have_until, &options->until, ret_error);
        else if (g_str_equal(key, "Priority"))
                return log_option_read_priority(message, key, options, ret_error);
        else
                return log_option_refuse(ret_error, key,
                                "unknown key; known: Lines, Follow, Invocation, Boot, Since, Until, "
                                "Priority");

        return 0;
}

int log_options_read(sd_bus_message *message, LogOptions **ret_options, Error *ret_error)
{
        g_autoptr(LogOptions) options = g_new0(LogOptions, 1);
        int r;

        r = dictionary_read(message, "options", log_option_read, options, ret_error);
        if (r < 0)
                return r;
        if (options->follow && (options->boot || options->have_until))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Follow cannot be combined with Boot or Until");
        /* journalctl prints the first lines after --since=, and too few before --until= (systemd 252). */
        if (options->have_lines && (options->have_since || options->have_until))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Lines cannot be combined with Since or Until; leave Lines out, and keep "
                                "the last messages that arrive");

        *ret_options = g_steal_pointer(&options);
        return 0;
}

static void command_add(GPtrArray *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void command_add(GPtrArray *command, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        g_ptr_array_add(command, g_strdup_vprintf(format, ap));
        va_end(ap);
}

static void command_add_time(GPtrArray *command, const char *option, uint64_t usec)
{
        command_add(command, "%s=@%" G_GUINT64_FORMAT ".%06u", option, usec / G_USEC_PER_SEC,
                        (unsigned) (usec % G_USEC_PER_SEC));
}

static void command_add_boot(GPtrArray *command, const char *boot_id)
{
        if (boot_id)
                command_add(command, "_BOOT_ID=%s", boot_id);
}

static void command_add_owner(GPtrArray *command, const char *owner)
{
        if (owner)
                command_add(command, SHRUTHI_FIELD_OWNER "=%s", owner);
}

/* The same among a user's own units: what they write, what the user's manager says about them, and what
 * shruthid says, all of it as that user, who alone is to know. */
static void command_add_matches_of_user(
                GPtrArray *command, const char *name, const char *boot_id, uid_t uid, const char *invocation)
{
        g_autofree char *unit = unit_name_for(name), *twin = name_of_twin(name),
                        *twin_unit = unit_name_for(twin);
        static const struct {
                const char *unit, *invocation;
        } fields[] = {{"_SYSTEMD_USER_UNIT", "_SYSTEMD_INVOCATION_ID"}, {"USER_UNIT", "USER_INVOCATION_ID"}};

        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                if (i > 0)
                        command_add(command, "+");
                command_add_boot(command, boot_id);
                command_add(command, "_UID=%u", (unsigned) uid);
                command_add(command, "%s=%s", fields[i].unit, unit);
                command_add(command, "%s=%s", fields[i].unit, twin_unit);
                if (invocation)
                        command_add(command, "%s=%s", fields[i].invocation, invocation);
        }
        if (invocation)
                return;

        command_add(command, "+");
        command_add_boot(command, boot_id);
        command_add(command, "_UID=%u", (unsigned) uid);
        command_add(command, SHRUTHI_FIELD_UNIKERNEL "=%s", name);
}

char **log_stream_command(const char *name, const char *owner, uid_t shruthi_uid, const char *boot_id,
                const LogOptions *options)
{
        g_autoptr(GPtrArray) command = g_ptr_array_new();
        g_autofree char *unit = unit_name_for(name), *twin = name_of_twin(name),
                        *twin_unit = unit_name_for(twin);
        const char *id = options->invocation;

        /* journalctl finds the requested boot itself. */
        if (options->boot)
                boot_id = NULL;

        command_add(command, "%s", JOURNALCTL);
        command_add(command, "--output=json");
        command_add(command, "--all");
        command_add(command, "--quiet");
        command_add(command, "--no-pager");
        /* --follow implies --boot unless --merge is given, and --boot means the kernel's boot ID. */
        if (!options->boot)
                command_add(command, boot_id ? "--merge" : "--boot");
        else if (!g_str_equal(options->boot, "all"))
                command_add(command, "--boot=%s", options->boot);
        if (options->have_since)
                command_add_time(command, "--since", options->since);
        if (options->have_until)
                command_add_time(command, "--until", options->until);
        if (options->have_priority)
                command_add(command, "--priority=%u", options->priority);
        if (options->have_lines)
                command_add(command, "--lines=%u", options->lines);
        else if (options->follow)
                command_add(command, "--no-tail");
        if (options->follow)
                command_add(command, "--follow");

        if (paths_are_of_user()) {
                command_add_matches_of_user(command, name, boot_id, shruthi_uid, id);
                g_ptr_array_add(command, NULL);
                return (char **) g_ptr_array_steal(command, NULL);
        }

        /* Fields that begin with '_' are set by journald itself (systemd.journal-fields(7)). The matches
         * select what the unit's processes wrote, what PID 1 says about the unit, and what our own user says
         * about the unikernel; "+" is "or". In our units, and as our user, only our own programs write, so
         * SHRUTHI_OWNER= can be trusted too: it excludes the lines of a former owner of the name. What PID 1
         * says is not secret: it is also in our properties. The lines of its twin, which is there only
         * during a rolling update, are part of its own. */
        command_add_boot(command, boot_id);
        command_add(command, "_SYSTEMD_UNIT=%s", unit);
        command_add(command, "_SYSTEMD_UNIT=%s", twin_unit);
        command_add_owner(command, owner);
        if (id)
                command_add(command, "_SYSTEMD_INVOCATION_ID=%s", id);
        command_add(command, "+");
        command_add_boot(command, boot_id);
        command_add(command, "_PID=1");
        command_add(command, "UNIT=%s", unit);
        command_add(command, "UNIT=%s", twin_unit);
        if (id)
                command_add(command, "INVOCATION_ID=%s", id);
        if (!id) {
                command_add(command, "+");
                command_add_boot(command, boot_id);
                command_add(command, "_UID=%u", (unsigned) shruthi_uid);
                command_add(command, SHRUTHI_FIELD_UNIKERNEL "=%s", name);
                command_add_owner(command, owner);
        }
        g_ptr_array_add(command, NULL);

        return (char **) g_ptr_array_steal(command, NULL);
}

static int on_log_exit(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        LogStream *stream = userdata;
        Manager *manager = stream->manager;

        manager->logs = g_list_remove(manager->logs, stream);
        sd_event_source_unref(stream->source);
        g_free(stream);
        manager_touch(manager);
        return 0;
}

static int log_stream_check_limits(Manager *manager, uid_t uid, Error *ret_error)
{
        unsigned own = 0, all = 0;

        for (GList *l = manager->logs; l; l = l->next) {
                all++;
                if (((LogStream *) l->data)->uid == uid)
                        own++;
        }
        if (all >= LOGS_MAX || (uid != 0 && own >= LOGS_PER_USER_MAX))
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Too many open logs (%u of yours); close one first", own);

        return 0;
}

static int log_stream_spawn(char **command, int output_fd, pid_t *ret_pid)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, fatal;
        int r;

        sigemptyset(&none);
        sigemptyset(&fatal);
        sigaddset(&fatal, SIGPIPE);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
        /* We ignore SIGPIPE; the child must not, so that it ends when its reader is gone. */
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &fatal);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        r = posix_spawn(ret_pid, command[0], &actions, &attributes, command, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);

        return -r;
}

typedef struct BootSearch {
        Manager *manager;
        char *boot_id;
} BootSearch;

/* Takes the boot ID from systemd's messages about our own start, which are from this boot. The kernel's boot
 * ID does not help: in a container, journald uses a different one than a service with its own /proc can
 * see. */
static void boot_search_run(void *userdata)
{
        bool of_user = paths_are_of_user();
        g_autofree char *match = g_strconcat(of_user ? "USER_INVOCATION_ID=" : "INVOCATION_ID=",
                        g_getenv("INVOCATION_ID") ?: "none", NULL);
        BootSearch *search = userdata;
        sd_journal *journal = NULL;
        sd_id128_t boot_id;
        uint64_t usec;

        if (sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY |
                                            (of_user ? SD_JOURNAL_CURRENT_USER : SD_JOURNAL_SYSTEM)) < 0)
                return;
        if ((of_user || sd_journal_add_match(journal, "_PID=1", 0) >= 0) &&
                        sd_journal_add_match(journal, match, 0) >= 0 && sd_journal_seek_tail(journal) >= 0 &&
                        sd_journal_previous(journal) > 0 &&
                        sd_journal_get_monotonic_usec(journal, &usec, &boot_id) >= 0) {
                char text[SD_ID128_STRING_MAX];

                search->boot_id = g_strdup(sd_id128_to_string(boot_id, text));
        }
        sd_journal_close(journal);
}

static void boot_search_done(void *userdata)
{
        BootSearch *search = userdata;

        if (search->boot_id && !search->manager->boot_id)
                search->manager->boot_id = g_steal_pointer(&search->boot_id);
        g_free(search->boot_id);
        g_free(search);
}

void log_stream_find_boot(Manager *manager)
{
        BootSearch *search = g_new0(BootSearch, 1);

        search->manager = manager;
        worker_run(manager->loader, 0, NULL, boot_search_run, boot_search_done, search);
}

int log_stream_open(Manager *manager, const char *name, uid_t owner, uid_t uid, const LogOptions *options,
                int *ret_fd, Error *ret_error)
{
        g_autofree char *owner_text = uid == 0 ? NULL : g_strdup_printf("%u", (unsigned) owner);
        g_auto(GStrv) command = log_stream_command(name, owner_text, getuid(), manager->boot_id, options);
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        LogStream *stream;
        int fds[2], r;
        pid_t pid;

        r = log_stream_check_limits(manager, uid, ret_error);
        if (r < 0)
                return r;
        if (!manager->boot_id)
                log_stream_find_boot(manager);
        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_set_errno(ret_error, errno, "Cannot create a pipe");
        read_fd = fds[0];
        write_fd = fds[1];
        r = log_stream_spawn(command, write_fd, &pid);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot run %s", command[0]);

        stream = g_new0(LogStream, 1);
        *stream = (LogStream){.manager = manager, .uid = uid};
        r = sd_event_add_child(manager->event, &stream->source, pid, WEXITED, on_log_exit, stream);
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                (void) waitpid(pid, NULL, 0);
                g_free(stream);
                return error_set_errno(ret_error, r, "Cannot watch %s", command[0]);
        }
        manager->logs = g_list_prepend(manager->logs, stream);

        *ret_fd = TAKE_FD(read_fd);
        return 0;
}

int unikernel_method_open_log(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(LogOptions) options = NULL;
        _cleanup_close_ int fd = -EBADF;
        Unikernel *unikernel = userdata;
        Call *call;
        int r;

        r = log_options_read(message, &options, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_LOG, "read the log of", &call))
                return 1;

        r = log_stream_open(unikernel->manager, unikernel->name, unikernel->properties.owner, call->uid,
                        options, &fd, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                call_reply(call, "h", fd);
        return 1;
}
