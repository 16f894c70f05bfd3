# shellcheck shell=bash
# banks.sh - small made-up banks of other shapes, for the tests of the command line.
#
# Each function writes its books and files into the current folder. Risky customers pass money on
# within a day or two; the others keep it. The draws are a Lehmer stream, the same in every awk.

# books SCHEMA-TEXT AMOUNT: the books of a bank whose events have a direction.
books() {
    printf '%s\n' "$1" >schema.yaml
    cat >features.yaml <<TEXT
version: 1
name: small
define:
  money_in: direction = 'IN'
  money_out: direction = 'OUT'
strata:
  ALL: events >= 0
features:
  - {name: events, expr: count(), use: policy, family: volume, says: Events}
  - {name: came, expr: sum($2 where money_in), over: first 14d, use: model, family: flow, says: In}
  - {name: went, expr: sum($2 where money_out), over: first 14d, use: model, family: flow, says: Out}
  - name: passed_on
    expr: matched(money_in to money_out within 2d) / sum($2 where money_in)
    over: first 14d
    use: model
    family: flow
    risk: up
    says: Share of money that left again within two days
TEXT
    cat >policy.yaml <<'TEXT'
version: 1
name: small
costs: {missed_risk: 1, wrong_exit: 4, review: 0.4, monitor: 0.15}
exposure: greatest(came, went)
insufficient_data: {when: events = 0, because: "No event is on record."}
rules:
  - id: passes_on
    when: passed_on >= 0.8 and came > 0
    family: flow
    severity: severe
    because: "{passed_on:percent} of what came in left again within two days."
    also: "Saving elsewhere is possible too."
    evidence: passed_on
    missing_proof: "Where it went is not yet explained."
    next_step: "Ask."
actions:
  - {action: ENHANCED_DUE_DILIGENCE, when: rules >= 1, because: "A pattern was seen."}
  - {action: MONITOR, when: probability >= threshold_medium, because: "The probability is high."}
otherwise: "Nothing was seen."
TEXT
}

awk_bank() { awk "function draw(n) { x = (x * 16807) % 2147483647; return x % n } BEGIN { x = 4711; $1 }"; }

# Two-sided transfers between 160 accounts and the world; steps for times, no key.
two_sided_bank() {
    books 'version: 1
name: transfers
currency: EUR
customers:
  key: account
  label: {column: fraud, positive: [1], negative: [0]}
  columns:
    - {name: account, type: text}
    - {name: fraud, type: boolean}
transactions:
  sides: {source: from, target: to}
  created: step
  amount: value
  columns:
    - {name: from, type: text}
    - {name: to, type: text}
    - {name: value, type: decimal}
    - {name: step, type: time, format: step, step: 1d, from: 2024-01-01}' value
    awk_bank '
        print "account,fraud" >"accounts.csv"
        print "account" >"new_accounts.csv"
        print "from,to,value,step" >"transfers.csv"
        for (i = 0; i < 160; i++) {
            bad = i % 4 == 0
            if (i < 120) print "a" i "," bad >"accounts.csv"
            else print "a" i >"new_accounts.csv"
            begin = draw(30)
            for (k = 0; k < 5; k++) {
                value = 100 + draw(900)
                step = begin + 2 * k
                print "w" draw(50) ",a" i "," value "," step >"transfers.csv"
                if (bad ? draw(5) > 0 : draw(5) == 0)
                    print "a" i "," (draw(3) == 0 ? "a" draw(160) : "w" draw(50)) "," value - draw(20) "," step + 1 >"transfers.csv"
            }
        }
        print "a1,a1,50,40" >"transfers.csv"'
}

