/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one that speaks to libnftables. Called by table.c, publish.c and forward.c. */

#include "antispoof/nft.h"

#include <glib.h>
#include <malloc.h>
#include <nftables/libnftables.h>
#include <string.h>

#include "common/string-util.h"

#define MESSAGE_MAX 200

#define TRIES      3
#define PAUSE_USEC 20000

/* libnftables takes much memory for each table of the host, and frees it again, with each transaction: to
 * get that from the kernel anew takes longer than all the rest. It is freed when no requests come. */
#define MEMORY_KEPT (32 * 1024 * 1024)

static struct nft_ctx *context;

/* It is kept: what it reads at its beginning does not change. */
static int nft_open_context(Error *ret_error)
{
        if (context)
                return 0;

        context = nft_ctx_new(NFT_CTX_DEFAULT);
        if (!context)
                return error_set(ret_error, ERROR_FAILED, "Cannot use libnftables");
        (void) mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
        (void) mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
        (void) nft_ctx_buffer_error(context);
        (void) nft_ctx_buffer_output(context);
        return 0;
}

int nft_run(const char *commands, Error *ret_error)
{
        g_autofree char *line = NULL, *shown = NULL;
        const char *message;
        int r;

        r = nft_open_context(ret_error);
        if (r < 0)
                return r;

        if (nft_run_cmd_from_buffer(context, commands) == 0)
                return 0;

        /* The first line says what is wrong; the others show where in the commands. */
        message = nft_ctx_get_error_buffer(context) ?: "";
        line = g_strndup(message, strcspn(message, "\n"));
        shown = text_for_display(line, MESSAGE_MAX);
        return error_set(ret_error, ERROR_FAILED, "nftables rejects the rules: %s", shown);
}

int nft_run_retrying(const char *commands, Error *ret_error)
{
        int r = 0;

        for (int try = 0; try < TRIES; try++) {
                error_clear(ret_error);
                r = nft_run(commands, ret_error);
                if (r >= 0)
                        break;
                g_usleep(PAUSE_USEC);
        }
        return r;
}

int nft_query(const char *command, char **ret_output, Error *ret_error)
{
        int r;

        r = nft_open_context(ret_error);
        if (r < 0)
                return r;

        nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_HANDLE);
        r = nft_run(command, ret_error);
        if (r >= 0)
                *ret_output = g_strdup(nft_ctx_get_output_buffer(context) ?: "");
        nft_ctx_output_set_flags(context, 0);
        return r;
}

void nft_close(void)
{
        if (!context)
                return;

        nft_ctx_free(context);
        context = NULL;
        (void) malloc_trim(0);
}
