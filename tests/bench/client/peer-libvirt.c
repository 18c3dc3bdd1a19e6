/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* libvirt, called as a program of a few lines would. */

#include "bench.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

static void on_error_ignore(void *data, virErrorPtr error)
{
}

static void *libvirt_connect(const PeerOptions *options)
{
        virConnectPtr connection;

        virSetErrorFunc(NULL, on_error_ignore);
        connection = virConnectOpen("qemu:///system");
        if (!connection)
                die("no libvirt: %s", virGetLastErrorMessage());
        return connection;
}

static void libvirt_disconnect(void *connection)
{
        (void) virConnectClose(connection);
}

static char *libvirt_stop(virConnectPtr connection, const char *item)
{
        virDomainPtr domain = virDomainLookupByName(connection, item);
        bool stopped = domain && virDomainDestroy(domain) >= 0;

        if (domain)
                (void) virDomainFree(domain);
        return stopped ? NULL : g_strdup(virGetLastErrorMessage());
}

static char *libvirt_run(void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        g_autofree char *path = NULL, *xml = NULL;
        virDomainPtr domain;

        if (operation == OPERATION_STOP)
                return libvirt_stop(connection, item);

        path = fill_in(options->xml ?: "{}", item);
        if (!g_file_get_contents(path, &xml, NULL, NULL))
                return g_strdup_printf("'%s' cannot be read", path);
        domain = operation == OPERATION_START ? virDomainCreateXML(connection, xml, 0)
                                              : virDomainDefineXML(connection, xml);
        if (!domain)
                return g_strdup(virGetLastErrorMessage());
        (void) virDomainFree(domain);
        return NULL;
}

const Peer peer_libvirt = {"libvirt", libvirt_connect, libvirt_disconnect, libvirt_run};
