/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A store of volumes in a folder of its own for each test. */

#include "volume-fixture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "fixture/files.h"

void volume_set_up(VolumeFixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-volumes-XXXXXX", NULL);
        g_assert_nonnull(f->dir);
        paths_set_root(f->dir);
        g_assert_cmpint(g_mkdir_with_parents(paths_volumes(), 0710), ==, 0);
}

void volume_tear_down(VolumeFixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->dir);
        g_free(f->dir);
}

void make_volume(const char *name, uint64_t size)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = volume_create(name, size, OWNER, GID_INVALID, NULL, &error);

        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpint(r, ==, 0);
}

Volume *find_volume(const char *name)
{
        Volume *volume = NULL;

        return volume_load(name, &volume, NULL) >= 0 ? volume : NULL;
}

int open_data(const char *name, int flags)
{
        g_autofree char *path = volume_path(name);
        int fd = open(path, flags | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

void lock_byte(int fd, off_t byte)
{
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

        g_assert_cmpint(fcntl(fd, F_OFD_SETLK, &lock), ==, 0);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

char *stored_names(void)
{
        g_autoptr(GDir) dir = g_dir_open(paths_volumes(), 0, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        const char *name;

        while ((name = g_dir_read_name(dir)))
                g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, compare_names);
        g_ptr_array_add(names, NULL);
        return g_strjoinv(" ", (char **) names->pdata);
}

void assert_refused(int r, Error *error, ErrorCode code, const char *part)
{
        g_assert_cmpint(r, ==, error_code_to_errno(code));
        g_assert_cmpint(error->code, ==, code);
        g_assert_nonnull(strstr(error->message, part));
        error_clear(error);
}
