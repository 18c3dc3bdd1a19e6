/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions with Activation=traffic, and that their ports are published although they are stopped: by
 * "listen" of shruthi-domain, one after the other. Definitions are read when this program starts, and
 * whenever somebody connects to its socket, as shruthid does when one has changed; and when a file of them
 * does. */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/paths.h"
#include "demand/service-private.h"
#include "helper/keys.h"
#include "unikernel/definition.h"

#define SETTLE_USEC (100 * 1000) /* changes come in groups */
#define CALL_USEC   (180 * G_USEC_PER_SEC)
#define RETRY_USEC  (10 * G_USEC_PER_SEC)
#define OUTPUT_MAX  (64 * 1024)

static void unit_set_definition(Unit *unit, const Definition *definition)
{
        g_autofree char *text = definition_format(definition);

        unit->defined = true;
        if (g_strcmp0(unit->text, text) == 0)
                return;
        unit->stale = true;
        unit->retry = 0;
        g_free(unit->text);
        unit->text = g_steal_pointer(&text);
        waiter_changed(&unit->waiter);
        if (unit->refused)
                unit_decide(unit);
}

/* One that cannot be read stays as it was. */
static void service_read_one(Service *service, const char *name)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        Unit *unit = service_find(service, name);

        if (definition_load_full(name, DEFINITION_IGNORE_USERS, &definition, &error) < 0) {
                if (unit && error.code != ERROR_NO_SUCH_UNIKERNEL)
                        unit->defined = true;
                return;
        }
        if (definition_is_on_demand(definition))
                unit_set_definition(service_get(service, name), definition);
}

/* A shruthi.conf that is wrong changes nothing here: those that run stay reachable. */
static void service_read_conf(Service *service)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Conf) conf = NULL;
        int r;

        r = conf_load(&conf, &error);
        if (r >= 0)
                service->limit = conf->activations_max;
        else if (!service->conf_failed)
                log_warning("ActivationsMax= stays %u: %s", service->limit, error_message(&error, r));
        service->conf_failed = r < 0;
}

/* The limit may be another. */
static void service_decide_limited(Service *service)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, service->units);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Unit *unit = value;

                if (unit->waiter.limited)
                        unit_decide(unit);
        }
}

static void service_read(Service *service)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) names = NULL;
        GHashTableIter iter;
        gpointer value;

        service_read_conf(service);
        if (definition_list_names(&names, &error) < 0) {
                log_warning("Cannot list the definitions: %s", error.message);
                return;
        }
        g_hash_table_iter_init(&iter, service->units);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                ((Unit *) value)->defined = false;
        for (char **name = names; *name; name++)
                service_read_one(service, *name);

        g_hash_table_iter_init(&iter, service->units);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Unit *unit = value;

                if (unit->defined)
                        continue;
                if (unit->listed)
                        antispoof_link_tell(service, DEMAND_END, unit->name);
                unit->listed = false;
        }
        service_tidy(service);
        service_decide_limited(service);
        listening_continue(service);
}

static int on_service_read(sd_event_source *source, uint64_t usec, void *userdata)
{
        Service *service = userdata;

        service->read_source = sd_event_source_disable_unref(service->read_source);
        service_read(service);
        return 0;
}

static int service_plan_read(Service *service, uint64_t usec)
{
        return service->read_source ? 0
                                    : sd_event_add_time_relative(service->event, &service->read_source,
                                                      CLOCK_MONOTONIC, usec, 0, on_service_read, service);
}

void listening_read(Service *service)
{
        (void) service_plan_read(service, SETTLE_USEC);
}

static int on_definitions_changed(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
        return service_plan_read(userdata, SETTLE_USEC);
}

/* A folder that is made later, and drop-ins, are told of by shruthid. */
static void service_watch(Service *service)
{
        const char *const folders[] = {
                        paths_config_definitions(), paths_state_definitions(), paths_vendor_definitions()};

        for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
                (void) sd_event_add_inotify(service->event, NULL, folders[i],
                                IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
                                on_definitions_changed, service);
}

/* Whoever connects leaves at once. */
static int on_service_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Service *service = userdata;
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (client >= 0)
                (void) close(client);
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                /* Such as that no descriptor is free, which this would be called for again and again. */
                return sd_event_exit(service->event, -errno);
        return service_plan_read(service, SETTLE_USEC);
}

