/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The filters on disk. Called by table.c. */

#include "antispoof/record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"

static char *directory;
static guint n_records;

static guint directory_count_files(GDir *dir)
{
        guint n = 0;

        while (g_dir_read_name(dir))
                n++;
        return n;
}

int record_open(const char *path, Error *ret_error)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

        if (!dir)
                return error_set(ret_error, ERROR_FAILED, "There is no directory %s", path);

        g_free(directory);
        directory = g_strdup(path);
        n_records = directory_count_files(dir);
        return 0;
}

/* Free with g_free(). */
static char *record_path(const AntispoofFilter *filter)
{
        char interface[IF_NAMESIZE];

        antispoof_interface_name(filter, interface);
        return g_build_filename(directory, interface, NULL);
}

/* NULL where it is no filter, or has another filter's name. */
static AntispoofFilter *record_read(const char *name)
{
        g_autofree char *path = g_build_filename(directory, name, NULL), *text = NULL;
        g_autoptr(AntispoofFilter) filter = NULL;
        char interface[IF_NAMESIZE];

        if (file_read_at(AT_FDCWD, path, ANTISPOOF_REQUEST_MAX, &text, NULL) < 0 ||
                        antispoof_filter_parse(text, &filter, NULL) < 0)
                return NULL;

        antispoof_interface_name(filter, interface);
        return g_str_equal(interface, name) ? g_steal_pointer(&filter) : NULL;
}

/* There is a file by that name. */
static int record_renew(const char *path, const char *text, Error *ret_error)
{
        g_autofree char *found = NULL;
        int r;

        r = file_read_at(AT_FDCWD, path, ANTISPOOF_REQUEST_MAX, &found, NULL);
        if (r >= 0 && g_str_equal(found, text))
                r = utimensat(AT_FDCWD, path, NULL, 0) < 0 ? -errno : 0;
        else if (r >= 0)
                return error_set(ret_error, ERROR_FAILED, "The interface of another guest has this name");

        return r < 0 ? error_set_errno(ret_error, r, "Cannot read %s", path) : 0;
}

int record_add(const AntispoofFilter *filter, Error *ret_error)
{
        g_autofree char *path = record_path(filter), *text = antispoof_filter_format(filter);
        g_autofree char *name = g_path_get_basename(path);
        int r;

        if (g_file_test(path, G_FILE_TEST_EXISTS))
                return record_renew(path, text, ret_error);
        if (n_records >= RECORDS_MAX)
                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "Limit reached: %d interfaces are filtered", RECORDS_MAX);

        r = file_create(directory, name, text, strlen(text), 0600);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write %s", path);
        n_records++;
        return 0;
}

void record_remove(const AntispoofFilter *filter)
{
        g_autofree char *path = record_path(filter), *name = g_path_get_basename(path);

        if (file_remove(directory, name) >= 0)
                n_records--;
}

AntispoofFilter *record_find(const char *interface)
{
        return record_read(interface);
}

GPtrArray *record_list(void)
{
        GPtrArray *filters = g_ptr_array_new_with_free_func(antispoof_filter_destroy);
        g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                AntispoofFilter *filter = record_read(name);

                if (filter)
                        g_ptr_array_add(filters, filter);
        }

        return filters;
}

bool record_is_older(const AntispoofFilter *filter, unsigned sec)
{
        g_autofree char *path = record_path(filter);
        struct stat st;

        return stat(path, &st) >= 0 && st.st_mtime < time(NULL) - (time_t) sec;
}
