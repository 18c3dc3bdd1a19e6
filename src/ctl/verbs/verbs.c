/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of verbs, and --help, which is generated from it and from the table of options. */

#include "ctl/verbs/verbs.h"

#include <limits.h>
#include <string.h>

#include "common/string-util.h"


#define SECTION_LIFE    "Unikernels"
#define SECTION_WHAT    "Definitions"
#define SECTION_IMAGES  "Images"
#define SECTION_KEYS    "Keys"
#define SECTION_VOLUMES "Volumes"
#define SECTION_NETWORK "Networks"
#define SECTION_FLEETS  "Fleets"
#define SECTION_HOST    "This host"

#define SCOPE_CREATE (OPTION_SETTINGS | OPTION_CREATE | OPTION_VERIFY | OPTION_NOW | OPTION_JOB)
#define SCOPE_SET    (OPTION_SETTINGS | OPTION_SET | OPTION_VERIFY)
#define SCOPE_UPDATE (SCOPE_SET | OPTION_UPDATE | OPTION_ALL)
#define ANY          OPERANDS_ANY

const Verb verb_table[] = {
                {NULL, "list", "[PATTERN…]", SECTION_LIFE, "List unikernels and their state", 0, ANY, 0, 0,
                                0, verb_list},
                {NULL, "status", "[NAME…]", SECTION_LIFE, "Show runtime status", 0, ANY, OPTION_LINES, 0, 0,
                                verb_status},
                {NULL, "create", "NAME IMAGE [-- ARGUMENT…]", SECTION_LIFE,
                                "Create a unikernel from an image", 2, ANY, SCOPE_CREATE, 2, 1, verb_create},
                {NULL, "start", "NAME…", SECTION_LIFE, "Start unikernels", 1, ANY, OPTION_JOB | OPTION_TIME,
                                0, 0, verb_start},
                {NULL, "stop", "NAME…", SECTION_LIFE, "Stop unikernels", 1, ANY, OPTION_JOB, 0, 0,
                                verb_stop},
                {NULL, "restart", "NAME…", SECTION_LIFE, "Stop and start unikernels", 1, ANY, OPTION_JOB, 0,
                                0, verb_restart},
                {NULL, "kill", "NAME…", SECTION_LIFE, "Send a signal to the supervising process", 1, ANY,
                                OPTION_KILL, 0, 0, verb_kill},
                {NULL, "pause", "NAME…", SECTION_LIFE, "Pause running guests", 1, ANY, 0, 0, 0, verb_pause},
                {NULL, "resume", "NAME…", SECTION_LIFE, "Let paused guests continue", 1, ANY, 0, 0, 0,
                                verb_resume},
                {NULL, "snapshot", "NAME…", SECTION_LIFE,
                                "Save running guests with their memory, and stop them", 1, ANY, 0, 0, 0,
                                verb_snapshot},
                {NULL, "restore", "NAME…", SECTION_LIFE, "Let saved guests continue", 1, ANY, 0, 0, 0,
                                verb_restore},
                {NULL, "discard", "NAME…", SECTION_LIFE, "Remove the snapshots of unikernels", 1, ANY, 0, 0,
                                0, verb_discard},
                {NULL, "remove", "NAME…", SECTION_LIFE, "Remove unikernels", 1, ANY, OPTION_NOW, 0, 0,
                                verb_remove},
                {NULL, "enable", "NAME…", SECTION_LIFE, "Enable start at boot", 1, ANY,
                                OPTION_NOW | OPTION_JOB, 0, 0, verb_enable},
                {NULL, "disable", "NAME…", SECTION_LIFE, "Disable start at boot", 1, ANY,
                                OPTION_NOW | OPTION_JOB, 0, 0, verb_disable},
                {NULL, "logs", "NAME…", SECTION_LIFE, "Show console output and messages from the journal", 1,
                                ANY, OPTION_LINES | OPTION_FOLLOW | OPTION_LOG, 0, 0, verb_logs},
                {NULL, "statistics", "[NAME…]", SECTION_LIFE, "Show the resource usage of running guests", 0,
                                ANY, 0, 0, 0, verb_statistics},
                {NULL, "analyze", "NAME…", SECTION_LIFE, "Show where the time of a start went", 1, ANY, 0, 0,
                                0, verb_analyze},
                {NULL, "console", "NAME", SECTION_LIFE, "Connect to the console", 1, 1, OPTION_FOLLOW, 0, 0,
                                verb_console},
                {NULL, "wait", "NAME…", SECTION_LIFE, "Wait until unikernels are ready, or in another state",
                                1, ANY, OPTION_WAIT, 0, 0, verb_wait},
                {NULL, "events", "[PATTERN…]", SECTION_LIFE,
                                "Show what happens to unikernels, as it happens", 0, ANY, 0, 0, 0,
                                verb_events},
                {NULL, "tree", "[NAME…]", SECTION_WHAT, "Show what unikernels depend on", 0, ANY, 0, 0, 0,
                                verb_tree},
                {NULL, "show", "[NAME…]", SECTION_WHAT, "Show all properties as KEY=VALUE", 0, ANY,
                                OPTION_SHOW, 0, 0, verb_show},
                {NULL, "cat", "NAME…", SECTION_WHAT, "Show the definition", 1, ANY, 0, 0, 0, verb_cat},
                {NULL, "edit", "NAME…", SECTION_WHAT, "Edit the definition", 1, ANY, 0, 0, 0, verb_edit},
                {NULL, "check", "FILE.unikernel…", SECTION_WHAT, "Check definition files, without shruthid",
                                1, ANY, 0, 0, 0, verb_check},
                {NULL, "set", "NAME [KEY=VALUE…] [-- ARGUMENT…]", SECTION_WHAT,
                                "Change settings, effective at the next start", 1, ANY, SCOPE_SET, 0, 0,
                                verb_set},
                {NULL, "update", "NAME [IMAGE] [KEY=VALUE…] [-- ARGUMENT…]", SECTION_WHAT,
                                "Change, restart, and go back if that fails", 0, ANY, SCOPE_UPDATE, 2, 1,
                                verb_update},
                {NULL, "rollback", "NAME [GENERATION]", SECTION_WHAT,
                                "Go back to a former generation in the same way", 1, 2, OPTION_UPDATE, 0, 0,
                                verb_rollback},
                {NULL, "history", "NAME", SECTION_WHAT, "List the generations of a definition", 1, 1, 0, 0,
                                0, verb_history},
                {NULL, "diff", "NAME [A [B]]", SECTION_WHAT, "Show what differs between two generations", 1,
                                3, 0, 0, 0, verb_diff},
                {NULL, "arguments", "NAME…", SECTION_WHAT, "Show the command line that the guest gets", 1,
                                ANY, 0, 0, 0, verb_arguments},
                {NULL, "xml", "NAME…", SECTION_WHAT, "Show the libvirt domain that a start would create", 1,
                                ANY, 0, 0, 0, verb_xml},
                {"image", "list", "", SECTION_IMAGES, "List stored images with size and users", 0, 0, 0, 0,
                                0, verb_image_list},
                {"image", "inspect", "FILE|DIGEST…", SECTION_IMAGES,
                                "Show what an image is and which devices it needs", 1, ANY, 0, 1, UINT_MAX,
                                verb_image_inspect},
                {"image", "import", "FILE…", SECTION_IMAGES, "Add images to the store", 1, ANY,
                                OPTION_VERIFY, 1, UINT_MAX, verb_image_import},
                {"image", "prune", "", SECTION_IMAGES, "Remove unused images", 0, 0, 0, 0, 0,
                                verb_image_prune},
                {"credential", "list", "NAME", SECTION_KEYS, "List the names of stored keys", 1, 1, 0, 0, 0,
                                verb_credential_list},
                {"credential", "set", "NAME KEY", SECTION_KEYS, "Store a key read from standard input", 2, 2,
                                0, 0, 0, verb_credential_set},
                {"credential", "rotate", "NAME KEY", SECTION_KEYS, "Replace an existing key in the same way",
                                2, 2, OPTION_NOW, 0, 0, verb_credential_rotate},
                {"credential", "remove", "NAME KEY…", SECTION_KEYS, "Remove keys, or all with --all", 1, ANY,
                                OPTION_ALL, 0, 0, verb_credential_remove},
                {"volume", "list", "[PATTERN…]", SECTION_VOLUMES,
                                "List stored volumes with size, owner and users", 0, ANY, 0, 0, 0,
                                verb_volume_list},
                {"volume", "create", "NAME --size=SIZE", SECTION_VOLUMES, "Create an empty volume", 1, 1,
                                OPTION_VOLUME, 0, 0, verb_volume_create},
                {"volume", "show", "NAME…", SECTION_VOLUMES, "Show all properties as KEY=VALUE", 1, ANY,
                                OPTION_SHOW, 0, 0, verb_volume_show},
                {"volume", "resize", "NAME SIZE", SECTION_VOLUMES, "Enlarge a volume", 2, 2, 0, 0, 0,
                                verb_volume_resize},
                {"volume", "import", "NAME [FILE]", SECTION_VOLUMES, "Create a volume from a file", 1, 2,
                                OPTION_VOLUME | OPTION_IMPORT, 2, 1, verb_volume_import},
                {"volume", "export", "NAME [FILE]", SECTION_VOLUMES,
                                "Copy the content of a volume to a file", 1, 2, 0, 0, 0, verb_volume_export,
                                2},
                {"volume", "clone", "NAME CLONE", SECTION_VOLUMES,
                                "Create a volume with the content of another", 2, 2, OPTION_CLONE, 0, 0,
                                verb_volume_clone},
                {"volume", "remove", "NAME…", SECTION_VOLUMES, "Remove volumes and all data in them", 1, ANY,
                                0, 0, 0, verb_volume_remove},
                {"network", "create", "NAME", SECTION_NETWORK, "Create a libvirt network for unikernels", 1,
                                1, OPTION_NETWORK, 0, 0, verb_network_create},
                {"network", "list", "", SECTION_NETWORK, "List all libvirt networks and their owners", 0, 0,
                                0, 0, 0, verb_network_list},
                {"network", "show", "NAME…", SECTION_NETWORK,
                                "Show a network and who has which address in it", 1, ANY, OPTION_SHOW, 0, 0,
                                verb_network_show},
                {"network", "remove", "NAME…", SECTION_NETWORK, "Remove unused networks", 1, ANY, 0, 0, 0,
                                verb_network_remove},
                {"fleet", "check", "PLAN", SECTION_FLEETS, "Check a plan, and show its members and schedule",
                                1, 1, 0, 0, 0, verb_fleet_check},
                {"fleet", "up", "PLAN", SECTION_FLEETS, "Create and start the members of a plan", 1, 1, 0, 0,
                                0, verb_fleet_up},
                {"fleet", "run", "PLAN", SECTION_FLEETS,
                                "Carry out a plan, from its members to a folder of results", 1, 1,
                                OPTION_FLEET, 0, 0, verb_fleet_run},
                {"fleet", "status", "PLAN|[USER:]NAME", SECTION_FLEETS, "List the members of a fleet", 1, 1,
                                0, 0, 0, verb_fleet_status},
                {"fleet", "down", "PLAN|[USER:]NAME", SECTION_FLEETS, "Remove all that belongs to a fleet",
                                1, 1, 0, 0, 0, verb_fleet_down},
                {"fleet", "exec", "PLAN|[USER:]NAME -- COMMAND…", SECTION_FLEETS,
                                "Run a program of this host for each member", 1, ANY, OPTION_EXEC, 0, 0,
                                verb_fleet_exec},
                {"fleet", "report", "RESULTS…", SECTION_FLEETS,
                                "Write the report of a run anew, or compare runs", 1, ANY, OPTION_REPORT, 0,
                                0, verb_fleet_report},
                {"fleet", "list", "", SECTION_FLEETS, "List fleets", 0, 0, 0, 0, 0, verb_fleet_list},
                {NULL, "limits", "[USER]", SECTION_HOST, "Show your limits and what you use of them", 0, 1,
                                0, 0, 0, verb_limits},
                {NULL, "doctor", "", SECTION_HOST, "Check this host and suggest fixes", 0, 0, 0, 0, 0,
                                verb_doctor},
                {NULL, "import-rhyzome", "FILE", SECTION_HOST, "Import a rhyzome.conf", 1, 1, 0, 1, 1,
                                verb_import_rhyzome},
                {"instance", "create", "", NULL, NULL, 0, 0, SCOPE_CREATE | OPTION_COMPAT, 0, 0,
                                verb_instance_create},
                {"instance", NULL, "", NULL, NULL, 0, ANY, OPTION_COMPAT | OPTION_NOW | OPTION_FOLLOW, 0, 0,
                                verb_instance_other},
};
const size_t n_verb_table = G_N_ELEMENTS(verb_table);

