/* lang.h - the expression language of the books: parse, check, evaluate, format.
 *
 * Small and SQL-flavoured; docs/language.md has the grammar and every meaning. An expression
 * is about one customer. Outside an aggregate a name is a column of the customer; inside one
 * it is a column of the customer's transactions:
 *
 *     count(type = 'CARD_TOP_UP' and state = 'FAILED') / count(type = 'CARD_TOP_UP')
 *     sum(amount where direction = 'IN') over first 14d
 *     matched(direction = 'IN' to direction = 'OUT' within 24h)
 *     max(count(type = 'CARDS' within 1h))
 *
 * An Expr is checked when it is made and never changed after: any number of threads may
 * share it. It does not know how aggregates are computed: it lists them, the feature room
 * computes one column for each, and hands these back to lang_evaluate. The same function
 * evaluates the row-level parts inside aggregates over the transactions, and the policy's
 * conditions over the table of features.
 */
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include "table/table.h"

typedef struct Expr Expr;

typedef enum WindowKind {
    WINDOW_ALL,      /* everything up to as_of */
    WINDOW_TRAILING, /* over 30d:       (as_of - w, as_of]          */
    WINDOW_FIRST     /* over first 14d: [t0, t0 + w), t0 the customer's first event */
} WindowKind;

typedef struct Window {
    WindowKind kind;
    int64_t duration_us;
} Window;

/* "30d", "first 14d", "all" - the text after `over`. False when it is none of these. */
bool window_parse(Str text, Window *out);
Str window_text(Arena *arena, Window w);

/* Outside aggregates they give a value for each customer, over a window. Those marked * may
 * also stand inside another one, and the last group only there: they give a value for each
 * transaction, looking back from it (UNTIL: ahead). */
typedef enum AggregateKind {
    AGGREGATE_COUNT,         /* * count(), count(cond)                   int64  */
    AGGREGATE_SUM,           /* * sum(x), sum(x where cond)              like x */
    AGGREGATE_MEAN,          /* * mean(x ...): double; of durations a duration */
    AGGREGATE_MIN,           /* * min(x ...), of numbers, times          like x */
    AGGREGATE_MAX,           /* * */
    AGGREGATE_DISTINCT,      /* * distinct(x ...): how many values       int64  */
    AGGREGATE_SHARE,         /* * share(cond), share(cond where base)    double */
    AGGREGATE_FIRST,         /* * first(x ...), by order                 like x */
    AGGREGATE_LAST,          /* * */
    AGGREGATE_SD,            /* sd(x ...), n - 1: double or duration            */
    AGGREGATE_PERCENTILE,    /* percentile(x, p ...), median(x ...), R-7: double or duration */
    AGGREGATE_ENTROPY,       /* entropy(x ...) in nats                   double */
    AGGREGATE_MODAL,         /* modal(x ...): the most frequent value's count, int64 */
    AGGREGATE_CONCENTRATION, /* concentration(x ...): squared shares     double */
    AGGREGATE_MATCHED,       /* matched(a to b within w): FIFO-matched amount, decimal */
    AGGREGATE_MATCHED_LAG,   /* matched_lag(a to b within w): duration, weighted by amount */
    AGGREGATE_DRAINED,       /* drained(a to b within w, share): lots, int64 */
    AGGREGATE_FOLLOWED,      /* followed(a to b within w): events, int64 */
    AGGREGATE_SINCE,         /* since(cond): duration                           */
    AGGREGATE_UNTIL,         /* until(cond): duration                           */
    AGGREGATE_PREVIOUS,      /* previous(x ...)                          like x */
    AGGREGATE_SAME,          /* same(x ... within w)                     int64  */
    AGGREGATE_STREAK         /* streak(cond where base)                  int64  */
} AggregateKind;

typedef struct Aggregate {
    AggregateKind kind;
    /* Row-level parts. Where they themselves have aggregates (lang_aggregates), these are nested:
     * their columns are over the transactions. */
    const Expr *argument; /* the value x, or NULL */
    const Expr *filter;   /* condition, NULL for every row. SHARE, STREAK: the first; flows: a */
    const Expr *base;     /* SHARE, STREAK: the `where` condition or NULL; flows: b */
    int64_t within_us;    /* of flows; of nested ones 0 when not written */
    int64_t fraction;     /* PERCENTILE, DRAINED: fraction * 10^-fraction_scale, 0 to 1 */
    int fraction_scale;
    bool nested;
    bool has_window; /* written here; otherwise the book's `over` holds */
    Window window;
    Type type; /* of the result */
    int scale;
} Aggregate;

