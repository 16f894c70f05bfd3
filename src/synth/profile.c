/* profile.c - the customer record, in the shares of the real files.
 *
 * Residence carries a trap on purpose: the product opened overseas late, so few customers
 * there were suspended yet. A model that may see it learns where the bank grew, not who is
 * risky. */
#include "synth/synth_internal.h"

#include <stdio.h>
#include <string.h>

static const char *const residences[] = {"FR", "PF", "NC", "RE", "GP", "MQ", "GF", "YT"};
static const uint16_t residence_active[] = {680, 215, 70, 12, 7, 5, 6, 5};
static const uint16_t residence_suspended[] = {930, 35, 14, 8, 4, 3, 3, 3};
/* The full calling codes, and what the real export cuts them to. */
static const char *const phone_full[] = {"+33",  "+689", "+687", "+262",
                                         "+590", "+596", "+594", "+262"};
static const char *const phone_cut[] = {"+33", "+68", "+68", "+26", "+59", "+59", "+59", "+26"};
static const char *const foreign_full[] = {"+44", "+351", "+39", "+34", "+352"};
static const char *const foreign_cut[] = {"+44", "+35", "+39", "+34", "+35"};

static const char *const reasons[] = {"DAILY_PAYMENT_SERVICES", "CRYPTO_SERVICES",
                                      "NON_CUSTODIAL_CRYPTO_WALLET", "TRAVEL_ACCOUNT",
                                      "INTERNATIONAL_TRANSFERS"};
static const uint16_t reason_active[] = {43, 21, 11, 12, 9};
static const uint16_t reason_suspended[] = {52, 23, 9, 5, 9};

static const char *const occupations[] = {"OTHER_SERVICES",
                                          "SERVICE_AND_SALES",
                                          "UNEMPLOYED",
                                          "STUDENTS",
                                          "RETIRED",
                                          "ADMINISTRATION",
                                          "HEALTH",
                                          "CRAFT_AND_RELATED_TRADES",
                                          "EDUCATION",
                                          "MANAGEMENT",
                                          "MINING_CONSTRUCTION_AND_TRANSPORT",
                                          "AGRICULTURE_FISHERY_FORESTRY",
                                          "FOOD_PREP_AND_CLEANING",
                                          "IT_AND_COMMUNICATION",
                                          "PLANT_AND_MACHINE_OPERATION",
                                          "LEGAL_SOCIAL_AND_CULTURAL_ACTIVITIES",
                                          "SCIENCE_AND_ENGINEERING"};
static const uint16_t occupation_weight[] = {160, 150, 140, 100, 75, 63, 43, 40, 40,
                                             35,  29,  22,  25,  21, 11, 8,  5};

static const char *const documents[] = {"FR", "IT", "PT", "PL", "ES", "RO", "DE"};
static const uint16_t document_weight[] = {965, 14, 7, 5, 4, 3, 2};

static const char *const locales[] = {"en_FR", "en_GB", "en_US", "fr_US", "fr_BE", "fr_CA",
                                      "pt_BR", "es_ES", "ro_RO", "fr_BJ", "fr_CI", "en_001"};

static const char *draw_reason(Customer *c, Random *r, double drift)
{
    if (draw_chance(r, 0.5 * drift)) /* the scored cohort comes for crypto */
        return reasons[1];
    return reasons[draw_weighted(r, c->suspended ? reason_suspended : reason_active,
                                 COUNT_OF(reasons))];
}

static const char *draw_occupation(Random *r)
{
    return occupations[draw_weighted(r, occupation_weight, COUNT_OF(occupations))];
}

/* Phone, document and language of three other countries: each contradicts the residence, and
 * they contradict each other. */
static void contradict(Profile *p, Random *r, const SynthOptions *o)
{
    static const char *const foreign_locales[] = {"ro_RO", "pl_PL", "de_DE"};
    size_t phone = (size_t)random_below(r, COUNT_OF(foreign_full));
    size_t document = 1 + (size_t)random_below(r, COUNT_OF(documents) - 1);
    size_t locale = (size_t)random_below(r, COUNT_OF(foreign_locales));
    size_t spared = (size_t)random_below(r, 5); /* mostly all three, at least two */
    if (spared != 0)
        p->phone = o->imperfections ? foreign_cut[phone] : foreign_full[phone];
    if (spared != 1)
        p->document = documents[document];
    if (spared != 2)
        (void)snprintf(p->locale, sizeof p->locale, "%s", foreign_locales[locale]);
}

/* One thing points elsewhere. */
static void misplace(Profile *p, Random *r, const SynthOptions *o)
{
    size_t phone = (size_t)random_below(r, COUNT_OF(foreign_full));
    size_t document = 1 + (size_t)random_below(r, COUNT_OF(documents) - 1);
    if (draw_chance(r, 0.7))
        p->phone = o->imperfections ? foreign_cut[phone] : foreign_full[phone];
    else
        p->document = documents[document];
}

