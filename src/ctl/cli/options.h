/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ctl/cli/command-settings.h"

/* The command line: one table of options, used by getopt_long(), --help and the tests of the man page and
 * the completions. */

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
        _JSON_MODE_MAX,
        _JSON_MODE_INVALID = -EINVAL,
} JsonMode;

const char *json_mode_to_string(JsonMode mode);
JsonMode json_mode_from_string(const char *text);

/* The formats of journalctl that are useful for unikernels. */
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

/* The verbs that an option is for. */
typedef enum OptionScope {
        OPTION_ANY = 1 << 0,
        OPTION_SETTINGS = 1 << 1, /* create, set, instance create */
        OPTION_CREATE = 1 << 2,   /* create, instance create */
        OPTION_SET = 1 << 3,
        OPTION_NOW = 1 << 4, /* verbs that may also start or stop */
        OPTION_JOB = 1 << 5, /* verbs that wait for a job */
        OPTION_SHOW = 1 << 6,
        OPTION_LINES = 1 << 7,
        OPTION_FOLLOW = 1 << 8,
        OPTION_KILL = 1 << 9,
        OPTION_VERIFY = 1 << 10,  /* verbs that import an image */
        OPTION_COMPAT = 1 << 11,  /* instance … of the predecessor */
        OPTION_TIME = 1 << 13,    /* start */
        OPTION_NETWORK = 1 << 14, /* network create */
        OPTION_VOLUME = 1 << 12,  /* volume create, import */
        OPTION_LOG = 1 << 15,     /* logs */
        OPTION_ALL = 1 << 16,     /* credential remove, update */
        OPTION_IMPORT = 1 << 17,  /* volume import */
        OPTION_CLONE = 1 << 18,   /* volume clone */
        OPTION_WAIT = 1 << 19,    /* wait */
        OPTION_UPDATE = 1 << 20,  /* update, rollback */
        OPTION_FLEET = 1 << 21,   /* fleet run */
        OPTION_REPORT = 1 << 22,  /* fleet report */
        OPTION_EXEC = 1 << 23,    /* fleet exec */
} OptionScope;

#define LINES_UNSET (-1)
#define LINES_ALL   (-2)

typedef struct Options {
        bool help;
        bool version;
        const char *host; /* -H: the host to run on, over ssh */
        JsonMode json;
        bool no_legend;
        bool no_pager;
        bool no_ask_password;
        bool user; /* the user's own unikernels */
        bool quiet;
        bool value;
        bool now;
        bool all;
        bool no_block;
        bool time;
        bool follow;
        int lines;                               /* or LINES_UNSET, LINES_ALL */
        const char *since, *boot, *grep;         /* logs; NULL if not given */
        const char *until;                       /* logs: a time; wait: a condition */
        uint64_t timeout;                        /* wait: in µs; UINT64_MAX for none */
        int priority;                            /* of syslog; -1 if not given */
        LogFormat output;
        int signal;
        uint64_t size; /* of a volume; 0 if not given */
        bool raw;
        GPtrArray *properties; /* names; NULL for all */
        CommandSettings settings;
        bool dry_run, rolling, have_probation, have_drain;
        uint64_t probation, drain; /* µs */
        const char *image;  /* set, update --image=, instance create --kernel= */
        const char *name;   /* instance create --name= */
        const char *server; /* rhyzomectl's */
        const char *results;                                      /* fleet run: folder; NULL if not given */
        const char *members;                                      /* fleet exec: which; NULL if not given */
        unsigned jobs;                                            /* fleet exec: at a time; 0 if not given */
        const char *html;                                         /* fleet report: file; NULL if not given */
        const char *subnet, *ipv6_subnet, *network_mode, *bridge; /* network create */
        bool emulated;                                            /* the same */
        unsigned n_behind;                                        /* number of words after "--" */
        GPtrArray *given; /* each as "--name=value", in order, to pass on with -H */
} Options;

typedef struct OptionInfo OptionInfo;
struct OptionInfo {
        const char *name;
        char letter;             /* or 0; if two options share one, one is for logs */
        const char *placeholder; /* of the value; NULL for no value; in brackets if optional */
        unsigned scope;
        const char *help; /* NULL if not shown by --help */
        int (*set)(Options *options, const OptionInfo *info, const char *value, Error *ret_error);
        size_t field;    /* in Options, for switches and strings */
        const char *key; /* of a setting */
        bool is_for_here;  /* not for the shruthictl of another host, so it is not in given */
        bool takes_offset; /* an optional value such as -1 may be the next word, as with journalctl */
};

/* options-table.c: the options for settings (unikernel/setting.h), then all others. */
const OptionInfo *options_table(size_t *ret_n);

void options_init(Options *options);
void options_clear(Options *options);

/* Parses argv, which getopt_long() reorders; *ret_operands is the first word that is not an option. Errors:
 * INVALID_ARGS. */
int options_parse(Options *options, int argc, char **argv, char ***ret_operands, Error *ret_error);

/* The operands after "--" if at least first operands were before it; otherwise the end of the operands. */
char **options_guest_arguments(const Options *options, char **operands, unsigned first);

/* Uses words after "--" as the guest's arguments, and prints a note if that is probably a mistake. */
int options_take_arguments(Options *options, char **arguments, Error *ret_error);

/* Refuses options that do not apply to a verb with the given scopes. */
int options_check_scope(const Options *options, const char *verb, unsigned scopes, Error *ret_error);
