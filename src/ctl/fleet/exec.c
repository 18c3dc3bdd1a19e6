/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs for members. */

#include "ctl/fleet/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

#define CHUNK      (64 * 1024)
#define SHOWN_MAX  (64 * 1024) /* a longer one is shown in parts */
#define KEEP_MAX   (1024 * 1024)
#define GRACE_USEC (2 * 1000 * 1000) /* between SIGTERM and SIGKILL */
#define STEP_MS    20

static volatile sig_atomic_t caught;

/* One that runs. */
typedef struct Running {
        FleetExec *exec;
        FleetCommand *command;
        pid_t pid;
        int fds[2];            /* standard output and error; -EBADF: closed */
        GString *parts[2];     /* of a line that has not ended */
        int64_t began, killed; /* killed: when SIGTERM was sent, 0: not */
} Running;

void fleet_command_free(gpointer data)
{
        FleetCommand *command = data;

        g_strfreev(command->words);
        g_strfreev(command->environment);
        g_free(command->problem);
        if (command->output)
                g_string_free(command->output, TRUE);
        if (command->errors)
                g_string_free(command->errors, TRUE);
        g_free(command);
}

bool fleet_command_succeeded(const FleetCommand *command)
{
        return command->status >= 0 && !command->timed_out && WIFEXITED(command->status) &&
               WEXITSTATUS(command->status) == 0;
}

char *fleet_command_outcome(const FleetCommand *command)
{
        if (command->status < 0)
                return g_strconcat("not run: ", command->problem ?: "interrupted", NULL);
        if (command->timed_out)
                return g_strdup("took too long");
        if (WIFSIGNALED(command->status))
                return g_strdup_printf("signal %d", WTERMSIG(command->status));
        return g_strdup_printf("exit status %d", WEXITSTATUS(command->status));
}

/* --- fields --- */

/* The group and the number in a name "FLEET-GROUP-INDEX". */
static void member_place(const FleetFound *member, char **ret_group, char **ret_index)
{
        const char *rest = member->name + strlen(member->fleet) + 1, *hyphen = strrchr(rest, '-');

        *ret_group = hyphen ? g_strndup(rest, (size_t) (hyphen - rest)) : g_strdup("");
        *ret_index = g_strdup(hyphen ? hyphen + 1 : rest);
}

/* "10.0.0.2/24 fd00::2/64": of the family, with or without the length of its prefix. NULL: there is none. */
static char *address_of(const char *addresses, bool v6, bool prefix)
{
        g_auto(GStrv) words = g_strsplit(addresses, " ", -1);

        for (char **word = words; *word; word++) {
                char *slash = strchr(*word, '/');

                if (!**word || (strchr(*word, ':') != NULL) != v6)
                        continue;
                if (slash && !prefix)
                        *slash = '\0';
                return g_strdup(*word);
        }

        return NULL;
}

/* "DEVICE.ip" and so on. Returns NULL if it is none, or has no such address. */
static char *field_of_device(const FleetFound *member, const char *field)
{
        static const struct {
                const char *suffix;
                bool v6, prefix;
        } kinds[] = {{".ip", false, false}, {".ip6", true, false}, {".address", false, true},
                        {".address6", true, true}};

        for (guint i = 0; i + 1 < member->devices->len; i += 2)
                for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
                        g_autofree char *name =
                                        g_strconcat(member->devices->pdata[i], kinds[k].suffix, NULL);

                        if (g_str_equal(name, field))
                                return address_of(
                                                member->devices->pdata[i + 1], kinds[k].v6, kinds[k].prefix);
                }

        return NULL;
}

static char *field_value(const FleetFound *member, guint count, const char *field)
{
        g_autofree char *group = NULL, *index = NULL;

        member_place(member, &group, &index);
        if (g_str_equal(field, "name"))
                return g_strdup(member->name);
        if (g_str_equal(field, "fleet"))
                return g_strdup(member->fleet);
        if (g_str_equal(field, "group"))
                return g_steal_pointer(&group);
        if (g_str_equal(field, "index"))
                return g_steal_pointer(&index);
        if (g_str_equal(field, "count"))
                return g_strdup_printf("%u", count);
        if (g_str_equal(field, "state"))
                return g_strdup(member->state);
        return field_of_device(member, field);
}

static int field_refuse(const FleetFound *member, const char *field, Error *ret_error)
{
        g_autoptr(GString) devices = g_string_new(NULL);
        g_autofree char *shown = text_for_display(field, 60);

        for (guint i = 0; i + 1 < member->devices->len; i += 2)
                g_string_append_printf(devices, ", {%s.ip}", (char *) member->devices->pdata[i]);
        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "{%s} is no field of %s: there are {name}, {fleet}, {group}, {index}, {count}, "
                        "{state}%s "
                        "and, with an address of that kind, .ip6, .address and .address6; write {{ for a "
                        "brace",
                        shown, member->name, devices->str);
}