# Statements with debit and credit in one file and cards in another, in the forms of elsewhere.
two_sources_bank() {
    books 'version: 1
name: statements
currency: EUR
customers:
  key: client
  label: {column: outcome, positive: [closed], negative: [kept], ignored: [pending]}
  columns:
    - {name: client, type: text}
    - {name: outcome, type: category}
transactions:
  customer: client
  created: day
  amount: value
  signed: true
  sources:
    - files: "card*.csv"
      rename: {holder: client, spent: value, when: day}
      set: {kind: CARD, direction: OUT}
    - files: "statement*.csv"
      set: {kind: TRANSFER}
  columns:
    - {name: client, type: text}
    - {name: day, type: time, format: day_month_year}
    - {name: value, type: decimal, decimal_mark: ",", thousands: "."}
    - {name: kind, type: category, values: [CARD, TRANSFER]}' value
    awk_bank '
        print "client;outcome" >"clients.csv"
        print "client" >"new_clients.csv"
        print "client;day;value" >"statement.csv"
        print "spent;holder;when" >"cards.csv"
        for (i = 0; i < 160; i++) {
            bad = i % 4 == 0
            if (i < 120) print "k" i ";" (i % 17 == 5 ? "pending" : bad ? "closed" : "kept") >"clients.csv"
            else print "k" i >"new_clients.csv"
            for (k = 0; k < 5; k++) {
                day = 1 + 2 * k + draw(2)
                print "k" i ";" day ".3.2024;1." 100 + draw(800) ",50" >"statement.csv"
                if (bad ? draw(5) > 0 : draw(5) == 0)
                    print "k" i ";" day + 1 ".03.2024;-1." 100 + draw(100) ",25" >"statement.csv"
                print draw(50) ",5;k" i ";" day "/3/2024" >"cards.csv"
            }
        }'
}

# No transactions at all: what was billed and paid month by month, a column each.
monthly_bank() {
    books 'version: 1
name: months
currency: EUR
customers:
  key: id
  label: {column: default, positive: [1], negative: [0]}
  history:
    - columns: [paid_1, paid_2, paid_3]
      into: amount
      from: 2024-03-02
      step: 1d
      set: {direction: OUT}
    - columns: [bill_1, bill_2, bill_3]
      into: amount
      from: 2024-03-01
      step: 1d
      set: {direction: IN}
  columns:
    - {name: id, type: text}
    - {name: default, type: int64}
    - {name: bill_1, type: decimal}
    - {name: bill_2, type: decimal}
    - {name: bill_3, type: decimal}
    - {name: paid_1, type: decimal}
    - {name: paid_2, type: decimal}
    - {name: paid_3, type: decimal}
transactions:
  customer: id
  created: at
  amount: amount
  columns:
    - {name: id, type: text}
    - {name: at, type: time}
    - {name: amount, type: decimal}
    - {name: direction, type: category, values: [IN, OUT]}' amount
    awk_bank '
        print "id,default,bill_1,bill_2,bill_3,paid_1,paid_2,paid_3" >"people.csv"
        print "id,bill_1,bill_2,bill_3,paid_1,paid_2,paid_3" >"new_people.csv"
        for (i = 0; i < 160; i++) {
            bad = i % 4 == 0
            cells = ""
            for (k = 0; k < 3; k++) cells = cells "," 100 + draw(900)
            for (k = 0; k < 3; k++) cells = cells "," ((bad ? draw(5) > 0 : draw(5) == 0) ? 80 + draw(900) : "")
            if (i < 120) print "p" i "," bad cells >"people.csv"
            else print "p" i cells >"new_people.csv"
        }'
}

# run_bank ARGS: the main job, small, with the bank's own books.
run_bank() {
    assay run --schema schema.yaml --features features.yaml --policy policy.yaml \
        --trials 3 --folds 2 --repeats 1 --shuffles 2 --quiet "$@"
}

# same_scores DECISIONS SCORES: whom the run scored has the same probability and interval there.
same_scores() {
    sed 1d "$1" | awk -F, '{ print $2 "," $3 "," $5 "," $7 "," $8 "," $9 }' | sort >run.scores
    sed 1d "$2" | cut -d, -f1-6 | sort >new.scores
    test -s run.scores && comm -23 run.scores new.scores | wc -l
}
