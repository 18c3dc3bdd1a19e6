/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-floor: the least that a service on the bus costs. At its start it takes over what SHRUTHI answers at
 * that moment, and then gives the same answers from memory: rows, object paths and properties, by nothing
 * but sd-bus. With --empty it takes over nothing, to measure the start of a service alone.
 *
 * The memory that it takes is its life long, and none of it is freed. */

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "common/names.h"

typedef struct Property {
        char *name;
        char type;
        union {
                char *text;
                uint64_t number;
        } value;
} Property;

typedef struct Object {
        char *name, *path;
        GArray *properties;
} Object;

typedef struct Row {
        char *name, *state;
        uint32_t owner;
        char *unit, *result, *path;
} Row;

typedef struct Floor {
        sd_bus *bus;
        GArray *rows;
        GHashTable *objects; /* path → Object */
        GHashTable *names;   /* name → Object */
        GArray *vtable;
} Floor;

static void check(int r, const char *doing)
{
        if (r >= 0)
                return;
        (void) fprintf(stderr, "bench-floor: %s: %s\n", doing, g_strerror(-r));
        exit(1);
}

static int method_list(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Floor *floor = userdata;
        sd_bus_message *reply = NULL;
        int r;

        check(sd_bus_message_new_method_return(message, &reply), "reply");
        check(sd_bus_message_open_container(reply, 'a', "(ssusso)"), "reply");
        for (guint i = 0; i < floor->rows->len; i++) {
                const Row *row = &g_array_index(floor->rows, Row, i);

                check(sd_bus_message_append(reply, "(ssusso)", row->name, row->state, row->owner, row->unit,
                                      row->result, row->path),
                                "row");
        }
        check(sd_bus_message_close_container(reply), "reply");
        r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int method_get(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Floor *floor = userdata;
        const char *name;
        const Object *object;

        check(sd_bus_message_read(message, "s", &name), "GetUnikernel");
        object = g_hash_table_lookup(floor->names, name);
        if (!object)
                return -ENOENT;
        return sd_bus_reply_method_return(message, "o", object->path);
}

static const sd_bus_vtable manager_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD("ListUnikernels", "", "a(ssusso)", method_list, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD("GetUnikernel", "s", "o", method_get, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};

static int find_object(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *error)
{
        Floor *floor = userdata;

        *ret_found = g_hash_table_lookup(floor->objects, path);
        return *ret_found ? 1 : 0;
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *error)
{
        Floor *floor = userdata;
        char **nodes = calloc(g_hash_table_size(floor->objects) + 1, sizeof *nodes);
        GHashTableIter iter;
        gpointer path;
        size_t n = 0;

        if (!nodes)
                return -ENOMEM;
        g_hash_table_iter_init(&iter, floor->objects);
        while (g_hash_table_iter_next(&iter, &path, NULL))
                nodes[n++] = strdup(path);
        *ret_nodes = nodes;
        return 0;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *name,
                sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const Object *object = userdata;

        for (guint i = 0; i < object->properties->len; i++) {
                const Property *property = &g_array_index(object->properties, Property, i);

                if (strcmp(property->name, name) == 0)
                        return sd_bus_message_append_basic(reply, property->type,
                                        property->type == 's' ? (const void *) property->value.text
                                                              : (const void *) &property->value.number);
        }

        return -ENOENT;
}

static void read_property(sd_bus_message *message, Object *object)
{
        Property property = {};
        const char *name, *type;
        char *text;

        check(sd_bus_message_read(message, "s", &name), "property");
        check(sd_bus_message_peek_type(message, NULL, &type), name);
        property.name = g_strdup(name);
        property.type = type[0];
        check(sd_bus_message_enter_container(message, 'v', type), name);
        if (property.type == 's') {
                check(sd_bus_message_read_basic(message, 's', &text), name);
                property.value.text = g_strdup(text);
        } else
                check(sd_bus_message_read_basic(message, property.type, &property.value.number), name);
        check(sd_bus_message_exit_container(message), name);
        g_array_append_val(object->properties, property);
}

static void read_interface(Floor *floor, sd_bus_message *message, Object *object)
{
        const char *interface;
        bool ours;

        check(sd_bus_message_read(message, "s", &interface), "interface");
        ours = strcmp(interface, SHRUTHI_INTERFACE_UNIKERNEL) == 0;
        check(sd_bus_message_enter_container(message, 'a', "{sv}"), interface);
        while (ours && sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                read_property(message, object);
                check(sd_bus_message_exit_container(message), interface);
        }
        while (!ours && sd_bus_message_skip(message, "{sv}") > 0)
                ;
        check(sd_bus_message_exit_container(message), interface);
}

/* Other objects (networks) are none that a list of unikernels has. */
static void read_objects(Floor *floor, sd_bus_message *message)
{
        check(sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}"), "objects");
        while (sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}") > 0) {
                Object *object = g_new0(Object, 1);
                const char *path;

                check(sd_bus_message_read(message, "o", &path), "object");
                object->path = g_strdup(path);
                object->properties = g_array_new(FALSE, FALSE, sizeof(Property));
                check(sd_bus_message_enter_container(message, 'a', "{sa{sv}}"), path);
                while (sd_bus_message_enter_container(message, 'e', "sa{sv}") > 0) {
                        read_interface(floor, message, object);
                        check(sd_bus_message_exit_container(message), path);
                }
                check(sd_bus_message_exit_container(message), path);
                check(sd_bus_message_exit_container(message), path);
                if (sd_bus_path_decode(path, SHRUTHI_UNIKERNEL_PATH, &object->name) <= 0)
                        continue;
                g_hash_table_insert(floor->objects, object->path, object);
                g_hash_table_insert(floor->names, object->name, object);
        }
}

static void read_rows(Floor *floor, sd_bus_message *message)
{
        check(sd_bus_message_enter_container(message, 'a', "(ssusso)"), "rows");
        for (;;) {
                const char *name, *state, *unit, *result, *path;
                Row row = {};

                if (sd_bus_message_read(message, "(ssusso)", &name, &state, &row.owner, &unit, &result,
                                    &path) <= 0)
                        return;
                row.name = g_strdup(name);
                row.state = g_strdup(state);
                row.unit = g_strdup(unit);
                row.result = g_strdup(result);
                row.path = g_strdup(path);
                g_array_append_val(floor->rows, row);
        }
}

static sd_bus_message *ask_shruthi(Floor *floor, const char *interface, const char *member)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        check(sd_bus_call_method(floor->bus, SHRUTHI_BUS_NAME, SHRUTHI_OBJECT_PATH, interface, member,
                              &error, &reply, NULL),
                        member);
        return reply;
}

