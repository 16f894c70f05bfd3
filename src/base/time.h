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

/* The forms in which files write times. Calendar forms may be followed by a time of day and an
 * offset, as above. Counts may have a fraction, cut off below a microsecond. */
typedef enum TimeForm {
    TIME_ISO,      /* as parse_time */
    TIME_EPOCH,    /* seconds since 1970 UTC */
    TIME_EPOCH_MS, /* milliseconds */
    TIME_EPOCH_US, /* microseconds */
    TIME_STEP,     /* a whole number of steps since an instant */
    TIME_YYMMDD,   /* 930101; two digits of a year fall into the hundred years after from_us */
    TIME_YYYYMMDD, /* 19930101 */
    TIME_DAY_MONTH_YEAR, /* 1.1.1993 1/1/93 01-01-1993 */
    TIME_MONTH_DAY_YEAR
} TimeForm;

typedef struct TimeFormat {
    TimeForm form;
    int64_t step_us; /* TIME_STEP: how long one step is; above 0                */
    int64_t from_us; /* TIME_STEP: when step 0 is; two-digit years: the century */
} TimeFormat;

#define TIME_CENTURY_US (-365 * DAY_US) /* 1969-01-01: two digits of a year are 1969 to 2068 */

bool parse_time_as(Str s, TimeFormat format, int64_t *out_us);

#define TIME_TEXT 48
/* The inverse; a step cuts off what is below it. */
Str time_text_as(char out[TIME_TEXT], int64_t time_us, TimeFormat format);
Str time_text(char out[TIME_TEXT], int64_t time_us); /* 2024-08-26 09:05:37.213234 UTC */
Str date_text(char out[TIME_TEXT], int64_t days);
Str duration_text(char out[TIME_TEXT], int64_t duration_us); /* in the largest whole unit: 14d */

int64_t days_from_civil(int64_t year, int month, int day);
void civil_from_days(int64_t days, int64_t *year, int *month, int *day);

/* For timings only: no result may depend on it. */
int64_t clock_monotonic_us(void);

#endif
