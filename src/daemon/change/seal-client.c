/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks shruthi-seal: sends one packet with the caller's descriptor, and receives one. */

#include "daemon/change/seal-client.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/socket.h"
#include "unikernel/credential-space.h"

/* Longer than shruthi-seal's own timeout: see src/seal/main.c. */
#define ANSWER_SEC 90

static int seal_unavailable(int r, Error *ret_error)
{
        return error_set(ret_error, ERROR_CREDENTIALS_UNAVAILABLE,
                        "Cannot connect to shruthi-seal (%s): see 'systemctl status shruthi-seal.socket'",
                        g_strerror(abs(r)));
}

/* The space that the sources in its definition leave, as far as we can tell; shruthi-seal trusts no
 * definition. */
static uint64_t seal_space_for(const char *name)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (definition_load_full(name, DEFINITION_IGNORE_USERS, &definition, &error) < 0)
                return UINT64_MAX;

        return credential_space_left(credential_space_known(definition));
}

int seal_ask(SealVerb verb, const char *name, const char *key, int fd, char ***ret_keys, Error *ret_error)
{
        uint64_t space = seal_verb_takes_content(verb) ? seal_space_for(name) : UINT64_MAX;
        g_autofree char *request = seal_request_format(verb, name, key, space),
                        *answer = g_malloc(SEAL_ANSWER_MAX);
        _cleanup_close_ int sealer = -EBADF;
        g_auto(GStrv) keys = NULL;
        ssize_t n;
        int r;

        r = socket_connect("seal", SOCK_SEQPACKET, ANSWER_SEC, &sealer);
        if (r >= 0)
                r = socket_send_with_fd(sealer, request, fd, 0);
        if (r < 0)
                return seal_unavailable(r, ret_error);

        n = TEMP_FAILURE_RETRY(recv(sealer, answer, SEAL_ANSWER_MAX, 0));
        if (n < 0)
                return seal_unavailable(-errno, ret_error);
        if (n == 0)
                return error_set(ret_error, ERROR_CREDENTIALS_UNAVAILABLE,
                                "shruthi-seal exited without an answer%s (journalctl -u 'shruthi-seal@*')",
                                fd < 0 ? "" : ", as it does when the content does not arrive in time");

        r = seal_answer_parse(answer, (size_t) n, &keys, ret_error);
        if (r >= 0 && ret_keys)
                *ret_keys = g_steal_pointer(&keys);
        return r;
}

static int seal_forget(const char *name, Error *ret_error)
{
        g_autofree char *path = g_build_filename(paths_credentials(), name, NULL);

        return access(path, F_OK) < 0 ? 0 : seal_ask(SEAL_FORGET, name, NULL, -EBADF, NULL, ret_error);
}

static unsigned seal_count(const Manager *manager, const char *name)
{
        return GPOINTER_TO_UINT(g_hash_table_lookup(manager->sealing, name));
}

void seal_enter(Manager *manager, const char *name)
{
        g_hash_table_insert(
                        manager->sealing, g_strdup(name), GUINT_TO_POINTER(seal_count(manager, name) + 1));
}

void seal_leave(Manager *manager, const char *name)
{
        unsigned n = seal_count(manager, name);

        if (n > 1)
                g_hash_table_insert(manager->sealing, g_strdup(name), GUINT_TO_POINTER(n - 1));
        else
                g_hash_table_remove(manager->sealing, name);
}

bool seal_is_busy(const Manager *manager, const char *name)
{
        return seal_count(manager, name) > 0;
}

int seal_forget_left(const char *name, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = NULL;
        DefinitionOrigin origin;
        int r;

        /* Keys of an existing definition are its own; a create is refused then. */
        if (definition_find(name, &path, &origin, &error) >= 0)
                return 0;

        r = seal_forget(name, ret_error);
        if (r < 0)
                error_prefix(ret_error, "Cannot remove the keys of an earlier unikernel '%s'", name);
        return r;
}

int seal_forget_all(const char *name, Error *ret_error)
{
        int r = seal_forget(name, ret_error);

        if (r < 0)
                error_prefix(ret_error, "The keys of '%s' cannot be removed", name);
        return r;
}
