/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records of our networks, and which subnets are free for them. */

#include "unikernel/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "unikernel/definition.h"

#define LOCK_NAME       ".lock"
#define RECORD_SIZE_MAX 4096
#define CHOSEN_PREFIX_4 24
#define CHOSEN_PREFIX_6 64
#define TRIES_MAX       65536

static const char *const network_mode_table[_NETWORK_MODE_MAX] = {
                [NETWORK_ISOLATED] = "isolated",
                [NETWORK_NAT] = "nat",
                [NETWORK_ROUTED] = "routed",
};
DEFINE_STRING_TABLE(network_mode, NetworkMode, network_mode_table, _NETWORK_MODE_MAX)

static const char *const network_state_table[_NETWORK_STATE_MAX] = {
                [NETWORK_READY] = "ready",
                [NETWORK_CREATING] = "creating",
                [NETWORK_REMOVING] = "removing",
};

int network_name_check(const char *name, Error *ret_error)
{
        g_autofree char *shown = text_for_display(name, 80);

        if (name_is_valid(name) && !name_is_twin(name))
                return 0;

        return error_set(ret_error, ERROR_INVALID_NAME,
                        "'%s' is not a valid network name: use 1 to 63 of a-z, 0-9 and '-', beginning and "
                        "ending with a letter or digit",
                        shown);
}

NetworkRecord *network_record_new(const char *name)
{
        NetworkRecord *record = g_new0(NetworkRecord, 1);

        *record = (NetworkRecord){.name = g_strdup(name), .group = GID_INVALID, .mode = NETWORK_NAT};
        return record;
}

NetworkRecord *network_record_copy(const NetworkRecord *record)
{
        NetworkRecord *copy = g_memdup2(record, sizeof *record);

        copy->name = g_strdup(record->name);
        copy->bridge = g_strdup(record->bridge);
        copy->fleet = g_strdup(record->fleet);
        return copy;
}

NetworkRecord *network_record_free(NetworkRecord *record)
{
        if (!record)
                return NULL;

        g_free(record->name);
        g_free(record->bridge);
        g_free(record->fleet);
        g_free(record);
        return NULL;
}

int network_record_set_subnet(NetworkRecord *record, int family, const char *text, Error *ret_error)
{
        bool v4 = family == AF_INET, *choose = v4 ? &record->choose4 : &record->choose6;
        Subnet *subnet = v4 ? &record->subnet4 : &record->subnet6, parsed = {};
        int r;

        if (g_str_equal(text, "auto") || g_str_equal(text, "none")) {
                *choose = g_str_equal(text, "auto");
                *subnet = (Subnet){};
                return 0;
        }

        r = subnet_parse(text, &parsed, ret_error);
        if (r < 0)
                return r;
        if (parsed.network.family != family)
                return error_set(ret_error, ERROR_INVALID_ARGS, "'%s' is not an %s network, such as %s",
                                text, v4 ? "IPv4" : "IPv6", v4 ? "10.128.0.0/24" : "fd00:1::/64");

        subnet_set_defaults(&parsed);
        *choose = false;
        *subnet = parsed;
        return 0;
}

static void append_subnet(GString *text, const char *key, const Subnet *subnet, bool choose)
{
        char network[ADDRESS_TEXT_MAX];

        address_format(&subnet->network, network);
        if (choose || network[0])
                g_string_append_printf(text, "%s=%s\n", key, choose ? "auto" : network);
}

char *network_record_format(const NetworkRecord *record)
{
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "Owner=%u\n", (unsigned) record->owner);
        if (record->group != GID_INVALID)
                g_string_append_printf(text, "Group=%u\n", (unsigned) record->group);
        g_string_append_printf(text, "Mode=%s\n", network_mode_to_string(record->mode));
        append_subnet(text, "Subnet", &record->subnet4, record->choose4);
        append_subnet(text, "IPv6Subnet", &record->subnet6, record->choose6);
        if (record->bridge)
                g_string_append_printf(text, "Bridge=%s\n", record->bridge);
        if (record->emulated)
                g_string_append(text, "Emulated=yes\n");
        if (record->fleet)
                g_string_append_printf(text, "Fleet=%s\n", record->fleet);
        if (record->state != NETWORK_READY)
                g_string_append_printf(text, "State=%s\n", network_state_table[record->state]);

        return g_string_free(text, FALSE);
}

static bool parse_id(const char *text, uint32_t *ret_id)
{
        guint64 number;

        if (!g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX - 1, &number, NULL))
                return false;

        *ret_id = (uint32_t) number;
        return true;
}

