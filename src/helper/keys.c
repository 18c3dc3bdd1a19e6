/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of shruthi-domain's lines. Called by the programs that write and read them. */

#include "helper/keys.h"

#include <glib.h>
#include <string.h>

static const char *const key_table[_DOMAIN_KEY_MAX] = {
#define KEY(name, text, readers, form) [DOMAIN_KEY_##name] = (text),
                DOMAIN_KEYS(KEY)
#undef KEY
};

static const char *const field_table[_DOMAIN_FIELD_MAX] = {
#define FIELD(name, text, readers, form) [DOMAIN_FIELD_##name] = (text),
                DOMAIN_FIELDS(FIELD)
#undef FIELD
};

const char *domain_key_to_string(DomainKey key)
{
        return key >= 0 && key < _DOMAIN_KEY_MAX ? key_table[key] : NULL;
}

DomainKey domain_key_from_string(const char *text)
{
        for (DomainKey key = 0; key < _DOMAIN_KEY_MAX; key++)
                if (g_str_equal(key_table[key], text))
                        return key;

        return _DOMAIN_KEY_INVALID;
}

const char *domain_field_to_string(DomainField field)
{
        return field >= 0 && field < _DOMAIN_FIELD_MAX ? field_table[field] : NULL;
}

DomainField domain_field_from_string(const char *text)
{
        for (DomainField field = 0; field < _DOMAIN_FIELD_MAX; field++)
                if (g_str_equal(field_table[field], text))
                        return field;

        return _DOMAIN_FIELD_INVALID;
}

bool domain_next_line(const char **position, char **ret_key, char **ret_value)
{
        while (**position) {
                const char *line = *position, *end = strchrnul(line, '\n'), *equals;

                *position = *end ? end + 1 : end;
                equals = memchr(line, '=', (size_t) (end - line));
                if (!equals)
                        continue;

                *ret_key = g_strndup(line, (gsize) (equals - line));
                *ret_value = g_strndup(equals + 1, (gsize) (end - equals - 1));
                return true;
        }

        return false;
}

bool domain_next_key(const char **position, DomainKey *ret_key, char **ret_value)
{
        for (char *text, *value; domain_next_line(position, &text, &value);) {
                DomainKey key = domain_key_from_string(text);

                g_free(text);
                if (key >= 0) {
                        *ret_key = key;
                        *ret_value = value;
                        return true;
                }
                g_free(value);
        }

        return false;
}
