/* score_one.c - a bundle, one customer, one answer; uses the public library alone.
 *
 *     score_one out/bundle
 */
#include <assay.h>

#include <stdio.h>

static int failed(const assay_error *error)
{
    (void)fprintf(stderr, "score_one: %s\n  remedy: %s\n", error->message, error->remedy);
    return 1;
}

int main(int argc, char **argv)
{
    static const char *const column[] = {"id",       "state",     "type",       "amount",
                                         "currency", "direction", "created_at", "completed_at"};
    static const char *const received[] = {
        "t-1", "COMPLETED", "BANK_TRANSFER",           "2400.00",
        "EUR", "IN",        "2024-08-01 09:00:00 UTC", "2024-08-01 09:00:05 UTC"};
    static const char *const sent[] = {
        "t-2", "COMPLETED", "BANK_TRANSFER",           "2350.00",
        "EUR", "OUT",       "2024-08-01 10:30:00 UTC", "2024-08-01 10:30:04 UTC"};
    assay_error error = {0};
    assay_bundle *bundle = NULL;
    assay_customer *customer = NULL;
    assay_decision *decision = NULL;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: score_one BUNDLE\n");
        return 2;
    }
    if (assay_open(&bundle, argv[1], &error) != ASSAY_OK)
        return failed(&error);
    if (assay_customer_new(&customer, bundle, "example-customer", &error) != ASSAY_OK ||
        assay_customer_set(customer, "has_biometrics", "TRUE", &error) != ASSAY_OK ||
        assay_customer_transaction(customer, column, received, 8, &error) != ASSAY_OK ||
        assay_customer_transaction(customer, column, sent, 8, &error) != ASSAY_OK ||
        assay_decide(&decision, customer, "2024-08-27 00:00:00 UTC", &error) != ASSAY_OK) {
        assay_free(customer, decision);
        assay_close(bundle);
        return failed(&error);
    }
    const assay_outcome *outcome = assay_decision_outcome(decision);
    (void)printf("%s, %s (%.3f to %.3f): %s\n", outcome->segment, outcome->action,
                 outcome->probability_low, outcome->probability_high, outcome->because);
    (void)printf("%s\n", assay_decision_explain(decision));
    assay_free(customer, decision);
    assay_close(bundle);
    return 0;
}
