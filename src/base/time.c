#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { YEAR_FIRST = 1900, YEAR_LAST = 2199 };

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years that
 * begin on 1 March. */
int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static bool digits(Str s, size_t *at, size_t count, int *out)
{
    if (s.size - *at < count)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = s.data[*at + i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool take(Str s, size_t *at, char c)
{
    if (*at >= s.size || s.data[*at] != c)
        return false;
    (*at)++;
    return true;
}

static bool civil_days(int64_t year, int month, int day, int64_t *out_days)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    enum { LEAP_DAYS_TO_1970 = 1969 / 4 - 1969 / 100 + 1969 / 400 };
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1)
        return false;
    unsigned y = (unsigned)year, past = y - 1;
    bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    if (day > month_days[month - 1] + (month == 2 && leap))
        return false;
    int leap_days = (int)(past / 4 - past / 100 + past / 400) - LEAP_DAYS_TO_1970;
    *out_days =
        365 * ((int)y - 1970) + leap_days + days_before[month - 1] + (month > 2 && leap) + day - 1;
    return true;
}

static bool date_at(Str s, size_t *at, int64_t *out_days)
{
    int year, month, day;
    return digits(s, at, 4, &year) && take(s, at, '-') && digits(s, at, 2, &month) &&
           take(s, at, '-') && digits(s, at, 2, &day) && civil_days(year, month, day, out_days);
}

static bool zone_at(Str s, size_t *at, int64_t *offset_us)
{
    *offset_us = 0;
    Str rest = str_slice(s, *at, s.size);
    if (rest.size == 0 || str_equal(rest, S("Z")) || str_equal(rest, S(" UTC")) ||
        str_equal(rest, S("UTC"))) {
        *at = s.size;
        return true;
    }
    (void)take(s, at, ' ');
    int sign = take(s, at, '+') ? 1 : take(s, at, '-') ? -1 : 0;
    int hours, minutes = 0;
    if (sign == 0 || !digits(s, at, 2, &hours))
        return false;
    bool colon = take(s, at, ':');
    if ((colon || *at < s.size) && !digits(s, at, 2, &minutes))
        return false;
    if (*at != s.size || hours > 14 || minutes > 59)
        return false;
    *offset_us = sign * (hours * HOUR_US + minutes * MINUTE_US);
    return true;
}

/* What may follow a date: a time of day and an offset. True when nothing is left over. */
static bool clock_at(Str s, size_t *at, int64_t days, int64_t *out_us)
{
    int64_t offset = 0, fraction = 0;
    int hour = 0, minute = 0, second = 0;
    if (*at < s.size && (take(s, at, ' ') || take(s, at, 'T'))) {
        if (!digits(s, at, 2, &hour) || !take(s, at, ':') || !digits(s, at, 2, &minute))
            return false;
        bool seconds = take(s, at, ':');
        if (seconds && !digits(s, at, 2, &second))
            return false;
        if (seconds && take(s, at, '.')) {
            int64_t unit = 100000;
            size_t start = *at;
            for (; *at < s.size && s.data[*at] >= '0' && s.data[*at] <= '9'; (*at)++, unit /= 10)
                fraction += unit * (s.data[*at] - '0');
            if (*at == start || *at - start > 9)
                return false;
        }
        if (hour > 23 || minute > 59 || second > 59)
            return false;
        if (!zone_at(s, at, &offset))
            return false;
    }
    *out_us = days * DAY_US + hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + fraction -
              offset;
    return *at == s.size;
}

/* An offset or a count may lead out of the years that are read: its text would not read back. */
static bool within_years(int64_t us)
{
    enum { FIRST_DAY = -25567, DAYS_END = 84006 }; /* 1900-01-01, 2200-01-01 */
    return us >= FIRST_DAY * DAY_US && us < DAYS_END * DAY_US;
}