int fleet_command_fill(
                const FleetFound *member, guint count, const char *word, char **ret_text, Error *ret_error)
{
        g_autoptr(GString) out = g_string_new(NULL);

        while (*word) {
                const char *end;
                g_autofree char *field = NULL, *value = NULL;

                if (*word != '{' || word[1] == '{') {
                        bool doubled = (*word == '{' || *word == '}') && word[1] == *word;

                        g_string_append_c(out, *word);
                        word += doubled ? 2 : 1;
                        continue;
                }
                end = strchr(word, '}');
                field = end ? g_strndup(word + 1, (size_t) (end - word - 1)) : g_strdup(word + 1);
                value = end ? field_value(member, count, field) : NULL;
                if (!value)
                        return field_refuse(member, field, ret_error);
                g_string_append(out, value);
                word = end + 1;
        }

        *ret_text = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}

static char *variable_name(const char *device, const char *kind)
{
        g_autofree char *upper = g_ascii_strup(device, -1);

        for (char *p = upper; *p; p++)
                if (!g_ascii_isalnum(*p))
                        *p = '_';
        return g_strconcat("SHRUTHI_", upper, "_", kind, NULL);
}

static char **environment_add_address(
                char **environment, const FleetFound *member, guint device, const char *kind, bool v6)
{
        g_autofree char *ip = address_of(member->devices->pdata[device + 1], v6, false),
                        *name = variable_name(member->devices->pdata[device], kind);
        const char *first = v6 ? "SHRUTHI_IP6" : "SHRUTHI_IP";

        if (!ip)
                return environment;
        environment = g_environ_setenv(environment, name, ip, true);
        /* Of the first device that has one. */
        return g_environ_setenv(environment, first, ip, false);
}

char **fleet_command_environment(const FleetFound *member, guint count, char **environment)
{
        g_autofree char *group = NULL, *index = NULL, *number = g_strdup_printf("%u", count);

        member_place(member, &group, &index);
        environment = g_environ_unsetenv(g_environ_unsetenv(environment, "SHRUTHI_IP"), "SHRUTHI_IP6");
        environment = g_environ_setenv(environment, "SHRUTHI_FLEET", member->fleet, true);
        environment = g_environ_setenv(environment, "SHRUTHI_UNIKERNEL", member->name, true);
        environment = g_environ_setenv(environment, "SHRUTHI_GROUP", group, true);
        environment = g_environ_setenv(environment, "SHRUTHI_INDEX", index, true);
        environment = g_environ_setenv(environment, "SHRUTHI_COUNT", number, true);
        environment = g_environ_setenv(environment, "SHRUTHI_STATE", member->state, true);
        for (guint i = 0; i + 1 < member->devices->len; i += 2) {
                environment = environment_add_address(environment, member, i, "IP", false);
                environment = environment_add_address(environment, member, i, "IP6", true);
        }

        return environment;
}

/* --- running --- */

static void on_signal(int number)
{
        caught = number;
}

