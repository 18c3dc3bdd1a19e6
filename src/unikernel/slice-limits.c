/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Limits of a guest as systemd gets them. Called by unit-files.c, and by those who check or report them. */

#include "unikernel/slice-limits.h"

#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/size.h"
#include "unikernel/guest-slice.h"
#include "unikernel/memory.h"
#include "unikernel/setting.h"

/* A limit of the disk without a path is for the file system of the volumes. */
static void slice_limit_append(GString *text, const Setting *setting, const char *value)
{
        if (setting->type == SETTING_TYPE_LIST && value[0] != '/')
                g_string_append_printf(text, "%s=%s %s\n", setting->key, paths_volumes(), value);
        else
                g_string_append_printf(text, "%s=%s\n", setting->key, value);
}

char *slice_limits_format(const Definition *definition)
{
        GString *text = g_string_new(NULL);

        for (SettingID id = SETTING_CPU_WEIGHT; id <= SETTING_MEMORY_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *value = setting_format(setting, definition);
                g_auto(GStrv) values = value ? g_strsplit(value, "\n", -1) : NULL;

                for (char **one = values; one && *one; one++)
                        slice_limit_append(text, setting, *one);
        }

        return g_string_free(text, FALSE);
}

bool slice_limits_need_slice(const Definition *definition)
{
        g_autofree char *limits = slice_limits_format(definition);

        return definition->owner != 0 || *limits;
}

bool slice_limits_equal(const Definition *a, const Definition *b)
{
        g_autofree char *x = a ? slice_limits_format(a) : g_strdup(""),
                        *y = b ? slice_limits_format(b) : g_strdup("");

        return g_str_equal(x, y);
}

static int slice_limit_check_memory(SettingID id, uint64_t limit, uint64_t memory, const ImageInfo *info,
                const Conf *conf, Error *ret_error)
{
        uint64_t overhead = memory_overhead(info, conf);
        g_autofree char *limit_text = size_format_exact(limit), *memory_text = size_format_exact(memory),
                        *overhead_text = size_format_exact(overhead),
                        *needed_text = size_format_exact(memory + overhead);

        if (limit == 0 || limit >= memory + overhead)
                return 0;
        if (info && info->boot == IMAGE_BOOT_PROCESS)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s=%s is too little: the guest has %s, and its runner and the kernel need "
                                "up to %s more; write %s or more",
                                setting_table[id].key, limit_text, memory_text, overhead_text, needed_text);

        return error_set(ret_error, ERROR_INVALID_DEFINITION,
                        "%s=%s is too little: the guest has %s, and QEMU needs %s more (MemoryOverhead= of "
                        "shruthi.conf); write %s or more",
                        setting_table[id].key, limit_text, memory_text, overhead_text, needed_text);
}

/* The highest number in a list of processors that has been parsed before. */
static unsigned long slice_limit_last_processor(const char *list)
{
        unsigned long last = 0;

        for (const char *p = list + strspn(list, " \t,"); *p; p += strspn(p, " \t,-")) {
                char *end;

                last = MAX(last, strtoul(p, &end, 10));
                if (end == p)
                        break;
                p = end;
        }

        return last;
}

int slice_limits_check(const Definition *definition, uint64_t memory, const ImageInfo *info,
                const Conf *conf, Error *ret_error)
{
        long processors = sysconf(_SC_NPROCESSORS_CONF);
        int r;

        if (definition->allowed_cpus && processors > 0 &&
                        slice_limit_last_processor(definition->allowed_cpus) >= (unsigned long) processors)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "AllowedCPUs=%s names a processor that this host does not have: write "
                                "numbers from 0 to %ld",
                                definition->allowed_cpus, processors - 1);

        r = slice_limit_check_memory(
                        SETTING_MEMORY_HIGH, definition->memory_high, memory, info, conf, ret_error);
        if (r >= 0)
                r = slice_limit_check_memory(
                                SETTING_MEMORY_MAX, definition->memory_max, memory, info, conf, ret_error);
        if (r < 0)
                return r;

        if (definition->memory_max > 0 && definition->memory_high > definition->memory_max)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "MemoryHigh= is more than MemoryMax=, and would never be reached: write "
                                "less, or remove it");

        return 0;
}

/* Settings of systemd begin with the name of what they limit. */
static const char *slice_limit_controller(const char *line)
{
        return g_str_has_prefix(line, "CPU")           ? "cpu"
               : g_str_has_prefix(line, "AllowedCPUs") ? "cpuset"
               : g_str_has_prefix(line, "IO")          ? "io"
                                                       : "memory";
}

char **slice_limits_without_effect(const char *limits, const char *path, bool there)
{
        g_auto(GStrv) lines = g_strsplit(limits, "\n", -1);
        GPtrArray *found = g_ptr_array_new();

        for (char **line = lines; *line; line++)
                if (**line && (!there || !guest_slice_has_controller(slice_limit_controller(*line))))
                        g_ptr_array_add(found, g_strdup_printf("%s (%s)", *line, path));
        g_ptr_array_add(found, NULL);

        return (char **) g_ptr_array_free(found, FALSE);
}
