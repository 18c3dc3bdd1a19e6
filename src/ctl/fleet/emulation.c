/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Talks with shruthi-switch. */

#include "ctl/fleet/emulation.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/socket.h"
#include "common/string-util.h"
#include "ctl/fleet/consoles.h"
#include "ctl/fleet/emulation-private.h"
#include "ctl/fleet/view.h"
#include "fleet/expansion/links.h"
#include "fleet/expansion/text.h"
#include "fleet/results/lateness.h"
#include "switch/protocol.h"

#define TIMEOUT_SEC 30
#define SUMMARY_MAX  (64 * 1024)

void fleet_emulation_free(gpointer data)
{
        FleetEmulation *emulation = data;

        close_safe(emulation->fd);
        g_free(emulation->network);
        g_free(emulation->rules);
        g_array_unref(emulation->captures);
        g_free(emulation);
}

static int links_connect(Ctl *ctl, const char *network, bool quietly, int *ret_fd, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct timeval timeout = {.tv_sec = TIMEOUT_SEC};
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = quietly ? client_call_quietly(ctl, "OpenNetworkLinks", &reply, ret_error, "s", network)
                    : client_call(ctl, "OpenNetworkLinks", &reply, ret_error, "s", network);
        if (r >= 0)
                r = client_read_fd(reply, &fd, ret_error);
        if (r < 0)
                return r;
        if (fcntl(fd, F_SETFL, 0) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
                        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0)
                return error_set_errno(ret_error, errno, "Cannot use the connection to shruthi-switch");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int fleet_links_ask(int socket, const SwitchRequest *request, int fd, char **ret_text, int *ret_fd,
                Error *ret_error)
{
        g_autofree char *text = switch_request_format(request), *data = g_malloc(SWITCH_MESSAGE_MAX);
        _cleanup_switch_answer_ SwitchAnswer answer = {};
        _cleanup_close_ int received = -EBADF;
        ssize_t n;
        int r;

        r = socket_send_with_fd(socket, text, fd, MSG_NOSIGNAL);
        n = r < 0 ? r : socket_receive_with_fd(socket, data, SWITCH_MESSAGE_MAX, &received);
        if (n == -EAGAIN)
                return error_set(ret_error, ERROR_TIMED_OUT, "shruthi-switch has not answered for %d s",
                                TIMEOUT_SEC);
        if (n <= 0)
                return error_set_errno(ret_error, n < 0 ? (int) n : -ECONNRESET,
                                "Lost the connection to shruthi-switch");
        if (switch_answer_parse(data, (size_t) n, &answer) < 0 || (ret_fd && answer.done && received < 0))
                return error_set(ret_error, ERROR_FAILED,
                                "shruthi-switch sent no answer that is understood here: it may be of "
                                "another "
                                "version");
        if (!answer.done)
                return answer.line > 0 ? error_set(ret_error, ERROR_INVALID_ARGS, "line %u of the rules: %s",
                                                         answer.line, answer.text)
                                       : error_set(ret_error, ERROR_FAILED, "%s", answer.text);

        if (ret_text)
                *ret_text = g_steal_pointer(&answer.text);
        if (ret_fd)
                *ret_fd = TAKE_FD(received);
        return 0;
}

/* A file in memory that nobody can change any more. */
static int rules_to_memory(const char *text, int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r;

        r = fd < 0 ? -errno : write_all(fd, text, strlen(text));
        if (r >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                r = -errno;
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot keep the rules in memory");

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int emulation_send(FleetEmulation *emulation, const char *rules, Error *ret_error)
{
        SwitchRequest request = {.verb = SWITCH_RULES};
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = rules_to_memory(rules, &fd, ret_error);
        return r < 0 ? r : fleet_links_ask(emulation->fd, &request, fd, NULL, NULL, ret_error);
}

/* A switch that was restarted has another connection; it goes on by the rules that it knew. */
static int emulation_set_rules(FleetRun *run, FleetEmulation *emulation, guint n_entries, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *rules = NULL;
        int r;

        r = fleet_links_rules(run->expansion, emulation->links, n_entries, &rules, ret_error);
        if (r < 0)
                return r;
        if (emulation->rules && g_str_equal(rules, emulation->rules))
                return 0;

        r = emulation_send(emulation, rules, &error);
        if (emulation->rules && (r == -ECONNRESET || r == -EPIPE)) {
                fleet_view_note(run, "links", emulation->network, "shruthi-switch was restarted");
                emulation->fd = close_safe(emulation->fd);
                g_array_set_size(emulation->captures, 0);
                error_clear(&error);
                r = links_connect(run->ctl, emulation->network, false, &emulation->fd, &error);
                if (r >= 0)
                        r = emulation_send(emulation, rules, &error);
        }
        if (r < 0) {
                error_prefix(&error, "The links of the network %s", emulation->network);
                error_move(ret_error, &error);
                return r;
        }

        g_free(emulation->rules);
        emulation->rules = g_steal_pointer(&rules);
        return 0;
}

/* A folder in the results. */
int fleet_links_make_folder(const FleetRun *run, const char *name, int *ret_fd, Error *ret_error)
{
        int fd, r = 0;

        if (mkdirat(run->results_fd, name, 0700) < 0 && errno != EEXIST)
                r = -errno;
        fd = r < 0 ? r : openat(run->results_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_set_errno(ret_error, r < 0 ? r : errno, "Cannot make the folder %s/%s",
                                run->results, name);

        *ret_fd = fd;
        return 0;
}

static int emulation_keep_rules(const FleetRun *run, const FleetEmulation *emulation, Error *ret_error)
{
        g_autofree char *name = g_strconcat(emulation->links->network->name, ".rules", NULL);
        _cleanup_close_ int folder = -EBADF;
        int r;

        r = fleet_links_make_folder(run, "rules", &folder, ret_error);
        if (r < 0)
                return r;
        r = fleet_results_write_file(folder, name, emulation->rules, strlen(emulation->rules));
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s/rules/%s", run->results, name) : 0;
}

static int emulation_begin(FleetRun *run, const FleetLinks *links, Error *ret_error)
{
        FleetEmulation *emulation = g_new0(FleetEmulation, 1);
        int r;

        *emulation = (FleetEmulation){.links = links,
                        .network = fleet_network_host_name(run->plan, links->network),
                        .fd = -EBADF,
                        .captures = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
        g_ptr_array_add(run->emulations, emulation);
        r = links_connect(run->ctl, emulation->network, false, &emulation->fd, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "Cannot emulate the links of [Network %s]", links->network->name);
                return r;
        }

        r = emulation_set_rules(run, emulation, 0, ret_error);
        if (r >= 0 && run->results_fd >= 0)
                r = emulation_keep_rules(run, emulation, ret_error);
        if (r >= 0 && run->results_fd >= 0)
                r = fleet_captures_begin(run, emulation, ret_error);
        return r;
}

/* Frames are forwarded between taps, and networks are libvirt's: a user's own manager has neither. */
int fleet_links_check(
                const Ctl *ctl, const FleetPlan *plan, const FleetExpansion *expansion, Error *ret_error)
{
        const FleetLinks *links = expansion->links->len > 0 ? expansion->links->pdata[0] : NULL;

        if (!ctl->options.user || (!links && plan->networks->len == 0))
                return 0;
        if (links)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "[Network %s] has emulated links, which there are not with --user: run the "
                                "plan without it, or remove what it says of links",
                                links->network->name);

        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                        "[Network %s] would be a bridge, which there is not with --user: run the plan "
                        "without it, or remove its networks",
                        ((const FleetNetwork *) plan->networks->pdata[0])->name);
}

int fleet_links_begin(FleetRun *run, Error *ret_error)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < run->expansion->links->len; i++)
                r = emulation_begin(run, run->expansion->links->pdata[i], ret_error);

        return r;
}

