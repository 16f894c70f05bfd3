/* policy_segment.c - from a score to a segment: floors hold it up, and a cool-down lets it come
 * down only slowly.
 *
 * What runs have in common is their Earlier: since when the customer is in the segment, and since
 * when the score, with the floors, has been below it. Time is counted between the runs' as_of.
 */
#include "policy/policy_reading.h"

/* ---- the book ---- */

static Status check_floor(const Reading *r, const ClauseText *text, const Clause *floor)
{
    size_t names;
    const Str *name = lang_names(floor->when, &names);
    if (floor->at_least == SEGMENT_LOW) {
        Status status = reading_refuse(r, text->mark, "a floor at Low holds nothing up");
        (void)error_remedy(r->err, "write `at_least: Medium` or `at_least: High`");
        return status;
    }
    TRY(reading_refuse_monitored(r, name, names, text->when.mark, "a floor"));
    return reading_refuse_protective(r, floor->when, text->when.mark, "a floor");
}

Status reading_segments(const Reading *r, const SegmentsText *text)
{
    Policy *p = r->p;
    const ClauseText *floor = text->floors.item;
    if (text->cool_down_us < 0)
        return reading_refuse(r, text->mark, "`cool_down` must not be below 0");
    p->cool_down_us = text->cool_down_us;
    TRY(reading_clauses(&p->floor, &p->floors, r, &text->floors, "floors", false));
    for (size_t i = 0; i < p->floors; i++)
        TRY(check_floor(r, &floor[i], &p->floor[i]));
    return STATUS_OK;
}

int64_t policy_cool_down(const Policy *p)
{
    return p->cool_down_us;
}

/* ---- a customer ---- */

Segment policy_segment(Thresholds t, double probability)
{
    return probability >= t.high     ? SEGMENT_HIGH
           : probability >= t.medium ? SEGMENT_MEDIUM
                                     : SEGMENT_LOW;
}

/* The first of the highest floors that hold, if one is above the score's segment. */
static const Clause *highest_floor(const Policy *p, const Slice *s, size_t row, Segment by_score)
{
    const Clause *highest = NULL;
    for (size_t i = 0; i < p->floors; i++)
        if (p->floor[i].at_least > (highest == NULL ? by_score : highest->at_least) &&
            slice_holds(&s->floor[i], row))
            highest = &p->floor[i];
    return highest;
}

static Str waiting_sentence(Arena *keep, const Slice *s, const Policy *p, const Earlier *next)
{
    char wait[TIME_TEXT];
    double days = (double)p->cool_down_us / (double)DAY_US; /* whole where it is shown */
    if (s->wordless)
        return S("");
    Str words = p->cool_down_us % DAY_US == 0
                    ? format_real(keep, FORMAT_DAYS, s->language, S(""), days)
                    : duration_text(wait, p->cool_down_us);
    const MessagePart part[] = {{S("segment"), slice_say(s, segment_name(next->segment))},
                                {S("day"), instant_words(keep, s->language, next->lower_since_us)},
                                {S("wait"), words}};
    return slice_words(keep, s,
                       S("The score alone has been below the segment {segment} since {day}; the "
                         "segment comes down when that has lasted for {wait}."),
                       part, COUNT_OF(part));
}

void segment_decide(Decision *out, Arena *keep, const Deciding *d, const Slice *s, size_t row)
{
    const Policy *p = d->p;
    size_t k = s->from + row;
    int64_t as_of_us = slice_as_of(d, k);
    out->segment_by_score = policy_segment(p->thresholds, out->probability);
    const Clause *floor = highest_floor(p, s, row, out->segment_by_score);
    Segment now = floor == NULL ? out->segment_by_score : floor->at_least;
    Earlier was = {0};
    if (d->in->earlier != NULL)
        was = d->in->earlier[d->in->row[k]];

    Earlier next = {true, now, as_of_us, NO_TIME};
    if (was.known && was.segment == now)
        next.since_us = was.since_us;
    if (was.known && now < was.segment) {
        int64_t since = was.lower_since_us == NO_TIME ? as_of_us : was.lower_since_us;
        if (as_of_us - since < p->cool_down_us)
            next = (Earlier){true, was.segment, was.since_us, since};
    }
    out->segment = next.segment;
    out->next = next;
    if (next.lower_since_us != NO_TIME)
        out->segment_because = waiting_sentence(keep, s, p, &next);
    else if (floor != NULL)
        out->segment_because = slice_fill(keep, floor->because, s, row);
    else
        out->segment_because = S("");
}
