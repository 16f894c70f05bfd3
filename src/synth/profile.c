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

static const char *draw_reason(Customer *c, Random *r)
{
    return reasons[draw_weighted(r, c->suspended ? reason_suspended : reason_active,
                                 COUNT_OF(reasons))];
}

static const char *draw_occupation(Random *r)
{
    return occupations[draw_weighted(r, occupation_weight, COUNT_OF(occupations))];
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
    p.reason = draw_reason(c, r);
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
    return p;
}

/* A later (or earlier, the file does not say) state of the same record. */
static void change(Customer *c, Profile *p, Random *r)
{
    static const uint16_t weight[] = {15, 15, 13, 10};
    switch (draw_weighted(r, weight, COUNT_OF(weight))) {
    case 0:
        p->reason = draw_reason(c, r);
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

void profile_draw(Customer *c, Random *r, const SynthOptions *o)
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
        change(c, &c->version[c->versions], r);
    }
    if (c->contradictory) {
        c->version[c->versions] = c->version[c->versions - 1];
        c->version[c->versions++].suspended = !c->suspended;
    }
}
