/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Credentials NAME]: where key material comes from, in the terms of systemd.exec(5). A definition contains
 * no secrets, only where they are. */

#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/ustar.h"
#include "unikernel/definition-private.h"

const char *const definition_lists[] = {"LoadCredential", "LoadCredentialEncrypted", "Ready", "Healthy",
                "Requires", "Wants", "BindsTo", "After", "Before", "Conflicts", "PartOf", "Upholds",
                "OnFailure", "Publish", "IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax",
                "IOWriteIOPSMax", NULL};

static void source_free(gpointer data)
{
        DefinitionSource *source = data;

        g_free(source->id);
        g_free(source->from);
        g_free(source);
}

GPtrArray *definition_sources_new(void)
{
        return g_ptr_array_new_with_free_func(source_free);
}

/* The name as systemd allows it: of a file in a store. */
static bool store_name_is_valid(const char *name)
{
        size_t length = strlen(name);

        for (const char *p = name; *p; p++)
                if (!g_ascii_isprint(*p) || *p == '/' || *p == ':')
                        return false;

        return length > 0 && length <= 255 && !g_str_equal(name, ".") && !g_str_equal(name, "..");
}

static int source_check(DefinitionParser *parser, const KeyFileEntry *entry, const DefinitionSource *source)
{
        if (!ustar_name_is_valid(source->id))
                return key_file_refuse(entry, parser->ret_error,
                                "write NAME:/path or NAME; a name has 1 to %d printable characters without "
                                "space, '/' and ':', and does not begin with '.'",
                                USTAR_NAME_MAX);
        if (g_str_has_prefix(source->id, SHRUTHI_CREDENTIAL_PREFIX))
                return key_file_refuse(entry, parser->ret_error,
                                "names that begin with '%s' are reserved for 'shruthictl credential set'; "
                                "use another name",
                                SHRUTHI_CREDENTIAL_PREFIX);
        if (g_str_has_suffix(source->from, "\\"))
                return key_file_refuse(entry, parser->ret_error,
                                "the source cannot end with '\\', because systemd would join it with the "
                                "next line");
        if (source->from[0] == '/' ? !path_is_normalized(source->from) : !store_name_is_valid(source->from))
                return key_file_refuse(entry, parser->ret_error,
                                "the source after ':' is neither an absolute path without '//', '.' and "
                                "'..' nor the name of a credential in one of systemd's stores");

        return 0;
}

/* A later file (a drop-in) may give another source for a name; one file may name it only once. */
static int source_replace(
                DefinitionParser *parser, const KeyFileEntry *entry, const DefinitionSource *source)
{
        GPtrArray *sources = parser->device->sources;

        for (guint i = 0; i < sources->len; i++) {
                const DefinitionSource *other = sources->pdata[i];

                if (!g_str_equal(other->id, source->id))
                        continue;
                if (other->file == source->file)
                        return key_file_refuse(entry, parser->ret_error,
                                        "'%s' is given twice, first in line %u; remove one", other->id,
                                        other->line);
                g_ptr_array_remove_index(sources, i);
                break;
        }

        if (sources->len >= CREDENTIAL_SOURCES_MAX)
                return key_file_refuse(entry, parser->ret_error,
                                "'%s' exceeds the %d sources that systemd can load for a unit (%d bytes for "
                                "each, however short, and for the keys that were set, of %d): put several "
                                "into one file",
                                source->id, CREDENTIAL_SOURCES_MAX, CREDENTIAL_PAGE, CREDENTIAL_SPACE_MAX);

        return 0;
}

static int source_parse(DefinitionParser *parser, const KeyFileEntry *entry, bool encrypted)
{
        const char *colon = strchr(entry->value, ':');
        DefinitionSource *source;
        int r;

        /* An empty value clears both lists, as in systemd. */
        if (entry->value[0] == 0) {
                g_ptr_array_set_size(parser->device->sources, 0);
                return 0;
        }

        source = g_new(DefinitionSource, 1);
        *source = (DefinitionSource){
                .id = g_strndup(entry->value, colon ? (size_t) (colon - entry->value)
                                                    : strlen(entry->value)),
                .encrypted = encrypted,
                .file = definition_own_path(parser->definition, entry->path),
                .line = entry->line,
        };
        /* A name alone stands for the file of that name in the stores. */
        source->from = g_strdup(colon && colon[1] ? colon + 1 : source->id);

        r = source_check(parser, entry, source);
        if (r >= 0)
                r = source_replace(parser, entry, source);
        if (r < 0) {
                source_free(source);
                return r;
        }

        g_ptr_array_add(parser->device->sources, source);
        return 0;
}

int definition_parse_source(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return source_parse(parser, entry, false);
}

int definition_parse_source_encrypted(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return source_parse(parser, entry, true);
}

const DefinitionDevice *definition_credentials(const Definition *definition)
{
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->credentials)
                        return device;
        }

        return NULL;
}

static const GPtrArray *definition_find_sources(const Definition *definition)
{
        const DefinitionDevice *device = definition ? definition_credentials(definition) : NULL;

        return device ? device->sources : NULL;
}

bool definition_has_source(const Definition *definition, const DefinitionSource *source)
{
        const GPtrArray *sources = definition_find_sources(definition);

        for (guint i = 0; sources && i < sources->len; i++) {
                const DefinitionSource *other = sources->pdata[i];

                if (g_str_equal(other->id, source->id) && g_str_equal(other->from, source->from) &&
                                other->encrypted == source->encrypted)
                        return true;
        }

        return false;
}

bool definition_sources_equal(const Definition *a, const Definition *b)
{
        const GPtrArray *sources = definition_find_sources(a), *others = definition_find_sources(b);

        if ((sources ? sources->len : 0) != (others ? others->len : 0))
                return false;
        for (guint i = 0; sources && i < sources->len; i++)
                if (!definition_has_source(b, sources->pdata[i]))
                        return false;

        return true;
}
