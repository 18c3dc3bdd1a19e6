/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches our objects as a desktop program would, with GDBusObjectManagerClient, and prints what it sees: a
 * line for each object that comes or goes, each property that changes, and the owner of our name. For the
 * system tests. Ends by a signal. */

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"

static const char *object_name(GDBusObject *object)
{
        return strrchr(g_dbus_object_get_object_path(object), '/') + 1;
}

static void print_properties(GDBusObject *object, GVariant *changed)
{
        GVariantIter iter;
        const char *key;
        GVariant *value;

        g_variant_iter_init(&iter, changed);
        while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
                g_autofree char *text = g_variant_print(value, FALSE);

                printf("%s %s=%s\n", object_name(object), key, text);
                g_variant_unref(value);
        }
}

static void on_object_added(GDBusObjectManager *manager, GDBusObject *object, gpointer userdata)
{
        printf("added %s\n", object_name(object));
}

static void on_object_removed(GDBusObjectManager *manager, GDBusObject *object, gpointer userdata)
{
        printf("removed %s\n", object_name(object));
}

static void on_properties_changed(GDBusObjectManagerClient *manager, GDBusObjectProxy *object,
                GDBusProxy *proxy, GVariant *changed, char **invalidated, gpointer userdata)
{
        print_properties(G_DBUS_OBJECT(object), changed);
}

static void on_owner_changed(GObject *manager, GParamSpec *property, gpointer userdata)
{
        g_autofree char *owner =
                        g_dbus_object_manager_client_get_name_owner(G_DBUS_OBJECT_MANAGER_CLIENT(manager));

        printf("owner %s\n", owner ? owner : "gone");
}

int main(int argc, char **argv)
{
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        g_autoptr(GError) error = NULL;
        GDBusObjectManager *manager;

        setvbuf(stdout, NULL, _IOLBF, 0);
        manager = g_dbus_object_manager_client_new_for_bus_sync(G_BUS_TYPE_SYSTEM,
                        G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE, SHRUTHI_BUS_NAME, SHRUTHI_OBJECT_PATH, NULL,
                        NULL, NULL, NULL, &error);
        if (!manager) {
                fprintf(stderr, "%s\n", error->message);
                return 1;
        }

        g_signal_connect(manager, "object-added", G_CALLBACK(on_object_added), NULL);
        g_signal_connect(manager, "object-removed", G_CALLBACK(on_object_removed), NULL);
        g_signal_connect(manager, "interface-proxy-properties-changed", G_CALLBACK(on_properties_changed),
                        NULL);
        g_signal_connect(manager, "notify::name-owner", G_CALLBACK(on_owner_changed), NULL);

        on_owner_changed(G_OBJECT(manager), NULL, NULL);
        for (GList *all = g_dbus_object_manager_get_objects(manager), *l = all; l; l = l->next)
                printf("there %s\n", object_name(l->data));
        printf("watching\n");
        g_main_loop_run(loop);
        return 0;
}