char *verb_words(const Verb *verb)
{
        if (!verb->noun)
                return g_strdup(verb->name);

        return g_strjoin(" ", verb->noun, verb->name, NULL);
}

/* Levenshtein's distance over the bytes of two short words. */
static size_t word_distance(const char *a, const char *b)
{
        size_t n = strlen(b), row[64];

        if (strlen(a) >= 32 || n >= 32)
                return SIZE_MAX;

        for (size_t k = 0; k <= n; k++)
                row[k] = k;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t k = 1; k <= n; k++) {
                        size_t above = row[k];

                        row[k] = MIN(MIN(row[k], row[k - 1]) + 1, diagonal + (a[i - 1] != b[k - 1]));
                        diagonal = above;
                }
        }

        return row[n];
}

static int verb_refuse(const char *noun, const char *word, Error *ret_error)
{
        g_autofree char *shown = text_for_display(word, 40), *nearest = NULL;
        size_t best = 3;

        for (size_t i = 0; i < n_verb_table; i++) {
                size_t distance;

                if (!verb_table[i].section || g_strcmp0(verb_table[i].noun, noun) != 0)
                        continue;
                distance = word_distance(word, verb_table[i].name);
                if (distance < best) {
                        best = distance;
                        g_free(nearest);
                        nearest = verb_words(&verb_table[i]);
                }
        }

        if (nearest)
                return error_set(ret_error, ERROR_INVALID_ARGS, "Unknown verb '%s%s%s'. Did you mean '%s'?",
                                noun ?: "", noun ? " " : "", shown, nearest);

        return error_set(ret_error, ERROR_INVALID_ARGS, "Unknown verb '%s%s%s'; see shruthictl --help.",
                        noun ?: "", noun ? " " : "", shown);
}