static bool parse_state(const char *text, NetworkState *ret_state)
{
        int state = string_table_lookup(network_state_table, _NETWORK_STATE_MAX, text);

        if (state < 0)
                return false;

        *ret_state = (NetworkState) state;
        return true;
}

static bool parse_line(NetworkRecord *record, const char *key, const char *value)
{
        if (g_str_equal(key, "Owner"))
                return parse_id(value, &record->owner);
        if (g_str_equal(key, "Group"))
                return parse_id(value, &record->group);
        if (g_str_equal(key, "Mode"))
                return (int) (record->mode = network_mode_from_string(value)) >= 0;
        if (g_str_equal(key, "State"))
                return parse_state(value, &record->state);
        if (g_str_equal(key, "Subnet"))
                return network_record_set_subnet(record, AF_INET, value, NULL) >= 0;
        if (g_str_equal(key, "IPv6Subnet"))
                return network_record_set_subnet(record, AF_INET6, value, NULL) >= 0;
        if (g_str_equal(key, "Emulated"))
                return (record->emulated = g_str_equal(value, "yes"));
        if (g_str_equal(key, "Fleet") && name_is_valid(value)) {
                g_free(record->fleet);
                record->fleet = g_strdup(value);
                return true;
        }
        if (g_str_equal(key, "Bridge") && value[0] && strlen(value) < IFNAMSIZ) {
                g_free(record->bridge);
                record->bridge = g_strdup(value);
                return true;
        }

        return false;
}

int network_record_parse(const char *name, const char *text, NetworkRecord **ret_record, Error *ret_error)
{
        g_autoptr(NetworkRecord) record = network_record_new(name);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        bool owned = false;

        for (unsigned i = 0; lines[i]; i++) {
                g_auto(GStrv) parts = g_strsplit(lines[i], "=", 2);

                if (!lines[i][0])
                        continue;
                if (!parts[1] || !parse_line(record, parts[0], parts[1])) {
                        g_autofree char *shown = text_for_display(lines[i], 80);

                        return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                        "%s/%s:%u: '%s' was not written by shruthid", paths_networks(), name,
                                        i + 1, shown);
                }
                owned |= g_str_equal(parts[0], "Owner");
        }
        /* Without an owner it would be root's, and without a subnet it is no network. */
        if (!owned || (!record->choose4 && !record->choose6 && !address_is_set(&record->subnet4.network) &&
                                      !address_is_set(&record->subnet6.network)))
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s/%s: the record of the network is incomplete; remove the file, and the "
                                "network from libvirt",
                                paths_networks(), name);

        *ret_record = g_steal_pointer(&record);
        return 0;
}

int network_record_load(const char *name, NetworkRecord **ret_record, Error *ret_error)
{
        g_autofree char *path = g_build_filename(paths_networks(), name, NULL), *text = NULL;
        int r;

        r = network_name_check(name, ret_error);
        if (r < 0)
                return r;

        r = file_read_at(AT_FDCWD, path, RECORD_SIZE_MAX, &text, NULL);
        if (r == -ENOENT)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK, "SHRUTHI has no network '%s'", name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read %s", path);

        return network_record_parse(name, text, ret_record, ret_error);
}

int network_record_write(const NetworkRecord *record, bool create, Error *ret_error)
{
        g_autofree char *text = network_record_format(record);
        int r;

        r = create ? file_create(paths_networks(), record->name, text, strlen(text), 0600)
                   : file_replace(paths_networks(), record->name, text, strlen(text), 0600);
        if (r == -EEXIST)
                return error_set(ret_error, ERROR_NETWORK_EXISTS, "Network '%s' already exists",
                                record->name);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write %s/%s", paths_networks(), record->name);

        return 0;
}

int network_record_remove(const char *name, Error *ret_error)
{
        int r = file_remove(paths_networks(), name);

        if (r < 0 && r != -ENOENT)
                return error_set_errno(ret_error, r, "Cannot remove %s/%s", paths_networks(), name);

        return 0;
}

int network_record_list(char ***ret_names, Error *ret_error)
{
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) names = names_list(paths_networks(), &error);

        if (error && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return error_set(ret_error, ERROR_FAILED, "%s", error->message);

        *ret_names = g_steal_pointer(&names);
        return 0;
}

