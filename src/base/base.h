/* base.h - the ground floor: what every room stands on.
 *
 * Errors that carry their place and remedy, arenas, strings and exact numbers,
 * exp and log with the same bits on every machine, time, dictionaries, random
 * streams, a thread team, files and hashing. Nothing here knows what a bank is.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define RETURNS_NONNULL   __attribute__((returns_nonnull))
#define ALWAYS_INLINE     static inline __attribute__((always_inline))
#define COUNT_OF(array)   (sizeof(array) / sizeof((array)[0]))

/* Sums of money are taken in 128 bits, so no realistic file can overflow them. */
__extension__ typedef __int128 Int128;

#include "base/error.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/number.h"
#include "base/time.h"
#include "base/dictionary.h"
#include "base/random.h"
#include "base/progress.h"
#include "base/team.h"
#include "base/file.h"
#include "base/unpack.h"
#include "base/hash.h"

#endif
