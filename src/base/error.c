#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

Status error_set(Error *err, Status status, const char *format, ...)
{
    if (err == NULL)
        return status;
    if (err->status != STATUS_OK)
        return err->status;
    err->status = status;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return status;
}

Status error_place(Error *err, const char *file, int64_t line, int64_t column)
{
    if (err == NULL)
        return STATUS_FORMAT;
    if (err->file[0] == '\0' && err->line == 0) {
        (void)snprintf(err->file, sizeof err->file, "%s", file == NULL ? "" : file);
        err->line = line;
        err->column = column;
    }
    return err->status;
}

Status error_remedy(Error *err, const char *format, ...)
{
    if (err == NULL)
        return STATUS_FORMAT;
    if (err->remedy[0] == '\0') {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(err->remedy, sizeof err->remedy, format, args);
        va_end(args);
    }
    return err->status;
}
