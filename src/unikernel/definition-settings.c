/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of settings (setting.h says how to add one), and what each key accepts. Every refusal names
 * file, line and value and what would be right. */

#include "unikernel/setting.h"

#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "common/users.h"
#include "unikernel/definition-private.h"

#define CPUS_MAX    64
#define MEMORY_UNIT (1024 * 1024)
#define MEMORY_MAX  (UINT64_C(1) << 44) /* 16 TiB */

static const char *const restart_policy_table[_RESTART_POLICY_MAX] = {
                [RESTART_NO] = "no",
                [RESTART_ON_FAILURE] = "on-failure",
                [RESTART_ALWAYS] = "always",
};
DEFINE_STRING_TABLE(restart_policy, RestartPolicy, restart_policy_table, _RESTART_POLICY_MAX)

static void *parser_field(const DefinitionParser *parser)
{
        return setting_field(parser->setting, parser->device ?: (void *) parser->definition);
}

int definition_refuse_value(const DefinitionParser *parser, const KeyFileEntry *entry)
{
        return key_file_refuse(entry, parser->ret_error, "write %s", parser->setting->takes);
}

int definition_put_text(const DefinitionParser *parser, const KeyFileEntry *entry)
{
        char **field = parser_field(parser);

        g_free(*field);
        *field = g_strdup(entry->value);
        return 0;
}

static int setting_parse_image(DefinitionParser *parser, const KeyFileEntry *entry)
{
        if (g_str_has_prefix(entry->value, SHRUTHI_DIGEST_PREFIX) && !digest_is_valid(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "must be 'sha256:' and 64 hexadecimal digits in lower case");
        if (!digest_is_valid(entry->value) && entry->value[0] != '/')
                return key_file_refuse(entry, parser->ret_error,
                                "neither a digest (sha256:…) nor an absolute path (/…)");
        if (entry->value[0] == '/' && !path_is_normalized(entry->value))
                return key_file_refuse(entry, parser->ret_error,
                                "not a normalized path of a file: write it without '//', '.', '..' and a "
                                "'/' at the end");

        *(char **) parser_field(parser) = g_strdup(entry->value);
        return 0;
}

static int setting_parse_arguments(DefinitionParser *parser, const KeyFileEntry *entry)
{
        g_free(parser->definition->arguments);
        parser->definition->arguments = g_strdup(entry->value);
        parser->arguments = entry;
        return 0;
}

static int setting_parse_memory(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t bytes = 0;
        int r = size_parse(entry->value, &bytes);

        if (r == -ERANGE || (r >= 0 && bytes > MEMORY_MAX))
                return key_file_refuse(entry, parser->ret_error, "too much: at most 16T");
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error,
                                "not a size: write a whole number and K, M, G or T (base 1024), such as "
                                "32M");
        if (bytes < MEMORY_UNIT)
                return key_file_refuse(entry, parser->ret_error, "less than 1M: write %s",
                                entry->value[strspn(entry->value, "0123456789")]
                                                ? "32M or more"
                                                : "the unit too, such as 32M");
        if (bytes % MEMORY_UNIT != 0)
                return key_file_refuse(entry, parser->ret_error,
                                "not a whole number of MiB: write %" G_GUINT64_FORMAT "M",
                                bytes / MEMORY_UNIT + 1);

        parser->definition->memory = bytes;
        return 0;
}

static int setting_parse_cpus(DefinitionParser *parser, const KeyFileEntry *entry)
{
        guint64 cpus;

        if (!g_ascii_string_to_unsigned(entry->value, 10, 1, CPUS_MAX, &cpus, NULL))
                return key_file_refuse(entry, parser->ret_error,
                                "not a number from 1 to %d (Solo5 uses one)", CPUS_MAX);

        parser->definition->cpus = (unsigned) cpus;
        return 0;
}

static int setting_parse_architecture(DefinitionParser *parser, const KeyFileEntry *entry)
{
        ImageArchitecture architecture = guest_architecture_from_string(entry->value);

        if ((int) architecture < 0)
                return definition_refuse_value(parser, entry);

        parser->definition->architecture = architecture;
        return 0;
}