static bool two_digits(const char *at, int *out)
{
    unsigned tens = (unsigned char)at[0] - (unsigned)'0',
             ones = (unsigned char)at[1] - (unsigned)'0';
    *out = (int)(10 * tens + ones);
    return tens <= 9 && ones <= 9;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest");

/* Are eight bytes of a form: digits where it has `0`, and elsewhere what it has? Then the values of
 * the digits are in their bytes of *out. */
static inline bool eight_bytes(const char *at, const char *form, uint64_t *out)
{
    const uint64_t high = 0x8080808080808080;
    uint64_t bytes, wanted;
    memcpy(&bytes, at, sizeof bytes);
    memcpy(&wanted, form, sizeof wanted);
    bytes ^= wanted;
    /* Of a digit at most 9 is left and of another mark 0; what is more reaches its byte's highest
     * bit when 0x76 or 0x7F is added. */
    uint64_t marks = (((wanted ^ 0x3030303030303030) + 0x7F7F7F7F7F7F7F7F) & high) >> 7;
    *out = bytes;
    return ((bytes | (bytes + 0x7676767676767676 + 9 * marks)) & high) == 0;
}

/* The number that the n-th of such digits and the next are, the first being the 0-th. */
static inline int pair(uint64_t digits, int n)
{
    return (int)((10 * digits + (digits >> 8)) >> (8 * n) & 0xFF);
}

/* The form that nearly all times have: seconds, with a fraction or not, in UTC. What is not of this
 * form is read below, where it is said what else is taken. */
static bool usual_time(Str s, int64_t *out_us)
{
    enum { SECONDS_END = 19, MICROSECONDS_END = 26 };
    static const int64_t unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1}; /* by digits */
    const char *c = s.data;
    uint64_t date, clock, part;
    int64_t days, fraction = 0;
    int day;
    size_t at = SECONDS_END;
    if (s.size < SECONDS_END || (c[10] != ' ' && c[10] != 'T') ||
        !eight_bytes(c, "0000-00-", &date) || !two_digits(c + 8, &day) ||
        !eight_bytes(c + 11, "00:00:00", &clock))
        return false;
    if (s.size >= MICROSECONDS_END && eight_bytes(c + SECONDS_END - 1, "0.000000", &part)) {
        fraction = 10000 * pair(part, 2) + 100 * pair(part, 4) + pair(part, 6);
        at = MICROSECONDS_END;
    } else if (s.size > at + 1 && c[at] == '.') {
        for (at++; at < s.size && at < MICROSECONDS_END && c[at] >= '0' && c[at] <= '9'; at++)
            fraction = 10 * fraction + (c[at] - '0');
        fraction *= unit[at - SECONDS_END - 1];
    }
    size_t rest = s.size - at;
    int hour = pair(clock, 0), minute = pair(clock, 3), second = pair(clock, 6);
    if (at == SECONDS_END + 1 || !(rest == 0 || (rest == 1 && c[at] == 'Z') ||
                                   (rest == 4 && memcmp(c + at, " UTC", 4) == 0)))
        return false;
    if (hour > 23 || minute > 59 || second > 59 ||
        !civil_days(100 * pair(date, 0) + pair(date, 2), pair(date, 5), day, &days))
        return false;
    *out_us = days * DAY_US + hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + fraction;
    return true;
}

