/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of options, and what each takes. */

#include "ctl/cli/options.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

#include "common/size.h"
#include "common/string-util.h"
#include "common/time-span.h"

#define TIMEOUT_MAX (UINT64_C(1000) * 365 * 24 * 3600 * G_USEC_PER_SEC)

static const char *const json_mode_table[_JSON_MODE_MAX] = {
                [JSON_OFF] = "off",
                [JSON_SHORT] = "short",
                [JSON_PRETTY] = "pretty",
};
#define JOBS_MAX 256

DEFINE_STRING_TABLE(json_mode, JsonMode, json_mode_table, _JSON_MODE_MAX)

static const char *const log_format_table[_LOG_FORMAT_MAX] = {
                [LOG_FORMAT_SHORT] = "short",
                [LOG_FORMAT_SHORT_ISO] = "short-iso",
                [LOG_FORMAT_SHORT_PRECISE] = "short-precise",
                [LOG_FORMAT_SHORT_UNIX] = "short-unix",
                [LOG_FORMAT_CAT] = "cat",
                [LOG_FORMAT_JSON] = "json",
                [LOG_FORMAT_JSON_PRETTY] = "json-pretty",
};
DEFINE_STRING_TABLE(log_format, LogFormat, log_format_table, _LOG_FORMAT_MAX)

static void *option_field(const OptionInfo *info, Options *options)
{
        return (char *) options + info->field;
}

static int option_set_switch(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        *(bool *) option_field(info, options) = true;
        return 0;
}

static int option_set_text(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        *(const char **) option_field(info, options) = value;
        return 0;
}

static int option_set_setting(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        g_autofree char *name = g_strdup_printf("--%s=", info->name);

        return command_settings_set(&options->settings, info->key, name, value ?: "yes", ret_error);
}

static int option_set_mode(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        if (options->network_mode && !g_str_equal(options->network_mode, info->name))
                return error_set(ret_error, ERROR_INVALID_ARGS, "--%s and --%s are mutually exclusive.",
                                options->network_mode, info->name);

        options->network_mode = info->name;
        return 0;
}

static int option_refuse(Error *ret_error, const char *option, const char *value, const char *right)
{
        g_autofree char *shown = text_for_display(value, 80);

        return error_set(ret_error, ERROR_INVALID_ARGS, "%s cannot be '%s': %s.", option, shown, right);
}

/* ssh would read a word that begins with '-' as its own option. */
static int option_set_host(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        if (!*value || *value == '-')
                return option_refuse(ret_error, "--host=", value, "give HOST or USER@HOST, as to ssh");

        options->host = value;
        return 0;
}

static int option_set_json(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        JsonMode mode = json_mode_from_string(value);

        if ((int) mode < 0)
                return option_refuse(ret_error, "--json=", value, "give pretty, short or off");

        options->json = mode;
        return 0;
}

static int option_set_property(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        g_auto(GStrv) names = g_strsplit(value, ",", -1);

        if (!options->properties)
                options->properties = g_ptr_array_new_with_free_func(g_free);
        for (char **name = names; *name; name++)
                if (**name)
                        g_ptr_array_add(options->properties, g_strdup(*name));

        return 0;
}

static int option_set_lines(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        guint64 n;

        if (g_str_equal(value, "all")) {
                options->lines = LINES_ALL;
                return 0;
        }
        if (!g_ascii_string_to_unsigned(value, 10, 0, INT_MAX, &n, NULL))
                return option_refuse(ret_error, "--lines=", value, "give a number of lines, or all");

        options->lines = (int) n;
        return 0;
}

static int option_set_probation(
                Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        if (time_span_parse(value, &options->probation) < 0)
                return option_refuse(
                                ret_error, "--probation=", value, "give a time such as 30s, or 0 for none");

        options->have_probation = true;
        return 0;
}

static int option_set_drain(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        if (time_span_parse(value, &options->drain) < 0)
                return option_refuse(ret_error, "--drain=", value, "give a time such as 30s, or 0 for none");

        options->have_drain = true;
        return 0;
}