void fleet_links_change(FleetRun *run, FleetEventRecord *event)
{
        g_ptr_array_add(run->changes, event);
}

void fleet_links_apply(FleetRun *run, guint n_entries)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = 0;

        if (run->changes->len == 0)
                return;

        for (guint i = 0; r >= 0 && i < run->emulations->len; i++)
                r = emulation_set_rules(run, run->emulations->pdata[i], n_entries, &error);
        for (guint i = 0; i < run->changes->len; i++) {
                FleetEventRecord *event = run->changes->pdata[i];

                event->ended = fleet_run_now(run);
                event->problem = r < 0 ? g_strdup(error_message(&error, r)) : NULL;
                if (event->problem)
                        fleet_view_note(run, fleet_verb_to_string(event->verb), event->who, event->problem);
        }
        g_ptr_array_set_size(run->changes, 0);
}

/* The lines of counters, each behind the name of the network. */
static int links_copy_counters(const FleetEmulation *emulation, int from, FILE *to)
{
        g_autoptr(GString) name = g_string_new(NULL);
        FILE *file;
        char *line = NULL;
        size_t size = 0;
        ssize_t n;
        int r = 0;

        if (lseek(from, 0, SEEK_SET) < 0)
                return -errno;
        file = fdopen(from, "re");
        if (!file)
                return -errno;
        fleet_append_csv(name, emulation->links->network->name);
        while ((n = getline(&line, &size, file)) > 0)
                if (!g_str_has_prefix(line, SWITCH_COUNTERS_HEAD) &&
                                fprintf(to, "%s,%s", name->str, line) < 0)
                        r = -EIO;
        if (ferror(file))
                r = -EIO;
        free(line);
        (void) fclose(file);
        return r;
}

