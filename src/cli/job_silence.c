/* job_silence.c - does the model lean on how long customers were observed? And the gates' word. */
#include "cli/job.h"

/* Windows so long that no history can be cut after them. What that is worth depends on whether
 * customers were observed equally; a book may answer for it, and its reason is repeated. */
static void silence_untested(Job *j, Silence *s)
{
    char age[TIME_TEXT];
    Str reason = j->plan->observed_equally;
    Str done = S("nothing is known of what the model makes of silence: look again when customers "
                 "have been observed for longer");
    if (!s->passed && reason.size > 0) {
        s->passed = true;
        done =
            str_format(j->keep, "allowed, because the features book says: %.*s", STR_ARG(reason));
    } else if (!s->passed) {
        done =
            S("take shorter windows, or make sure that all customers were observed equally long");
    }
    findings_add(j->data->findings, s->passed ? SEVERITY_WARNING : SEVERITY_SEVERE,
                 "silence_untested", s->customers + 1,
                 str_format(j->keep,
                            "the silence test is not possible: only %zu customers are older than "
                            "%.*s, twice the model's longest window",
                            s->customers, STR_ARG(duration_text(age, s->age_us))),
                 done);
}

/* Who joined late is in a window for less of it, and a model can see that. */
static void observed_unequally(Job *j, const Silence *s)
{
    char window[TIME_TEXT];
    if (s->unequal <= 0.1)
        return;
    findings_add(j->data->findings, SEVERITY_WARNING, "observed_unequally", 1,
                 str_format(j->keep,
                            "%.0f %% of the customers were observed for clearly less of the "
                            "model's longest window, %.*s, than others: it can see who joined late",
                            100 * s->unequal, STR_ARG(duration_text(window, s->age_us / 2))),
                 S("judge by the strata that leave them out, or take shorter windows"));
}

Status job_silence(Job *j, Error *err)
{
    char age[TIME_TEXT];
    Silence *silence = ARENA_NEW(j->keep, Silence);
    uint32_t *all = ARENA_ARRAY(j->keep, uint32_t, j->data->customers + 1);
    for (size_t i = 0; i < j->data->customers; i++)
        all[i] = (uint32_t)i;
    TRY(score_silence(silence, j->scratch, j->bundle, j->data, all, j->data->customers,
                      plan_common_age(j->plan), j->args->team, err));
    if (silence->tested && !silence->passed)
        findings_add(
            j->data->findings, SEVERITY_SEVERE, "silence_test", silence->customers,
            str_format(j->keep, "cutting every history at %.*s moves the mean probability by %.3f",
                       STR_ARG(duration_text(age, silence->age_us)), silence->mean_change),
            S("the model has learnt from how long customers were observed: look at its features"));
    if (!silence->tested)
        silence_untested(j, silence);
    observed_unequally(j, silence);
    j->run.silence = silence;
    return STATUS_OK;
}

/* Too few to learn from: the rest of the job is done by rules, and nobody may take it for more. */
static Status too_few(const Job *j, Error *err)
{
    size_t positives = 0;
    for (size_t i = 0; i < j->set.x->rows; i++)
        positives += j->set.label[i];
    (void)error_set(err, STATUS_GATE,
                    "too few to learn from: %zu risky customers and %zu others; no model was made, "
                    "and what was decided rests on rules alone",
                    positives, j->set.x->rows - positives);
    return error_remedy(err,
                        "give labels of at least %d of each, 50 for figures that say "
                        "something; linked customers count as one",
                        LEARN_LEAST);
}

Status job_verdict(const Job *j, Error *err)
{
    if (j->run.validation == NULL)
        return too_few(j, err);
    const Silence *silence = j->run.silence;
    const Control *control = j->run.audit == NULL ? NULL : &j->run.audit->control;
    char age[TIME_TEXT];
    if (silence != NULL && !silence->passed && !silence->tested) {
        (void)error_set(err, STATUS_GATE,
                        "the silence test is not possible: the model's windows take longer than "
                        "customers were observed, and %.0f %% were observed for clearly less than "
                        "others",
                        100 * silence->unequal);
        return error_remedy(err, "a model of such windows learns who joined early: take shorter "
                                 "`first` windows, or say in the features book why that tells it "
                                 "nothing: `observed_equally: ...`");
    }
    if (silence != NULL && !silence->passed) {
        (void)error_set(err, STATUS_GATE,
                        "the silence test failed: cutting every history at %.*s moves "
                        "probabilities by %.3f on average (limit %.3f), rank correlation %.3f",
                        STR_ARG(duration_text(age, silence->age_us)), silence->mean_change,
                        silence->limit, silence->rank_correlation);
        return error_remedy(err, "the model has learnt from how long customers were observed: "
                                 "look at its features, and do not use these results");
    }
    if (control == NULL || control->shuffles == 0 || control->passed)
        return STATUS_OK;
    (void)error_set(err, STATUS_GATE,
                    "the negative control failed: on shuffled labels the mean AUC is %.3f, outside "
                    "%.3f to %.3f",
                    control->mean, control->low, control->high);
    return error_remedy(err, "the procedure finds signal where there is none: do not use these "
                             "results; see the leakage audit");
}
