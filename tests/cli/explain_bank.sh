# explain_bank.sh - sourced by tests of `assay explain`: users.csv and transactions.csv with a customer
# whose matched money is worked out by hand (tests/unit/explain_case_test.c says how), and hostile
# ones. `explain` runs the command on them; `plain` hides what any change of model or version moves.
# shellcheck shell=bash
: "${bundle:?}"

reset=$'\x1b[31mRED\x1b[0m'
turned=$'abc\xe2\x80\xaexyz'
cat >users.csv <<'CSV'
user_id,session_id,country_of_residence,has_biometrics,phone_number_country_code,reason_to_use_app,occupation,kyc_state,gender,document_issuing_country,locale,screening_state,is_adverse_media_minor,is_pep
CASE-1,s1,ZZ-NEVER-SHOWN,TRUE,33,DAILY_PAYMENT_SERVICES,NEVER-SHOWN-EITHER,COMPLETED,F,FR,fr_FR,COMPLETED,FALSE,FALSE
CASE-2,s2,FR,TRUE,33,CRYPTO_SERVICES,EMPLOYEE,COMPLETED,M,FR,fr_FR,COMPLETED,FALSE,FALSE
CSV
{
    printf '%s\n' "<script>alert(1)</script>,s3,FR,TRUE,33,<img src=x onerror=alert(2)>,EMPLOYEE,COMPLETED,M,FR,fr_FR,COMPLETED,FALSE,FALSE"
    printf '%s\n' "$reset,s4,FR,TRUE,33,$turned,EMPLOYEE,$reset,M,FR,fr_FR,COMPLETED,FALSE,FALSE"
    printf '%s\n' "=HYPERLINK(1),s5,FR,TRUE,33,\"漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字\",EMPLOYEE,COMPLETED,M,FR,fr_FR,COMPLETED,FALSE,FALSE"
} >>users.csv
cat >transactions.csv <<'CSV'
id,reference_transaction_id,user_id,state,type,amount,currency,direction,completed_at,created_at
a1,,CASE-1,PENDING,BANK_TRANSFER,100.00,EUR,IN,,2024-05-01 10:00:00
a1,,CASE-1,COMPLETED,BANK_TRANSFER,100.00,EUR,IN,2024-05-01 10:00:00,2024-05-01 10:00:00
a2,,CASE-1,COMPLETED,BANK_TRANSFER,50.00,EUR,IN,2024-05-01 12:00:00,2024-05-01 12:00:00
b1,,CASE-1,COMPLETED,CARDS,120.00,EUR,OUT,2024-05-01 20:00:01,2024-05-01 20:00:00
b2,,CASE-1,PENDING,BANK_TRANSFER,45.00,EUR,OUT,,2024-05-02 11:00:00
b2,,CASE-1,COMPLETED,BANK_TRANSFER,40.00,EUR,OUT,2024-05-02 11:00:01,2024-05-02 11:00:00
c1,,CASE-1,FAILED,CARD_TOP_UP,70.00,EUR,IN,2024-05-03 09:00:00,2024-05-03 10:00:00
b3,,CASE-1,COMPLETED,CRYPTO_ON_RAMP,10.00,EUR,OUT,2024-05-06 09:00:01,2024-05-06 09:00:00
f1,,CASE-1,COMPLETED,PROCESSING_FEE,1.00,EUR,OUT,2024-05-06 09:10:01,2024-05-06 09:10:00
CSV
printf '%s\n' "$reset,,$reset,COMPLETED,CARDS,5.00,EUR,OUT,2024-05-06 09:00:01,2024-05-06 09:00:00" >>transactions.csv

explain() { assay explain "$@" --bundle "$bundle" --customers users.csv --transactions transactions.csv --quiet; }
plain() { sed -E -e 's/assay [0-9.]+ (-|·) ?([0-9a-f]{12})?/assay VERSION/' -e 's/[0-9a-f]{64}/HASH/'; }
