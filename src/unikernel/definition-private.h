/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* Shared by the files that make up definitions: definition.c knows where they are, definition-parse.c their
 * sections, definition-settings.c their keys and values, definition-write.c how they are written. */

/* The file that defines NAME, in the first directory that has one: a definition, or a mask. -ENOENT without
 * an Error if there is neither. */
int definition_look(const char *name, char **ret_path, DefinitionOrigin *ret_origin, bool *ret_masked,
                Error *ret_error);

struct DefinitionParser {
        Definition *definition;
        DefinitionDevice *device;      /* of the current section, NULL in [Unikernel] */
        const Setting *setting;        /* the current one */
        const KeyFileEntry *arguments; /* checked when all devices are known; NULL if none */
        DefinitionFlags flags;
        Error *ret_error;
};

/* definition-settings.c: refuses a value and says what the setting takes, from its row of the table; stores
 * a text value as it is. */
int definition_refuse_value(const DefinitionParser *parser, const KeyFileEntry *entry);
int definition_put_text(const DefinitionParser *parser, const KeyFileEntry *entry);

/* Keys that are lists; their parsers accept an empty value too. */
extern const char *const definition_lists[];

/* definition-credentials.c: the keys of [Credentials NAME]. */
GPtrArray *definition_sources_new(void);
int definition_parse_source(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_source_encrypted(DefinitionParser *parser, const KeyFileEntry *entry);

/* definition-devices.c: the keys of network and block devices. */
int definition_parse_bridge(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_network(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_mac(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_address(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_bandwidth(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_path(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_size(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_volume(DefinitionParser *parser, const KeyFileEntry *entry);

/* definition-checks.c: the keys of readiness and health; and whether the lines of a key are checks
 * (check.h). */
int definition_parse_ready(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_ready_timeout(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_healthy(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_healthy_interval(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_healthy_retries(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_watchdog(DefinitionParser *parser, const KeyFileEntry *entry);
char *definition_format_healthy_retries(const Definition *definition);
bool setting_is_of_checks(const Setting *setting);

/* definition-limits.c: what the guest may use; and whether its limits go together. */
int definition_parse_weight(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_quota(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_processors(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_io_limit(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_memory_limit(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_check_slice_limits(const DefinitionParser *parser);

/* definition-update.c: where updates come from; and whether the two keys go together. */
int definition_parse_update_from(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_update_verify(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_check_update(const DefinitionParser *parser, const KeyFileSection *unikernel);

/* definition-publish.c: the ports of a network device; and whether they can be published, once all devices
 * are known. */
int definition_parse_publish(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_check_publish(const DefinitionParser *parser, const KeyFile *key_file);

/* The same file: what starts it but for its unit, and when it is stopped again. */
int definition_parse_activation(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_stop_when_idle(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_check_activation(const DefinitionParser *parser, const KeyFileSection *unikernel);

/* definition-order.c: the keys that systemd acts upon; and whether those of restarts go together. */
int definition_parse_order(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_span(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_parse_number(DefinitionParser *parser, const KeyFileEntry *entry);
int definition_check_restart(const DefinitionParser *parser);

/* The file's path, in memory that lives as long as the definition. */
const char *definition_own_path(const Definition *definition, const char *path);

/* Fills definition, whose name, origin, path and dropins are set, from key_file. */
int definition_parse_key_file(
                Definition *definition, const KeyFile *key_file, DefinitionFlags flags, Error *ret_error);