/* The properties as the first object has them: all have the same. */
static void add_objects(Floor *floor)
{
        GHashTableIter iter;
        gpointer first;

        floor->vtable = g_array_new(FALSE, TRUE, sizeof(sd_bus_vtable));
        g_array_append_vals(floor->vtable, (const sd_bus_vtable[]){SD_BUS_VTABLE_START(0)}, 1);
        g_hash_table_iter_init(&iter, floor->objects);
        if (g_hash_table_iter_next(&iter, NULL, &first)) {
                const Object *object = first;

                for (guint i = 0; i < object->properties->len; i++) {
                        const Property *property = &g_array_index(object->properties, Property, i);
                        char *type = g_strndup(&property->type, 1);

                        g_array_append_vals(floor->vtable,
                                        (const sd_bus_vtable[]){SD_BUS_PROPERTY(
                                                        property->name, type, get_property, 0, 0)},
                                        1);
                }
        }
        g_array_append_vals(floor->vtable, (const sd_bus_vtable[]){SD_BUS_VTABLE_END}, 1);

        check(sd_bus_add_fallback_vtable(floor->bus, NULL, SHRUTHI_UNIKERNEL_PATH,
                              SHRUTHI_INTERFACE_UNIKERNEL, (const sd_bus_vtable *) floor->vtable->data,
                              find_object, floor),
                        "objects");
        check(sd_bus_add_node_enumerator(floor->bus, NULL, SHRUTHI_UNIKERNEL_PATH, enumerate, floor),
                        "objects");
        check(sd_bus_add_object_manager(floor->bus, NULL, SHRUTHI_OBJECT_PATH), "objects");
}

int main(int argc, char *argv[])
{
        bool empty = argc == 3 && strcmp(argv[1], "--empty") == 0;
        Floor floor = {
                        .rows = g_array_new(FALSE, FALSE, sizeof(Row)),
                        .objects = g_hash_table_new(g_str_hash, g_str_equal),
                        .names = g_hash_table_new(g_str_hash, g_str_equal),
        };
        sd_event *event;

        if (argc != 2 && !empty) {
                (void) fputs("bench-floor [--empty] NAME: a bare service on the bus of that name\n", stderr);
                return 2;
        }

        check(sd_event_default(&event), "loop");
        check(sd_bus_open_system(&floor.bus), "bus");
        if (!empty) {
                read_rows(&floor, ask_shruthi(&floor, SHRUTHI_INTERFACE_MANAGER, "ListUnikernels"));
                read_objects(&floor, ask_shruthi(&floor, "org.freedesktop.DBus.ObjectManager",
                                                     "GetManagedObjects"));
        }
        add_objects(&floor);
        check(sd_bus_add_object_vtable(floor.bus, NULL, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER,
                              manager_vtable, &floor),
                        "manager");
        check(sd_bus_attach_event(floor.bus, event, 0), "loop");
        check(sd_bus_request_name(floor.bus, argv[argc - 1], 0), "name");
        (void) sd_notify(0, "READY=1");
        return sd_event_loop(event) < 0 ? 1 : 0;
}
