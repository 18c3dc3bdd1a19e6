/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-domain, and its answers. */

#include "body/body-domain.h"

#include <glib.h>

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
                        [BODY_STATISTICS] = {"statistics", NULL},
                        [BODY_STATISTICS_ALL] = {"statistics-all", NULL},
                        [BODY_SWEEP] = {"sweep", NULL},
                        [BODY_SWEEP_PREPARED] = {"sweep", "--prepared"},
        };

        return (BodyRequest){.words = {table[operation].verb, name, table[operation].option}};
}

/* What libvirt calls it. */
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
                .console = domain_console,
};
