/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-antispoof and its answers, to text and back; and what an interface is called. */

#include "antispoof/protocol.h"

#include <inttypes.h>
#include <string.h>

#include "common/conf.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define ISOLATED  "isolated"
#define IN        "in:"
#define OUT       "out:"
#define LOST_OK   "ok"
#define FAILED    "error "
#define TAKEN     "taken " /* as FAILED, of ADDRESS_IN_USE */
#define NEWS_PORT "port "
#define NEWS_GONE "gone "

static const char *const verbs[] = {
                [ANTISPOOF_FILTER] = "filter",
                [ANTISPOOF_CHECK] = "check",
                [ANTISPOOF_PUBLISH] = "publish",
                [ANTISPOOF_WITHDRAW] = "withdraw",
                [ANTISPOOF_LEAD] = "lead",
                [ANTISPOOF_CONNECTIONS] = "connections",
                [ANTISPOOF_ONLY] = "only",
                [ANTISPOOF_LOST] = "lost",
                [ANTISPOOF_PORT] = "port",
                [ANTISPOOF_TAP] = "tap",
                [ANTISPOOF_LINKS] = "links",
                [ANTISPOOF_WATCH] = "watch",
                [ANTISPOOF_DEMAND] = "demand",
};

void antispoof_filter_free(AntispoofFilter *filter)
{
        if (!filter)
                return;

        g_free(filter->unikernel);
        g_free(filter->device);
        g_free(filter);
}

/* As in a section's header. It stands last, because it may have spaces. */
static bool device_is_valid(const char *device)
{
        size_t length = strlen(device);

        if (length == 0 || length > ANTISPOOF_DEVICE_MAX)
                return false;
        for (const char *c = device; *c; c++)
                if (!g_ascii_isprint(*c))
                        return false;

        return true;
}

static bool mac_is_valid(const char *mac)
{
        if (strlen(mac) != 17)
                return false;
        for (size_t i = 0; i < 17; i++)
                if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit(mac[i]) || g_ascii_isupper(mac[i]))
                        return false;

        /* Not of a group, and not nobody's. */
        return (g_ascii_xdigit_value(mac[1]) & 1) == 0 && strcmp(mac, "00:00:00:00:00:00") != 0;
}

static int family_parse(const char *text, int family, AntispoofFamily *ret)
{
        char again[ADDRESS_TEXT_MAX];
        Address address;

        *ret = (AntispoofFamily){.any = strcmp(text, "any") == 0};
        if (ret->any || strcmp(text, "none") == 0)
                return 0;

        if (address_parse_ip(text, &address) < 0 || address.family != family ||
                        !address_is_unicast(&address))
                return -EINVAL;
        address_format_ip(&address, again);
        if (strcmp(text, again) != 0)
                return -EINVAL;

        ret->address = address;
        return 0;
}

static void family_append(GString *text, const AntispoofFamily *family)
{
        char ip[ADDRESS_TEXT_MAX];

        if (address_is_set(&family->address))
                address_format_ip(&family->address, ip);
        g_string_append_printf(text, " %s",
                        family->any                        ? "any"
                        : address_is_set(&family->address) ? ip
                                                           : "none");
}

char *antispoof_filter_format(const AntispoofFilter *filter)
{
        GString *text = g_string_new(NULL);

        g_string_printf(text, "%s %s", filter->unikernel, filter->mac);
        family_append(text, &filter->ipv4);
        family_append(text, &filter->ipv6);
        g_string_append_printf(text, " %s", filter->device);
        return g_string_free(text, FALSE);
}

int antispoof_filter_parse(const char *text, AntispoofFilter **ret_filter, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, " ", 5);
        g_autoptr(AntispoofFilter) filter = g_new0(AntispoofFilter, 1);
        int r;

        if (g_strv_length(words) != 5)
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");
        r = name_check(words[0], ret_error);
        if (r < 0)
                return r;
        if (!device_is_valid(words[4]))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Invalid name of an interface");
        if (!mac_is_valid(words[1]))
                return error_set(ret_error, ERROR_INVALID_ARGS, "Invalid MAC address of an interface");
        if (family_parse(words[2], AF_INET, &filter->ipv4) < 0 ||
                        family_parse(words[3], AF_INET6, &filter->ipv6) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "A guest cannot have this address");

        filter->unikernel = g_strdup(words[0]);
        filter->device = g_strdup(words[4]);
        g_strlcpy(filter->mac, words[1], sizeof filter->mac);
        *ret_filter = g_steal_pointer(&filter);
        return 0;
}

