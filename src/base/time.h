/* time.h - instants are microseconds since 1970-01-01 00:00:00 UTC; days are days since
 * then; durations are microseconds. The proleptic Gregorian calendar, no leap seconds. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

/* "2024-08-26", optionally followed by ' ' or 'T' and "09:05[:37[.213234]]", optionally
 * followed by " UTC", "Z" or an offset "+02:00"; no zone means UTC. Years 1900 to 2199,
 * in UTC.
 * A fraction may have up to nine digits; what is below a microsecond is cut off. */
bool parse_time(Str s, int64_t *out_us);
bool parse_date(Str s, int64_t *out_days);
/* "90s" "10min" "6h" "14d" "2w" */
bool parse_duration(Str s, int64_t *out_us);

#define TIME_TEXT 40
Str time_text(char out[TIME_TEXT], int64_t time_us); /* 2024-08-26 09:05:37.213234 UTC */
Str date_text(char out[TIME_TEXT], int64_t days);
Str duration_text(char out[TIME_TEXT], int64_t duration_us); /* in the largest whole unit: 14d */

int64_t days_from_civil(int64_t year, int month, int day);
void civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* For timings only: no result may depend on it. */
int64_t clock_monotonic_us(void);

#endif
