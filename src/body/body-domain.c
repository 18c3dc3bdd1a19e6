/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-domain, and its answers. */

#include "body/body-private.h"

#include <glib.h>
#include <string.h>

#include "common/paths.h"
#include "helper/keys.h"
#include "unikernel/run-dir.h"

static BodyRequest domain_request(BodyOperation operation, const char *name)
{
        static const struct {
                const char *verb, *option;
        } table[_BODY_OPERATION_MAX] = {
                        [BODY_PREPARE] = {"prepare", NULL},
                        [BODY_START] = {"start", NULL},
                        [BODY_ADOPT] = {"watch", NULL},
                        [BODY_WATCH] = {"watch", "--witness"},
                        [BODY_STOP] = {"stop", NULL},
                        [BODY_PAUSE] = {"pause", NULL},
                        [BODY_RESUME] = {"resume", NULL},
                        [BODY_SAVE] = {"save", NULL},
                        [BODY_STATISTICS] = {"statistics", NULL},
                        [BODY_STATISTICS_ALL] = {"statistics-all", NULL},
                        [BODY_SWEEP] = {"sweep", NULL},
                        [BODY_SWEEP_PREPARED] = {"sweep", "--prepared"},
        };

        return (BodyRequest){.words = {table[operation].verb, name, table[operation].option}};
}

