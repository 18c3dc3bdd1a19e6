/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits, sends, and hands out the answers. Called by change.c. */

#include "daemon/change/change-share.h"

#include <string.h>

#include "body/body.h"

static const char *const share_verb_table[_CHANGE_SHARE_MAX] = {
                [CHANGE_SHARE_NETWORKS] = "networks",
                [CHANGE_SHARE_LISTENERS] = "networks-listeners",
                [CHANGE_SHARE_ALLOCATE] = "allocate",
                [CHANGE_SHARE_RELEASE] = "release",
};

/* The requests of one kind and user; there is none that neither runs nor has anybody waiting or expected. */
struct ChangeShare {
        Manager *manager;
        ChangeShareKind kind;
        uid_t uid;
        GQueue *waiting;   /* ShareEntry */
        unsigned expected; /* that will come soon, and are waited for */
        GPtrArray *served; /* ShareEntry: of the request that is under way */
};

typedef struct ShareEntry {
        char *name; /* NULL for the first two kinds */
        LibvirtHelperDone done;
        void *userdata;
} ShareEntry;

static void share_entry_free(gpointer data)
{
        ShareEntry *entry = data;

        g_free(entry->name);
        g_free(entry);
}

static void change_share_free(gpointer data)
{
        ChangeShare *share = data;

        g_queue_free_full(share->waiting, share_entry_free);
        g_clear_pointer(&share->served, g_ptr_array_unref);
        g_free(share);
}

GHashTable *change_shares_new(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, change_share_free);
}

static char *share_key(ChangeShareKind kind, uid_t uid)
{
        return g_strdup_printf("%s %u", share_verb_table[kind], (unsigned) uid);
}

static bool share_has_names(const ChangeShare *share)
{
        return share->kind == CHANGE_SHARE_ALLOCATE || share->kind == CHANGE_SHARE_RELEASE;
}

static void share_failure_free(gpointer data)
{
        body_failure_clear(data);
        g_free(data);
}

/* What went wrong with each name: of several, each has a line "unikernel" before its own. */
static GHashTable *share_read_failures(const char *output)
{
        GHashTable *failures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, share_failure_free);
        BodyFailure *current = NULL;

        for (char *key, *value; domain_next_line(&output, &key, &value);) {
                if (domain_key_from_string(key) == DOMAIN_KEY_UNIKERNEL) {
                        current = g_new(BodyFailure, 1);
                        *current = BODY_FAILURE_INIT;
                        g_hash_table_replace(failures, g_strdup(value), current);
                } else if (current)
                        body_failure_read(current, key, value);
                g_free(key);
                g_free(value);
        }

        return failures;
}

static void share_answer(const ShareEntry *entry, int r, const Error *whole, const BodyFailure *failure,
                const char *output)
{
        _cleanup_error_ Error error = ERROR_INIT;

        if (failure && failure->message)
                r = error_set(&error, failure->error >= 0 ? failure->error : ERROR_FAILED, "%s",
                                failure->message);
        else if (failure)
                r = 0;
        else if (whole->message)
                (void) error_set(&error, whole->code, "%s", whole->message);
        entry->done(r, &error, output, entry->userdata);
}

static void change_share_next(ChangeShare *share);

static void on_share_done(int r, Error *error, const char *output, void *userdata)
{
        ChangeShare *share = userdata;
        g_autoptr(GPtrArray) served = g_steal_pointer(&share->served);
        g_autoptr(GHashTable) failures = NULL;
        bool named = share_has_names(share);

        if (named && served->len > 1)
                failures = share_read_failures(output);
        change_share_next(share);
        for (guint i = 0; i < served->len; i++) {
                const ShareEntry *entry = served->pdata[i];

                share_answer(entry, r, error, failures ? g_hash_table_lookup(failures, entry->name) : NULL,
                                named ? "" : output);
        }
}

static void change_share_send(ChangeShare *share)
{
        BodyRequest request = {.words = {share_verb_table[share->kind]}};
        bool named = share_has_names(share);

        share->served = g_ptr_array_new_with_free_func(share_entry_free);
        while (!g_queue_is_empty(share->waiting) && (!named || share->served->len < DOMAIN_WORDS_MAX - 1)) {
                ShareEntry *entry = g_queue_pop_head(share->waiting);

                g_ptr_array_add(share->served, entry);
                if (named)
                        request.words[share->served->len] = entry->name;
        }
        libvirt_helper_run_body(share->manager->helper, share->uid, &request, on_share_done, share);
}

/* Sends what waits, unless more is expected; frees it if there is nothing left. */
static void change_share_next(ChangeShare *share)
{
        if (share->served)
                return;
        if (share->waiting->length >= (share->expected > 0 ? DOMAIN_WORDS_MAX - 1 : 1))
                change_share_send(share);
        else if (g_queue_is_empty(share->waiting) && share->expected == 0) {
                g_autofree char *key = share_key(share->kind, share->uid);

                g_hash_table_remove(share->manager->shares, key);
        }
}

static ChangeShare *change_share_get(Manager *manager, ChangeShareKind kind, uid_t uid)
{
        g_autofree char *key = share_key(kind, uid);
        ChangeShare *share = g_hash_table_lookup(manager->shares, key);

        if (!share) {
                share = g_new(ChangeShare, 1);
                *share = (ChangeShare){
                                .manager = manager, .kind = kind, .uid = uid, .waiting = g_queue_new()};
                g_hash_table_insert(manager->shares, g_steal_pointer(&key), share);
        }

        return share;
}

void change_share_run(Manager *manager, ChangeShareKind kind, uid_t uid, const char *name,
                LibvirtHelperDone done, void *userdata)
{
        ChangeShare *share = change_share_get(manager, kind, uid);
        ShareEntry *entry = g_new(ShareEntry, 1);

        *entry = (ShareEntry){.name = g_strdup(name), .done = done, .userdata = userdata};
        g_queue_push_tail(share->waiting, entry);
        change_share_next(share);
}

void change_share_expect(Manager *manager, ChangeShareKind kind, uid_t uid)
{
        change_share_get(manager, kind, uid)->expected++;
}

void change_share_expect_no_more(Manager *manager, ChangeShareKind kind, uid_t uid)
{
        ChangeShare *share = change_share_get(manager, kind, uid);

        share->expected--;
        change_share_next(share);
}
