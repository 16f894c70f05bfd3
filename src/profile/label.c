/* label.c - the customers' column that names an outcome, and what its values mean. */
#include "profile/profile_internal.h"

enum { VALUES_MAX = 6, VALUES_MOST = 20, SCORE_LEAST = 3 }; /* guessed, and when named */

static bool is_ground(const Portrait *c)
{
    for (int w = WORD_GENDER; w <= WORD_NAME; w++)
        if ((c->words >> w) & 1)
            return true;
    return false;
}

static double score(const Profile *p, const Portrait *c, Arena scratch)
{
    size_t values = portrait_values(c), labelled = p->customers.labelled;
    bool few = c->kind == KIND_BOOLEAN || c->kind == KIND_CATEGORY || c->kind == KIND_INTEGER;
    if (c == p->key || !few || values < 2 || values > VALUES_MAX ||
        c->filled_in[0] * 10 < labelled * 7 || is_ground(c))
        return 0;
    bool scored_given = p->customers.rows > labelled;
    double bad = portrait_saying(c, SAYS_BAD, scratch);
    double good = portrait_saying(c, SAYS_GOOD, scratch);
    double out = SPEAKS(c, WORD_LABEL) ? 4 : SPEAKS(c, WORD_STATE) ? 2 : 0;
    /* A status whose words tell both ends is more of an outcome than a flag or a count. */
    bool words = c->kind == KIND_CATEGORY;
    out += bad > 0 && c->kind != KIND_BOOLEAN ? 3 : 0;
    out += good > 0 && bad > 0 ? 1 : 0;
    out += words && good > 0 && bad > 0 && good + bad >= 0.75 ? 2 : 0;
    out -= c->kind == KIND_INTEGER && values > 2 ? 2 : 0;
    out += values == 2 ? 0.5 : 0;
    /* What is known only of the labelled: the very thing that is to be foretold. */
    out += scored_given && c->filled_in[1] == 0 ? 3 : 0;
    out -= scored_given && c->filled_in[1] > 0 ? 3 : 0;
    out += c == &p->customers.column[p->customers.columns - 1] ? 0.25 : 0;
    return out;
}

/* Every value with its rows and its side, for a person to see what no word may have told. */
static void note_sides(Profile *p, Arena scratch)
{
    static const char *const names[] = {"not risky", "risky", "ignored"};
    const Label *l = &p->label;
    const uint32_t *order = portrait_order(&scratch, l->column);
    Buffer b = buffer_new(&scratch);
    for (size_t i = 0; i < portrait_values(l->column); i++)
        buffer_format(&b, "%s%.*s (%u, %s)", i > 0 ? ", " : "",
                      STR_ARG(l->column->value->text[order[i]]), l->column->count[order[i]],
                      names[l->side[order[i]]]);
    profile_note(p, "The values of %.*s, how many rows each has and what it is taken for: %.*s.",
                 STR_ARG(l->column->name), STR_ARG(buffer_str(&b)));
}

/* 1 positive, 0 negative, 2 neither. */
static void sides(Profile *p, Arena scratch)
{
    Label *l = &p->label;
    Portrait *c = l->column;
    size_t values = portrait_values(c), bad = 0, good = 0;
    l->side = ARENA_ARRAY(p->arena, uint8_t, values + 1);
    bool good_name = SPEAKS(c, WORD_GOOD) && !SPEAKS(c, WORD_LABEL);
    Column truth;
    column_init(&truth, &scratch, c->name, TYPE_BOOLEAN, 0, 1, NULL);
    for (size_t i = 0; i < values; i++) {
        Str value = c->value->text[i];
        l->side[i] = 2;
        if (c->kind == KIND_BOOLEAN || (c->kind == KIND_INTEGER && values == 2 && c->low == 0)) {
            bool yes = c->kind == KIND_INTEGER ? c->number[i] != 0
                                               : column_parse(&truth, 0, value) && truth.boolean[0];
            l->side[i] = yes != good_name;
        } else if (value_says(value, SAYS_BAD, scratch)) {
            l->side[i] = 1;
        } else if (value_says(value, SAYS_GOOD, scratch)) {
            l->side[i] = 0;
        }
        bad += l->side[i] == 1;
        good += l->side[i] == 0;
    }
    const uint32_t *order = portrait_order(&scratch, c);
    if (bad > 0 && good > 0) {
        l->why = S("by the words of its values");
    } else if (values == 2) {
        bool rare_is_bad = bad == 0 && good == 0;
        for (size_t i = 0; i < 2; i++)
            if (rare_is_bad)
                l->side[order[i]] = i == 1;
            else if (l->side[order[i]] == 2)
                l->side[order[i]] = bad == 0;
        l->by_frequency = rare_is_bad;
        l->why = rare_is_bad ? S("the rarer value is taken for the risky one")
                             : S("by the word of one value; the other is its opposite");
    } else {
        /* The rarest is risky, the most frequent is not, unless words say so. */
        if (good == 0)
            for (size_t i = 0; i < values && good == 0; i++)
                if (l->side[order[i]] == 2)
                    l->side[order[i]] = 0, good = 1;
        if (bad == 0)
            for (size_t i = values; i > 0 && bad == 0; i--)
                if (l->side[order[i - 1]] == 2)
                    l->side[order[i - 1]] = 1, bad = 1;
        l->by_frequency = true;
        l->why = S("by how often its values occur");
    }
    if (c->kind == KIND_BOOLEAN)
        l->by_frequency = false, l->why = good_name
                                              ? S("its name speaks of a good end: no, false or 0 "
                                                  "is taken for risky")
                                              : S("yes, true or 1 is taken for risky");
    if (good_name && (c->kind == KIND_BOOLEAN || c->kind == KIND_INTEGER))
        note_sides(p, scratch);
}