static int option_set_boot(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        options->boot = value ?: "0";
        return 0;
}

static int option_set_priority(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        static const char *const names[] = {
                        "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};
        guint64 number = G_N_ELEMENTS(names);

        (void) g_ascii_string_to_unsigned(value, 10, 0, 7, &number, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_equal(value, names[i]) || number == i) {
                        options->priority = (int) i;
                        return 0;
                }

        return option_refuse(ret_error, "--priority=", value,
                        "give emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7");
}

static int option_set_output(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        g_autoptr(GString) known = g_string_new(NULL);

        options->output = log_format_from_string(value);
        if ((int) options->output >= 0)
                return 0;

        for (LogFormat format = 0; format < _LOG_FORMAT_MAX; format++)
                g_string_append_printf(
                                known, "%s%s", format > 0 ? ", " : "give ", log_format_to_string(format));
        return option_refuse(ret_error, "--output=", value, known->str);
}

/* The signals that Kill() of org.dream.Shruthi.Unikernel accepts. */
static int option_set_signal(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        static const struct {
                const char *name;
                int number;
        } signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"ABRT", SIGABRT}, {"KILL", SIGKILL}};
        const char *bare = g_str_has_prefix(value, "SIG") ? value + strlen("SIG") : value;
        guint64 number = 0;

        (void) g_ascii_string_to_unsigned(value, 10, 1, 64, &number, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
                if (g_str_equal(bare, signals[i].name) || number == (guint64) signals[i].number) {
                        options->signal = signals[i].number;
                        return 0;
                }

        return option_refuse(ret_error, "--signal=", value, "give SIGTERM, SIGINT, SIGABRT or SIGKILL");
}

static int option_set_jobs(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        uint64_t jobs;

        if (number_parse(value, 1, JOBS_MAX, &jobs) < 0)
                return option_refuse(ret_error, "--jobs=", value, "give a number from 1 to 256");

        options->jobs = (unsigned) jobs;
        return 0;
}

static int option_set_timeout(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        if (g_str_equal(value, "infinity"))
                options->timeout = UINT64_MAX;
        else if (time_span_parse(value, &options->timeout) < 0 || options->timeout > TIMEOUT_MAX)
                return option_refuse(ret_error, "--timeout=", value,
                                "give a time, such as 90s or \"5min 30s\", or infinity");

        return 0;
}

static int option_set_size(Options *options, const OptionInfo *info, const char *value, Error *ret_error)
{
        if (size_parse(value, &options->size) < 0 || options->size == 0)
                return option_refuse(ret_error, "--size=", value, "give a size, such as 64M");

        return 0;
}

