/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Saving a guest with its memory, and starting it from there. Called by verbs.c and start.c. */

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "unikernel/run-dir.h"
#include "unikernel/snapshot.h"

static bool device_is_writable(const DefinitionDevice *device)
{
        return device->kind == DEVICE_BLOCK && !device->read_only;
}

/* Key material would be in the file, in plain text. Of a block device nobody can say later whether it was
 * written meanwhile. */
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

                if (device_is_writable(device) && device->path &&
                                (stat(device->path, &st) < 0 || S_ISBLK(st.st_mode)))
                        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                        "Unikernel '%s' cannot be saved: its volume '%s' is '%s', of which "
                                        "nobody could say later whether it was written meanwhile",
                                        definition->name, device->name, device->path);
        }
        return 0;
}

/* On failure libvirt lets the guest continue. */
static int domain_save(virConnectPtr connection, virDomainPtr domain, const char *name, Error *ret_error)
{
        g_autofree char *path = NULL;
        int r;

        r = snapshot_begin(name, &path, ret_error);
        if (r < 0)
                return r;

        protocol_guard(SAVE_GUARD, "save the guest");
        if (virDomainSave(domain, path) < 0) {
                r = virt_error_set(ret_error, connection, ERROR_FAILED, "Cannot save unikernel '%s'", name);
                snapshot_abandon(name);
                return r;
        }
        protocol_guard(0, NULL);
        return snapshot_complete(name, ret_error);
}

int lifecycle_save(const char *name, Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autoptr(Plan) plan = NULL;
        int r;

        r = plan_load(name, &plan, ret_error);
        if (r < 0)
                return r;
        r = definition_check_savable(plan->definition, ret_error);
        if (r < 0)
                return r;
        r = lifecycle_open(plan->conf->libvirt_uri, &connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(SAVE_GUARD, "find the domain");
        r = virt_domain_find(connection, name, plan->uuid, &domain, ret_error);
        if (r < 0)
                return r;
        if (r == 0 || run_dir_is_prepared(name))
                return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);

        return domain_save(connection, domain, name, ret_error);
}

static bool time_is_later(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* What the guest remembers of a volume is wrong once somebody else has written it. */
static int plan_check_volumes_unchanged(const Plan *plan, const char *path, Error *ret_error)
{
        struct stat memory, volume;

        if (stat(path, &memory) < 0)
                return error_set_errno(ret_error, -errno, "Cannot look at '%s'", path);

        for (guint i = 0; i < plan->attached->len; i++) {
                const DefinitionDevice *device = plan->attached->pdata[i];

                if (!device_is_writable(device) || stat(plan->devices[i].path, &volume) < 0)
                        continue;
                if (time_is_later(&volume.st_mtim, &memory.st_mtim))
                        return error_set(ret_error, ERROR_SNAPSHOT_UNUSABLE,
                                        "Volume '%s' was written after unikernel '%s' was saved: start it "
                                        "afresh with 'shruthictl start %s'",
                                        device->name, plan->definition->name, plan->definition->name);
        }
        return 0;
}

/* The image of a definition may be a path, whose content changes; the owner is in the name of the slice. */
static int saved_check_metadata(
                virConnectPtr connection, const Plan *plan, const char *path, Error *ret_error)
{
        const char *name = plan->definition->name;
        g_autofree char *image = g_strdup_printf(" image=\"%s\"", plan->digest);
        g_autofree char *owner = g_strdup_printf(" owner=\"%u\"", (unsigned) plan->definition->owner);
        char *xml = virDomainSaveImageGetXMLDesc(connection, path, 0);
        bool same = xml && strstr(xml, image) && strstr(xml, owner);

        if (!xml)
                return virt_error_set(ret_error, connection, ERROR_SNAPSHOT_UNUSABLE,
                                "The snapshot of unikernel '%s' cannot be read", name);
        free(xml);
        return same ? 0
                    : error_set(ret_error, ERROR_SNAPSHOT_UNUSABLE,
                                      "Unikernel '%s' has another image or owner than when it was saved: "
                                      "start it afresh with 'shruthictl start %s'",
                                      name, name);
}

int start_check_snapshot(virConnectPtr connection, const Plan *plan, const char *path, Error *ret_error)
{
        int r;

        r = snapshot_check_definition(plan->definition->name, plan->definition, ret_error);
        if (r >= 0)
                r = plan_check_volumes_unchanged(plan, path, ret_error);
        if (r >= 0)
                r = saved_check_metadata(connection, plan, path, ret_error);
        return r;
}

int start_restore(virConnectPtr connection, const Plan *plan, const char *path, virDomainPtr *ret_domain,
                Error *ret_error)
{
        const char *name = plan->definition->name;

        protocol_guard(SAVE_GUARD, "restore the guest");
        if (virDomainRestoreFlags(connection, path, NULL, VIR_DOMAIN_SAVE_RUNNING) < 0)
                return virt_error_set(ret_error, connection, ERROR_START_FAILED,
                                "libvirt could not restore the snapshot of unikernel '%s'", name);

        snapshot_withdraw(name);
        return MIN(virt_domain_find(connection, name, plan->uuid, ret_domain, ret_error), 0);
}