void antispoof_request_clear(AntispoofRequest *request)
{
        antispoof_filter_free(request->filter);
        antispoof_publication_free(request->publication);
        g_free(request->unikernel);
        g_strfreev(request->interfaces);
        *request = (AntispoofRequest){};
}

static char *port_format(const AntispoofPort *port)
{
        return g_strconcat(port->interface, " ", port->bridge, port->isolated ? " " ISOLATED : "", NULL);
}

static char *tap_format(const AntispoofTap *tap)
{
        g_autofree char *port = port_format(&tap->port);
        GString *text = g_string_new(port);

        if (tap->rate_in != 0)
                g_string_append_printf(text, " " IN "%" PRIu64, tap->rate_in);
        if (tap->rate_out != 0)
                g_string_append_printf(text, " " OUT "%" PRIu64, tap->rate_out);
        return g_string_free(text, FALSE);
}

char *antispoof_request_format(const AntispoofRequest *request)
{
        g_autofree char *text = NULL, *interfaces = NULL;

        switch (request->verb) {
        case ANTISPOOF_FILTER:
                text = antispoof_filter_format(request->filter);
                break;
        case ANTISPOOF_PUBLISH:
                text = antispoof_publication_format(request->publication);
                break;
        case ANTISPOOF_WITHDRAW:
                text = g_strdup(request->port.interface);
                break;
        case ANTISPOOF_LINKS:
                text = g_strdup(request->port.bridge);
                break;
        case ANTISPOOF_LEAD:
        case ANTISPOOF_CONNECTIONS:
                text = g_strdup(request->unikernel);
                break;
        case ANTISPOOF_ONLY:
                interfaces = g_strjoinv(" ", request->interfaces);
                text = g_strconcat(request->unikernel, *interfaces ? " " : "", interfaces, NULL);
                break;
        case ANTISPOOF_PORT:
                text = port_format(&request->port);
                break;
        case ANTISPOOF_TAP:
                text = tap_format(&request->tap);
                break;
        default:
                return g_strdup(verbs[request->verb]);
        }
        return g_strconcat(verbs[request->verb], " ", text, NULL);
}

static int request_refuse(Error *ret_error)
{
        return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");
}

bool antispoof_tap_name_is_valid(const char *name)
{
        return (g_str_has_prefix(name, ANTISPOOF_INTERFACE_PREFIX) ||
                               g_str_has_prefix(name, ANTISPOOF_LIBVIRT_PREFIX)) &&
               conf_bridge_name_is_valid(name);
}

static int port_parse(const char *text, AntispoofPort *ret_port, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, " ", 4);
        guint n = g_strv_length(words);

        if (n < 2 || n > 3 || !antispoof_tap_name_is_valid(words[0]) ||
                        !conf_bridge_name_is_valid(words[1]) || (n == 3 && !g_str_equal(words[2], ISOLATED)))
                return request_refuse(ret_error);

        ret_port->isolated = n == 3;
        g_strlcpy(ret_port->interface, words[0], sizeof ret_port->interface);
        g_strlcpy(ret_port->bridge, words[1], sizeof ret_port->bridge);
        return 0;
}

static bool filtered_name_is_valid(const char *name)
{
        return g_str_has_prefix(name, ANTISPOOF_INTERFACE_PREFIX) && conf_bridge_name_is_valid(name);
}

/* Takes the word off the end of the text, if it begins so. */
static int tap_take_rate(char *text, const char *prefix, uint64_t *ret_rate)
{
        char *space = strrchr(text, ' ');
        const char *number;

        if (!space || !g_str_has_prefix(space + 1, prefix))
                return 0;
        *space = 0;
        number = space + 1 + strlen(prefix);
        return number[0] == '0' ? -EINVAL
                                : number_parse(number, ANTISPOOF_RATE_MIN, ANTISPOOF_RATE_MAX, ret_rate);
}

static int tap_parse(const char *text, AntispoofTap *ret_tap, Error *ret_error)
{
        g_autofree char *port = g_strdup(text);
        AntispoofTap tap = {};
        int r;

        if (tap_take_rate(port, OUT, &tap.rate_out) < 0 || tap_take_rate(port, IN, &tap.rate_in) < 0)
                return request_refuse(ret_error);
        r = port_parse(port, &tap.port, ret_error);
        if (r < 0)
                return r;
        if (!filtered_name_is_valid(tap.port.interface))
                return request_refuse(ret_error);

        *ret_tap = tap;
        return 0;
}