int verb_find(char **words, const Verb **ret_verb, char ***ret_operands, Error *ret_error)
{
        const char *noun = NULL;

        if (!words[0]) {
                *ret_verb = &verb_table[0];
                *ret_operands = words;
                return 0;
        }

        for (size_t i = 0; i < n_verb_table && !noun; i++)
                if (g_strcmp0(verb_table[i].noun, words[0]) == 0)
                        noun = verb_table[i].noun;
        if (noun && !words[1])
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' requires a verb; see shruthictl --help.", noun);

        for (size_t i = 0; i < n_verb_table; i++) {
                const Verb *verb = &verb_table[i];

                if (g_strcmp0(verb->noun, noun) != 0)
                        continue;
                if (!verb->name || g_str_equal(verb->name, words[noun ? 1 : 0])) {
                        *ret_verb = verb;
                        /* The answer names the predecessor's verb. */
                        *ret_operands = words + (noun && verb->name ? 2 : 1);
                        return 0;
                }
        }

        return verb_refuse(noun, words[noun ? 1 : 0], ret_error);
}

int verb_check_operands(const Verb *verb, char **operands, const Options *options, Error *ret_error)
{
        g_autofree char *words = verb_words(verb);
        unsigned n = g_strv_length(operands);

        if (n < verb->min)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' requires more arguments: shruthictl %s %s", words, words,
                                verb->operands);
        if (n > verb->max) {
                g_autofree char *shown = text_for_display(operands[verb->max], 80);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "'%s' got an unexpected argument '%s': shruthictl %s%s%s", words, shown,
                                words, *verb->operands ? " " : "", verb->operands);
        }

        return options_check_scope(options, words, verb->scopes, ret_error);
}