static void count(Profile *p)
{
    Label *l = &p->label;
    size_t customers = portrait_values(p->key);
    p->outcome = ARENA_ARRAY(p->arena, int8_t, customers + 1);
    for (size_t i = 0; i < customers; i++)
        p->outcome[i] = -1;
    for (size_t row = 0; row < p->customers.labelled; row++) {
        uint32_t who = p->key->code[row], value = l->column->code[row];
        if (value == NO_CODE)
            continue;
        uint8_t side = l->side[value];
        l->positives += side == 1;
        l->negatives += side == 0;
        l->ignored += side == 2;
        if (who != NO_CODE && side < 2)
            p->outcome[who] = p->outcome[who] == -1 || p->outcome[who] == (int8_t)side
                                  ? (int8_t)side
                                  : -2; /* both: it tells nothing */
    }
}

Status label_find(Profile *p, const char *wanted, Arena scratch, Error *err)
{
    double most = 0, next = 0;
    Portrait *second = NULL;
    for (size_t k = 0; k < p->customers.columns; k++) {
        Portrait *c = &p->customers.column[k];
        double s = score(p, c, scratch);
        if (wanted != NULL)
            s = str_equal(c->name, str_from(wanted)) ? 100 : 0;
        if (s > most) {
            next = most;
            second = p->label.column;
            most = s;
            p->label.column = c;
        } else if (s > next) {
            next = s;
            second = c;
        }
    }
    if (wanted != NULL && p->label.column == NULL) {
        Str *names = ARENA_ARRAY(&scratch, Str, p->customers.columns + 1);
        for (size_t k = 0; k < p->customers.columns; k++)
            names[k] = p->customers.column[k].name;
        Str near = str_nearest(str_from(wanted), names, p->customers.columns);
        (void)error_set(err, STATUS_USAGE, "the customers' files have no column %.60s", wanted);
        return near.size > 0 ? error_remedy(err, "did you mean %.*s?", STR_ARG(near))
                             : error_remedy(err, "name a column of the header");
    }
    if (most < SCORE_LEAST) {
        (void)error_set(err, STATUS_DATA, "no column of the customers looks like an outcome");
        return error_remedy(err, "name it: --label COLUMN. It has a few values, of which some mean "
                                 "that a customer turned out risky");
    }
    Label *l = &p->label;
    if (l->column == p->key || portrait_values(l->column) < 2 ||
        portrait_values(l->column) > VALUES_MOST) {
        (void)error_set(err, STATUS_DATA, "column %.*s has %zu values and cannot be the label",
                        STR_ARG(l->column->name), portrait_values(l->column));
        return error_remedy(err, "a label has two values, or a few; --label names another column");
    }
    sides(p, scratch);
    count(p);
    if (next >= SCORE_LEAST && second != NULL && wanted == NULL)
        profile_note(p,
                     "The label is taken to be %.*s; %.*s looks like an outcome too. If that "
                     "is the one, run init again with --label.",
                     STR_ARG(l->column->name), STR_ARG(second->name));
    if (l->by_frequency || portrait_values(l->column) > 2)
        note_sides(p, scratch);
    if (l->by_frequency)
        profile_note(p,
                     "Which values of %.*s mean risky was told by how often they occur, since no "
                     "word of theirs says it. Learn from nothing before you have looked.",
                     STR_ARG(l->column->name));
    if (l->ignored > 0)
        profile_note(p,
                     "%zu labelled rows have a value of %.*s that says neither risky nor not; "
                     "they are under `ignored`. Move a value to where it belongs.",
                     l->ignored, STR_ARG(l->column->name));
    if (l->positives > l->negatives)
        profile_note(p,
                     "More customers are risky (%zu) than not (%zu): are the values of %.*s "
                     "the right way round?",
                     l->positives, l->negatives, STR_ARG(l->column->name));
    return STATUS_OK;
}
