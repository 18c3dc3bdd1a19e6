/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "body/body.h"
#include "common/error.h"
#include "helper/keys.h"

/* Sends requests that need libvirt to shruthi-domain, see helper/call.h. It answers with lines KEY=VALUE
 * (except for the verbs "xml" and "arguments"). */

typedef struct LibvirtHelper LibvirtHelper;

/* r is 0 if it exited with 0, otherwise a negative errno with error set; output is NUL-terminated, never
 * NULL.
 * */
typedef void (*LibvirtHelperDone)(int r, Error *error, const char *output, void *userdata);

LibvirtHelper *libvirt_helper_new(sd_event *event, unsigned at_once);
LibvirtHelper *libvirt_helper_free(LibvirtHelper *helper);

/* Sends "shruthi-domain VERB [NAME]" when it is uid's turn. */
void libvirt_helper_run(LibvirtHelper *helper, uid_t uid, const char *verb, const char *name,
                LibvirtHelperDone done, void *userdata);

/* The same for a request of a body. */
void libvirt_helper_run_body(LibvirtHelper *helper, uid_t uid, const BodyRequest *request,
                LibvirtHelperDone done, void *userdata);

/* How long the answer to a request is waited for, in microseconds: the longer the more names it has, because
 * libvirt makes its whole firewall anew for each address. */
gint64 libvirt_helper_timeout(const BodyRequest *request);

unsigned libvirt_helper_count(const LibvirtHelper *helper); /* waiting and running */
