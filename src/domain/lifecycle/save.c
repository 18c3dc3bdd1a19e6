/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Saving a guest with its memory, and starting it from there. Called by verbs.c and start.c. */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/paths.h"
#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "unikernel/process.h"
#include "unikernel/run-dir.h"
#include "unikernel/snapshot.h"
#include "unikernel/started.h"

/* Key material would be in the file, in plain text. Of what cannot be looked at, and of a block device,
 * nobody could say later whether it was written meanwhile. */
static int definition_check_savable(const Definition *definition, Error *ret_error)
{
        struct stat st;

        if (definition_credentials(definition))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Unikernel '%s' cannot be saved: a snapshot would write its key material to "
                                "the disk unsealed",
                                definition->name);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind == DEVICE_BLOCK && device->path &&
                                (stat(device->path, &st) < 0 || !S_ISREG(st.st_mode)))
                        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                        "Unikernel '%s' cannot be saved: its volume '%s' is '%s', of which "
                                        "nobody could say later whether it was written meanwhile",
                                        definition->name, device->name, device->path);
        }
        return 0;
}

/* What the guest runs with, which the present definition need not say. */
static int guest_read_started(
                const char *name, char **ret_text, Definition **ret_definition, Error *ret_error)
{
        size_t size;
        int r;

        r = started_read(name, ret_text, &size);
        if (r < 0)
                return error_set_errno(
                                ret_error, r, "Cannot read what unikernel '%s' was started with", name);

        return definition_parse(name, "the running guest", *ret_text, size, ret_definition, ret_error);
}

/* On failure libvirt lets the guest continue. */
static int domain_write_memory(virConnectPtr connection, virDomainPtr domain, const char *name,
                const char *path, Error *ret_error)
{
        int r;

        protocol_guard(SAVE_GUARD, "save the guest");
        r = virDomainSave(domain, path) < 0 ? virt_error_set(ret_error, connection, ERROR_FAILED,
                                                              "Cannot save unikernel '%s'", name)
                                            : 0;
        protocol_guard(0, NULL);
        return r;
}

/* Once libvirt has begun it goes on, whoever asked for it. So must we: a caller that leaves does not end
 * this process (see worker.c). */
static int domain_save(virConnectPtr connection, virDomainPtr domain, const char *name, const char *text,
                const Definition *started, Error *ret_error)
{
        _cleanup_close_ int lock = -EBADF;
        g_autofree char *path = NULL;
        sigset_t hang_up, before;
        int r;

        r = snapshot_lock(name, &lock, ret_error);
        if (r >= 0)
                r = snapshot_begin(name, text, &path, ret_error);
        if (r < 0)
                return r;

        (void) sigemptyset(&hang_up);
        (void) sigaddset(&hang_up, SIGIO);
        (void) sigprocmask(SIG_BLOCK, &hang_up, &before);
        r = domain_write_memory(connection, domain, name, path, ret_error);
        if (r < 0)
                snapshot_abandon(name);
        else {
                r = snapshot_note_volumes(name, started, ret_error);
                if (r >= 0)
                        r = snapshot_complete(name, ret_error);
        }
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        return r;
}

static int domain_check_room(virDomainPtr domain, const Plan *plan, Error *ret_error)
{
        return file_system_check_room(paths_snapshots(), (uint64_t) virDomainGetMaxMemory(domain) * 1024,
                        plan->conf->free_space_min, "the snapshot",
                        "remove what is not needed, or lower FreeSpaceMin=", ret_error);
}

int lifecycle_save(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(Definition) started = NULL;
        g_autoptr(Plan) plan = NULL;
        g_autofree char *text = NULL;
        int r;

        if (process_is_body(name))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Unikernel '%s' runs as a process, whose memory cannot be saved: the kernel "
                                "gives no process back its place in memory, its clock and what it has open, "
                                "as QEMU does: for snapshots build the image for virtio (MirageOS: `mirage "
                                "configure -t virtio`)%s; or have it keep what must last in a volume",
                                name,
                                paths_are_of_user() ? " and create it among the system's (without --user)"
                                                    : "");
        r = plan_load(name, &plan, ret_error);
        if (r >= 0)
                r = lifecycle_open(plan->conf->libvirt_uri, &connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(SAVE_GUARD, "find the domain");
        r = virt_domain_find(connection, name, plan->uuid, &domain, ret_error);
        if (r < 0)
                return r;
        if (r == 0 || run_dir_is_prepared(name))
                return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);

        r = directory_make(paths_snapshots(), 0700);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot make '%s'", paths_snapshots());
        r = guest_read_started(name, &text, &started, ret_error);
        if (r >= 0)
                r = definition_check_savable(started, ret_error);
        if (r >= 0)
                r = domain_check_room(domain, plan, ret_error);
        return r < 0 ? r : domain_save(connection, domain, name, text, started, ret_error);
}

