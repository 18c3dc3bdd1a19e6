/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The record of an image's owners. */

#include "image/store-private.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"

#define OWNERS_SIZE_MAX (64 * 1024) /* some thousand users */

static char *store_owners_dir(void)
{
        return g_build_filename(paths_images(), ".owners", NULL);
}

static char **store_owners_read(const char *digest)
{
        g_autofree char *dir = store_owners_dir(), *text = NULL;
        g_autofree char *path = g_build_filename(dir, store_file_name(digest), NULL);

        return file_read_at(AT_FDCWD, path, OWNERS_SIZE_MAX, &text, NULL) < 0 ? g_new0(char *, 1)
                                                                              : g_strsplit(text, "\n", -1);
}

bool store_owners_have(const char *digest, uid_t user, bool *ret_shared)
{
        g_auto(GStrv) owners = store_owners_read(digest);
        bool found = false, shared = false;

        for (char **owner = owners; *owner; owner++) {
                guint64 uid;

                if (!g_ascii_string_to_unsigned(*owner, 10, 0, UINT32_MAX - 1, &uid, NULL))
                        continue;
                found |= uid == user;
                shared |= uid != user;
        }

        if (ret_shared)
                *ret_shared = shared;
        return found;
}

static int store_owners_write(const char *digest, const char *text)
{
        g_autofree char *dir = store_owners_dir();
        const char *name = store_file_name(digest);
        int r;

        if (strlen(text) > OWNERS_SIZE_MAX)
                return -E2BIG;
        r = directory_make(dir, 0700);
        if (r < 0)
                return r;

        file_remove_remains(AT_FDCWD, dir, name);
        return file_replace(dir, name, text, strlen(text), 0600);
}

int store_owners_add(const char *digest, uid_t user)
{
        g_auto(GStrv) owners = store_owners_read(digest);
        g_autofree char *before = g_strjoinv("\n", owners);
        g_autofree char *text = g_strdup_printf("%s%u\n", before, (unsigned) user);

        return store_owners_write(digest, text);
}

int store_owners_remove(const char *digest, uid_t user)
{
        g_autofree char *number = g_strdup_printf("%u", (unsigned) user);
        g_auto(GStrv) owners = store_owners_read(digest);
        g_autoptr(GString) text = g_string_new(NULL);

        for (char **owner = owners; *owner; owner++)
                if (**owner && !g_str_equal(*owner, number))
                        g_string_append_printf(text, "%s\n", *owner);

        return store_owners_write(digest, text->str);
}

void store_owners_forget(const char *digest)
{
        g_autofree char *dir = store_owners_dir();

        (void) file_remove(dir, store_file_name(digest));
}

void store_owners_clean(void)
{
        g_autofree char *path = store_owners_dir();
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *digest = g_strconcat(SHRUTHI_DIGEST_PREFIX, name, NULL);
                g_autofree char *image = store_path(digest);

                if (image && access(image, F_OK) < 0 && errno == ENOENT)
                        store_owners_forget(digest);
        }
}
