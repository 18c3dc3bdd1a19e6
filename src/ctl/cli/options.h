/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ctl/cli/command-settings.h"

/* The command line: options in one table, from which getopt_long(), --help and the tests of man page and
 * completions all take them. */

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
        _JSON_MODE_MAX,
        _JSON_MODE_INVALID = -EINVAL,
} JsonMode;

const char *json_mode_to_string(JsonMode mode);
JsonMode json_mode_from_string(const char *text);

/* journalctl's, as far as they are for what one reads of a unikernel. */
typedef enum LogFormat {
        LOG_FORMAT_SHORT,
        LOG_FORMAT_SHORT_ISO,
        LOG_FORMAT_SHORT_PRECISE,
        LOG_FORMAT_SHORT_UNIX,
        LOG_FORMAT_CAT,
        LOG_FORMAT_JSON,
        LOG_FORMAT_JSON_PRETTY,
        _LOG_FORMAT_MAX,
        _LOG_FORMAT_INVALID = -EINVAL,
} LogFormat;

const char *log_format_to_string(LogFormat format); /* "short", "short-iso", … */
LogFormat log_format_from_string(const char *text);

/* Which verbs an option is for. */
typedef enum OptionScope {
        OPTION_ANY = 1 << 0,
        OPTION_SETTINGS = 1 << 1, /* create, set, instance create */
        OPTION_CREATE = 1 << 2,   /* create, instance create */
        OPTION_SET = 1 << 3,
        OPTION_NOW = 1 << 4, /* what may go on to start or stop */
        OPTION_JOB = 1 << 5, /* what waits for a job */
        OPTION_SHOW = 1 << 6,
        OPTION_LINES = 1 << 7,
        OPTION_FOLLOW = 1 << 8,
        OPTION_KILL = 1 << 9,
        OPTION_VERIFY = 1 << 10,  /* what takes in an image */
        OPTION_COMPAT = 1 << 11,  /* instance … of the predecessor */
        OPTION_TIME = 1 << 13,    /* start */
        OPTION_NETWORK = 1 << 14, /* network create */
        OPTION_VOLUME = 1 << 12,  /* volume create, import */
        OPTION_LOG = 1 << 15,     /* logs */
        OPTION_ALL = 1 << 16,     /* credential remove */
        OPTION_IMPORT = 1 << 17,  /* volume import */
        OPTION_CLONE = 1 << 18,   /* volume clone */
        OPTION_WAIT = 1 << 19,    /* wait */
        OPTION_UPDATE = 1 << 20,  /* update, rollback */
} OptionScope;

#define LINES_UNSET (-1)
#define LINES_ALL   (-2)

typedef struct Options {
        bool help;
        bool version;
        const char *host; /* -H: run it there, over ssh */
        JsonMode json;
        bool no_legend;
        bool no_pager;
        bool no_ask_password;
        bool quiet;
        bool value;
        bool now;
        bool all;
        bool no_block;
        bool time;
        bool follow;
        int lines;                               /* or LINES_UNSET, LINES_ALL */
        const char *since, *boot, *grep;         /* logs; NULL: not given */
        const char *until;                       /* logs: a time; wait: a condition */
        uint64_t timeout;                        /* wait: in µs; UINT64_MAX: none */
        int priority;                            /* syslog's; -1: not given */
        LogFormat output;
        int signal;
        uint64_t size; /* of a volume; 0: not given */
        bool raw;
        GPtrArray *properties; /* names, NULL: all */
        CommandSettings settings;
        bool dry_run, have_probation;
        uint64_t probation; /* µs */
        const char *image;  /* set, update --image=, instance create --kernel= */
        const char *name;   /* instance create --name= */
        const char *server; /* rhyzomectl's */
        const char *subnet, *ipv6_subnet, *network_mode, *bridge; /* network create */
        unsigned n_behind;                                        /* words behind "--" */
        GPtrArray *given; /* each as "--name=value", in order: what -H hands on */
} Options;

typedef struct OptionInfo OptionInfo;
struct OptionInfo {
        const char *name;
        char letter;             /* or 0; of two options that share one, one is for logs */
        const char *placeholder; /* NULL: takes no value; in brackets: may take one */
        unsigned scope;
        const char *help; /* NULL: not shown by --help */
        int (*set)(Options *options, const OptionInfo *info, const char *value, Error *ret_error);
        size_t field;    /* in Options, of switches and texts */
        const char *key; /* of a setting */
};

/* Those of the settings (unikernel/setting.h), then all others. */
const OptionInfo *options_table(size_t *ret_n);

void options_init(Options *options);
void options_clear(Options *options);

/* Reads argv, which getopt_long() reorders; *ret_operands is the first of what is no option. INVALID_ARGS
 * otherwise. */
int options_parse(Options *options, int argc, char **argv, char ***ret_operands, Error *ret_error);

/* The operands that stood behind "--" where at least first ones stood before it; else the end of them. */
char **options_guest_arguments(const Options *options, char **operands, unsigned first);

/* Takes words from behind "--" for the guest's arguments, and says it where that is a likely slip. */
int options_take_arguments(Options *options, char **arguments, Error *ret_error);

/* Refuses options that mean nothing to a verb that takes those of the given scopes. */
int options_check_scope(const Options *options, const char *verb, unsigned scopes, Error *ret_error);
