/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of errors: code, name on the bus, errno. */

#include "common/error.h"

#include <glib.h>
#include <string.h>

#include "common/names.h"

static const struct {
        const char *bus_name;
        int error;
} error_table[_ERROR_CODE_MAX] = {
                [ERROR_FAILED] = {SHRUTHI_ERROR_PREFIX "Failed", EIO},
                [ERROR_NO_MEMORY] = {"org.freedesktop.DBus.Error.NoMemory", ENOMEM},
                [ERROR_INVALID_ARGS] = {"org.freedesktop.DBus.Error.InvalidArgs", EINVAL},
                [ERROR_ACCESS_DENIED] = {"org.freedesktop.DBus.Error.AccessDenied", EACCES},
                [ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED] =
                                {"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EACCES},
                [ERROR_INVALID_NAME] = {SHRUTHI_ERROR_PREFIX "InvalidName", EINVAL},
                [ERROR_NO_SUCH_UNIKERNEL] = {SHRUTHI_ERROR_PREFIX "NoSuchUnikernel", ENOENT},
                [ERROR_UNIKERNEL_EXISTS] = {SHRUTHI_ERROR_PREFIX "UnikernelExists", EEXIST},
                [ERROR_INVALID_DEFINITION] = {SHRUTHI_ERROR_PREFIX "InvalidDefinition", EBADMSG},
                [ERROR_INVALID_CONFIGURATION] = {SHRUTHI_ERROR_PREFIX "InvalidConfiguration", EBADMSG},
                [ERROR_NOT_MANAGED] = {SHRUTHI_ERROR_PREFIX "NotManaged", EROFS},
                [ERROR_INVALID_IMAGE] = {SHRUTHI_ERROR_PREFIX "InvalidImage", ENOEXEC},
                [ERROR_UNSUPPORTED_IMAGE] = {SHRUTHI_ERROR_PREFIX "UnsupportedImage", ENOEXEC},
                [ERROR_NO_SUCH_IMAGE] = {SHRUTHI_ERROR_PREFIX "NoSuchImage", ENOENT},
                [ERROR_NO_SUCH_GENERATION] = {SHRUTHI_ERROR_PREFIX "NoSuchGeneration", ENOENT},
                [ERROR_NO_SUCH_SNAPSHOT] = {SHRUTHI_ERROR_PREFIX "NoSuchSnapshot", ENOENT},
                [ERROR_SNAPSHOT_UNUSABLE] = {SHRUTHI_ERROR_PREFIX "SnapshotUnusable", ESTALE},
                [ERROR_DIGEST_MISMATCH] = {SHRUTHI_ERROR_PREFIX "DigestMismatch", EBADMSG},
                [ERROR_VERIFICATION_FAILED] = {SHRUTHI_ERROR_PREFIX "VerificationFailed", EKEYREJECTED},
                [ERROR_DEVICE_MISMATCH] = {SHRUTHI_ERROR_PREFIX "DeviceMismatch", ENXIO},
                [ERROR_NO_SUCH_NETWORK] = {SHRUTHI_ERROR_PREFIX "NoSuchNetwork", ENODEV},
                [ERROR_ADDRESS_IN_USE] = {SHRUTHI_ERROR_PREFIX "AddressInUse", EADDRINUSE},
                [ERROR_NO_FREE_ADDRESS] = {SHRUTHI_ERROR_PREFIX "NoFreeAddress", EADDRNOTAVAIL},
                [ERROR_NETWORK_NOT_ALLOWED] = {SHRUTHI_ERROR_PREFIX "NetworkNotAllowed", EPERM},
                [ERROR_NETWORK_EXISTS] = {SHRUTHI_ERROR_PREFIX "NetworkExists", EEXIST},
                [ERROR_NETWORK_IN_USE] = {SHRUTHI_ERROR_PREFIX "NetworkInUse", EBUSY},
                [ERROR_NO_SUCH_VOLUME] = {SHRUTHI_ERROR_PREFIX "NoSuchVolume", ENOENT},
                [ERROR_VOLUME_EXISTS] = {SHRUTHI_ERROR_PREFIX "VolumeExists", EEXIST},
                [ERROR_VOLUME_IN_USE] = {SHRUTHI_ERROR_PREFIX "VolumeInUse", EBUSY},
                [ERROR_PATH_NOT_ALLOWED] = {SHRUTHI_ERROR_PREFIX "PathNotAllowed", EPERM},
                [ERROR_NO_SUCH_CREDENTIAL] = {SHRUTHI_ERROR_PREFIX "NoSuchCredential", ENOKEY},
                [ERROR_CREDENTIALS_DAMAGED] = {SHRUTHI_ERROR_PREFIX "CredentialsDamaged", EKEYREJECTED},
                [ERROR_CREDENTIALS_UNAVAILABLE] = {SHRUTHI_ERROR_PREFIX "CredentialsUnavailable", EHOSTDOWN},
                [ERROR_LIMIT_EXCEEDED] = {SHRUTHI_ERROR_PREFIX "LimitExceeded", EDQUOT},
                [ERROR_NOT_RUNNING] = {SHRUTHI_ERROR_PREFIX "NotRunning", ESRCH},
                [ERROR_ALREADY_RUNNING] = {SHRUTHI_ERROR_PREFIX "AlreadyRunning", EALREADY},
                [ERROR_BUSY] = {SHRUTHI_ERROR_PREFIX "Busy", EBUSY},
                [ERROR_START_FAILED] = {SHRUTHI_ERROR_PREFIX "StartFailed", EIO},
                [ERROR_STOP_FAILED] = {SHRUTHI_ERROR_PREFIX "StopFailed", EIO},
                [ERROR_UPDATE_FAILED] = {SHRUTHI_ERROR_PREFIX "UpdateFailed", EIO},
                [ERROR_CANCELED] = {SHRUTHI_ERROR_PREFIX "Canceled", ECANCELED},
                [ERROR_LIBVIRT_UNAVAILABLE] = {SHRUTHI_ERROR_PREFIX "LibvirtUnavailable", EHOSTDOWN},
                [ERROR_FOREIGN_DOMAIN] = {SHRUTHI_ERROR_PREFIX "ForeignDomain", EEXIST},
                [ERROR_SYSTEMD_UNAVAILABLE] = {SHRUTHI_ERROR_PREFIX "SystemdUnavailable", EHOSTDOWN},
                [ERROR_TIMED_OUT] = {SHRUTHI_ERROR_PREFIX "TimedOut", ETIMEDOUT},
                [ERROR_NOT_SUPPORTED] = {"org.freedesktop.DBus.Error.NotSupported", EOPNOTSUPP},
};

int error_setv(Error *ret_error, ErrorCode code, const char *format, va_list ap)
{
        if (ret_error) {
                g_autofree char *message = g_strdup_vprintf(format, ap);

                error_clear(ret_error);
                *ret_error = (Error){.code = code, .message = g_steal_pointer(&message)};
        }

        return -error_table[code].error;
}

int error_set(Error *ret_error, ErrorCode code, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = error_setv(ret_error, code, format, ap);
        va_end(ap);

        return r;
}

int error_set_errno(Error *ret_error, int r, const char *format, ...)
{
        g_autofree char *message = NULL;
        va_list ap;

        r = -abs(r);
        va_start(ap, format);
        message = g_strdup_vprintf(format, ap);
        va_end(ap);

        (void) error_set(ret_error, r == -ENOMEM ? ERROR_NO_MEMORY : ERROR_FAILED, "%s: %s", message,
                        g_strerror(-r));
        return r;
}

void error_prefix(Error *error, const char *format, ...)
{
        g_autofree char *prefix = NULL, *old = NULL;
        va_list ap;

        if (!error || !error->message)
                return;

        va_start(ap, format);
        prefix = g_strdup_vprintf(format, ap);
        va_end(ap);

        old = g_steal_pointer(&error->message);
        error->message = g_strdup_printf("%s: %s", prefix, old);
}

void error_move(Error *ret, Error *from)
{
        if (!ret) {
                error_clear(from);
                return;
        }

        error_clear(ret);
        *ret = *from;
        *from = ERROR_INIT;
}

void error_clear(Error *error)
{
        g_free(error->message);
        *error = ERROR_INIT;
}

const char *error_code_to_bus_name(ErrorCode code)
{
        return code >= 0 && code < _ERROR_CODE_MAX ? error_table[code].bus_name : NULL;
}

ErrorCode error_code_from_bus_name(const char *name)
{
        for (ErrorCode code = 0; code < _ERROR_CODE_MAX; code++)
                if (g_strcmp0(error_table[code].bus_name, name) == 0)
                        return code;

        return _ERROR_CODE_INVALID;
}

int error_code_to_errno(ErrorCode code)
{
        return -error_table[code].error;
}

const char *error_message(const Error *error, int r)
{
        return error && error->message ? error->message : g_strerror(abs(r));
}