bool parse_time(Str s, int64_t *out_us)
{
    size_t at = 0;
    int64_t days = 0, us = 0;
    if (usual_time(s, out_us))
        return true;
    if (!date_at(s, &at, &days) || !clock_at(s, &at, days, &us) || !within_years(us))
        return false;
    *out_us = us;
    return true;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Seconds, milliseconds or microseconds: nanoseconds by a decimal of that many digits. */
static bool epoch(Str s, int digits_to_nano, int64_t *out_us)
{
    int64_t nano;
    if (!parse_decimal(s, digits_to_nano, &nano))
        return false;
    *out_us = floor_divide(nano, 1000);
    return true;
}

static bool steps(Str s, TimeFormat format, int64_t *out_us)
{
    int64_t count;
    return parse_decimal(s, 0, &count) && /* 12.0 is a whole number too */
           !__builtin_mul_overflow(count, format.step_us, &count) &&
           !__builtin_add_overflow(count, format.from_us, out_us);
}

/* The year that two digits mean, in the hundred years that begin with the year of from_us. */
static int64_t whole_year(int two_digits, int64_t from_us)
{
    int64_t first;
    int month, day;
    civil_from_days(floor_divide(from_us, DAY_US), &first, &month, &day);
    return first + (two_digits - first % 100 + 100) % 100;
}

/* One digit or two. */
static bool few_digits(Str s, size_t *at, int *out)
{
    return digits(s, at, 2, out) || digits(s, at, 1, out);
}

static size_t digits_ahead(Str s, size_t at)
{
    size_t count = 0;
    while (at + count < s.size && s.data[at + count] >= '0' && s.data[at + count] <= '9')
        count++;
    return count;
}

static bool parted_date(Str s, size_t *at, TimeFormat format, int64_t *out_days)
{
    int first, second, year;
    if (!few_digits(s, at, &first) || *at >= s.size)
        return false;
    char mark = s.data[*at];
    if ((mark != '/' && mark != '.' && mark != '-') || !take(s, at, mark) ||
        !few_digits(s, at, &second) || !take(s, at, mark))
        return false;
    size_t width = digits_ahead(s, *at);
    if ((width != 2 && width != 4) || !digits(s, at, width, &year))
        return false;
    bool day_first = format.form == TIME_DAY_MONTH_YEAR;
    return civil_days(width == 4 ? year : whole_year(year, format.from_us),
                      day_first ? second : first, day_first ? first : second, out_days);
}

static bool joined_date(Str s, size_t *at, TimeFormat format, int64_t *out_days)
{
    int year, month, day;
    bool brief = format.form == TIME_YYMMDD;
    if (digits_ahead(s, *at) != (brief ? 6 : 8) || !digits(s, at, brief ? 2 : 4, &year) ||
        !digits(s, at, 2, &month) || !digits(s, at, 2, &day))
        return false;
    return civil_days(brief ? whole_year(year, format.from_us) : year, month, day, out_days);
}

bool parse_time_as(Str s, TimeFormat format, int64_t *out_us)
{
    size_t at = 0;
    int64_t days = 0, us = 0;
    bool good = false;
    switch (format.form) {
    case TIME_ISO:
        return parse_time(s, out_us);
    case TIME_EPOCH:
        good = epoch(s, 9, &us);
        break;
    case TIME_EPOCH_MS:
        good = epoch(s, 6, &us);
        break;
    case TIME_EPOCH_US:
        good = epoch(s, 3, &us);
        break;
    case TIME_STEP:
        good = steps(s, format, &us);
        break;
    case TIME_YYMMDD:
    case TIME_YYYYMMDD:
        good = joined_date(s, &at, format, &days) && clock_at(s, &at, days, &us);
        break;
    case TIME_DAY_MONTH_YEAR:
    case TIME_MONTH_DAY_YEAR:
        good = parted_date(s, &at, format, &days) && clock_at(s, &at, days, &us);
        break;
    }
    if (!good || !within_years(us))
        return false;
    *out_us = us;
    return true;
}

bool parse_date(Str s, int64_t *out_days)
{
    size_t at = 0;
    int64_t days;
    if (!date_at(s, &at, &days) || at != s.size)
        return false;
    *out_days = days;
    return true;
}

static const struct {
    Str name;
    int64_t us;
} units[] = {{{"w", 1}, 7 * DAY_US},
             {{"d", 1}, DAY_US},
             {{"h", 1}, HOUR_US},
             {{"min", 3}, MINUTE_US},
             {{"s", 1}, SECOND_US}};

bool parse_duration(Str s, int64_t *out_us)
{
    size_t n = 0;
    while (n < s.size && s.data[n] >= '0' && s.data[n] <= '9')
        n++;
    int64_t count;
    if (n == 0 || !parse_int64(str_slice(s, 0, n), &count))
        return false;
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (str_equal(str_slice(s, n, s.size), units[i].name)) {
            int64_t us;
            if (__builtin_mul_overflow(count, units[i].us, &us) || us > 36600 * DAY_US)
                return false;
            *out_us = us;
            return true;
        }
    return false;
}

static void write_digits(char *out, size_t count, int value)
{
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

Str time_text(char out[TIME_TEXT], int64_t time_us)
{
    int64_t days = time_us / DAY_US, rest = time_us % DAY_US, year;
    int month, day;
    if (rest < 0) {
        rest += DAY_US;
        days--;
    }
    civil_from_days(days, &year, &month, &day);
    if (year >= 0 && year <= 9999) { /* one such as most are */
        static const char whole[] = "0000-00-00 00:00:00 UTC",
                          part[] = "0000-00-00 00:00:00.000000 UTC";
        bool parted = rest % SECOND_US != 0;
        memcpy(out, parted ? part : whole, parted ? sizeof part : sizeof whole);
        write_digits(out, 4, (int)year);
        write_digits(out + 5, 2, month);
        write_digits(out + 8, 2, day);
        write_digits(out + 11, 2, (int)(rest / HOUR_US));
        write_digits(out + 14, 2, (int)(rest / MINUTE_US % 60));
        write_digits(out + 17, 2, (int)(rest / SECOND_US % 60));
        if (parted)
            write_digits(out + 20, 6, (int)(rest % SECOND_US));
        return (Str){out, (parted ? sizeof part : sizeof whole) - 1};
    }
    int size =
        snprintf(out, TIME_TEXT, "%04d-%02d-%02d %02d:%02d:%02d", (int)year, month, day,
                 (int)(rest / HOUR_US), (int)(rest / MINUTE_US % 60), (int)(rest / SECOND_US % 60));
    if (rest % SECOND_US != 0)
        size += snprintf(out + size, TIME_TEXT - (size_t)size, ".%06d", (int)(rest % SECOND_US));
    size += snprintf(out + size, TIME_TEXT - (size_t)size, " UTC");
    return (Str){out, (size_t)size};
}

Str time_text_as(char out[TIME_TEXT], int64_t time_us, TimeFormat format)
{
    int64_t days = floor_divide(time_us, DAY_US), year;
    int month, day, size = 0;
    civil_from_days(days, &year, &month, &day);
    switch (format.form) {
    case TIME_ISO:
        return time_text(out, time_us);
    case TIME_EPOCH:
        return decimal_text(out, time_us, 6);
    case TIME_EPOCH_MS:
        return decimal_text(out, time_us, 3);
    case TIME_EPOCH_US:
        return decimal_text(out, time_us, 0);
    case TIME_STEP:
        return decimal_text(out, floor_divide(time_us - format.from_us, format.step_us), 0);
    case TIME_YYMMDD:
        size = snprintf(out, TIME_TEXT, "%02d%02d%02d", (int)(year % 100), month, day);
        break;
    case TIME_YYYYMMDD:
        size = snprintf(out, TIME_TEXT, "%04d%02d%02d", (int)year, month, day);
        break;
    case TIME_DAY_MONTH_YEAR:
        size = snprintf(out, TIME_TEXT, "%02d/%02d/%04d", day, month, (int)year);
        break;
    case TIME_MONTH_DAY_YEAR:
        size = snprintf(out, TIME_TEXT, "%02d/%02d/%04d", month, day, (int)year);
        break;
    }
    int64_t rest = time_us - days * DAY_US;
    if (rest != 0)
        size +=
            snprintf(out + size, TIME_TEXT - (size_t)size, " %02d:%02d:%02d", (int)(rest / HOUR_US),
                     (int)(rest / MINUTE_US % 60), (int)(rest / SECOND_US % 60));
    if (rest % SECOND_US != 0)
        size += snprintf(out + size, TIME_TEXT - (size_t)size, ".%06d", (int)(rest % SECOND_US));
    return (Str){out, (size_t)size};
}

Str date_text(char out[TIME_TEXT], int64_t days)
{
    int64_t year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    int size = snprintf(out, TIME_TEXT, "%04d-%02d-%02d", (int)year, month, day);
    return (Str){out, (size_t)size};
}

Str duration_text(char out[TIME_TEXT], int64_t duration_us)
{
    for (size_t i = 1; i < COUNT_OF(units); i++) /* weeks are said in days */
        if (duration_us % units[i].us == 0 && duration_us != 0) {
            int size = snprintf(out, TIME_TEXT, "%lld%s", (long long)(duration_us / units[i].us),
                                units[i].name.data);
            return (Str){out, (size_t)size};
        }
    int size = duration_us == 0 ? snprintf(out, TIME_TEXT, "0s") /* so that it reads back */
                                : snprintf(out, TIME_TEXT, "%.6fs", (double)duration_us / 1e6);
    return (Str){out, (size_t)size};
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_US + (int64_t)now.tv_nsec / 1000;
}
