/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of shruthi-switch and its clients. */

#include "switch/protocol.h"

#include <glib.h>
#include <net/if.h>
#include <string.h>

#include "common/string-util.h"
#include "common/unikernel-name.h"

#define SHOWN_MAX 60 /* characters of a word in a message */

#define FILTER_WORD    "filter="
#define BY_LINK        "by=link"
#define ENDS_SEPARATOR "/"

static const char *const verb_table[] = {
                [SWITCH_NETWORK] = "network",
                [SWITCH_RULES] = "rules",
                [SWITCH_COUNTERS] = "counters",
                [SWITCH_SUMMARY] = "summary",
                [SWITCH_CAPTURE] = "capture",
                [SWITCH_CAPTURE_END] = "capture-end",
                [SWITCH_END] = "end",
};
DEFINE_STRING_TABLE(switch_verb, SwitchVerb, verb_table, _SWITCH_VERB_MAX)

const char *const switch_summary_keys[] = {"packets", "bytes", "delivered", "dropped_lost", "dropped_queue",
                "dropped_blocked", "dropped_source", "dropped_unknown", "dropped_nat", "dropped_receiver",
                "memory_limit_drops", "receive_overflows", "late_packets", "lateness_p50_usec",
                "lateness_p99_usec", "lateness_max_usec", "in_flight", "in_flight_bytes", "ports", "members",
                "pairs", "nat_mappings", "since_usec", "cpu_usec", "rss_bytes", NULL};

void switch_request_clear(SwitchRequest *request)
{
        g_free(request->network);
        g_free(request->bridge);
        g_free(request->filter);
        g_strfreev(request->members);
        g_strfreev(request->others);
        *request = (SwitchRequest){.verb = _SWITCH_VERB_INVALID};
}

bool switch_network_is_valid(const char *name)
{
        size_t length = strlen(name);

        if (length == 0 || length > SWITCH_NETWORK_MAX || name[0] == '.')
                return false;
        for (const char *p = name; *p; p++)
                if (!g_ascii_isalnum(*p) && !strchr("-_.+@", *p))
                        return false;
        return true;
}

static bool bridge_is_valid(const char *name)
{
        size_t length = strlen(name);

        if (length == 0 || length >= IF_NAMESIZE || name[0] == '.')
                return false;
        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("/:%", *p))
                        return false;
        return true;
}

static char *format_capture(const char *verb, const SwitchRequest *request)
{
        g_autofree char *members = request->members ? g_strjoinv(" ", request->members) : NULL,
                        *others = request->others ? g_strjoinv(" ", request->others) : NULL;

        return g_strdup_printf("%s %" G_GUINT64_FORMAT " %u%s%s%s%s%s%s%s", verb, request->max_bytes,
                        request->snaplen, request->filter ? " " FILTER_WORD : "", request->filter ?: "",
                        request->by_link ? " " BY_LINK : "", members ? " " : "", members ?: "",
                        others ? " " ENDS_SEPARATOR " " : "", others ?: "");
}

char *switch_request_format(const SwitchRequest *request)
{
        const char *verb = switch_verb_to_string(request->verb);

        switch (request->verb) {
        case SWITCH_NETWORK:
                return g_strdup_printf("%s %s %s", verb, request->network, request->bridge);
        case SWITCH_CAPTURE:
                return format_capture(verb, request);
        case SWITCH_CAPTURE_END:
                return g_strdup_printf("%s %u", verb, request->number);
        default:
                return g_strdup(verb);
        }
}

static int refuse(Error *ret_error, const char *word, const char *way)
{
        g_autofree char *shown = text_for_display(word, SHOWN_MAX);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s: %s", shown, way);
}

static int parse_network(char **words, guint n, SwitchRequest *request, Error *ret_error)
{
        if (n != 3)
                return error_set(ret_error, ERROR_INVALID_ARGS, "write network NAME BRIDGE");
        if (!switch_network_is_valid(words[1]))
                return refuse(ret_error, words[1], "not the name of a network");
        if (!bridge_is_valid(words[2]))
                return refuse(ret_error, words[2], "not the name of a bridge");

        request->network = g_strdup(words[1]);
        request->bridge = g_strdup(words[2]);
        return 0;
}

/* The names up to the separator; NULL if there is none. Returns how many words that are. */
static guint parse_names(char **words, char ***ret_names)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        for (; *words && !g_str_equal(*words, ENDS_SEPARATOR); words++)
                g_ptr_array_add(names, g_strdup(*words));
        if (names->len > 0) {
                g_ptr_array_add(names, NULL);
                *ret_names = (char **) g_ptr_array_steal(names, NULL);
        }
        return *ret_names ? g_strv_length(*ret_names) : 0;
}

static bool word_separates(const SwitchRequest *request, const char *word)
{
        return request->by_link && g_str_equal(word, ENDS_SEPARATOR);
}

