/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads all, authorizes once, starts a change for each, and answers when all have ended. */

#include "daemon/bus/create-many.h"

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "daemon/access/call-limits.h"
#include "daemon/change/change.h"
#include "daemon/state/unikernel.h"

/* One of them, and how it went. */
typedef struct Creation {
        char *name, *digest;
        Settings *settings;
        Error error; /* without a message: it is created */
} Creation;

typedef struct CreateMany {
        Call *call;
        GPtrArray *creations; /* Creation */
        guint pending;
} CreateMany;

/* Of a change that is under way. */
typedef struct CreationTurn {
        CreateMany *many;
        guint number;
} CreationTurn;

static void creation_free(gpointer data)
{
        Creation *creation = data;

        g_free(creation->name);
        g_free(creation->digest);
        settings_free(creation->settings);
        error_clear(&creation->error);
        g_free(creation);
}

static int creation_read(sd_bus_message *message, Creation *creation, Error *ret_error)
{
        const char *name, *digest;
        int r;

        r = sd_bus_message_read(message, "ss", &name, &digest);
        if (r < 0)
                return r;
        creation->name = g_strdup(name);
        creation->digest = g_strdup(digest);
        if (!digest_is_valid(digest)) {
                g_autofree char *shown = text_for_display(name, 80);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "%s: a digest must be 'sha256:' and 64 hexadecimal digits in lower case",
                                shown);
        }
        r = settings_read(message, SETTINGS_CREATE, &creation->settings, ret_error);
        if (r < 0 && ret_error->message) {
                g_autofree char *shown = text_for_display(name, 80);

                error_prefix(ret_error, "%s", shown);
        }
        return r;
}

static int creations_read(sd_bus_message *message, GPtrArray *creations, Error *ret_error)
{
        int r;

        r = sd_bus_message_enter_container(message, 'a', "(ssa{sv})");
        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'r', "ssa{sv}")) > 0) {
                Creation *creation = g_new0(Creation, 1);

                creation->error = ERROR_INIT;
                g_ptr_array_add(creations, creation);
                if (creations->len > CREATE_MANY_MAX)
                        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                        "More than %d unikernels in one call: make several calls, one after "
                                        "the other",
                                        CREATE_MANY_MAX);
                r = creation_read(message, creation, ret_error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }

        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int create_many_append(sd_bus_message *reply, const Creation *creation)
{
        g_autofree char *path = creation->error.message ? NULL : unikernel_path(creation->name),
                        *text = g_utf8_make_valid(creation->error.message ?: "", -1);

        return sd_bus_message_append(reply, "(oss)", path ?: "/",
                        path ? "" : error_code_to_bus_name(creation->error.code), text);
}

static void create_many_answer(CreateMany *many)
{
        g_autoptr(sd_bus_message) reply = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = call_new_reply(many->call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(oss)");
        for (guint i = 0; r >= 0 && i < many->creations->len; i++)
                r = create_many_append(reply, many->creations->pdata[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        calls_leave(many->call->manager, many->call->uid, many->creations->len);
        call_finish(many->call, reply, r, &error);
        g_ptr_array_unref(many->creations);
        g_free(many);
}

static void create_many_end_one(CreateMany *many)
{
        if (--many->pending == 0)
                create_many_answer(many);
}

static void on_creation_done(Call *part, ChangeResult *result, void *userdata)
{
        CreationTurn *turn = userdata;
        CreateMany *many = turn->many;
        Creation *creation = many->creations->pdata[turn->number];

        if (result->r < 0 && !result->error.message)
                (void) error_set_errno(&creation->error, result->r, "Cannot create it");
        else if (result->r < 0)
                error_move(&creation->error, &result->error);
        call_drop(part);
        g_free(turn);
        create_many_end_one(many);
}

/* Or notes why it cannot begin. */
static void creation_start(CreateMany *many, guint number)
{
        Creation *creation = many->creations->pdata[number];
        Manager *manager = many->call->manager;
        const Unikernel *existing = unikernel_get(manager, creation->name);
        CreationTurn *turn;
        Change *change;

        if (name_check_new(creation->name, &creation->error) < 0)
                return;
        if (existing && existing->announced) {
                (void) error_set(&creation->error, ERROR_UNIKERNEL_EXISTS, "Unikernel '%s' already exists",
                                creation->name);
                return;
        }
        if (change_check_free(manager, creation->name, &creation->error) < 0)
                return;

        turn = g_new(CreationTurn, 1);
        *turn = (CreationTurn){.many = many, .number = number};
        change = change_new(call_new_part(many->call, creation->name, NULL, NULL), CHANGE_CREATE);
        change->request.settings = g_steal_pointer(&creation->settings);
        change->request.image_digest = g_strdup(creation->digest);
        change->quiet = true;
        change->done = on_creation_done;
        change->userdata = turn;
        many->pending++;
        change_start(change);
}

int method_create_unikernels(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(GPtrArray) creations = g_ptr_array_new_with_free_func(creation_free);
        PolkitDetails details = {.verb = "create"};
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        CreateMany *many;
        Call *call;
        int r;

        r = creations_read(message, creations, &error);
        if (r < 0)
                return error.message ? reply_error(message, &error, r) : reply_invalid_args(message, r);

        if (creations->len > 0)
                details.unikernel = ((Creation *) creations->pdata[0])->name;

        if (!call_authorize(manager, message, &details, SHRUTHI_ACTION_CREATE, &call))
                return 1;

        r = calls_check_many(manager, call->uid, creations->len, &error);
        if (r < 0) {
                call_fail(call, &error, r);
                return 1;
        }

        /* Until they are done they count as calls of their own. */
        calls_enter(manager, call->uid, creations->len);
        many = g_new(CreateMany, 1);
        *many = (CreateMany){.call = call, .creations = g_steal_pointer(&creations), .pending = 1};
        for (guint i = 0; i < many->creations->len; i++)
                creation_start(many, i);
        create_many_end_one(many);
        return 1;
}
