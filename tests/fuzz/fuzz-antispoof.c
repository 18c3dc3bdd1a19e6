/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whatever reaches the socket that may change the packet filter, a request that is taken is written in no
 * other way, and makes commands that end no word and begin no other; and whatever packets the kernel hands over,
 * nothing but an address is found in them. */

#include <glib.h>
#include <string.h>

#include "antispoof/demand-protocol.h"
#include "antispoof/packet-source.h"
#include "antispoof/protocol.h"
#include "antispoof/publication-ruleset.h"
#include "antispoof/ruleset.h"
#include "common/unikernel-name.h"
#include "fuzz.h"

/* One command on each line, of elements of our table only. */
static void check_commands(const AntispoofFilter *filter)
{
        g_autoptr(GString) commands = g_string_new(NULL);
        g_auto(GStrv) lines = NULL;

        ruleset_append_filter(commands, filter);
        ruleset_append_removal(commands, filter);
        lines = g_strsplit(commands->str, "\n", -1);
        for (char **line = lines; (*line)[0]; line++) {
                size_t verb = g_str_has_prefix(*line, "add ") ? 4 : 7;

                g_assert_true(verb == 4 || g_str_has_prefix(*line, "delete "));
                g_assert_true(g_str_has_prefix(*line + verb, "element bridge shruthi "));
                g_assert_nonnull(strstr(*line, " { \"" ANTISPOOF_INTERFACE_PREFIX));
                g_assert_null(strpbrk(*line, ";#\\$@*"));
                g_assert_true(strchr(*line, '}') == *line + strlen(*line) - 1);
        }
}

/* What is a name or an address in it begins and ends nothing else. */
static void check_table(AntispoofPublication *publication)
{
        g_autoptr(GPtrArray) publications = g_ptr_array_new();
        g_autoptr(GString) commands = g_string_new(NULL);
        unsigned depth = 0;

        g_assert_true(name_is_valid(publication->unikernel));
        g_ptr_array_add(publications, publication);
        publication_ruleset_append(commands, publications);
        for (const char *c = commands->str; *c; c++) {
                depth += *c == '{';
                g_assert_true(*c != '}' || depth > 0);
                depth -= *c == '}';
        }
        g_assert_cmpuint(depth, ==, 0);
        g_assert_null(strpbrk(commands->str, "#\\$*"));
}

static void check_request(const char *data, size_t size)
{
        _cleanup_antispoof_request_ AntispoofRequest request = {};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *again = NULL;

        if (antispoof_request_parse(data, size, &request, &error) < 0) {
                g_assert_nonnull(error.message);
                return;
        }

        again = antispoof_request_format(&request);
        g_assert_cmpmem(again, strlen(again), data, size);
        if (request.publication)
                check_table(request.publication);
        if (!request.filter)
                return;
        g_assert_true(name_is_valid(request.filter->unikernel));
        check_commands(request.filter);
}

static void check_answer(const char *data, size_t size)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *word = NULL;
        g_auto(GStrv) lost = NULL;

        (void) antispoof_lost_parse(data, size, &lost, NULL);
        if (antispoof_answer_parse(data, size, &word, &error) < 0)
                g_assert_nonnull(error.message);
        else
                g_assert_cmpuint(strlen(word), <, IF_NAMESIZE);
}

static void check_ports(const char *data, size_t size)
{
        _cleanup_antispoof_port_news_ AntispoofPortNews news = {};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *again = NULL;

        if (antispoof_port_news_parse(data, size, &news, &error) < 0) {
                g_assert_nonnull(error.message);
                return;
        }
        again = antispoof_port_news_format(news.interface, news.filter);
        g_assert_cmpmem(again, strlen(again), data, size);
}

static void check_demand(const char *data, size_t size)
{
        g_autofree char *name = NULL, *again = NULL;
        DemandWord word;

        if (demand_message_parse(data, size, &word, &name) < 0)
                return;
        g_assert_true(name_is_valid(name));
        again = demand_message_format(word, name);
        g_assert_cmpmem(again, strlen(again), data, size);
}

static void on_packet(uint32_t id, const Address *to, void *userdata)
{
        g_assert_true(to->family == AF_UNSPEC || to->family == AF_INET || to->family == AF_INET6);
}

static void check_packets(const char *data, size_t size)
{
        /* As recv(2) leaves it: aligned. */
        g_autofree char *aligned = g_memdup2(data, size);

        (void) packet_source_parse(aligned, size, on_packet, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        check_request((const char *) data, size);
        check_answer((const char *) data, size);
        check_ports((const char *) data, size);
        check_demand((const char *) data, size);
        check_packets((const char *) data, size);
        return 0;
}