/* A name an expression may use. A closed category lists its values. */
typedef struct Name {
    Str name;
    Type type;
    int scale;
    const Str *values;
    size_t value_count;
} Name;

/* A named expression of the book's `define:`, put in wherever its name is used, and checked
 * there in that place's scope. */
typedef struct Definition {
    Str name;
    Str text;
    int64_t line, column; /* where its text starts in the book */
} Definition;

typedef struct Scope {
    const Name *customer; /* outside aggregates */
    size_t customers;
    const Name *event; /* inside aggregates; none makes aggregates an error */
    size_t events;
    const Definition *definition;
    size_t definitions;
    Str amount;      /* the event column that flows add up (decimal); empty: they are an error */
    int64_t zone_us; /* of hour, weekday and day: microseconds east of UTC */
    /* Names that will be known further down in the book: an error says so. */
    const Str *later;
    size_t laters;
    Str currency; /* of amounts; where it is given and not EUR, no sentence may write eur */
} Scope;

/* Parse and check. Errors carry the book's file and the line and column inside it, computed
 * from (line, column) of the expression's first character; an unknown name or value names
 * the nearest known one.  Memory: keep.  Cost: O(text), nesting bounded at 64. */
MUST_USE Status lang_read(Expr **out, Arena *keep, Str text, const Scope *scope, const char *file,
                          int64_t line, int64_t column, Error *err);

Type lang_type(const Expr *e);
int lang_scale(const Expr *e); /* of a decimal result */
/* Those of the expression itself, not those nested in their parts. */
const Aggregate *lang_aggregates(const Expr *e, size_t *count);
/* Does a value depend on the outer window it stands in (until)? Of a part of an aggregate. */
bool lang_looks_ahead(const Expr *e);
/* The name, when the expression is nothing but one; else the empty Str. */
Str lang_bare_name(const Expr *e);
/* Customer-level names used (for documentation and leak checks); events: names inside aggregates.
 */
const Str *lang_names(const Expr *e, size_t *count);
const Str *lang_event_names(const Expr *e, size_t *count);
bool lang_is_aggregate(const Expr *e); /* nothing but one aggregate */
/* Is b true wherever a is, and are a and b never true together? As far as their form tells: parts
 * joined by `and` and `or`, and a name's equality with values, `in` and `<>` them. NULL is always
 * true.  Cost: O(nodes of a * nodes of b) at most. */
bool lang_implies(const Expr *a, const Expr *b);
bool lang_excludes(const Expr *a, const Expr *b);
/* One canonical text: equal meanings after definitions are put in give equal texts. */
Str lang_text(const Expr *e);

/* ---- a condition taken apart ---- */

typedef enum PartsOf { PARTS_AND, PARTS_OR } PartsOf;

/* The parts of `a and b and c`, or of `a or b`, brackets between equals opened; another expression
 * is its own only part. Each is an Expr with its own names and canonical text. For conditions
 * outside aggregates.  Memory: keep; they share e's tree.  Cost: O(nodes). */
size_t lang_parts(Expr ***out, Arena *keep, const Expr *e, PartsOf of);

typedef enum CompareSign {
    COMPARE_EQUAL,
    COMPARE_UNEQUAL,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_GREATER,
    COMPARE_GREATER_EQUAL
} CompareSign;

typedef struct ComparedSides {
    CompareSign sign;
    Expr *left, *right;
} ComparedSides;

/* False when the expression is no comparison of two values.  Memory: keep. */
bool lang_compared(ComparedSides *out, Arena *keep, const Expr *e);

/* What `not` stands before; NULL when the expression is no negation.  Memory: keep. */
Expr *lang_negated(Arena *keep, const Expr *e);

/* ---- functions of all customers at once ---- */

typedef enum PopulationKind {
    POPULATION_PERCENTILE, /* peer_percentile(x by g): double, 0 to 1 */
    POPULATION_Z,          /* peer_z(x by g): double */
    POPULATION_PARTNERS    /* risky_partners(partner where c): int64 */
} PopulationKind;

/* Such a function is a whole expression, and only where there are transactions (the features
 * book). lang_evaluate gives missing for it: what it compares with must be fitted first, which is
 * the feature room's. */