static int withdraw_parse(const char *text, AntispoofPort *ret_port, Error *ret_error)
{
        if (!filtered_name_is_valid(text))
                return request_refuse(ret_error);

        g_strlcpy(ret_port->interface, text, sizeof ret_port->interface);
        return 0;
}

static int links_parse_bridge(const char *text, AntispoofPort *ret_port, Error *ret_error)
{
        if (!conf_bridge_name_is_valid(text))
                return request_refuse(ret_error);

        g_strlcpy(ret_port->bridge, text, sizeof ret_port->bridge);
        return 0;
}

static int unikernel_parse(const char *text, char **ret_unikernel, Error *ret_error)
{
        int r = name_check(text, ret_error);

        if (r >= 0)
                *ret_unikernel = g_strdup(text);
        return r;
}

static int only_parse(AntispoofRequest *request, const char *text, Error *ret_error)
{
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        int r;

        r = name_check(words[0] ?: "", ret_error);
        if (r < 0)
                return r;
        for (char **word = words + 1; *word; word++)
                if (!filtered_name_is_valid(*word))
                        return request_refuse(ret_error);

        request->unikernel = g_strdup(words[0]);
        request->interfaces = g_strdupv(words + 1);
        return 0;
}

/* What stands behind the verb; NULL: nothing does. */
static int request_parse_rest(AntispoofRequest *request, const char *rest, Error *ret_error)
{
        switch (request->verb) {
        case ANTISPOOF_FILTER:
                return rest ? antispoof_filter_parse(rest, &request->filter, ret_error)
                            : request_refuse(ret_error);
        case ANTISPOOF_PUBLISH:
                return rest ? antispoof_publication_parse(rest, &request->publication, ret_error)
                            : request_refuse(ret_error);
        case ANTISPOOF_WITHDRAW:
                return rest ? withdraw_parse(rest, &request->port, ret_error) : request_refuse(ret_error);
        case ANTISPOOF_LINKS:
                return rest ? links_parse_bridge(rest, &request->port, ret_error)
                            : request_refuse(ret_error);
        case ANTISPOOF_LEAD:
        case ANTISPOOF_CONNECTIONS:
                return rest ? unikernel_parse(rest, &request->unikernel, ret_error)
                            : request_refuse(ret_error);
        case ANTISPOOF_ONLY:
                return rest ? only_parse(request, rest, ret_error) : request_refuse(ret_error);
        case ANTISPOOF_PORT:
                return rest ? port_parse(rest, &request->port, ret_error) : request_refuse(ret_error);
        case ANTISPOOF_TAP:
                return rest ? tap_parse(rest, &request->tap, ret_error) : request_refuse(ret_error);
        default:
                return rest ? request_refuse(ret_error) : 0;
        }
}

int antispoof_request_parse(const char *data, size_t size, AntispoofRequest *ret_request, Error *ret_error)
{
        g_autofree char *text = NULL;
        AntispoofRequest request = {};
        const char *rest;
        size_t length;
        int r;

        if (size == 0 || size > ANTISPOOF_REQUEST_MAX || memchr(data, 0, size))
                return request_refuse(ret_error);

        text = g_strndup(data, size);
        length = strcspn(text, " ");
        rest = text + length;
        while (request.verb < _ANTISPOOF_VERB_MAX &&
                        (strlen(verbs[request.verb]) != length ||
                                        strncmp(verbs[request.verb], text, length)))
                request.verb++;
        if (request.verb == _ANTISPOOF_VERB_MAX)
                return request_refuse(ret_error);

        r = request_parse_rest(&request, rest[0] ? rest + 1 : NULL, ret_error);
        if (r < 0)
                return r;

        *ret_request = request;
        return 0;
}

char *antispoof_answer_format(int r, const Error *error, const char *word)
{
        g_autofree char *sentence = NULL;

        if (r >= 0)
                return g_strconcat("ok ", word, NULL);

        sentence = text_for_display(error_message(error, r), 512);
        return g_strconcat(error && error->code == ERROR_ADDRESS_IN_USE ? TAKEN : FAILED, sentence, NULL);
}

static bool word_is_valid(const char *word)
{
        size_t length = strlen(word);

        return length > 0 && length < IF_NAMESIZE && strspn(word, G_CSET_a_2_z G_CSET_DIGITS) == length;
}

