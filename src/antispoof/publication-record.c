/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The publications on disk. Called by publish.c. */

#include "antispoof/publication-record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"

#define FOLDER "published"
#define TWINS  "twins" /* an empty file for each unikernel whose twin leads */

static char *directory, *twins;

int publication_record_open(const char *path, Error *ret_error)
{
        int r;

        g_free(directory);
        g_free(twins);
        directory = g_build_filename(path, FOLDER, NULL);
        twins = g_build_filename(path, TWINS, NULL);
        r = directory_make(directory, 0700);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot create %s", directory) : 0;
}

/* NULL where it is no publication, or has another's name. */
static AntispoofPublication *publication_record_read(const char *name)
{
        g_autofree char *path = g_build_filename(directory, name, NULL), *text = NULL;
        g_autoptr(AntispoofPublication) publication = NULL;

        if (file_read_at(AT_FDCWD, path, ANTISPOOF_REQUEST_MAX, &text, NULL) < 0 ||
                        antispoof_publication_parse(text, &publication, NULL) < 0)
                return NULL;

        return g_str_equal(publication->interface, name) ? g_steal_pointer(&publication) : NULL;
}

int publication_record_write(const AntispoofPublication *publication, Error *ret_error)
{
        g_autofree char *text = antispoof_publication_format(publication);
        int r = file_replace(directory, publication->interface, text, strlen(text), 0600);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot write %s/%s", directory, publication->interface)
                     : 0;
}

void publication_record_remove(const char *interface)
{
        (void) file_remove(directory, interface);
}

/* By the time of its last change: a file of the year 1970 is none that was written now. */
void publication_record_mark_seen(const char *interface)
{
        g_autofree char *path = g_build_filename(directory, interface, NULL);
        const struct timespec times[2] = {};

        (void) utimensat(AT_FDCWD, path, times, 0);
}

static int64_t publication_record_time(const char *interface)
{
        g_autofree char *path = g_build_filename(directory, interface, NULL);
        struct stat st;

        return stat(path, &st) < 0 ? 0 : (int64_t) st.st_mtime;
}

bool publication_record_was_seen(const char *interface)
{
        return publication_record_time(interface) == 0;
}

bool publication_record_is_older(const char *interface, unsigned sec)
{
        return publication_record_time(interface) < (int64_t) time(NULL) - (int64_t) sec;
}

int publication_record_set_twin_leads(const char *unikernel, bool leads, Error *ret_error)
{
        int r = leads ? directory_make(twins, 0700) : file_remove(twins, unikernel);

        if (r >= 0 && leads)
                r = file_replace(twins, unikernel, "", 0, 0600);
        return r < 0 && r != -ENOENT ? error_set_errno(ret_error, r, "Cannot change %s/%s", twins, unikernel)
                                     : 0;
}

bool publication_record_twin_leads(const char *unikernel)
{
        g_autofree char *path = g_build_filename(twins, unikernel, NULL);

        return g_file_test(path, G_FILE_TEST_EXISTS);
}

GPtrArray *publication_record_list(void)
{
        GPtrArray *publications = g_ptr_array_new_with_free_func(antispoof_publication_destroy);
        g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                AntispoofPublication *publication = publication_record_read(name);

                if (publication)
                        g_ptr_array_add(publications, publication);
        }
        return publications;
}