typedef struct Population {
    PopulationKind kind;
    Str value, group;      /* names outside aggregates; group may be empty */
    Str partner;           /* PARTNERS: a name inside aggregates */
    const Expr *condition; /* PARTNERS: row-level; NULL for every row */
} Population;
const Population *lang_population(const Expr *e); /* NULL: an ordinary expression */

/* Evaluate over every row of `rows` into a fresh column. `aggregate[i]` is the column (as long
 * as rows) for aggregate i; NULL when there are none. SQL's three-valued logic. A name that
 * is not in `rows` is missing everywhere. Overflow: LIMIT.
 * Memory: *out in keep.  Cost: O(rows * nodes). */
MUST_USE Status lang_evaluate(Column *out, Arena *keep, Arena scratch, const Expr *e,
                              const Table *rows, const Column *aggregate, Error *err);

/* The same of a table of one row, into *out, a fresh column of one missing cell of e's type (of a
 * string with a dictionary, or NULL). False when lang_evaluate must be asked, which makes new
 * strings and says what is wrong; then *out is as it was.  Memory: none.  Cost: O(nodes). */
MUST_USE bool lang_evaluate_cell(Column *out, const Expr *e, const Table *rows,
                                 const Column *aggregate);

/* Expressions asked of the same row together: names and parts that they share are found once. */
typedef struct ExprSet ExprSet;

/* NULL where lang_evaluate must be asked of one of them, or they are too many. None may be of
 * strings or have aggregates.  Memory: keep.  Cost: O(nodes^2). */
const ExprSet *lang_set(Arena *keep, const Expr *const *e, size_t count);
/* lang_evaluate of each of them into out[count], over a table of one row. False when that must be
 * asked; then out is as it was.  Memory: keep.  Cost: O(their distinct nodes). */
MUST_USE bool lang_evaluate_set(Column *out, Arena *keep, const ExprSet *s, const Table *rows);

/* ---- many expressions over the same rows ---- */

/* Expressions taken together, so that what several of them have in common is computed once and
 * nothing of them is looked for again when they meet rows: for the row-level parts of a whole book,
 * over the transactions of a million customers or of one. Values are as lang_evaluate's, numbered
 * in the order in which they are computed. */
typedef struct Program Program;

/* Memory: keep; what only its making needs goes to passing, which outlives the last program_add. */
Program *program_new(Arena *keep, Arena *passing);
/* A column that whoever runs the program puts in: what is nested in later expressions. */
uint32_t program_given(Program *p, Type type);
/* The number of e's value; nested[aggregates of e] the values of its aggregates.  Memory: keep. */
uint32_t program_add(Program *p, const Expr *e, const uint32_t *nested);

typedef struct ProgramRun ProgramRun;

/* Memory: keep, for all values.  Cost: O(values). */
ProgramRun *program_begin(Arena *keep, const Program *p, const Table *rows);
void program_give(ProgramRun *r, uint32_t value, const Column *c);
/* Compute every value up to this one that is not there yet; those given that they need must be.
 * LIMIT and DATA as lang_evaluate.  Cost: O(rows * new values). */
MUST_USE Status program_run(ProgramRun *r, Arena scratch, uint32_t value, Error *err);
/* Of a condition: bit i of the words is 1 where row i is true (not false, not missing); bits behind
 * the last row may be anything. */
const uint64_t *program_truth(const ProgramRun *r, uint32_t value);
const Column *program_column(ProgramRun *r, uint32_t value);

/* ---- the tree, read only ---- */

/* For who reasons about a condition instead of evaluating it. A child is valid as long as its
 * expression. Conditions and values inside aggregates are reached through lang_aggregates. */
typedef struct ExprNode ExprNode;