/* A group of its own: it is ended with all that it has started, and Ctrl-C reaches only us. */
static void command_set_up(gpointer unused)
{
        sigset_t none;

        (void) signal(SIGPIPE, SIG_DFL);
        (void) setpgid(0, 0);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static Running *command_start(FleetExec *exec, FleetCommand *command)
{
        g_autoptr(GError) error = NULL;
        Running *running = g_new0(Running, 1);

        *running = (Running){.exec = exec, .command = command, .began = g_get_monotonic_time()};
        if (exec->keep) {
                command->output = g_string_new(NULL);
                command->errors = g_string_new(NULL);
        }
        if (!g_spawn_async_with_pipes(NULL, command->words, command->environment,
                            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, command_set_up, NULL,
                            &running->pid, NULL, &running->fds[0], &running->fds[1], &error)) {
                command->problem = g_strdup(error->message);
                g_free(running);
                return NULL;
        }
        for (unsigned i = 0; i < 2; i++) {
                (void) fcntl(running->fds[i], F_SETFL, O_NONBLOCK);
                running->parts[i] = g_string_new(NULL);
        }

        return running;
}

static void running_show(const Running *running, unsigned which, const char *text, size_t size)
{
        g_autofree char *line = g_strndup(text, size),
                        *shown = running->exec->escape ? text_for_display(line, SHOWN_MAX) : NULL;

        (void) fprintf(which == 0 ? stdout : stderr, "%s: %s\n", running->command->member->name,
                        shown ?: line);
}

static void running_take(Running *running, unsigned which, const char *text, size_t size)
{
        GString *kept = which == 0 ? running->command->output : running->command->errors,
                *part = running->parts[which];
        char *newline;

        if (kept) {
                if (kept->len < KEEP_MAX)
                        g_string_append_len(kept, text, (gssize) MIN(size, KEEP_MAX - kept->len));
                return;
        }

        g_string_append_len(part, text, (gssize) size);
        while ((newline = memchr(part->str, '\n', part->len))) {
                running_show(running, which, part->str, (size_t) (newline - part->str));
                g_string_erase(part, 0, newline - part->str + 1);
        }
        if (part->len > SHOWN_MAX) {
                running_show(running, which, part->str, part->len);
                g_string_truncate(part, 0);
        }
}

/* All that is there; closes it at its end. */
static void running_read(Running *running, unsigned which)
{
        g_autofree char *chunk = g_malloc(CHUNK);
        ssize_t n = 0;

        while (running->fds[which] >= 0 && (n = read(running->fds[which], chunk, CHUNK)) > 0)
                running_take(running, which, chunk, (size_t) n);
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
                running->fds[which] = close_safe(running->fds[which]);
}

static void running_signal(Running *running, int number)
{
        (void) kill(-running->pid, number);
        /* Its group is there a moment later than itself. */
        (void) kill(running->pid, number);
}

/* Ends it in time. */
static void running_limit(Running *running, int64_t now)
{
        const FleetExec *exec = running->exec;
        bool late = exec->timeout != UINT64_MAX && now - running->began > (int64_t) exec->timeout;

        if (running->killed == 0 && (late || exec->interrupted)) {
                running->command->timed_out = late;
                running->killed = now;
                running_signal(running, SIGTERM);
        } else if (running->killed > 0 && now - running->killed > GRACE_USEC)
                running_signal(running, SIGKILL);
}

/* What its children print after its end is not waited for. */
static bool running_is_over(Running *running)
{
        FleetCommand *command = running->command;

        if (waitpid(running->pid, &command->status, WNOHANG) != running->pid)
                return false;

        command->usec = g_get_monotonic_time() - running->began;
        if (running->killed > 0)
                (void) kill(-running->pid, SIGKILL);
        for (unsigned i = 0; i < 2; i++) {
                running_read(running, i);
                running->fds[i] = close_safe(running->fds[i]);
                if (running->parts[i]->len > 0)
                        running_show(running, i, running->parts[i]->str, running->parts[i]->len);
                g_string_free(running->parts[i], TRUE);
        }
        return true;
}

static void exec_wait(GPtrArray *all)
{
        g_autofree struct pollfd *fds = g_new0(struct pollfd, all->len * 2 + 1);
        nfds_t n = 0;
        bool closed = false;

        for (guint i = 0; i < all->len; i++) {
                const Running *running = all->pdata[i];

                closed |= running->fds[0] < 0 && running->fds[1] < 0;
                for (unsigned k = 0; k < 2; k++)
                        if (running->fds[k] >= 0)
                                fds[n++] = (struct pollfd){.fd = running->fds[k], .events = POLLIN};
        }
        /* One that has closed its output is about to end. */
        (void) poll(fds, n, closed ? 1 : STEP_MS);
}

static void exec_reap(FleetExec *exec, GPtrArray *all)
{
        int64_t now = g_get_monotonic_time();

        exec->interrupted = exec->interrupted || caught != 0;
        for (guint i = all->len; i > 0; i--) {
                Running *running = all->pdata[i - 1];

                for (unsigned k = 0; k < 2; k++)
                        if (running->fds[k] >= 0)
                                running_read(running, k);
                running_limit(running, now);
                if (running_is_over(running)) {
                        g_ptr_array_remove_index(all, i - 1);
                        g_free(running);
                }
        }
        (void) fflush(stdout);
}

void fleet_exec_run(FleetExec *exec)
{
        struct sigaction action = {.sa_handler = on_signal}, former[3];
        static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
        g_autoptr(GPtrArray) all = g_ptr_array_new();
        guint next = 0;

        caught = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                (void) sigaction(numbers[i], &action, &former[i]);
        while (all->len > 0 || (next < exec->commands->len && !exec->interrupted)) {
                while (next < exec->commands->len && all->len < exec->jobs && !exec->interrupted) {
                        Running *running = command_start(exec, exec->commands->pdata[next++]);

                        if (running)
                                g_ptr_array_add(all, running);
                }
                if (all->len > 0)
                        exec_wait(all);
                exec_reap(exec, all);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                (void) sigaction(numbers[i], &former[i], NULL);
}