/* All options except those for settings, which setting_table has. */
static const OptionInfo own_options[] = {
                {"help", 'h', NULL, OPTION_ANY, "Show this help", option_set_switch,
                                offsetof(Options, help)},
                {"version", 0, NULL, OPTION_ANY, "Show the version", option_set_switch,
                                offsetof(Options, version)},
                {"host", 'H', "[USER@]HOST", OPTION_ANY, "Operate on another host over ssh",
                                option_set_host, .is_for_here = true},
                {"user", 0, NULL, OPTION_ANY, "Operate on your own unikernels, without any rights",
                                option_set_switch, offsetof(Options, user)},
                {"no-pager", 0, NULL, OPTION_ANY, "Do not pipe output into a pager", option_set_switch,
                                offsetof(Options, no_pager)},
                {"no-legend", 0, NULL, OPTION_ANY, "Omit headers and totals", option_set_switch,
                                offsetof(Options, no_legend)},
                {"no-ask-password", 0, NULL, OPTION_ANY, "Do not prompt for passwords", option_set_switch,
                                offsetof(Options, no_ask_password)},
                {"quiet", 'q', NULL, OPTION_ANY, "Suppress informational output", option_set_switch,
                                offsetof(Options, quiet)},
                {"json", 0, "MODE", OPTION_ANY, "Print JSON: pretty, short or off", option_set_json},
                {"property", 'p', "NAME", OPTION_SHOW,
                                "show: print only these properties, separated by commas",
                                option_set_property},
                {"value", 0, NULL, OPTION_SHOW, "show: print only the values", option_set_switch,
                                offsetof(Options, value)},
                {"lines", 'n', "N", OPTION_LINES, "logs, status: show the last N lines, or all",
                                option_set_lines},
                {"follow", 'f', NULL, OPTION_FOLLOW,
                                "logs: follow new lines; console: stay connected after the end of input",
                                option_set_switch, offsetof(Options, follow)},
                {"since", 'S', "TIME", OPTION_LOG, "logs: show entries since TIME, of any boot",
                                option_set_text, offsetof(Options, since)},
                {"until", 'U', "TIME|CONDITION", OPTION_LOG | OPTION_WAIT,
                                "logs: show entries until TIME, of any boot; wait: for running, ready "
                                "(default), stopped or failed",
                                option_set_text, offsetof(Options, until)},
                {"timeout", 0, "TIME", OPTION_WAIT | OPTION_EXEC,
                                "wait: give up after TIME; fleet exec: end each program then (default: "
                                "infinity)",
                                option_set_timeout},
                {"boot", 'b', "[=BOOT]", OPTION_LOG,
                                "logs: show entries of another boot, such as -1, or all", option_set_boot,
                                .takes_offset = true},
                {"grep", 'g', "PATTERN", OPTION_LOG, "logs: show only messages that match PATTERN",
                                option_set_text, offsetof(Options, grep)},
                {"priority", 'p', "PRIORITY", OPTION_LOG,
                                "logs: show only entries of this priority or higher", option_set_priority},
                {"output", 'o', "FORMAT", OPTION_LOG, "logs: set the format: short, short-iso, cat, json, …",
                                option_set_output},
                {"now", 0, NULL, OPTION_NOW,
                                "create, enable: also start; disable, remove: also stop; credential rotate: "
                                "also restart",
                                option_set_switch, offsetof(Options, now)},
                {"all", 0, NULL, OPTION_ALL,
                                "credential remove: remove all keys; update: all that have UpdateFrom=",
                                option_set_switch, offsetof(Options, all)},
                {"no-block", 0, NULL, OPTION_JOB, "Do not wait until the operation has finished",
                                option_set_switch, offsetof(Options, no_block)},
                {"time", 0, NULL, OPTION_TIME, "start: show the start timing, as analyze does",
                                option_set_switch, offsetof(Options, time)},
                {"signal", 's', "SIGNAL", OPTION_KILL, "kill: send this signal (default: SIGTERM)",
                                option_set_signal},
                {"probation", 0, "TIME", OPTION_UPDATE,
                                "update, rollback: how long it must hold once ready (default: 30s)",
                                option_set_probation},
                {"rolling", 0, NULL, OPTION_UPDATE,
                                "update, rollback: start the new one first, and then move its ports",
                                option_set_switch, offsetof(Options, rolling)},
                {"drain", 0, "TIME", OPTION_UPDATE,
                                "with --rolling: how long open connections may take to end (default: 30s)",
                                option_set_drain},
                {"dry-run", 0, NULL, OPTION_UPDATE, "update, rollback: show what would change",
                                option_set_switch, offsetof(Options, dry_run)},
                {"size", 0, "SIZE", OPTION_VOLUME, "volume create, import: set the size", option_set_size},
                {"raw", 0, NULL, OPTION_IMPORT, "volume import: import as is what looks like another format",
                                option_set_switch, offsetof(Options, raw)},
                {"results", 0, "DIR", OPTION_FLEET,
                                "fleet run: write the results to this folder (default: NAME-DATE)",
                                option_set_text, offsetof(Options, results)},
                {"members", 0, "WHICH", OPTION_EXEC,
                                "fleet exec: for 'all of GROUP', '3 of GROUP', '10% of GROUP', GROUP-INDEX",
                                option_set_text, offsetof(Options, members)},
                {"jobs", 0, "N", OPTION_EXEC, "fleet exec: so many at a time (default: 16)",
                                option_set_jobs},
                {"html", 0, "FILE", OPTION_REPORT, "fleet report: write it as a page to this file",
                                option_set_text, offsetof(Options, html)},
                {"subnet", 0, "NETWORK/N", OPTION_NETWORK,
                                "network create: set the subnet, auto (default) or none", option_set_text,
                                offsetof(Options, subnet)},
                {"ipv6-subnet", 0, "NETWORK/N", OPTION_NETWORK,
                                "network create: set the IPv6 subnet (default: none)", option_set_text,
                                offsetof(Options, ipv6_subnet)},
                {"nat", 0, NULL, OPTION_NETWORK, "network create: NAT through the host (default)",
                                option_set_mode},
                {"isolated", 0, NULL, OPTION_NETWORK, "network create: no outside access", option_set_mode},
                {"routed", 0, NULL, OPTION_NETWORK, "network create: route its addresses, out and in",
                                option_set_mode},
                {"bridge", 0, "BRIDGE", OPTION_NETWORK, "network create: set the name of its bridge",
                                option_set_text, offsetof(Options, bridge)},
                {"emulated", 0, NULL, OPTION_NETWORK,
                                "network create: emulate the links between its guests", option_set_switch,
                                offsetof(Options, emulated)},
                {"network", 0, "DEVICE[:BRIDGE|:network=NAME][,address=auto|ADDRESS/N]", OPTION_SETTINGS,
                                "Connect a network device; may be repeated", option_set_setting,
                                .key = "Network"},
                {"volume", 0, "DEVICE:size=SIZE[,volume=NAME][,ro]|DEVICE:PATH[:ro]", OPTION_SETTINGS,
                                "Connect a block device to a volume, or to a file or device of the host; "
                                "may be repeated",
                                option_set_setting, .key = "Volume"},
                {"credentials", 0, "DEVICE", OPTION_SETTINGS,
                                "Provide keys on this block device, see credential", option_set_setting,
                                .key = "Credentials"},
                {"verify", 0, "DIGEST", OPTION_VERIFY, "Require this digest (sha256:…) of the image",
                                option_set_setting, .key = "Digest"},
                {"image", 0, "FILE", OPTION_SET, "set, update: use another image", option_set_text,
                                offsetof(Options, image)},
                {"name", 0, "NAME", OPTION_COMPAT, NULL, option_set_text, offsetof(Options, name)},
                {"kernel", 0, "FILE", OPTION_COMPAT, NULL, option_set_text, offsetof(Options, image)},
                {"kernel-parameters", 0, "STRING", OPTION_COMPAT, NULL, option_set_setting,
                                .key = "Arguments"},
                {"server", 0, "ADDRESS", OPTION_COMPAT, NULL, option_set_text, offsetof(Options, server)},
};

static OptionInfo option_of_setting(const Setting *setting)
{
        bool owners = setting == &setting_table[SETTING_OWNER] || setting == &setting_table[SETTING_GROUP];

        return (OptionInfo){.name = setting->option,
                        .placeholder = setting->metavar,
                        .scope = OPTION_SETTINGS |
                                 (owners ? OPTION_VOLUME | OPTION_CLONE | OPTION_NETWORK : 0),
                        .help = setting->help,
                        .set = option_set_setting,
                        .key = setting->key};
}

const OptionInfo *options_table(size_t *ret_n)
{
        static OptionInfo table[_SETTING_MAX + G_N_ELEMENTS(own_options)];
        static size_t n;

        if (n == 0) {
                for (SettingID id = 0; id < _SETTING_MAX; id++)
                        if (setting_table[id].section == SECTION_UNIKERNEL && setting_table[id].option)
                                table[n++] = option_of_setting(&setting_table[id]);
                memcpy(table + n, own_options, sizeof own_options);
                n += G_N_ELEMENTS(own_options);
        }

        *ret_n = n;
        return table;
}