/* Which members a capture is about, from the words behind its numbers. */
static int parse_captured(char **words, SwitchRequest *request, Error *ret_error)
{
        guint n = 0;

        for (char **word = words; *word; word++)
                n += !word_separates(request, *word);
        if (n > SWITCH_MEMBERS_MAX)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "more than %d members: name fewer in each capture, or none for all",
                                SWITCH_MEMBERS_MAX);
        for (char **word = words; *word; word++)
                if (!word_separates(request, *word) && !name_is_valid(*word))
                        return refuse(ret_error, *word, "not the name of a unikernel");

        words += parse_names(words, &request->members);
        if (!*words)
                return 0;
        n = parse_names(words + 1, &request->others);
        if (!request->members || n == 0 || words[1 + n])
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "write by=link MEMBER… / MEMBER…, with members at both ends");
        return 0;
}

static int parse_capture(char **words, guint n, SwitchRequest *request, Error *ret_error)
{
        uint64_t snaplen;

        if (n < 3)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "write capture MAXBYTES SNAPLEN [filter=PROGRAM] [by=link] [MEMBER…]");
        if (number_parse(words[1], 0, UINT64_MAX, &request->max_bytes) < 0)
                return refuse(ret_error, words[1], "not a number of bytes");
        if (number_parse(words[2], 0, UINT32_MAX, &snaplen) < 0)
                return refuse(ret_error, words[2], "not a number of bytes");
        request->snaplen = (uint32_t) snaplen;

        words += 3;
        if (*words && g_str_has_prefix(*words, FILTER_WORD))
                request->filter = g_strdup(*words++ + strlen(FILTER_WORD));
        if (*words && g_str_equal(*words, BY_LINK)) {
                request->by_link = true;
                words++;
        }
        return parse_captured(words, request, ret_error);
}

static int parse_capture_end(char **words, guint n, SwitchRequest *request, Error *ret_error)
{
        uint64_t number;

        if (n != 2 || number_parse(words[1], 0, UINT32_MAX, &number) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "write capture-end NUMBER, the one that capture was answered with");
        request->number = (uint32_t) number;
        return 0;
}

int switch_request_parse(const char *data, size_t size, SwitchRequest *ret_request, Error *ret_error)
{
        _cleanup_switch_request_ SwitchRequest request = {};
        g_autofree char *text = NULL;
        g_auto(GStrv) words = NULL;
        guint n;
        int r = 0;

        if (size == 0 || size > SWITCH_MESSAGE_MAX || memchr(data, '\0', size))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "no request: it is empty, too long, or no text");
        text = g_strndup(data, size);
        words = g_strsplit(text, " ", SWITCH_MEMBERS_MAX + 8);
        n = g_strv_length(words);

        request.verb = n > 0 ? switch_verb_from_string(words[0]) : _SWITCH_VERB_INVALID;
        switch (request.verb) {
        case SWITCH_NETWORK:
                r = parse_network(words, n, &request, ret_error);
                break;
        case SWITCH_CAPTURE:
                r = parse_capture(words, n, &request, ret_error);
                break;
        case SWITCH_CAPTURE_END:
                r = parse_capture_end(words, n, &request, ret_error);
                break;
        case SWITCH_RULES:
        case SWITCH_COUNTERS:
        case SWITCH_SUMMARY:
        case SWITCH_END:
                if (n > 1)
                        r = error_set(ret_error, ERROR_INVALID_ARGS, "%s takes no words", words[0]);
                break;
        default:
                r = refuse(ret_error, n > 0 ? words[0] : "",
                                "no request: send rules, counters, summary, capture, capture-end or end");
        }
        if (r < 0)
                return r;

        *ret_request = request;
        request = (SwitchRequest){};
        return 0;
}

void switch_answer_clear(SwitchAnswer *answer)
{
        g_free(answer->text);
        *answer = (SwitchAnswer){.done = false};
}

char *switch_answer_format(const SwitchAnswer *answer)
{
        const char *text = answer->text ?: "";

        if (!answer->done)
                return g_strdup_printf("error %u %s", answer->line, text);
        return g_strdup_printf("done%s%s", *text ? " " : "", text);
}

int switch_answer_parse(const char *data, size_t size, SwitchAnswer *ret_answer)
{
        g_autofree char *text = NULL;
        g_auto(GStrv) words = NULL;
        uint64_t line;

        if (size == 0 || size > SWITCH_MESSAGE_MAX || memchr(data, '\0', size) ||
                        !g_utf8_validate_len(data, size, NULL))
                return -EBADMSG;
        text = g_strndup(data, size);
        words = g_strsplit(text, " ", 3);

        if (g_str_has_prefix(text, "done") && (!text[4] || text[4] == ' ')) {
                *ret_answer = (SwitchAnswer){.done = true, .text = g_strdup(text[4] ? text + 5 : "")};
                return 0;
        }
        if (g_strv_length(words) != 3 || !g_str_equal(words[0], "error") ||
                        number_parse(words[1], 0, UINT32_MAX, &line) < 0)
                return -EBADMSG;
        *ret_answer = (SwitchAnswer){.text = g_strdup(words[2]), .line = (unsigned) line};
        return 0;
}