static void help_print_padded(FILE *f, const char *text, glong width)
{
        glong shown = g_utf8_strlen(text, -1);

        if (shown > width)
                fprintf(f, "  %s\n  %*s", text, (int) width, "");
        else
                fprintf(f, "  %s%*s", text, (int) (width - shown), "");
}

static void help_print_verbs(FILE *f, const char *on, const char *off)
{
        const char *section = NULL;

        for (size_t i = 0; i < n_verb_table; i++) {
                const Verb *verb = &verb_table[i];
                g_autofree char *words = NULL, *usage = NULL;

                if (!verb->section)
                        continue;
                if (verb->section != section && g_strcmp0(verb->section, section) != 0)
                        fprintf(f, "\n%s%s:%s\n", on, verb->section, off);
                section = verb->section;

                words = verb_words(verb);
                usage = g_strjoin(*verb->operands ? " " : "", words, verb->operands, NULL);
                help_print_padded(f, usage, 34);
                fprintf(f, "%s\n", verb->help);
        }
}

static void help_print_options(FILE *f, const char *title, bool settings, const char *on, const char *off)
{
        size_t n;
        const OptionInfo *table = options_table(&n);

        fprintf(f, "\n%s%s:%s\n", on, title, off);
        for (size_t i = 0; i < n; i++) {
                const OptionInfo *info = &table[i];
                char letter[] = {'-', info->letter, ' ', 0};
                g_autofree char *text = NULL;
                const char *equals;

                if (!info->help || settings != ((info->scope & (OPTION_SETTINGS | OPTION_SET |
                                                                               OPTION_VERIFY)) != 0))
                        continue;

                equals = info->placeholder && !g_str_has_prefix(info->placeholder, "[=") ? "=" : "";
                text = g_strdup_printf("%s--%s%s%s", info->letter ? letter : "   ", info->name, equals,
                                info->placeholder ?: "");
                help_print_padded(f, text, 34);
                fprintf(f, "%s\n", info->help);
        }
}