typedef enum ViewKind {
    VIEW_NULL,
    VIEW_BOOLEAN,
    VIEW_NUMBER,
    VIEW_DURATION,
    VIEW_TIME,
    VIEW_STRING,
    VIEW_NAME,
    VIEW_AGGREGATE,
    VIEW_OR,
    VIEW_AND,
    VIEW_NOT,
    VIEW_EQUAL,
    VIEW_UNEQUAL,
    VIEW_LESS,
    VIEW_LESS_EQUAL,
    VIEW_GREATER,
    VIEW_GREATER_EQUAL,
    VIEW_IN,      /* child 0 in the others */
    VIEW_BETWEEN, /* child 0 between children 1 and 2 */
    VIEW_IS_NULL,
    VIEW_LIKE,
    VIEW_CASE, /* condition, value, condition, value, ..., [else] */
    VIEW_ADD,
    VIEW_SUBTRACT,
    VIEW_MULTIPLY,
    VIEW_DIVIDE,
    VIEW_NEGATE,
    VIEW_ABS,
    VIEW_SIGN,
    VIEW_FLOOR,
    VIEW_CEIL,
    VIEW_ROUND,
    VIEW_LOG,
    VIEW_LOG1P,
    VIEW_SQRT,
    VIEW_EXP,
    VIEW_MOD,
    VIEW_NULLIF,
    VIEW_LOWER,
    VIEW_LENGTH,
    VIEW_HOUR,
    VIEW_WEEKDAY,
    VIEW_DAY,
    VIEW_LEAST,
    VIEW_GREATEST,
    VIEW_COALESCE
} ViewKind;

typedef struct View {
    ViewKind kind;
    Type type;
    int scale;
    size_t children;
    int64_t integer;  /* BOOLEAN; NUMBER, in units of 10^-scale; DURATION, TIME */
    Str text;         /* of a STRING; of a NAME its name */
    size_t aggregate; /* of an AGGREGATE: its place in lang_aggregates */
} View;

const ExprNode *lang_root(const Expr *e);
const ExprNode *lang_child(const ExprNode *n, size_t i);
View lang_view(const ExprNode *n);
/* As lang_text, of a part.  Memory: arena. */
Str lang_node_text(Arena *arena, const ExprNode *n);
/* Where the part begins in its book. */
void lang_place(const ExprNode *n, int64_t *line, int64_t *column);

/* ---- numbers for people ---- */

/* Of sentences and the numbers in them. Names, codes and columns are the same in all. */
typedef enum Language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH, LANGUAGES } Language;

Str language_name(Language l); /* "en", "fr" */
bool language_from_name(Str name, Language *out);

/* The comments show English; French writes no-break
 * spaces before units and signs and narrow ones between thousands: 4 210,00 EUR, 98 %, 2,4 fois. */
typedef enum Format {
    FORMAT_PLAIN,   /* as is, at most 4 significant decimals */
    FORMAT_COUNT,   /* 1,234 */
    FORMAT_EUR,     /* €4,210.00, exact for decimals */
    FORMAT_PERCENT, /* 98 % of a share in 0..1; one decimal under 10 % */
    FORMAT_HOURS,   /* of a duration, or a number of hours: 6.5 h */
    FORMAT_DAYS,    /* 12 days */
    FORMAT_DATE,    /* of a time: 26 August 2024 */
    FORMAT_MINUTES, /* of a duration, or a number of minutes: 12 min */
    FORMAT_RATIO,   /* 2.4 times */
    FORMAT_MONEY,   /* 4,210.00 PLN, or as EUR where that is the currency */
    FORMATS
} Format;

bool format_from_name(Str name, Format *out);
/* Would it print the sign of another currency than this one (empty: any)? */
bool format_wrong_currency(Format f, Str currency);
Str format_name(Format f);
/* Missing gives "unknown"; the currency is of MONEY alone. Exact for decimals in every language.
 * Memory: arena. */
Str format_cell(Arena *arena, Format f, Language language, Str currency, const Column *c,
                size_t row);
/* The same of one number; NAN is unknown. */
Str format_real(Arena *arena, Format f, Language language, Str currency, double value);
/* units * 10^-scale with all its digits: 1,234.50. */
Str format_decimal(Arena *arena, Language language, int64_t units, int scale);
Str format_unknown(Language language); /* "unknown" */

/* A sentence with placeholders: "{pass_through_24h:percent} of {inflow:eur} left". "{{" is a brace.
 * Every placeholder must be a customer name of the scope, and `eur` what its currency is. */
typedef struct Template Template;
MUST_USE Status template_read(Template **out, Arena *keep, Str text, const Scope *scope,
                              const char *file, int64_t line, int64_t column, Error *err);
/* The same sentence in another language, with the same placeholders in any order: FORMAT when
 * they are not. The place is the translation's. */
MUST_USE Status template_translate(Template *t, Arena *keep, Language language, Str text,
                                   const Scope *scope, const char *file, int64_t line,
                                   int64_t column, Error *err);
/* English, numbers too, where the language has no translation. */
Str template_fill(Arena *arena, const Template *t, Language language, const Table *rows,
                  size_t row);
const Str *template_names(const Template *t, size_t *count);

#endif
