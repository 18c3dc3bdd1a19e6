/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes journalctl's short format from JSON. The message is from a guest: it is always escaped for the
 * terminal. */

#include "ctl/output/journal-line.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <time.h>

#include "common/string-util.h"
#include "ctl/output/terminal.h"

void journal_line_clear(JournalLine *line)
{
        g_clear_pointer(&line->message, g_free);
        g_clear_pointer(&line->identifier, g_free);
        g_clear_pointer(&line->text, g_free);
}

/* A field is a string, an array of bytes if it is not UTF-8, an array of these if the field occurs several
 * times (then the first is used), or null if it is too large. */
static char *journal_field_text(JsonNode *node)
{
        if (!node || JSON_NODE_HOLDS_NULL(node))
                return NULL;
        if (JSON_NODE_HOLDS_VALUE(node))
                return json_node_get_value_type(node) == G_TYPE_STRING ? json_node_dup_string(node) : NULL;
        if (!JSON_NODE_HOLDS_ARRAY(node))
                return NULL;

        g_autoptr(GString) bytes = g_string_new(NULL);
        JsonArray *array = json_node_get_array(node);

        for (guint i = 0; i < json_array_get_length(array); i++) {
                JsonNode *element = json_array_get_element(array, i);

                if (!JSON_NODE_HOLDS_VALUE(element) || json_node_get_value_type(element) != G_TYPE_INT64)
                        return i == 0 ? journal_field_text(element) : NULL;
                /* A NUL would end the string here, and is not printable either. */
                g_string_append_c(bytes, (char) (json_node_get_int(element) ?: 1));
        }

        return g_string_free(g_steal_pointer(&bytes), FALSE);
}

static char *journal_get_text(JsonObject *object, const char *field)
{
        return journal_field_text(json_object_get_member(object, field));
}

static char *journal_format_when(uint64_t usec, LogFormat format)
{
        time_t seconds = (time_t) (usec / G_USEC_PER_SEC);
        unsigned rest = (unsigned) (usec % G_USEC_PER_SEC);
        char when[64] = "";
        struct tm tm;

        if (format == LOG_FORMAT_SHORT_UNIX)
                return g_strdup_printf("%" G_GUINT64_FORMAT ".%06u", usec / G_USEC_PER_SEC, rest);
        if (localtime_r(&seconds, &tm))
                (void) strftime(when, sizeof(when),
                                format == LOG_FORMAT_SHORT_ISO ? "%Y-%m-%dT%H:%M:%S%z" : "%b %d %H:%M:%S",
                                &tm);

        return format == LOG_FORMAT_SHORT_PRECISE ? g_strdup_printf("%s.%06u", when, rest) : g_strdup(when);
}

static char *journal_format_prefix(JsonObject *object, uint64_t usec, LogFormat format)
{
        g_autofree char *host = journal_get_text(object, "_HOSTNAME"),
                        *identifier = journal_get_text(object, "SYSLOG_IDENTIFIER");
        g_autofree char *pid = journal_get_text(object, "_PID"), *joined = NULL,
                        *when = journal_format_when(usec, format);

        if (!identifier)
                identifier = journal_get_text(object, "_COMM");
        if (!pid)
                pid = journal_get_text(object, "SYSLOG_PID");
        joined = g_strdup_printf("%s %s %s%s%s%s:", when, host ?: "localhost", identifier ?: "unknown",
                        pid ? "[" : "", pid ?: "", pid ? "]" : "");
        return text_for_display(joined, 512);
}

/* If prefix is "", only the message. */
static char *journal_format_text(const char *prefix, const char *message)
{
        g_autofree char *shown = NULL, *indent = NULL, *bare = g_strdup(message);
        g_auto(GStrv) lines = NULL;

        /* A trailing "\r\n" or "\n" does not begin another line. */
        g_strchomp(bare);
        shown = lines_for_display(bare);
        lines = g_strsplit(shown, "\n", -1);
        if (!*prefix)
                return g_steal_pointer(&shown);
        indent = g_strdup_printf("\n%*s ", (int) text_width(prefix), "");
        g_free(shown);
        shown = g_strjoinv(indent, lines);

        return g_strconcat(prefix, " ", shown, NULL);
}

/* The entry as received, or parsed again. */
static char *journal_format_json(const char *json, size_t size, JsonNode *entry, LogFormat format)
{
        g_autofree char *text = format == LOG_FORMAT_JSON_PRETTY ? json_to_string(entry, true)
                                                                 : g_strndup(json, size);

        return json_for_display(text);
}

int journal_line_parse(const char *json, size_t size, LogFormat format, JournalLine *ret_line)
{
        g_autoptr(JsonParser) parser = json_parser_new_immutable();
        g_autofree char *time_text = NULL, *priority_text = NULL, *message = NULL, *prefix = NULL;
        guint64 usec = 0, priority = 6;
        char *text;
        JsonObject *object;
        JsonNode *root;

        if (!json_parser_load_from_data(parser, json, (gssize) size, NULL))
                return -EBADMSG;
        root = json_parser_get_root(parser);
        if (!root || !JSON_NODE_HOLDS_OBJECT(root))
                return -EBADMSG;
        object = json_node_get_object(root);

        time_text = journal_get_text(object, "__REALTIME_TIMESTAMP");
        priority_text = journal_get_text(object, "PRIORITY");
        message = journal_get_text(object, "MESSAGE");
        if (time_text)
                (void) g_ascii_string_to_unsigned(time_text, 10, 0, INT64_MAX, &usec, NULL);
        if (priority_text)
                (void) g_ascii_string_to_unsigned(priority_text, 10, 0, 7, &priority, NULL);
        prefix = format == LOG_FORMAT_CAT ? g_strdup("") : journal_format_prefix(object, usec, format);

        text = format == LOG_FORMAT_JSON || format == LOG_FORMAT_JSON_PRETTY
                               ? journal_format_json(json, size, root, format)
                               : journal_format_text(prefix, message ?: "(a message too large to show)");

        *ret_line = (JournalLine){
                        .usec = usec,
                        .priority = (int) priority,
                        .text = text,
                        .message = g_steal_pointer(&message),
                        .identifier = journal_get_text(object, "SYSLOG_IDENTIFIER"),
        };
        return 0;
}