void verbs_print_help(FILE *f, bool colors)
{
        const char *on = colors ? "\x1b[4m" : "", *off = colors ? "\x1b[0m" : "";

        fputs("shruthictl [OPTION…] [VERB] …\n\n"
              "Create, run and manage unikernels as systemd units.\n",
                        f);
        help_print_verbs(f, on, off);
        help_print_options(f, "Options", false, on, off);
        help_print_options(f, "Unikernel settings (create, set, update)", true, on, off);
        fprintf(f,
                        "\n%sExamples:%s\n"
                        "  shruthictl image inspect msgrouter.virtio          show the devices it needs\n"
                        "  shruthictl create msgrouter msgrouter.virtio --network=service:virbr0 "
                        "--memory=32M \\\n"
                        "             --now -- --ipv4={service.address} --ipv4-gateway={service.gateway}\n"
                        "  shruthictl status msgrouter                        show its status\n"
                        "  shruthictl logs -f msgrouter                       follow its output\n"
                        "  shruthictl set msgrouter --image=new.virtio        use another image, then:\n"
                        "  shruthictl restart msgrouter\n"
                        "  shruthictl stop 'test-*'                           stop several at once\n"
                        "  shruthictl -H root@node1 create msgrouter ./msgrouter.virtio --now\n"
                        "\nNAME… may be quoted shell patterns. The unit of NAME is "
                        "unikernel@NAME.service: systemctl and\n"
                        "journalctl work on it as on any other. See shruthictl(1), shruthi.unikernel(5), "
                        "shruthi.conf(5).\n",
                        on, off);
}