static int setting_parse_user_or_group(
                DefinitionParser *parser, const KeyFileEntry *entry, bool group, uint32_t *ret_id)
{
        const char *what = group ? "group" : "user";
        int r;

        if (user_number_parse(entry->value, ret_id) >= 0)
                return 0;
        if (entry->value[0] == '-' || strspn(entry->value, "0123456789") == strlen(entry->value))
                return key_file_refuse(entry, parser->ret_error, "not the number of a %s", what);
        if (parser->flags & DEFINITION_IGNORE_USERS)
                return 0;

        r = group ? group_find(entry->value, ret_id) : user_find(entry->value, ret_id);
        if (r == -ESRCH)
                return key_file_refuse(entry, parser->ret_error, "there is no such %s on this host", what);
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "the %s cannot be looked up: %s", what,
                                g_strerror(-r));

        return 0;
}

static int setting_parse_owner(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint32_t number;

        parser->definition->owner_is_name = user_number_parse(entry->value, &number) < 0;
        return setting_parse_user_or_group(parser, entry, false, &parser->definition->owner);
}

static int setting_parse_group(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return setting_parse_user_or_group(parser, entry, true, &parser->definition->group);
}

static int setting_parse_boolean(DefinitionParser *parser, const KeyFileEntry *entry)
{
        bool value;

        if (boolean_parse(entry->value, &value) < 0)
                return definition_refuse_value(parser, entry);

        *(bool *) parser_field(parser) = value != ((parser->setting->flags & SETTING_INVERTED) != 0);
        return 0;
}

static int setting_parse_fleet(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return name_is_valid(entry->value) ? definition_put_text(parser, entry)
                                           : definition_refuse_value(parser, entry);
}

static int setting_parse_restart(DefinitionParser *parser, const KeyFileEntry *entry)
{
        RestartPolicy policy = restart_policy_from_string(entry->value);

        if ((int) policy < 0)
                return definition_refuse_value(parser, entry);

        parser->definition->restart = policy;
        return 0;
}

static bool restart_is_valid(const char *text)
{
        return (int) restart_policy_from_string(text) >= 0;
}

static bool architecture_is_valid(const char *text)
{
        return !*text || (int) guest_architecture_from_string(text) >= 0;
}

static char *setting_format_architecture(const Definition *definition)
{
        return definition->architecture == IMAGE_ARCHITECTURE_UNKNOWN
                               ? NULL
                               : g_strdup(image_architecture_to_string(definition->architecture));
}

static char *setting_format_owner(const Definition *definition)
{
        return g_strdup_printf("%u", definition->owner);
}

static char *setting_format_group(const Definition *definition)
{
        return definition->group == GID_INVALID ? NULL : g_strdup_printf("%u", definition->group);
}

static char *setting_format_restart(const Definition *definition)
{
        return definition->restart == RESTART_NO ? NULL
                                                 : g_strdup(restart_policy_to_string(definition->restart));
}

#define DEFINITION_FIELD(field)                                                                             \
        .offset = offsetof(Definition, field), .size = sizeof(((Definition *) 0)->field)
#define DEVICE_FIELD(field)                                                                                 \
        .offset = offsetof(DefinitionDevice, field), .size = sizeof(((DefinitionDevice *) 0)->field)

/* Keys that systemd acts upon when it reloads its units. */
#define SYSTEMD_TEXT(name, field)                                                                           \
        .key = name, .type = SETTING_TYPE_TEXT, .flags = SETTING_WITHOUT_START, DEFINITION_FIELD(field)
#define ORDER_LIST(name, field)                                                                             \
        .key = name, .type = SETTING_TYPE_LIST,                                                             \
        .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR | SETTING_WORDS, DEFINITION_FIELD(field),    \
        .parse = definition_parse_order, .metavar = "NAME"
#define SLICE_LIMIT(name, kind, field)                                                                      \
        .key = name, .type = kind, .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR,                  \
        DEFINITION_FIELD(field)