/* A process that was killed may have left one that libvirt has completed; libvirt marks one that it has
 * not. */
static int snapshot_recover(virConnectPtr connection, const char *name, Error *ret_error)
{
        g_autofree char *left = snapshot_memory(name, false);
        char *xml = left ? virDomainSaveImageGetXMLDesc(connection, left, 0) : NULL;
        bool whole = xml != NULL;

        free(xml);
        if (whole)
                return snapshot_complete(name, ret_error);
        if (left)
                snapshot_abandon(name);
        return 0;
}

static bool xml_has(const char *xml, const char *before, const char *value, const char *after)
{
        g_autofree char *text = g_strconcat(before, value, after, NULL);

        return strstr(xml, text);
}

/* What is not in the definition: the content of an image that it names by a path; the owner, which is in the
 * name of the slice; and how packets are filtered, which depends on what the host had for that. */
static const char *saved_find_other(const char *xml, const Plan *plan)
{
        g_autofree char *owner = g_strdup_printf("%u", (unsigned) plan->definition->owner);

        if (!xml_has(xml, " image=\"", plan->digest, "\""))
                return "it has another image than then";
        if (!xml_has(xml, " owner=\"", owner, "\""))
                return "it has another owner than then";
        for (guint i = 0; i < plan->definition->devices->len; i++) {
                const PlanNetwork *network = &plan->networks[i];

                if ((network->interface[0] && !xml_has(xml, "<target dev='", network->interface, "'/>")) ||
                                (network->filter &&
                                                !xml_has(xml, "<filterref filter='", network->filter, "'")))
                        return "this host filtered its packets in another way then";
        }
        return NULL;
}

static int saved_check(virConnectPtr connection, const Plan *plan, const char *path, Error *ret_error)
{
        const char *name = plan->definition->name, *other;
        char *xml = virDomainSaveImageGetXMLDesc(connection, path, 0);

        if (!xml)
                return virt_error_set(ret_error, connection, ERROR_SNAPSHOT_UNUSABLE,
                                "The snapshot of unikernel '%s' cannot be read", name);
        other = saved_find_other(xml, plan);
        free(xml);
        return other ? error_set(ret_error, ERROR_SNAPSHOT_UNUSABLE,
                                       "Unikernel '%s' cannot continue where it was saved: %s; start it "
                                       "afresh "
                                       "with 'shruthictl start %s'",
                                       name, other, name)
                     : 0;
}

int start_prepare_restore(virConnectPtr connection, const Plan *plan, RestoreState *state, Error *ret_error)
{
        const char *name = plan->definition->name;
        int r;

        if (state->lock < 0) {
                r = snapshot_lock(name, &state->lock, ret_error);
                if (r < 0)
                        return r;
        }
        r = snapshot_recover(connection, name, ret_error);
        if (r < 0)
                return r;
        g_free(state->path);
        state->path = snapshot_memory(name, true);
        if (!state->path)
                return error_set(ret_error, ERROR_NO_SUCH_SNAPSHOT,
                                "There is no snapshot of unikernel '%s' any more", name);

        r = snapshot_check(name, plan->definition, ret_error);
        return r < 0 ? r : saved_check(connection, plan, state->path, ret_error);
}

int start_restore(virConnectPtr connection, const Plan *plan, const RestoreState *state,
                virDomainPtr *ret_domain, Error *ret_error)
{
        const char *name = plan->definition->name;
        int64_t deadline = virt_name_deadline();
        int done;

        protocol_guard(RESTORE_GUARD, "restore the guest");
        do
                done = virDomainRestoreFlags(connection, state->path, NULL, VIR_DOMAIN_SAVE_RUNNING);
        while (done < 0 && virt_wait_for_name(deadline));
        if (done < 0)
                return virt_error_set(ret_error, connection, ERROR_START_FAILED,
                                "libvirt could not restore the snapshot of unikernel '%s'", name);

        return MIN(virt_domain_find(connection, name, plan->uuid, ret_domain, ret_error), 0);
}

void restore_state_clear(RestoreState *state)
{
        state->lock = close_safe(state->lock);
        g_clear_pointer(&state->path, g_free);
}
