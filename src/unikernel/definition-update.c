/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The keys of [Unikernel] that say where updates come from. update-source.c knows what they accept. */

#include "common/https-url.h"
#include "unikernel/definition-private.h"
#include "unikernel/update-source.h"

int definition_parse_update_from(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = update_source_check(entry->value, &error);

        return r < 0 ? key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r))
                     : definition_put_text(parser, entry);
}

int definition_parse_update_verify(DefinitionParser *parser, const KeyFileEntry *entry)
{
        _cleanup_update_verify_ UpdateVerify verify = {};
        _cleanup_error_ Error error = ERROR_INIT;
        int r = update_verify_parse(entry->value, &verify, &error);

        return r < 0 ? key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r))
                     : definition_put_text(parser, entry);
}

int definition_check_update(const DefinitionParser *parser, const KeyFileSection *unikernel)
{
        const Definition *definition = parser->definition;
        const KeyFileEntry *verify = unikernel ? key_file_find_entry(unikernel, "UpdateVerify") : NULL;
        const KeyFileEntry *from = unikernel ? key_file_find_entry(unikernel, "UpdateFrom") : NULL;

        if (verify && definition->update_verify && !definition->update_from)
                return key_file_refuse(verify, parser->ret_error,
                                "there is nothing to verify without UpdateFrom=: write that too");
        if (from && definition->update_from && text_is_url(definition->update_from) &&
                        !definition->update_verify)
                return key_file_refuse(from, parser->ret_error,
                                "what comes over the network has to be verified, because https proves only "
                                "which server it came from: write UpdateVerify= too");

        return 0;
}