static int answer_refuse(Error *ret_error)
{
        (void) error_set(ret_error, ERROR_FAILED, "Malformed answer from shruthi-antispoof");
        return -EBADMSG;
}

static int answer_is_error(const char *text, Error *ret_error)
{
        bool taken = g_str_has_prefix(text, TAKEN);
        g_autofree char *shown = NULL;

        if (!taken && !g_str_has_prefix(text, FAILED))
                return 0;
        shown = text_for_display(text + (taken ? strlen(TAKEN) : strlen(FAILED)), 512);
        return error_set(ret_error, taken ? ERROR_ADDRESS_IN_USE : ERROR_FAILED, "%s", shown);
}

int antispoof_answer_parse(const char *data, size_t size, char **ret_word, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size);
        int r;

        r = answer_is_error(text, ret_error);
        if (r < 0)
                return r;
        if (!g_str_has_prefix(text, "ok ") || !word_is_valid(text + strlen("ok ")))
                return answer_refuse(ret_error);

        *ret_word = g_strdup(text + strlen("ok "));
        return 0;
}

void antispoof_port_news_clear(AntispoofPortNews *news)
{
        antispoof_filter_free(news->filter);
        *news = (AntispoofPortNews){};
}

char *antispoof_port_news_format(const char *interface, const AntispoofFilter *filter)
{
        g_autofree char *text = filter ? antispoof_filter_format(filter) : NULL;

        return filter ? g_strconcat(NEWS_PORT, interface, " ", text, NULL)
                      : g_strconcat(NEWS_GONE, interface, NULL);
}

int antispoof_port_news_parse(const char *data, size_t size, AntispoofPortNews *ret_news, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size);
        _cleanup_antispoof_port_news_ AntispoofPortNews news = {};
        bool port = g_str_has_prefix(text, NEWS_PORT);
        char *interface, *space;
        int r;

        r = answer_is_error(text, ret_error);
        if (r < 0)
                return r;
        if (strlen(text) != size || (!port && !g_str_has_prefix(text, NEWS_GONE)))
                return answer_refuse(ret_error);

        interface = text + strlen(port ? NEWS_PORT : NEWS_GONE);
        space = strchr(interface, ' ');
        if (port != !!space)
                return answer_refuse(ret_error);
        if (space)
                *space++ = 0;
        if (!filtered_name_is_valid(interface) ||
                        (port && antispoof_filter_parse(space, &news.filter, NULL) < 0))
                return answer_refuse(ret_error);

        g_strlcpy(news.interface, interface, sizeof news.interface);
        *ret_news = news;
        news.filter = NULL;
        return 0;
}

char *antispoof_lost_format(char *const *names)
{
        GString *text = g_string_new(LOST_OK);

        for (char *const *name = names; *name && text->len + IF_NAMESIZE < ANTISPOOF_LOST_MAX; name++)
                g_string_append_printf(text, " %s", *name);
        return g_string_free(text, FALSE);
}

int antispoof_lost_parse(const char *data, size_t size, char ***ret_names, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size);
        g_auto(GStrv) words = NULL;
        int r;

        r = answer_is_error(text, ret_error);
        if (r < 0)
                return r;
        words = g_strsplit(text, " ", -1);
        if (g_strcmp0(words[0], LOST_OK) != 0)
                return answer_refuse(ret_error);
        for (char **word = words + 1; *word; word++)
                if (!antispoof_tap_name_is_valid(*word))
                        return answer_refuse(ret_error);

        *ret_names = g_strdupv(words + 1);
        return 0;
}

void antispoof_interface_name(const AntispoofFilter *filter, char ret[static IF_NAMESIZE])
{
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 */
        g_autofree char *text = antispoof_filter_format(filter);
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        const size_t prefix = strlen(ANTISPOOF_INTERFACE_PREFIX);
        uint8_t digest[32];
        gsize size = sizeof digest;

        g_checksum_update(checksum, (const guchar *) text, (gssize) strlen(text));
        g_checksum_get_digest(checksum, digest, &size);

        memcpy(ret, ANTISPOOF_INTERFACE_PREFIX, prefix);
        for (size_t i = prefix; i < IF_NAMESIZE - 1; i++)
                ret[i] = digits[digest[i] & 31];
        ret[IF_NAMESIZE - 1] = 0;
}