/* The cause for libvirt's word. */
static TerminationCause domain_cause(const char *value)
{
        static const struct {
                const char *value;
                TerminationCause cause;
        } table[] = {
                        {"shutdown", TERMINATION_POWERED_OFF},
                        {"destroyed", TERMINATION_DESTROYED},
                        {"crashed", TERMINATION_DESTROYED},
                        {"failed", TERMINATION_DESTROYED},
                        {"saved", TERMINATION_SAVED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (g_str_equal(value, table[i].value))
                        return table[i].cause;

        return TERMINATION_CONSOLE;
}

static BodyAnswerKind domain_read_text(char **text, const char *value, BodyAnswerKind kind)
{
        g_free(*text);
        *text = g_strdup(value);
        return kind;
}

static BodyAnswerKind domain_read_number(uint64_t *number, const char *value)
{
        (void) g_ascii_string_to_unsigned(value, 10, 0, UINT64_MAX, number, NULL);
        return BODY_ANSWER_FACT;
}

static BodyAnswerKind domain_read_fact(DomainKey key, const char *value, RunState *run)
{
        switch (key) {
        case DOMAIN_KEY_OWNER:
                return domain_read_text(&run->owner, value, BODY_ANSWER_IDENTITY);
        case DOMAIN_KEY_IMAGE:
                return domain_read_text(&run->image, value, BODY_ANSWER_IDENTITY);
        case DOMAIN_KEY_SLICE:
                return domain_read_text(&run->slice, value, BODY_ANSWER_FACT);
        case DOMAIN_KEY_VOLUMES:
                return domain_read_text(&run->volumes, value, BODY_ANSWER_FACT);
        case DOMAIN_KEY_MEMORY:
                return domain_read_number(&run->memory, value);
        case DOMAIN_KEY_CONSOLE_RATE:
                return domain_read_number(&run->console_rate, value);
        case DOMAIN_KEY_CONSOLE_BURST:
                return domain_read_number(&run->console_burst, value);
        case DOMAIN_KEY_CONSOLE_RATE_USER:
                return domain_read_number(&run->console_rate_user, value);
        case DOMAIN_KEY_CONSOLE_BURST_USER:
                return domain_read_number(&run->console_burst_user, value);
        case DOMAIN_KEY_READY_CHECK:
                run_state_add_ready_check(run, value);
                return BODY_ANSWER_FACT;
        case DOMAIN_KEY_HEALTHY_CHECK:
                run_state_add_healthy_check(run, value);
                return BODY_ANSWER_FACT;
        case DOMAIN_KEY_HEALTHY_INTERVAL_USEC:
                return domain_read_number(&run->healthy_interval_usec, value);
        case DOMAIN_KEY_HEALTHY_RETRIES:
                return domain_read_number(&run->healthy_retries, value);
        case DOMAIN_KEY_WATCHDOG:
                run->watchdog = g_str_equal(value, "yes");
                return BODY_ANSWER_FACT;
        case DOMAIN_KEY_REACH:
                run_state_add_reach(run, value);
                return BODY_ANSWER_FACT;
        case DOMAIN_KEY_READY_TIMEOUT_USEC:
                return domain_read_number(&run->ready_timeout_usec, value);
        case DOMAIN_KEY_SILENCE_WARNING_USEC:
                return domain_read_number(&run->silence_warning_usec, value);
        case DOMAIN_KEY_MOMENT:
                (void) timestamps_parse(&run->timestamps, value);
                return BODY_ANSWER_FACT;
        case DOMAIN_KEY_WITNESS:
                run->witness = g_str_equal(value, "yes");
                return BODY_ANSWER_FACT;
        default:
                return BODY_ANSWER_NONE;
        }
}

static BodyAnswer domain_read(const char *key_text, const char *value, RunState *run)
{
        DomainKey key = domain_key_from_string(key_text);
        BodyAnswerKind fact = domain_read_fact(key, value, run);

        if (fact != BODY_ANSWER_NONE)
                return (BodyAnswer){.kind = fact};

        switch (key) {
        case DOMAIN_KEY_STARTED:
                if (g_str_equal(value, DOMAIN_STARTED_PROCESS))
                        return (BodyAnswer){.kind = BODY_ANSWER_HANDED};
                return (BodyAnswer){.kind = BODY_ANSWER_UP, .text = value};
        case DOMAIN_KEY_ALIVE:
                return (BodyAnswer){.kind = g_str_equal(value, "yes") ? BODY_ANSWER_UP : BODY_ANSWER_GONE};
        case DOMAIN_KEY_ENDED:
                return (BodyAnswer){.kind = BODY_ANSWER_ENDED, .cause = domain_cause(value)};
        case DOMAIN_KEY_NOTICE:
                return (BodyAnswer){.kind = BODY_ANSWER_NOTICE, .text = value};
        case DOMAIN_KEY_RESULT:
        case DOMAIN_KEY_ERROR_NAME:
        case DOMAIN_KEY_ERROR:
                return (BodyAnswer){.kind = BODY_ANSWER_FAILED, .text = value};
        default:
                return (BodyAnswer){.kind = BODY_ANSWER_NONE};
        }
}

static void domain_read_device(BodyDeviceStatistics *device, DomainField field, const char *value)
{
        static const struct {
                DomainField field;
                BodyCounter counter;
        } table[] = {
                        {DOMAIN_FIELD_RX_BYTES, BODY_RECEIVED_BYTES},
                        {DOMAIN_FIELD_RX_PACKETS, BODY_RECEIVED_PACKETS},
                        {DOMAIN_FIELD_TX_BYTES, BODY_SENT_BYTES},
                        {DOMAIN_FIELD_TX_PACKETS, BODY_SENT_PACKETS},
                        {DOMAIN_FIELD_RD_BYTES, BODY_READ_BYTES},
                        {DOMAIN_FIELD_RD_REQUESTS, BODY_READ_REQUESTS},
                        {DOMAIN_FIELD_WR_BYTES, BODY_WRITTEN_BYTES},
                        {DOMAIN_FIELD_WR_REQUESTS, BODY_WRITE_REQUESTS},
        };

        if (field == DOMAIN_FIELD_NAME)
                (void) domain_read_text(&device->name, value, BODY_ANSWER_FACT);
        else if (field == DOMAIN_FIELD_ADDRESSES)
                (void) domain_read_text(&device->addresses, value, BODY_ANSWER_FACT);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (table[i].field == field)
                        body_number_read(&device->counters[table[i].counter], value);
}

static BodyStatistics *statistics_array_add(GPtrArray *all, const char *name)
{
        BodyStatistics *statistics = body_statistics_new(name);

        g_ptr_array_add(all, statistics);
        return statistics;
}

/* The field of "network.INDEX.FIELD" or "volume.INDEX.FIELD"; NULL if key is neither. */
static const char *device_key_field(const char *key)
{
        const char *index = strchr(key, '.'), *field = index ? strchr(index + 1, '.') : NULL;

        return field ? field + 1 : NULL;
}

/* If several guests are reported, a line with a name begins each, and the lines up to the next such line are
 * about that guest. The lines of a device follow each other. */
static GPtrArray *domain_read_statistics(const char *text)
{
        GPtrArray *all = g_ptr_array_new_with_free_func(body_statistics_destroy);
        BodyStatistics *statistics = NULL;
        BodyDeviceStatistics *device = NULL;
        g_autofree char *prefix = NULL; /* "network.INDEX." of device */

        for (char *key_text, *value_text; domain_next_line(&text, &key_text, &value_text);) {
                g_autofree char *key_owned = key_text, *value = value_text;
                const char *field = device_key_field(key_text);
                DomainKey key = field ? _DOMAIN_KEY_INVALID : domain_key_from_string(key_text);

                if (!statistics || key == DOMAIN_KEY_UNIKERNEL) {
                        statistics = statistics_array_add(all, key == DOMAIN_KEY_UNIKERNEL ? value : NULL);
                        g_clear_pointer(&prefix, g_free);
                }
                if (key == DOMAIN_KEY_CPU_TIME_USEC)
                        body_number_read(&statistics->cpu_time_usec, value);
                else if (key == DOMAIN_KEY_MEMORY)
                        body_number_read(&statistics->memory, value);
                if (!field)
                        continue;
                if (!prefix || !g_str_has_prefix(key_text, prefix)) {
                        device = body_statistics_add_device(
                                        statistics, g_str_has_prefix(key_text, DOMAIN_KIND_NETWORK "."));
                        g_free(prefix);
                        prefix = g_strndup(key_text, (gsize) (field - key_text));
                }
                domain_read_device(device, domain_field_from_string(field), value);
        }

        return all;
}

static char *domain_console(const char *name, BodyConsole console)
{
        static const char *const files[_BODY_CONSOLE_MAX] = {
                        [BODY_CONSOLE_OUTPUT] = RUN_DIR_CONSOLE_OUTPUT,
                        [BODY_CONSOLE_INPUT] = RUN_DIR_CONSOLE_INPUT,
                        [BODY_CONSOLE_SOCKET] = RUN_DIR_CONSOLE,
        };
        g_autofree char *dir = paths_unikernel_runtime(name);

        return g_build_filename(dir, files[console], NULL);
}

const Body body_domain = {
                .request = domain_request,
                .read = domain_read,
                .read_statistics = domain_read_statistics,
                .console = domain_console,
};
