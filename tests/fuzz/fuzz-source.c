/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lies beside an image, or is served beside it: signatures of minisign, and lists of digests; and the
 * values of UpdateFrom= and UpdateVerify=; and what is asked of shruthi-fetch, and answered by it. */

#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "common/string-util.h"
#include "fetch/protocol.h"
#include "image/digest-list.h"
#include "unikernel/update-source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_fetch_request_ FetchRequest request = {};
        g_autofree char *digest = NULL;
        g_autofree char *text = g_strndup(size > 0 ? (const char *) data : "", size);
        _cleanup_minisign_signature_ MinisignSignature signature = {};
        _cleanup_update_verify_ UpdateVerify verify = {};

        if (minisign_signature_parse((const char *) data, size, &signature, NULL) >= 0 &&
                        strlen(signature.trusted_comment) > MINISIGN_COMMENT_MAX)
                abort();
        if (digest_list_find((const char *) data, size, "a.virtio", &digest, NULL) >= 0 &&
                        !digest_is_valid(digest))
                abort();
        if (update_verify_parse(text, &verify, NULL) >= 0 && verify.kind == UPDATE_VERIFY_NOTHING)
                abort();
        if (update_source_check(text, NULL) >= 0 && !*update_source_file(text))
                abort();
        if (fetch_request_parse((const char *) data, size, &request, NULL) >= 0 && request.size_max == 0)
                abort();
        (void) fetch_answer_parse((const char *) data, size, NULL);
        return 0;
}