static Profile draw_first(Customer *c, Random *r, const SynthOptions *o)
{
    Profile p = {.session = draw_uuid(r), .suspended = c->suspended};
    size_t home = draw_weighted(r, c->suspended ? residence_suspended : residence_active,
                                COUNT_OF(residences));
    bool foreign = draw_chance(r, 0.05);
    size_t abroad = (size_t)random_below(r, COUNT_OF(foreign_full));
    p.residence = residences[home];
    p.phone = o->imperfections ? (foreign ? foreign_cut[abroad] : phone_cut[home])
                               : (foreign ? foreign_full[abroad] : phone_full[home]);
    p.biometrics = draw_chance(r, c->suspended ? 0.65 : 0.69);
    p.reason = draw_reason(c, r, drift_of(c, o));
    p.occupation = draw_occupation(r);
    double kyc = random_uniform(r);
    p.kyc = kyc < 0.992 ? "COMPLETED" : kyc < 0.997 ? "FAILED" : "PENDING";
    p.gender = draw_chance(r, 0.67) ? "M" : "F";
    double young = random_uniform(r), age = 18 + 62 * young * draw_between(r, 0.35, 1);
    p.born = o->as_of - (int64_t)(age * 365.25);
    p.document = documents[draw_weighted(r, document_weight, COUNT_OF(documents))];
    p.screening = draw_chance(r, c->suspended ? 0.08 : 0.045) ? "TO_SOFT_REVIEW" : "COMPLETED";
    double locale = random_uniform(r);
    if (locale < 0.10)
        (void)snprintf(p.locale, sizeof p.locale, "%s",
                       locales[random_below(r, COUNT_OF(locales))]);
    else
        (void)snprintf(p.locale, sizeof p.locale, "fr_%s",
                       locale < 0.45 && home > 0 ? residences[home] : "FR");
    if (o->imperfections) { /* one draw each, so that blanks do not move other draws */
        if (draw_chance(r, 0.07))
            p.reason = "";
        if (draw_chance(r, 0.06))
            p.occupation = "";
        if (draw_chance(r, 0.003))
            p.gender = "";
    }
    if ((c->planted & 1u << TYPOLOGY_SYNTHETIC_IDENTITY) != 0)
        contradict(&p, r, o);
    else if ((c->planted & 1u << TYPOLOGY_GEO_MISMATCH) != 0)
        misplace(&p, r, o);
    return p;
}

/* A later (or earlier, the file does not say) state of the same record. */
static void change(Customer *c, Profile *p, Random *r, double drift)
{
    static const uint16_t weight[] = {15, 15, 13, 10};
    switch (draw_weighted(r, weight, COUNT_OF(weight))) {
    case 0:
        p->reason = draw_reason(c, r, drift);
        break;
    case 1:
        p->occupation = draw_occupation(r);
        break;
    case 2:
        p->biometrics = !p->biometrics;
        break;
    default:
        break; /* only the session differs */
    }
    p->session = draw_uuid(r);
}

/* Leaks that are planted on purpose, in labelled customers alone: what was written after the
 * outcome, and rows that were exported once more because of it. */
static void leak(Customer *c, Random *noise, const SynthOptions *o)
{
    if (c->cohort != COHORT_LABELLED || !c->suspended)
        return;
    if (o->column_leak && draw_chance(noise, 0.8))
        for (size_t i = 0; i < c->versions; i++)
            c->version[i].screening = "REJECTED";
    if (o->copies_leak && c->versions < VERSIONS_MAX && draw_chance(noise, 0.8)) {
        c->version[c->versions] = c->version[c->versions - 1];
        c->versions++;
    }
}

static void draw_versions(Customer *c, Random *r, const SynthOptions *o)
{
    c->versions = 1;
    c->version[0] = draw_first(c, r, o);
    if (!o->imperfections)
        return;
    bool copies = draw_chance(r, 0.07), versions = draw_chance(r, 0.06);
    c->contradictory = c->cohort == COHORT_LABELLED && draw_chance(r, 0.01);
    size_t copied = copies ? 1 + (size_t)random_below(r, 2) : 0;
    size_t changed = versions ? 1 + (size_t)random_below(r, 2) : 0;
    for (size_t i = 0; i < copied; i++, c->versions++)
        c->version[c->versions] = c->version[c->versions - 1];
    for (size_t i = 0; i < changed; i++, c->versions++) {
        c->version[c->versions] = c->version[c->versions - 1];
        change(c, &c->version[c->versions], r, drift_of(c, o));
    }
    if (c->contradictory) {
        c->version[c->versions] = c->version[c->versions - 1];
        c->version[c->versions++].suspended = !c->suspended;
    }
}

void profile_draw(Customer *c, Random *r, Random *noise, const SynthOptions *o)
{
    draw_versions(c, r, o);
    leak(c, noise, o);
    c->mislabelled = draw_chance(noise, o->label_noise) && c->cohort == COHORT_LABELLED;
    for (size_t i = 0; i < c->versions && c->mislabelled; i++)
        c->version[i].suspended = !c->version[i].suspended;
}
