/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of shruthi-domain's lines. Called by who writes them and by who reads them. */

#include "helper/keys.h"

#include <glib.h>

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