/* clang-format off */
const Setting setting_table[_SETTING_MAX] = {
        [SETTING_IMAGE] = {
                .key = "Image", .type = SETTING_TYPE_FILE, DEFINITION_FIELD(image),
                .flags = SETTING_ADMINISTRATOR,
                .parse = setting_parse_image,
        },
        [SETTING_INITRD] = {
                .key = "Initrd", .type = SETTING_TYPE_FILE, DEFINITION_FIELD(initrd),
                .flags = SETTING_ADMINISTRATOR,
                .parse = setting_parse_image,
                .option = "initrd", .metavar = "FILE",
                .help = "Use an initial RAM disk, for Linux and loaders",
        },
        [SETTING_ARGUMENTS] = {
                .key = "Arguments", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(arguments),
                .parse = setting_parse_arguments,
                .option = "arguments", .metavar = "STRING",
                .help = "Pass this string to the guest unchanged",
        },
        [SETTING_MEMORY] = {
                .key = "Memory", .type = SETTING_TYPE_BYTES, DEFINITION_FIELD(memory),
                .parse = setting_parse_memory,
                .takes = "a size such as 32M or 1G, or nothing for the default",
                .option = "memory", .metavar = "SIZE", .help = "Set the memory, such as 32M",
        },
        [SETTING_CPUS] = {
                .key = "CPUs", .type = SETTING_TYPE_NUMBER, DEFINITION_FIELD(cpus),
                .parse = setting_parse_cpus,
                .takes = "a number of 1 or more",
                .option = "cpus", .metavar = "N", .help = "Set the number of virtual CPUs",
        },
        [SETTING_ARCHITECTURE] = {
                .key = "Architecture", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(architecture),
                .parse = setting_parse_architecture, .format = setting_format_architecture,
                .is_valid = architecture_is_valid,
                .takes = "x86_64 or aarch64, or nothing for the host's own",
                .option = "architecture", .metavar = "NAME",
                .help = "Emulate an architecture other than the host's: x86_64 or aarch64",
        },
        [SETTING_OWNER] = {
                .key = "Owner", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(owner),
                .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR,
                .parse = setting_parse_owner, .format = setting_format_owner,
                .option = "owner", .metavar = "USER", .help = "Set the owner (administrators only)",
        },
        [SETTING_GROUP] = {
                .key = "Group", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(group),
                .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR,
                .parse = setting_parse_group, .format = setting_format_group,
                .option = "group", .metavar = "GROUP", .help = "Let the members of this group manage it",
        },
        [SETTING_AUTOSTART] = {
                .key = "Autostart", .type = SETTING_TYPE_BOOLEAN, DEFINITION_FIELD(autostart),
                .flags = SETTING_WITHOUT_START,
                .parse = setting_parse_boolean, .takes = "yes or no",
                .option = "autostart", .metavar = "[=BOOL]", .help = "Start at boot",
        },
        [SETTING_RESTART] = {
                .key = "Restart", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(restart),
                .flags = SETTING_WITHOUT_START,
                .parse = setting_parse_restart, .format = setting_format_restart,
                .is_valid = restart_is_valid,
                .takes = "no, on-failure or always",
                .option = "restart", .metavar = "WHEN",
                .help = "Restart after it ends: no, on-failure or always",
        },
        [SETTING_ACTIVATION] = {
                .key = "Activation", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(activation),
                .parse = definition_parse_activation,
                .takes = "traffic, or nothing",
                .option = "activation", .metavar = "WHAT",
                .help = "Start when something comes to its published ports: traffic",
        },
        [SETTING_STOP_WHEN_IDLE] = {
                .key = "StopWhenIdleSec", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(stop_when_idle),
                .parse = definition_parse_stop_when_idle,
                .takes = "a time from 1s to 365d",
                .option = "stop-when-idle", .metavar = "TIME",
                .help = "Stop after so long without a connection",
        },
        [SETTING_READY] = {
                .key = "Ready", .type = SETTING_TYPE_LIST, DEFINITION_FIELD(ready),
                .parse = definition_parse_ready,
                .option = "ready", .metavar = "CHECK",
                .help = "It is ready when this holds; may be repeated",
        },
        [SETTING_READY_TIMEOUT] = {
                .key = "ReadyTimeoutSec", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(ready_timeout),
                .parse = definition_parse_ready_timeout,
                .takes = "a time such as 30s or 2min, or infinity",
                .option = "ready-timeout", .metavar = "TIME", .help = "Give it this time to become ready",
        },
        [SETTING_HEALTHY] = {
                .key = "Healthy", .type = SETTING_TYPE_LIST, DEFINITION_FIELD(healthy),
                .parse = definition_parse_healthy,
                .option = "healthy", .metavar = "CHECK",
                .help = "It is healthy while this holds; may be repeated",
        },
        [SETTING_HEALTHY_INTERVAL] = {
                .key = "HealthyIntervalSec", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(healthy_interval),
                .parse = definition_parse_healthy_interval,
                .takes = "a time from 1s to 1d",
                .option = "healthy-interval", .metavar = "TIME", .help = "Check its health this often",
        },
        [SETTING_HEALTHY_RETRIES] = {
                .key = "HealthyRetries", .type = SETTING_TYPE_NUMBER, DEFINITION_FIELD(healthy_retries),
                .parse = definition_parse_healthy_retries, .format = definition_format_healthy_retries,
                .takes = "a number of 1 or more",
                .option = "healthy-retries", .metavar = "N",
                .help = "It is unhealthy after so many failures in a row",
        },
        [SETTING_WATCHDOG] = {
                .key = "Watchdog", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(watchdog),
                .parse = definition_parse_watchdog,
                .takes = "console",
                .option = "watchdog", .metavar = "WHAT",
                .help = "It has to print a line in each interval: console",
        },
        [SETTING_UPDATE_FROM] = {
                .key = "UpdateFrom", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(update_from),
                .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR,
                .parse = definition_parse_update_from,
                .option = "update-from", .metavar = "FILE|URL",
                .help = "Update it from this file of the host, or URL",
        },
        [SETTING_UPDATE_VERIFY] = {
                .key = "UpdateVerify", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(update_verify),
                .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR,
                .parse = definition_parse_update_verify,
                .option = "update-verify", .metavar = "KIND:KEY",
                .help = "Verify that file: minisign:KEY, openpgp:KEYRING or sha256sums:FILE",
        },
        [SETTING_FLEET] = {
                .key = "Fleet", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(fleet),
                .flags = SETTING_WITHOUT_START,
                .parse = setting_parse_fleet,
                .takes = "the name of a fleet: 1 to 63 of a-z, 0-9 and '-', or nothing",
                .option = "fleet", .metavar = "NAME", .help = "Make it a member of a fleet, and go with it",
        },
        [SETTING_RESTART_SEC] = {
                SYSTEMD_TEXT("RestartSec", restart_sec), .parse = definition_parse_span,
                .option = "restart-sec", .metavar = "TIME", .help = "Wait this long before a restart",
        },
        [SETTING_RESTART_STEPS] = {
                SYSTEMD_TEXT("RestartSteps", restart_steps), .parse = definition_parse_number,
                .option = "restart-steps", .metavar = "N",
                .help = "Lengthen that wait in N steps to --restart-max-delay-sec=",
        },
        [SETTING_RESTART_MAX_DELAY_SEC] = {
                SYSTEMD_TEXT("RestartMaxDelaySec", restart_max_delay_sec), .parse = definition_parse_span,
                .option = "restart-max-delay-sec", .metavar = "TIME",
                .help = "Set the longest wait before a restart",
        },
        [SETTING_START_LIMIT_INTERVAL_SEC] = {
                .key = "StartLimitIntervalSec", .type = SETTING_TYPE_TEXT,
                DEFINITION_FIELD(start_limit_interval_sec),
                .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR, .parse = definition_parse_span,
                .option = "start-limit-interval-sec", .metavar = "TIME",
                .help = "Count starts in this time for --start-limit-burst=",
        },
        [SETTING_START_LIMIT_BURST] = {
                .key = "StartLimitBurst", .type = SETTING_TYPE_TEXT, DEFINITION_FIELD(start_limit_burst),
                .flags = SETTING_WITHOUT_START | SETTING_ADMINISTRATOR, .parse = definition_parse_number,
                .option = "start-limit-burst", .metavar = "N",
                .help = "Give up after this many starts",
        },
        [SETTING_REQUIRES] = {
                ORDER_LIST("Requires", order[ORDER_REQUIRES]),
                .option = "requires", .help = "Start with NAME, and not without; may be repeated",
        },
        [SETTING_WANTS] = {
                ORDER_LIST("Wants", order[ORDER_WANTS]),
                .option = "wants", .help = "Start NAME with it; may be repeated",
        },
        [SETTING_BINDS_TO] = {
                ORDER_LIST("BindsTo", order[ORDER_BINDS_TO]),
                .option = "binds-to", .help = "Start with NAME, and stop whenever it ends; may be repeated",
        },
        [SETTING_AFTER] = {
                ORDER_LIST("After", order[ORDER_AFTER]),
                .option = "after", .help = "Start when NAME is ready; may be repeated",
        },
        [SETTING_BEFORE] = {
                ORDER_LIST("Before", order[ORDER_BEFORE]),
                .option = "before", .help = "Be ready before NAME starts; may be repeated",
        },
        [SETTING_CONFLICTS] = {
                ORDER_LIST("Conflicts", order[ORDER_CONFLICTS]),
                .option = "conflicts", .help = "Never run beside NAME; may be repeated",
        },
        [SETTING_PART_OF] = {
                ORDER_LIST("PartOf", order[ORDER_PART_OF]),
                .option = "part-of", .help = "Stop and restart with NAME; may be repeated",
        },
        [SETTING_UPHOLDS] = {
                ORDER_LIST("Upholds", order[ORDER_UPHOLDS]),
                .option = "upholds", .help = "Keep NAME running while it runs; may be repeated",
        },
        [SETTING_ON_FAILURE] = {
                ORDER_LIST("OnFailure", order[ORDER_ON_FAILURE]),
                .option = "on-failure", .help = "Start NAME if it fails; may be repeated",
        },
        [SETTING_CPU_WEIGHT] = {
                SLICE_LIMIT("CPUWeight", SETTING_TYPE_TEXT, cpu_weight), .parse = definition_parse_weight,
                .option = "cpu-weight", .metavar = "N",
                .help = "Set its share of a busy processor: 1 to 10000, or idle",
        },
        [SETTING_CPU_QUOTA] = {
                SLICE_LIMIT("CPUQuota", SETTING_TYPE_TEXT, cpu_quota), .parse = definition_parse_quota,
                .option = "cpu-quota", .metavar = "PERCENT",
                .help = "Let it use that much of one processor at most, such as 20%",
        },
        [SETTING_ALLOWED_CPUS] = {
                SLICE_LIMIT("AllowedCPUs", SETTING_TYPE_TEXT, allowed_cpus),
                .parse = definition_parse_processors,
                .option = "allowed-cpus", .metavar = "LIST",
                .help = "Let it use only these processors of the host, such as 0-3",
        },
        [SETTING_IO_WEIGHT] = {
                SLICE_LIMIT("IOWeight", SETTING_TYPE_TEXT, io_weight), .parse = definition_parse_weight,
                .option = "io-weight", .metavar = "N",
                .help = "Set its share of a busy disk: 1 to 10000",
        },
        [SETTING_IO_READ_BANDWIDTH_MAX] = {
                SLICE_LIMIT("IOReadBandwidthMax", SETTING_TYPE_LIST, io_read_bandwidth_max),
                .parse = definition_parse_io_limit,
                .option = "io-read-bandwidth-max", .metavar = "BYTES",
                .help = "Let it read that many bytes a second at most",
        },
        [SETTING_IO_WRITE_BANDWIDTH_MAX] = {
                SLICE_LIMIT("IOWriteBandwidthMax", SETTING_TYPE_LIST, io_write_bandwidth_max),
                .parse = definition_parse_io_limit,
                .option = "io-write-bandwidth-max", .metavar = "BYTES",
                .help = "Let it write that many bytes a second at most",
        },
        [SETTING_IO_READ_IOPS_MAX] = {
                SLICE_LIMIT("IOReadIOPSMax", SETTING_TYPE_LIST, io_read_iops_max),
                .parse = definition_parse_io_limit,
                .option = "io-read-iops-max", .metavar = "N",
                .help = "Let it read that many times a second at most",
        },
        [SETTING_IO_WRITE_IOPS_MAX] = {
                SLICE_LIMIT("IOWriteIOPSMax", SETTING_TYPE_LIST, io_write_iops_max),
                .parse = definition_parse_io_limit,
                .option = "io-write-iops-max", .metavar = "N",
                .help = "Let it write that many times a second at most",
        },
        [SETTING_MEMORY_HIGH] = {
                SLICE_LIMIT("MemoryHigh", SETTING_TYPE_BYTES, memory_high),
                .parse = definition_parse_memory_limit,
                .takes = "a size such as 64M, or nothing for no limit",
                .option = "memory-high", .metavar = "SIZE",
                .help = "Slow it down when it and QEMU use more memory than that",
        },
        [SETTING_MEMORY_MAX] = {
                SLICE_LIMIT("MemoryMax", SETTING_TYPE_BYTES, memory_max),
                .parse = definition_parse_memory_limit,
                .takes = "a size such as 64M, or nothing for no limit",
                .option = "memory-max", .metavar = "SIZE",
                .help = "Let it and QEMU use that much memory at most",
        },
        [SETTING_BRIDGE] = {
                .key = "Bridge", .section = SECTION_NETWORK, .type = SETTING_TYPE_TEXT, DEVICE_FIELD(bridge),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_bridge,
        },
        [SETTING_NETWORK] = {
                .key = "Network", .section = SECTION_NETWORK, .type = SETTING_TYPE_TEXT,
                DEVICE_FIELD(network),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_network,
        },
        [SETTING_MAC_ADDRESS] = {
                .key = "MACAddress", .section = SECTION_NETWORK, .type = SETTING_TYPE_TEXT,
                DEVICE_FIELD(mac),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_mac,
                .option = "mac",
        },
        [SETTING_ADDRESS] = {
                .key = "Address", .section = SECTION_NETWORK, .type = SETTING_TYPE_TEXT,
                DEVICE_FIELD(address),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_address,
                .option = "address",
        },
        [SETTING_BANDWIDTH] = {
                .key = "Bandwidth", .section = SECTION_NETWORK, .type = SETTING_TYPE_TEXT,
                DEVICE_FIELD(bandwidth),
                .parse = definition_parse_bandwidth,
                .option = "bandwidth",
        },
        [SETTING_ISOLATION] = {
                .key = "Isolation", .section = SECTION_NETWORK, .type = SETTING_TYPE_BOOLEAN,
                DEVICE_FIELD(open),
                .flags = SETTING_INVERTED | SETTING_ADMINISTRATOR,
                .parse = setting_parse_boolean, .takes = "yes or no",
                .option = "isolation",
        },
        [SETTING_PUBLISH] = {
                .key = "Publish", .section = SECTION_NETWORK, .type = SETTING_TYPE_LIST,
                DEVICE_FIELD(publish),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_publish,
                .option = "publish",
        },
        [SETTING_PATH] = {
                .key = "Path", .section = SECTION_VOLUME, .type = SETTING_TYPE_TEXT, DEVICE_FIELD(path),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_path,
        },
        [SETTING_SIZE] = {
                .key = "Size", .section = SECTION_VOLUME, .type = SETTING_TYPE_BYTES, DEVICE_FIELD(size),
                .parse = definition_parse_size, .takes = "a size such as 64M",
                .option = "size",
        },
        [SETTING_VOLUME] = {
                .key = "Volume", .section = SECTION_VOLUME, .type = SETTING_TYPE_TEXT, DEVICE_FIELD(volume),
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_volume,
                .option = "volume",
        },
        [SETTING_READ_ONLY] = {
                .key = "ReadOnly", .section = SECTION_VOLUME, .type = SETTING_TYPE_BOOLEAN,
                DEVICE_FIELD(read_only),
                .parse = setting_parse_boolean, .takes = "yes or no",
        },
        [SETTING_LOAD_CREDENTIAL] = {
                .key = "LoadCredential", .section = SECTION_CREDENTIALS, .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_source,
        },
        [SETTING_LOAD_CREDENTIAL_ENCRYPTED] = {
                .key = "LoadCredentialEncrypted", .section = SECTION_CREDENTIALS,
                .flags = SETTING_ADMINISTRATOR,
                .parse = definition_parse_source_encrypted,
        },
};
/* clang-format on */

void setting_reset(const Setting *setting, Definition *definition)
{
        static const Definition defaults = {.cpus = 1, .group = GID_INVALID};

        memcpy(setting_field(setting, definition), (const char *) &defaults + setting->offset,
                        setting->size);
}
