/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images, from the word on the command line to the call. Called by verbs/ and fleet/. */

#include "ctl/bus/client-image.h"

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/input/image-file.h"
#include "ctl/output/value.h"

int client_inspect_image(Ctl *ctl, const char *image, JsonObject **ret_info, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (digest_is_valid(image))
                r = client_call(ctl, "InspectStoredImage", &reply, ret_error, "s", image);
        else {
                r = image_open(image, &fd, ret_error);
                if (r >= 0)
                        r = client_call(ctl, "InspectImage", &reply, ret_error, "h", fd);
        }
        if (r < 0)
                return r;

        r = value_read_object(reply, ret_info);
        return r < 0 ? client_message_error(r, ret_error) : 0;
}

int client_import_image(
                Ctl *ctl, const char *image, const char *expected, char **ret_digest, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *digest;
        int r;

        r = image_open(image, &fd, ret_error);
        if (r < 0)
                return r;

        if (expected)
                r = client_call(ctl, "ImportImage", &reply, ret_error, "ha{sv}", fd, 1, "Digest", "s",
                                expected);
        else
                r = client_call(ctl, "ImportImage", &reply, ret_error, "ha{sv}", fd, 0);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &digest);
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_digest = g_strdup(digest);
        return 0;
}
