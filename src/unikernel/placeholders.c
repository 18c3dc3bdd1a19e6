/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fills in placeholders from what the host knows. Called to check them at create, and to fill them in at
 * start. */

#include "unikernel/placeholders.h"

#include <glib.h>
#include <string.h>

#include "common/string-util.h"


typedef enum Field {
        FIELD_ADDRESS,
        FIELD_IP,
        FIELD_PREFIX,
        FIELD_GATEWAY,
        FIELD_DNS,
        FIELD_MAC,
        FIELD_ADDRESS6,
        FIELD_IP6,
        FIELD_PREFIX6,
        FIELD_GATEWAY6,
        FIELD_DNS6,
        _FIELD_MAX,
        _FIELD_INVALID = -EINVAL,
} Field;

static const char *const field_table[_FIELD_MAX] = {
                [FIELD_ADDRESS] = "address",
                [FIELD_IP] = "ip",
                [FIELD_PREFIX] = "prefix",
                [FIELD_GATEWAY] = "gateway",
                [FIELD_DNS] = "dns",
                [FIELD_MAC] = "mac",
                [FIELD_ADDRESS6] = "address6",
                [FIELD_IP6] = "ip6",
                [FIELD_PREFIX6] = "prefix6",
                [FIELD_GATEWAY6] = "gateway6",
                [FIELD_DNS6] = "dns6",
};

static const char *const plain_table[] = {"name", "uuid", "owner"};

/* Called for each piece of the text; field is NULL for text between the placeholders. */
typedef int (*PieceHandler)(
                const char *text, size_t length, const char *field, void *userdata, Error *ret_error);

static int scan(const char *text, PieceHandler handler, void *userdata, Error *ret_error)
{
        for (const char *p = text; *p;) {
                size_t length = strcspn(p, "{}");
                const char *end;
                int r;

                if (length == 0 && p[0] == p[1]) {
                        r = handler(p, 1, NULL, userdata, ret_error);
                        p += 2;
                } else if (length > 0) {
                        r = handler(p, length, NULL, userdata, ret_error);
                        p += length;
                } else {
                        g_autofree char *field = NULL;

                        end = p[0] == '{' ? p + 1 + strcspn(p + 1, "{}") : p;
                        if (*p != '{' || *end != '}')
                                return error_set(ret_error, ERROR_INVALID_ARGS,
                                                "a single '%c' at byte %td: write '%c%c' for a brace", *p,
                                                p - text + 1, *p, *p);
                        field = g_strndup(p + 1, (size_t) (end - p - 1));
                        r = handler(NULL, 0, field, userdata, ret_error);
                        p = end + 1;
                }
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Lists all fields that exist with these devices, for people. */
static char *list_fields(const PlaceholderFacts *facts)
{
        GString *list = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(plain_table); i++)
                g_string_append_printf(list, "%s{%s}", i > 0 ? ", " : "", plain_table[i]);
        for (size_t i = 0; i < facts->n_devices; i++)
                for (Field field = 0; field < _FIELD_MAX; field++)
                        g_string_append_printf(
                                        list, ", {%s.%s}", facts->devices[i].name, field_table[field]);

        return g_string_free(list, FALSE);
}

static int refuse_unknown(const char *field, const PlaceholderFacts *facts, Error *ret_error)
{
        g_autofree char *shown = text_for_display(field, 80), *list = list_fields(facts);

        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "there is no field {%s}; known: %s (write {{ and }} for braces)", shown, list);
}

/* Splits "DEVICE.FIELD" at its last dot, since a device's name may have one. */
static const PlaceholderDevice *find_device(
                const PlaceholderFacts *facts, const char *text, Field *ret_field)
{
        const char *dot = strrchr(text, '.');
        int field = dot ? string_table_lookup(field_table, _FIELD_MAX, dot + 1) : -EINVAL;

        for (size_t i = 0; field >= 0 && i < facts->n_devices; i++) {
                const char *name = facts->devices[i].name;

                if (strlen(name) == (size_t) (dot - text) &&
                                strncmp(name, text, (size_t) (dot - text)) == 0) {
                        *ret_field = (Field) field;
                        return &facts->devices[i];
                }
        }

        return NULL;
}

