/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* The one way to report errors: functions return a negative errno, and where a person has to be told, an
 * Error carries the message and the name that clients see. GError, virError and sd_bus_error are converted
 * where they appear and never leave their module. */

typedef enum ErrorCode {
        ERROR_FAILED, /* something went wrong here: see the message */
        ERROR_NO_MEMORY,
        ERROR_INVALID_ARGS,  /* the call is malformed (org.freedesktop.DBus.Error.InvalidArgs) */
        ERROR_ACCESS_DENIED, /* polkit said no (org.freedesktop.DBus.Error.AccessDenied) */
        ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
        ERROR_INVALID_NAME, /* not a DNS label */
        ERROR_NO_SUCH_UNIKERNEL,
        ERROR_UNIKERNEL_EXISTS,
        ERROR_INVALID_DEFINITION,    /* syntax, unknown key, bad value: with file and line */
        ERROR_INVALID_CONFIGURATION, /* the same for shruthi.conf */
        ERROR_NOT_MANAGED,           /* a definition in /etc or /usr/lib, left to its administrator */
        ERROR_INVALID_IMAGE,         /* damaged, truncated, contradictory */
        ERROR_UNSUPPORTED_IMAGE,     /* valid, but cannot be hosted here */
        ERROR_NO_SUCH_IMAGE,
        ERROR_NO_SUCH_GENERATION,
        ERROR_NO_SUCH_SNAPSHOT,
        ERROR_SNAPSHOT_UNUSABLE, /* of another image, other settings or other volumes than there are now */
        ERROR_DIGEST_MISMATCH,
        ERROR_VERIFICATION_FAILED, /* an image is not what UpdateVerify= demands */
        ERROR_DEVICE_MISMATCH,     /* definition and manifest name different devices */
        ERROR_NO_SUCH_NETWORK,     /* no such bridge or libvirt network on this host */
        ERROR_NETWORK_NOT_ALLOWED,
        ERROR_NETWORK_EXISTS,
        ERROR_NETWORK_IN_USE,  /* by unikernels or other domains: the message names them */
        ERROR_ADDRESS_IN_USE,  /* another unikernel or host has it */
        ERROR_NO_FREE_ADDRESS, /* all addresses of the subnet are taken */
        ERROR_NO_SUCH_VOLUME,
        ERROR_VOLUME_EXISTS,
        ERROR_VOLUME_IN_USE, /* others read or write it */
        ERROR_PATH_NOT_ALLOWED,
        ERROR_NO_SUCH_CREDENTIAL,
        ERROR_CREDENTIALS_DAMAGED,     /* sealed keys cannot be unsealed, or are another's */
        ERROR_CREDENTIALS_UNAVAILABLE, /* the program that seals them does not answer */
        ERROR_LIMIT_EXCEEDED,
        ERROR_NOT_RUNNING,
        ERROR_ALREADY_RUNNING,
        ERROR_BUSY, /* a job for it is in progress */
        ERROR_START_FAILED,
        ERROR_STOP_FAILED,
        ERROR_UPDATE_FAILED, /* the new generation failed; the former one is back */
        ERROR_CANCELED,      /* the job was replaced by another */
        ERROR_LIBVIRT_UNAVAILABLE,
        ERROR_FOREIGN_DOMAIN, /* a libvirt domain of that name is not ours */
        ERROR_SYSTEMD_UNAVAILABLE,
        ERROR_TIMED_OUT,
        ERROR_NOT_SUPPORTED,
        _ERROR_CODE_MAX,
        _ERROR_CODE_INVALID = -EINVAL,
} ErrorCode;

typedef struct Error {
        ErrorCode code;
        char *message; /* NULL if no error */
} Error;

#define ERROR_INIT ((Error){.code = ERROR_FAILED, .message = NULL})

/* Sets ret_error (which may be NULL; an earlier error in it is replaced) and returns the negative errno that
 * belongs to code, so that a function can end with "return error_set(…)". */
int error_set(Error *ret_error, ErrorCode code, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
int error_setv(Error *ret_error, ErrorCode code, const char *format, va_list ap)
                __attribute__((format(printf, 3, 0)));

/* For a failed system call: "MESSAGE: strerror". ENOMEM becomes ERROR_NO_MEMORY, anything else ERROR_FAILED.
 * r may be positive or negative; returns it as a negative errno. */
int error_set_errno(Error *ret_error, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prepends "PREFIX: " to the message of an error, if it is set. */
void error_prefix(Error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Moves the content of from to ret, which may be NULL; from is empty afterwards. */
void error_move(Error *ret, Error *from);

void error_clear(Error *error);

/* The name on the bus ("org.dream.Shruthi.Error.NoSuchUnikernel" or a standard one), and back:
 * _ERROR_CODE_INVALID for an unknown name. */
const char *error_code_to_bus_name(ErrorCode code);
ErrorCode error_code_from_bus_name(const char *name);

/* The negative errno that error_set() returns for code. */
int error_code_to_errno(ErrorCode code);

/* The message, or strerror of r if there is none. The result is never NULL and stays valid as long as error
 * does. */
const char *error_message(const Error *error, int r);

#define _cleanup_error_ __attribute__((cleanup(error_clear)))