/* As fleet_links_ask(), on a new connection if shruthi-switch was restarted. */
static int emulation_ask(
                FleetRun *run, FleetEmulation *emulation, SwitchVerb verb, int *ret_fd, Error *ret_error)
{
        SwitchRequest request = {.verb = verb};
        int r;

        r = fleet_links_ask(emulation->fd, &request, -EBADF, NULL, ret_fd, ret_error);
        if (r != -ECONNRESET && r != -EPIPE)
                return r;

        emulation->fd = close_safe(emulation->fd);
        r = links_connect(run->ctl, emulation->network, true, &emulation->fd, ret_error);
        return r < 0 ? r : fleet_links_ask(emulation->fd, &request, -EBADF, NULL, ret_fd, ret_error);
}

static int emulation_take_counters(FleetRun *run, FleetEmulation *emulation, FILE *to, Error *ret_error)
{
        int fd = -EBADF, r;

        r = emulation_ask(run, emulation, SWITCH_COUNTERS, &fd, ret_error);
        if (r < 0)
                return r;
        r = links_copy_counters(emulation, fd, to);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write links.csv") : 0;
}

static int emulation_take_summary(
                FleetRun *run, FleetEmulation *emulation, char **ret_summary, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = emulation_ask(run, emulation, SWITCH_SUMMARY, &fd, ret_error);
        if (r < 0)
                return r;
        r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd_read_all(fd, SUMMARY_MAX, ret_summary, NULL);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot read the summary of shruthi-switch") : 0;
}

void fleet_links_finish(FleetRun *run)
{
        FILE *file = NULL;
        int fd;

        if (run->emulations->len == 0)
                return;

        fd = openat(run->results_fd, "links.csv", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        0600);
        file = fd >= 0 ? fdopen(fd, "we") : NULL;
        if (!file)
                fleet_view_note(run, "links", "links.csv", g_strerror(errno));
        else
                fputs("network," SWITCH_COUNTERS_HEAD "\n", file);
        for (guint i = 0; i < run->emulations->len; i++) {
                FleetEmulation *emulation = run->emulations->pdata[i];
                _cleanup_error_ Error error = ERROR_INIT;
                g_autofree char *summary = NULL;
                int r = 0;

                if (emulation->fd < 0)
                        r = error_set(&error, ERROR_FAILED, "shruthi-switch could not be reached");
                if (r >= 0)
                        fleet_captures_end(run, emulation);
                if (r >= 0 && file)
                        r = emulation_take_counters(run, emulation, file, &error);
                if (r >= 0)
                        r = emulation_take_summary(run, emulation, &summary, &error);
                if (r < 0)
                        fleet_view_note(run, "links", emulation->network, error_message(&error, r));
                fleet_record_add_links(run->record, emulation->links->network, summary,
                                r < 0 ? error_message(&error, r) : NULL);
        }
        if (file && fclose(file) != 0)
                fleet_view_note(run, "links", "links.csv", g_strerror(errno));
}

void fleet_links_end(Ctl *ctl, const char *network)
{
        SwitchRequest request = {.verb = SWITCH_END};
        _cleanup_close_ int fd = -EBADF;

        if (links_connect(ctl, network, true, &fd, NULL) >= 0)
                (void) fleet_links_ask(fd, &request, -EBADF, NULL, NULL, NULL);
}