/* The value of a device's field, "" if it has none. */
static void format_field(const PlaceholderDevice *device, Field field, char ret[static ADDRESS_TEXT_MAX])
{
        bool six = field >= FIELD_ADDRESS6;
        const Address *address = six ? &device->address6 : &device->address4;

        ret[0] = 0;
        switch (field) {
        case FIELD_ADDRESS:
        case FIELD_ADDRESS6:
                address_format(address, ret);
                break;
        case FIELD_IP:
        case FIELD_IP6:
                address_format_ip(address, ret);
                break;
        case FIELD_PREFIX:
        case FIELD_PREFIX6:
                if (address_is_set(address))
                        g_snprintf(ret, ADDRESS_TEXT_MAX, "%u", address->prefix);
                break;
        case FIELD_GATEWAY:
        case FIELD_GATEWAY6:
                address_format_ip(six ? &device->gateway6 : &device->gateway4, ret);
                break;
        case FIELD_DNS:
        case FIELD_DNS6:
                address_format_ip(six ? &device->dns6 : &device->dns4, ret);
                break;
        case FIELD_MAC:
                g_strlcpy(ret, device->mac ?: "", ADDRESS_TEXT_MAX);
                break;
        case _FIELD_MAX:
        case _FIELD_INVALID:
                g_assert_not_reached();
        }
}

static int refuse_empty(const char *device, Field field, Error *ret_error)
{
        const char *family = field >= FIELD_ADDRESS6 ? "IPv6" : "IPv4";

        switch (field) {
        case FIELD_GATEWAY:
        case FIELD_GATEWAY6:
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "{%s.%s} has no value: the network of '%s' has no known %s gateway; remove "
                                "the field, write the address itself, or set it in shruthi.conf",
                                device, field_table[field], device, family);
        case FIELD_DNS:
        case FIELD_DNS6:
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "{%s.%s} has no value: the network of '%s' has no known %s DNS server; "
                                "remove the field, write the address itself, or set it in shruthi.conf",
                                device, field_table[field], device, family);
        case FIELD_MAC:
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "{%s.mac} has no value: the MAC address is not known", device);
        default:
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "{%s.%s} has no value: '%s' has no %s address; set Address=auto or "
                                "Address=%s in its section, on a network that has %s",
                                device, field_table[field], device, family,
                                field >= FIELD_ADDRESS6 ? "fd00::2/64" : "10.0.0.2/24", family);
        }
}

typedef struct Expansion {
        const PlaceholderFacts *facts;
        GString *out; /* NULL: only check */
} Expansion;

static int expand_piece(const char *text, size_t length, const char *field, void *userdata, Error *ret_error)
{
        Expansion *expansion = userdata;
        const PlaceholderFacts *facts = expansion->facts;
        const char *const plain[] = {facts->name, facts->uuid, facts->owner};
        const PlaceholderDevice *device;
        char value[ADDRESS_TEXT_MAX];
        Field device_field = FIELD_ADDRESS;
        int index;

        if (!field) {
                if (expansion->out)
                        g_string_append_len(expansion->out, text, (gssize) length);
                return 0;
        }

        index = string_table_lookup(plain_table, G_N_ELEMENTS(plain_table), field);
        device = index < 0 ? find_device(facts, field, &device_field) : NULL;
        if (index < 0 && !device)
                return refuse_unknown(field, facts, ret_error);
        if (!expansion->out)
                return 0;

        if (index >= 0) {
                if (!plain[index])
                        return error_set(ret_error, ERROR_INVALID_ARGS, "{%s} has no value", field);
                g_string_append(expansion->out, plain[index]);
                return 0;
        }

        format_field(device, device_field, value);
        if (!value[0])
                return refuse_empty(device->name, device_field, ret_error);
        g_string_append(expansion->out, value);
        return 0;
}

int placeholders_expand(
                const char *text, const PlaceholderFacts *facts, char **ret_arguments, Error *ret_error)
{
        g_autoptr(GString) out = g_string_new(NULL);
        Expansion expansion = {.facts = facts, .out = out};
        int r;

        r = scan(text, expand_piece, &expansion, ret_error);
        if (r < 0)
                return r;

        *ret_arguments = g_string_free(g_steal_pointer(&out), FALSE);
        return 0;
}

int placeholders_check(const char *text, const PlaceholderFacts *facts, Error *ret_error)
{
        Expansion expansion = {.facts = facts};

        return scan(text, expand_piece, &expansion, ret_error);
}

typedef struct Need {
        const PlaceholderDevice *device;
        int family;
        bool found;
} Need;

static int need_piece(const char *text, size_t length, const char *field, void *userdata, Error *ret_error)
{
        Need *need = userdata;
        PlaceholderFacts facts = {.devices = need->device, .n_devices = 1};
        Field found = FIELD_ADDRESS;

        if (field && find_device(&facts, field, &found)) {
                bool six = found == FIELD_ADDRESS6 || found == FIELD_IP6 || found == FIELD_PREFIX6;
                bool four = found == FIELD_ADDRESS || found == FIELD_IP || found == FIELD_PREFIX;

                need->found |= need->family == AF_INET6 ? six : four;
        }

        return 0;
}

bool placeholders_need_address(const char *text, const char *device, int family)
{
        PlaceholderDevice wanted = {.name = device};
        Need need = {.device = &wanted, .family = family};

        return scan(text, need_piece, &need, NULL) >= 0 && need.found;
}
