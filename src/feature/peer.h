/* peer.h - the tables of population features: fitted on some customers, applied to any.
 *
 * For this room only. A column is prepared once (values, groups, order) and then fitted as often as
 * there are parts to learn from; fitting again costs one walk over it.
 */
#ifndef FEATURE_PEER_H
#define FEATURE_PEER_H

#include "feature/feature.h"

typedef struct PeerColumn {
    size_t rows;
    double *value;   /* [rows] NaN when missing */
    uint32_t *group; /* [rows] code in names, NO_CODE when unknown or without groups */
    Dictionary *names;
    uint32_t *order; /* [ordered] rows with a value, by value */
    size_t ordered;
} PeerColumn;

/* Rows row[0 .. rows - 1] of the columns (NULL: the first rows). group may be NULL. */
PeerColumn *peer_column(Arena *keep, Arena scratch, const Column *value, const Column *group,
                        const uint32_t *row, size_t rows);
/* Fit on the rows where fitting[row].  Cost: O(rows). */
Peers *peers_fit(Arena *keep, Arena scratch, const PeerColumn *c, const uint8_t *fitting);
/* out[rows]; NaN where there is no answer.  Cost: O(rows log knots). */
void peers_apply(double *out, Arena scratch, const Peers *p, const PeerColumn *c,
                 PopulationKind kind);
/* The same of one row of the columns that a PeerColumn is made of. */
double peers_place(Arena scratch, const Peers *p, PopulationKind kind, const Column *value,
                   const Column *group, size_t row);

/* The distinct partners of each customer, itself not among them. */
typedef struct PartnerColumn {
    size_t rows;
    size_t *start;  /* [rows + 1] */
    uint32_t *code; /* in names */
    const Dictionary *names;
} PartnerColumn;

/* Rows row[0 .. rows - 1] of events->profile (NULL: all); events in the window where the condition
 * holds. */
MUST_USE Status partner_column(PartnerColumn **out, Arena *keep, Arena scratch, const Population *f,
                               Window w, const Events *events, const uint32_t *row, size_t rows,
                               Error *err);
/* Fingerprints of the ids given. */
Peers *partners_fit(Arena *keep, Arena scratch, const Str *id, size_t count);
/* risky[code]: 1 where the partner's fingerprint is among the positives'. */
void partners_known(uint8_t *risky, Arena scratch, const Peers *p, const PartnerColumn *c);
/* out[rows]: how many partners are risky. */
void partners_count(int64_t *out, const PartnerColumn *c, const uint8_t *risky);

#endif
