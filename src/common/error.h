/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* The one currency for errors: functions return a negative errno, and where a person has to be told, an
 * Error carries the message and the name under which clients see it. GError, virError and sd_bus_error are
 * turned into it where they appear and cross no module line. */

typedef enum ErrorCode {
        ERROR_FAILED, /* something here went wrong: see the message */
        ERROR_NO_MEMORY,
        ERROR_INVALID_ARGS,  /* the call is malformed (org.freedesktop.DBus.Error.InvalidArgs) */
        ERROR_ACCESS_DENIED, /* polkit said no (org.freedesktop.DBus.Error.AccessDenied) */
        ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
        ERROR_INVALID_NAME, /* not a DNS label */
        ERROR_NO_SUCH_UNIKERNEL,
        ERROR_UNIKERNEL_EXISTS,
        ERROR_INVALID_DEFINITION,    /* syntax, unknown key, bad value: with file and line */
        ERROR_INVALID_CONFIGURATION, /* the same of shruthi.conf */
        ERROR_NOT_MANAGED,           /* a definition in /etc or /usr/lib, left to its administrator */
        ERROR_INVALID_IMAGE,         /* damaged, truncated, contradictory */
        ERROR_UNSUPPORTED_IMAGE,     /* sound, but not to be hosted here */
        ERROR_NO_SUCH_IMAGE,
        ERROR_NO_SUCH_GENERATION,
        ERROR_DIGEST_MISMATCH,
        ERROR_DEVICE_MISMATCH, /* definition and manifest name different devices */
        ERROR_NO_SUCH_NETWORK, /* no such bridge or libvirt network on this host */
        ERROR_NETWORK_NOT_ALLOWED,
        ERROR_NETWORK_EXISTS,
        ERROR_NETWORK_IN_USE,  /* by unikernels or other domains: the message names them */
        ERROR_ADDRESS_IN_USE,  /* another unikernel or host has it */
        ERROR_NO_FREE_ADDRESS, /* all of the subnet's are taken */
        ERROR_NO_SUCH_VOLUME,
        ERROR_VOLUME_EXISTS,
        ERROR_VOLUME_IN_USE, /* others read or write it */
        ERROR_PATH_NOT_ALLOWED,
        ERROR_NO_SUCH_CREDENTIAL,
        ERROR_CREDENTIALS_DAMAGED,     /* what is sealed cannot be unsealed, or is another's */
        ERROR_CREDENTIALS_UNAVAILABLE, /* what seals them does not answer */
        ERROR_LIMIT_EXCEEDED,
        ERROR_NOT_RUNNING,
        ERROR_ALREADY_RUNNING,
        ERROR_BUSY, /* a job for it is under way */
        ERROR_START_FAILED,
        ERROR_STOP_FAILED,
        ERROR_UPDATE_FAILED, /* what was new did not hold; the former one is back */
        ERROR_CANCELED,      /* the job was replaced by another */
        ERROR_LIBVIRT_UNAVAILABLE,
        ERROR_FOREIGN_DOMAIN, /* a libvirt domain of that name that is not ours */
        ERROR_SYSTEMD_UNAVAILABLE,
        ERROR_TIMED_OUT,
        ERROR_NOT_SUPPORTED,
        _ERROR_CODE_MAX,
        _ERROR_CODE_INVALID = -EINVAL,
} ErrorCode;

typedef struct Error {
        ErrorCode code;
        char *message; /* NULL: no error */
} Error;

#define ERROR_INIT ((Error){.code = ERROR_FAILED, .message = NULL})

/* Sets ret_error (which may be NULL; an older error in it is replaced) and returns the negative errno that
 * belongs to code, so that a function can end with "return error_set(…)". */
int error_set(Error *ret_error, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
int error_setv(Error *ret_error, ErrorCode code, const char *format, va_list ap)
                __attribute__((format(printf, 3, 0)));

/* For a failed system call: "MESSAGE: strerror". ENOMEM becomes ERROR_NO_MEMORY, all else ERROR_FAILED.
 * Returns the negative errno r itself. r may be given positive or negative. */
int error_set_errno(Error *ret_error, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the message of an error that is set. */
void error_prefix(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Hands the content over; *from is empty afterwards. ret may be NULL. */
void error_move(Error *ret, Error *from);

void error_clear(Error *error);

/* The name on the bus ("org.dream.Shruthi.Error.NoSuchUnikernel" or a standard one), and back. An unknown
 * name is _ERROR_CODE_INVALID. */
const char *error_code_to_bus_name(ErrorCode code);
ErrorCode error_code_from_bus_name(const char *name);

/* The negative errno that error_set() returns for code. */
int error_code_to_errno(ErrorCode code);

/* The message, or strerror of r where there is none. The result is never NULL, and valid as long as
 * error. */
const char *error_message(const Error *error, int r);

#define _cleanup_error_ __attribute__((cleanup(error_clear)))