static char *output_find(const char *output, const char *key)
{
        g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
        size_t length = strlen(key);

        for (char **line = lines; *line; line++)
                if (strncmp(*line, key, length) == 0 && (*line)[length] == '=')
                        return g_strdup(*line + length + 1);
        return NULL;
}

/* Said once for each reason: it is tried again and again. */
static void unit_listening_failed(Unit *unit, const char *output)
{
        g_autofree char *problem =
                        output_find(output, "error") ?: g_strdup("shruthi-domain does not answer");

        unit->retry = g_get_monotonic_time() + RETRY_USEC;
        if (g_strcmp0(problem, unit->problem) == 0)
                return;
        log_object(LOG_WARNING, &(LogObject){.unikernel = unit->name}, NULL, NULL,
                        "The ports of unikernel '%s' are not published while it is stopped, so that traffic "
                        "does not start it: %s",
                        unit->name, problem);
        g_free(unit->problem);
        unit->problem = g_steal_pointer(&problem);
}

static void on_call_output(void *userdata, const char *data, size_t size)
{
        Service *service = userdata;

        if (service->output->len + size <= OUTPUT_MAX)
                g_string_append_len(service->output, data, (gssize) size);
}

static void on_call_ended(void *userdata, int status)
{
        Service *service = userdata;
        g_autofree char *name = g_steal_pointer(&service->called);
        Unit *unit = service_find(service, name);

        service->call = domain_call_free(service->call);
        if (unit && status == 0)
                g_clear_pointer(&unit->problem, g_free);
        else if (unit) {
                unit->stale = true;
                unit_listening_failed(unit, service->output->str);
        }
        service_tidy(service);
        listening_continue(service);
}

static void unit_listen(Unit *unit)
{
        static const DomainCallHooks hooks = {.output = on_call_output, .ended = on_call_ended};
        Service *service = unit->service;
        const char *words[] = {"listen", unit->name, NULL};

        unit->stale = false;
        g_string_truncate(service->output, 0);
        service->called = g_strdup(unit->name);
        if (domain_call_new(service->event, words, CALL_USEC, &hooks, service, &service->call) < 0) {
                g_clear_pointer(&service->called, g_free);
                unit->stale = true;
                unit_listening_failed(unit, "");
        }
}

static int on_listening(sd_event_source *source, uint64_t usec, void *userdata)
{
        Service *service = userdata;
        int64_t now = g_get_monotonic_time(), next = INT64_MAX;
        GHashTableIter iter;
        gpointer value;

        service->listening_source = sd_event_source_disable_unref(service->listening_source);
        g_hash_table_iter_init(&iter, service->units);
        while (!service->call && g_hash_table_iter_next(&iter, NULL, &value)) {
                Unit *unit = value;

                if (!unit->defined || !unit->stale || unit->waiter.state != WAITER_STOPPED ||
                                unit->waiter.starting)
                        continue;
                if (unit->retry > now)
                        next = MIN(next, unit->retry);
                else {
                        unit_listen(unit);
                        if (!service->call)
                                next = MIN(next, unit->retry);
                }
        }
        if (!service->call && next != INT64_MAX)
                return sd_event_add_time(service->event, &service->listening_source, CLOCK_MONOTONIC,
                                (uint64_t) next, 0, on_listening, service);
        return 0;
}

void listening_continue(Service *service)
{
        if (service->call)
                return;
        service->listening_source = sd_event_source_disable_unref(service->listening_source);
        (void) sd_event_add_time_relative(service->event, &service->listening_source, CLOCK_MONOTONIC, 0, 0,
                        on_listening, service);
}

int listening_open(Service *service)
{
        int r;

        r = fcntl(service->listen_fd, F_SETFL, fcntl(service->listen_fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno
                                                                                                    : 0;
        if (r >= 0)
                r = sd_event_add_io(service->event, &service->listen_source, service->listen_fd, EPOLLIN,
                                on_service_connection, service);
        service_watch(service);
        return r < 0 ? r : service_plan_read(service, 0);
}

void listening_close(Service *service)
{
        service->call = domain_call_free(service->call);
        g_clear_pointer(&service->called, g_free);
        sd_event_source_disable_unref(service->listen_source);
        sd_event_source_disable_unref(service->read_source);
        sd_event_source_disable_unref(service->listening_source);
}
