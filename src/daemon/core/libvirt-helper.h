/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "body/body.h"
#include "common/error.h"
#include "helper/keys.h"

/* shruthi-domain, asked for what needs libvirt, see helper/call.h. What it says is lines of key=value (but
 * for the verbs "xml" and "arguments"). */

typedef struct LibvirtHelper LibvirtHelper;

/* r is 0 when it ended with 0, else a negative errno with error set; output is NUL-terminated, never NULL.
 */
typedef void (*LibvirtHelperDone)(int r, Error *error, const char *output, void *userdata);

LibvirtHelper *libvirt_helper_new(sd_event *event, unsigned at_once);
LibvirtHelper *libvirt_helper_free(LibvirtHelper *helper);

/* Has "shruthi-domain VERB [NAME]" done when uid's turn has come. */
void libvirt_helper_run(LibvirtHelper *helper, uid_t uid, const char *verb, const char *name,
                LibvirtHelperDone done, void *userdata);

/* The same of a body. */
void libvirt_helper_run_body(LibvirtHelper *helper, uid_t uid, const BodyRequest *request,
                LibvirtHelperDone done, void *userdata);

unsigned libvirt_helper_count(const LibvirtHelper *helper); /* waiting and running */
