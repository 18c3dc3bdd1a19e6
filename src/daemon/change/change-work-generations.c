/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a change keeps of the old and the new definition. All of it is on disk before the definition is
 * replaced, so that even if the power fails, the definition in force is kept, and an update to be proven has
 * its record. */

#include <string.h>
#include <sys/stat.h>

#include "daemon/change/change-work-private.h"
#include "image/store.h"

/* The digest of the image that a path has (known, or NULL), otherwise of the one last started from it; a
 * digest is returned unchanged. */
static char *image_digest_of(const char *image, const char *known)
{
        char *digest = NULL;

        if (!image || image[0] != '/')
                return g_strdup(image);
        if (known)
                return g_strdup(known);

        return store_lookup_path(image, &digest) < 0 ? NULL : digest;
}

static void generation_text_pin(char **text, const char *key, const char *image, const char *digest)
{
        char *old = *text;

        if (!image || image[0] != '/' || !digest || store_path_has(image, digest))
                return;

        *text = definition_text_set(old, "Unikernel", NULL, key, digest);
        g_free(old);
}

char *change_generation_text(const char *name, const Generation *generation)
{
        g_autoptr(Definition) definition = NULL;
        char *text = g_strdup(generation->text);

        if (definition_parse(name, NULL, text, strlen(text), &definition, NULL) < 0)
                return text;

        generation_text_pin(&text, "Image", definition->image, generation->image);
        generation_text_pin(&text, "Initrd", definition->initrd, generation->initrd);
        return text;
}

static int draft_find_former(const Draft *draft, Generation **ret_generation)
{
        g_autoptr(GPtrArray) generations = generations_list(draft->request->name);
        const Generation *now = generations_find_text(generations, draft->old_text);
        Generation *former;
        guint index = 0;

        former = generations_find_former(generations, now ? now->number : UINT64_MAX);
        if (!former)
                return error_set(&draft->result->error, ERROR_NO_SUCH_GENERATION,
                                "Unikernel '%s' has no former generation to go back to; see 'shruthictl "
                                "history %s'",
                                draft->request->name, draft->request->name);

        (void) g_ptr_array_find(generations, former, &index);
        *ret_generation = g_ptr_array_steal_index(generations, index);
        return 0;
}

int draft_read_generation(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        int r;

        r = request->update->generation > 0 ? generation_read(request->name, request->update->generation,
                                                              &draft->target, &draft->result->error)
                                            : draft_find_former(draft, &draft->target);
        if (r >= 0)
                draft->text = change_generation_text(request->name, draft->target);
        return r;
}

static uint64_t generations_next_number(const GPtrArray *generations)
{
        return generations->len > 0
                               ? ((const Generation *) generations->pdata[generations->len - 1])->number + 1
                               : 1;
}

/* Keeps the definition in force if somebody else wrote it, or a version that kept no generations. */
static int draft_keep_old(const Draft *draft, GPtrArray *generations)
{
        Generation *generation = g_new0(Generation, 1);
        struct stat st;
        int r;

        *generation = (Generation){.number = generations_next_number(generations),
                        .time = stat(draft->path, &st) < 0 ? 0 : (uint64_t) st.st_mtime * G_USEC_PER_SEC,
                        .user = draft->old ? draft->old->owner : 0,
                        .image = draft->old ? image_digest_of(draft->old->image, NULL) : NULL,
                        .initrd = draft->old ? image_digest_of(draft->old->initrd, NULL) : NULL,
                        .state = GENERATION_SET,
                        .text = g_strdup(draft->old_text)};
        g_ptr_array_add(generations, generation);
        r = generation_write(draft->request->name, generation, &draft->result->error);
        if (r >= 0)
                draft->result->old_generation = generation->number;
        return r;
}

static int draft_keep_new(Draft *draft, const GPtrArray *generations)
{
        const ChangeRequest *request = draft->request;
        bool prove = request->update && request->update->record;
        g_autoptr(Generation) generation = g_new0(Generation, 1);
        const Generation *target = draft->target, *same = NULL;
        int r;

        /* A rollback creates no new generation: the requested number is in force again. */
        if (target)
                same = generations_find_text(generations, draft->text);
        r = same ? generation_read(request->name, same->number, &draft->replaced, &draft->result->error) : 0;
        if (r < 0)
                return r;

        /* A path that is left in the text of a rollback has the image that the generation had. */
        *generation = (Generation){.number = same ? same->number : generations_next_number(generations),
                        .time = same ? same->time : (uint64_t) g_get_real_time(),
                        .user = same ? same->user : request->call->uid,
                        .image = image_digest_of(draft->definition->image, target ? target->image : NULL),
                        .initrd = image_digest_of(draft->definition->initrd, target ? target->initrd : NULL),
                        .state = prove ? GENERATION_PROVING : GENERATION_SET,
                        .source = g_strdup(target ? target->source : request->settings->image_source),
                        .text = g_strdup(draft->text)};
        draft->result->generation = generation->number;
        return generation_write(request->name, generation, &draft->result->error);
}

static int draft_write_update_record(const Draft *draft)
{
        UpdateRecord record = *draft->request->update->record;
        int r;

        record.old_number = draft->result->old_generation;
        record.new_number = draft->result->generation;
        r = update_record_write(draft->request->name, &record);
        if (r < 0)
                return error_set_errno(&draft->result->error, r, "Cannot write the record of the update");

        draft->result->recorded = true;
        return 0;
}

int draft_keep_generations(Draft *draft)
{
        const ChangeRequest *request = draft->request;
        g_autoptr(GPtrArray) generations = generations_list(request->name);
        const Generation *now = generations_find_text(generations, draft->old_text);
        int r = 0;

        if (now)
                draft->result->old_generation = now->number;
        else
                r = draft_keep_old(draft, generations);
        if (r < 0)
                return r;

        if (g_str_equal(draft->text, draft->old_text)) {
                draft->result->generation = draft->result->old_generation;
                draft->result->unwritten = request->update != NULL;
                return 0;
        }

        r = draft_keep_new(draft, generations);
        if (r >= 0 && request->update && request->update->record)
                r = draft_write_update_record(draft);
        return r;
}

void draft_take_back_generation(const Draft *draft)
{
        const ChangeRequest *request = draft->request;

        if (draft->result->generation == 0 || draft->result->generation == draft->result->old_generation)
                return;

        if (draft->replaced)
                (void) generation_write(request->name, draft->replaced, NULL);
        else
                (void) generation_mark(request->name, draft->result->generation, GENERATION_FAILED, NULL,
                                "its definition could not be written", NULL);
        if (request->update && request->update->record)
                (void) update_record_remove(request->name);
        draft->result->recorded = false;
}

void draft_trim_generations(const Draft *draft)
{
        generations_trim(draft->request->name, draft->conf->keep_generations, draft->result->generation,
                        draft->result->old_generation);
}