void network_records_tidy(void)
{
        g_autoptr(GDir) dir = g_dir_open(paths_networks(), 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (name[0] == '.' && !g_str_equal(name, LOCK_NAME)) {
                        g_autofree char *path = g_build_filename(paths_networks(), name, NULL);

                        (void) unlink(path);
                }
}

int network_records_lock(Error *ret_error)
{
        g_autofree char *path = g_build_filename(paths_networks(), LOCK_NAME, NULL);
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot open %s", path);
        while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_set_errno(ret_error, errno, "Cannot lock %s", path);

        return TAKE_FD(fd);
}

static void taken_clear(gpointer data)
{
        g_free(((TakenSubnet *) data)->by);
}

GArray *taken_subnets_new(void)
{
        GArray *taken = g_array_new(FALSE, TRUE, sizeof(TakenSubnet));

        g_array_set_clear_func(taken, taken_clear);
        return taken;
}

void taken_subnets_add(GArray *taken, const Address *network, const char *format, ...)
{
        TakenSubnet entry = {.network = address_first(network)};
        va_list ap;

        va_start(ap, format);
        entry.by = g_strdup_vprintf(format, ap);
        va_end(ap);
        g_array_append_val(taken, entry);
}

static const TakenSubnet *find_overlap(const Address *network, const GArray *taken)
{
        for (guint i = 0; i < taken->len; i++) {
                const TakenSubnet *entry = &g_array_index(taken, TakenSubnet, i);

                if (address_contains(network, &entry->network) || address_contains(&entry->network, network))
                        return entry;
        }

        return NULL;
}

int subnet_check_free(const Subnet *subnet, const GArray *taken, Error *ret_error)
{
        const TakenSubnet *found = find_overlap(&subnet->network, taken);
        char network[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];

        if (!found)
                return 0;

        address_format(&subnet->network, network);
        address_format(&found->network, other);
        return error_set(ret_error, ERROR_ADDRESS_IN_USE,
                        "%s overlaps with %s of %s; choose another subnet, or auto", network, other,
                        found->by);
}

/* The pools of a family, one after the other; NULL at the end. */
static bool next_pool(char *const **position, int family, Address *ret_pool)
{
        for (; *position && **position; (*position)++) {
                Subnet pool;

                if (subnet_parse(**position, &pool, NULL) >= 0 && pool.network.family == family) {
                        *ret_pool = pool.network;
                        (*position)++;
                        return true;
                }
        }

        return false;
}

/* The n-th network of that length in the pool. */
static bool network_at(const Address *pool, unsigned prefix, uint32_t n, Address *ret)
{
        Address network = *pool;

        if (prefix - pool->prefix < 32 && n >> (prefix - pool->prefix) != 0)
                return false;
        for (unsigned bit = 0; bit < prefix - pool->prefix && bit < 32; bit++)
                if (n >> bit & 1)
                        network.bytes[(prefix - 1 - bit) / 8] |=
                                        (uint8_t) (1U << (7 - (prefix - 1 - bit) % 8));
        network.prefix = prefix;

        *ret = network;
        return true;
}

static void fill_at_random(Address *network, unsigned from)
{
        for (unsigned bit = from; bit < network->prefix; bit++)
                if (g_random_boolean())
                        network->bytes[bit / 8] |= (uint8_t) (1U << (7 - bit % 8));
}

int subnet_choose(char *const *pools, int family, const GArray *taken, Subnet *ret_subnet, Error *ret_error)
{
        unsigned wanted = family == AF_INET ? CHOSEN_PREFIX_4 : CHOSEN_PREFIX_6;
        char *const *position = pools;
        Address pool;

        while (next_pool(&position, family, &pool)) {
                unsigned prefix = MAX(wanted, pool.prefix);
                Address network;

                for (uint32_t n = 0; n < TRIES_MAX && network_at(&pool, prefix, n, &network); n++) {
                        if (family == AF_INET6) {
                                network = pool;
                                network.prefix = prefix;
                                fill_at_random(&network, pool.prefix);
                        }
                        if (find_overlap(&network, taken))
                                continue;
                        *ret_subnet = (Subnet){.network = network};
                        subnet_set_defaults(ret_subnet);
                        return 0;
                }
        }

        return error_set(ret_error, ERROR_NO_FREE_ADDRESS,
                        "There is no free %s subnet in NetworkPool= of shruthi.conf; specify one",
                        family == AF_INET ? "IPv4" : "IPv6");
}

bool subnet_in_pools(char *const *pools, const Subnet *subnet)
{
        char *const *position = pools;
        Address pool;

        if (subnet->network.family == AF_INET && subnet->network.prefix < NETWORK_PREFIX_MIN_USER)
                return false;
        while (next_pool(&position, subnet->network.family, &pool))
                if (pool.prefix <= subnet->network.prefix && address_contains(&pool, &subnet->network))
                        return true;

        return false;
}
