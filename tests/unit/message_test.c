/* What the book of messages promises; and that the built-in one has every sentence of the program,
 * none that nobody says, and no word that accuses. Run in the root of the source. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message/message.h"

static Messages *read(Arena *arena, const char *yaml)
{
    Messages *m;
    Error err = {0};
    if (messages_read(&m, arena, str_from(yaml), "messages.yaml", &err) != STATUS_OK)
        fail_msg("%s:%lld: %s", err.file, (long long)err.line, err.message);
    return m;
}

static Messages *built_in(Arena *arena)
{
    return read(arena, str_chars(arena, book_default_text("messages")));
}

static void same(Str text, const char *want)
{
    char shown[2000];
    assert_true(text.size < sizeof shown);
    memcpy(shown, text.data, text.size);
    shown[text.size] = '\0';
    assert_string_equal(shown, want);
}

static const char book[] = "version: 1\n"
                           "books:\n"
                           "  - en: \"{a:count} of {b:eur} left.\"\n"
                           "    fr: \"Sur {b : eur}, {a:count} sont sortis.\"\n"
                           "program:\n"
                           "  - en: Money in\n"
                           "    fr: Entr\xC3\xA9"
                           "es\n"
                           "  - en: \"{count} of {all} customers {{sic}\"\n"
                           "    fr: \"{{sic} {all} clients, dont { count }\"\n";

static void message_is_said_in_the_language_asked(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const Messages *m = read(&arena, book);
    same(message(m, LANGUAGE_ENGLISH, S("Money in")), "Money in");
    same(message(m, LANGUAGE_FRENCH, S("Money in")), "Entr\xC3\xA9"
                                                     "es");
    arena_free(&arena);
}

static void message_that_is_not_translated_stays_english(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const Messages *m = read(&arena, book);
    same(message(m, LANGUAGE_FRENCH, S("Money out")), "Money out");
    same(message(m, LANGUAGE_FRENCH, S("money in")), "money in"); /* the key to the letter */
    same(message(NULL, LANGUAGE_FRENCH, S("Money in")), "Money in");
    assert_null(message_find(m, S("Money out")));
    arena_free(&arena);
}

static void message_fills_its_parts_in_any_order(void **state)
{
    (void)state;
    Arena arena = arena_new();
    const Messages *m = read(&arena, book);
    const MessagePart part[] = {{S("all"), S("{9}")}, {S("count"), S("3")}};
    Str english = S("{count} of {all} customers {{sic}");
    same(message_fill(&arena, m, LANGUAGE_ENGLISH, english, part, 2), "3 of {9} customers {sic}");
    same(message_fill(&arena, m, LANGUAGE_FRENCH, english, part, 2), "{sic} {9} clients, dont 3");
    same(message_fill(&arena, NULL, LANGUAGE_FRENCH, english, part, 2), "3 of {9} customers {sic}");
    arena_free(&arena);
}

static void messages_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *words;
        int64_t line;
    } bad[] = {
        {"version: 2\n", "version 2 of a book of messages is not known", 1},
        {"version: 1\nbooks:\n  - en: a\n", "fr", 3},
        {"version: 1\nbooks:\n  - en: a\n    fr: b\nprogram:\n  - en: a\n    fr: c\n",
         "the message `a` is already translated in line 3", 6},
        {"version: 1\nbooks:\n  - en: \"{a} {b}\"\n    fr: \"{b}\"\n",
         "the translation leaves out {a}", 4},
        {"version: 1\nbooks:\n  - en: \"{b}\"\n    fr: \"{a} {b}\"\n", "the translation adds {a}",
         4},
        {"version: 1\nbooks:\n  - en: \"{b:eur}\"\n    fr: \"{b:money}\"\n",
         "the translation leaves out {b:eur}", 4},
        {"version: 1\nbooks:\n  - en: \"{b}\"\n    fr: \"{b\"\n", "the brace is never closed", 4},
        {"version: 1\nbooks:\n  - en: a\n    fr: \"\"\n", "`fr` is empty", 4},
        {"version: 1\nbooks:\n  - en: a\n    fr: \"b\\u001B\"\n",
         "a message has a control character", 4},
        {"version: 1\nbooks:\n  - en: a\n    de: b\n", "de", 4},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Arena arena = arena_new();
        Messages *m;
        Error err = {0};
        assert_int_equal(messages_read(&m, &arena, str_from(bad[i].yaml), "messages.yaml", &err),
                         STATUS_FORMAT);
        assert_string_equal(err.file, "messages.yaml");
        assert_int_equal(err.line, bad[i].line);
        if (strstr(err.message, bad[i].words) == NULL)
            fail_msg("`%s` does not say `%s`", err.message, bad[i].words);
        arena_free(&arena);
    }
}

static void message_that_is_too_long_is_refused(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Buffer b = buffer_new(&arena);
    buffer_add(&b, S("version: 1\nbooks:\n  - en: a\n    fr: "));
    for (size_t i = 0; i < 10001; i++)
        buffer_char(&b, 'a');
    Messages *m;
    Error err = {0};
    assert_int_equal(messages_read(&m, &arena, buffer_str(&b), "m.yaml", &err), STATUS_FORMAT);
    assert_string_equal(err.message, "a message is too long (10000 bytes at most)");
    arena_free(&arena);
}

static void entries_keep_their_order_and_list(void **state)
{
    (void)state;
    Arena arena = arena_new();
    size_t count;
    const Messages *m = read(&arena, book);
    const MessageView *entry = messages_view(m, &count);
    assert_int_equal(count, 3);
    assert_false(entry[0].program);
    assert_true(entry[1].program && entry[2].program);
    assert_int_equal(entry[1].mark[LANGUAGE_ENGLISH].line, 6);
    assert_int_equal(entry[1].mark[LANGUAGE_FRENCH].line, 7);
    assert_ptr_equal(message_find(m, S("Money in")), &entry[1]);
    arena_free(&arena);
}

/* ---- wording ---- */

/* Beginnings of words that accuse, or name a crime; small letters. */
static const char *const accusing[] = {
    "fraud",
    "crimin",
    "mule",
    "launder",
    "suspect",
    "suspici",
    "guilt",
    "thief",
    "culprit",
    "offend",
    "terror",
    "escroc",
    "blanchi",
    "coupabl",
    "voleur",
    "d\xC3\xA9linqu",
    "malfait",
    "crime",
    "illici",
    ("soup\xC3\xA7"
     "on"),
    "mafi",
    "dealer",
    "swindl",
    "traffick",
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || ((unsigned char)c & 0x80) != 0;
}

static const char *accusation(Str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (i > 0 && is_letter(text.data[i - 1]))
            continue;
        for (size_t k = 0; k < COUNT_OF(accusing); k++) {
            Str word = str_from(accusing[k]);
            if (str_equal_fold(str_slice(text, i, i + word.size), word))
                return accusing[k];
        }
    }
    return NULL;
}

static void accusing_words_are_found(void **state)
{
    (void)state;
    assert_non_null(accusation(S("This Fraudster left.")));
    assert_non_null(accusation(S("un compte suspect")));
    assert_non_null(accusation(S("(mules)")));
    assert_null(accusation(S("Une formule, un cumul, un compte suspendu")));
}

static void no_sentence_accuses(void **state)
{
    (void)state;
    Arena arena = arena_new();
    size_t count;
    const MessageView *entry = messages_view(built_in(&arena), &count);
    assert_true(count > 250);
    for (size_t i = 0; i < count; i++)
        for (Language l = 0; l < LANGUAGES; l++) {
            const char *word = accusation(entry[i].text[l]);
            if (word != NULL)
                fail_msg("`%.*s` says `%s`", STR_ARG(entry[i].text[l]), word);
        }
    arena_free(&arena);
}

static const Node *value_of(const Node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (str_equal(map->key[i].text, str_from(key)))
            return &map->item[i];
    return NULL;
}

static void every_rule_says_what_else_it_may_mean(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Node *policy;
    Error err = {0};
    assert_int_equal(book_parse(&policy, &arena, book_default_text("policy"), "policy.yaml", &err),
                     STATUS_OK);
    const Node *rules = value_of(policy, "rules");
    assert_true(rules->count > 0);
    for (size_t i = 0; i < rules->count; i++) {
        const Node *also = value_of(&rules->item[i], "also");
        if (also == NULL || also->text.size == 0)
            fail_msg("%.*s", STR_ARG(value_of(&rules->item[i], "id")->text));
    }
    arena_free(&arena);
}

/* French writes a no-break space before these, which nobody sees in an editor. */
static void french_has_no_break_spaces_before_high_marks(void **state)
{
    (void)state;
    Arena arena = arena_new();
    size_t count;
    const MessageView *entry = messages_view(built_in(&arena), &count);
    for (size_t i = 0; i < count; i++) {
        Str text = entry[i].text[LANGUAGE_FRENCH];
        for (size_t k = 1; k < text.size; k++)
            if (strchr(";!?%", text.data[k]) != NULL ||
                (text.data[k] == ':' && (k + 1 == text.size || text.data[k + 1] == ' ')))
                if (text.data[k - 1] != '\xA0')
                    fail_msg("no no-break space before %c in `%.*s`", text.data[k], STR_ARG(text));
    }
    arena_free(&arena);
}

/* ---- the program's own sentences: what the source says is what the catalogue has ---- */

/* Functions that say a sentence, and which of their arguments it is. Inside braces are the names of
 * its parts. */
static const struct {
    const char *call;
    size_t from, to;
} sayers[] = {{"message(", 2, 2},
              {"message_fill(", 3, 3},
              {"slice_say(", 1, 1},
              {"slice_words(", 2, 2},
              {"say(keep,", 2, 2},
              {"case_word(", 1, 1},
              {"case_text(", 1, 1},
              {"case_say(", 2, 2},
              {"case_plural(", 3, 4},
              {"title(", 1, 1},
              {"mix(", 1, 1},
              {"each_once(", 1, 1},
              {"aside(", 1, 1},
              {"dossier_words(", 1, 1},
              {"dossier_section(", 2, 2},
              {"dossier_subtitle(", 1, 1},
              {"dossier_figure(", 1, 1},
              {"dossier_table(", 1, 2}};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The text of neighbouring string literals from *at on, which is at a quote; then behind them. */
static Str literal(Arena *arena, Str source, size_t *at)
{
    Buffer b = buffer_new(arena);
    size_t i = *at;
    while (i < source.size && source.data[i] == '"') {
        for (i++; i < source.size && source.data[i] != '"'; i++) {
            if (source.data[i] != '\\') {
                buffer_char(&b, source.data[i]);
                continue;
            }
            char c = source.data[++i];
            if (c == 'x') {
                char hex[3] = {source.data[i + 1], source.data[i + 2], '\0'};
                buffer_char(&b, (char)strtol(hex, NULL, 16));
                i += 2;
            } else {
                buffer_char(&b, c == 'n' ? '\n' : c);
            }
        }
        *at = ++i;
        while (i < source.size && (source.data[i] == ' ' || source.data[i] == '\n'))
            i++;
    }
    return buffer_str(&b);
}

/* Which of the sayers is called here; as many as there are: none. */
static size_t sayer_at(Str source, size_t at)
{
    size_t k = at > 0 && is_word(source.data[at - 1]) ? COUNT_OF(sayers) : 0;
    for (; k < COUNT_OF(sayers); k++) {
        Str call = str_from(sayers[k].call);
        if (str_starts(str_slice(source, at, source.size), call))
            break;
    }
    return k;
}

/* Every literal of the source goes into `all`; those in calls that say them into `said`. */
static void scan(Arena *arena, Str source, Dictionary *all, Dictionary *said)
{
    size_t depth = 0, braces = 0, argument = 0; /* of a call that says something; 0: outside */
    size_t sayer = 0;
    for (size_t i = 0; i < source.size; i++) {
        char c = source.data[i];
        Str rest = str_slice(source, i, source.size);
        if (str_starts(rest, S("/*"))) {
            while (i + 1 < source.size && !str_starts(str_slice(source, i, i + 2), S("*/")))
                i++;
            i++;
        } else if (c == '\'') {
            i += source.data[i + 1] == '\\' ? 3 : 2;
        } else if (c == '#') { /* of the preprocessor */
            while (i < source.size && source.data[i] != '\n')
                i++;
        } else if (c == '"') {
            Str text = literal(arena, source, &i);
            i--;
            if (text.size == 0)
                continue;
            (void)dictionary_add(all, text);
            if (depth > 0 && braces == 0 && argument >= sayers[sayer].from &&
                argument <= sayers[sayer].to)
                (void)dictionary_add(said, text);
        } else if (depth == 0 && (sayer = sayer_at(source, i)) < COUNT_OF(sayers)) {
            while (source.data[i] != '(')
                i++;
            depth = 1;
            braces = argument = 0;
        } else if (depth > 0) {
            depth += c == '(';
            depth -= c == ')';
            braces += c == '{';
            braces -= c == '}' && braces > 0;
            argument += c == ',' && depth == 1 && braces == 0;
        }
    }
}

static void scan_sources(Arena *arena, Dictionary *all, Dictionary *said)
{
    glob_t found;
    assert_int_equal(glob("src/*/*.c", 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 100);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        Str source;
        Error err = {0};
        assert_int_equal(file_read(&source, arena, found.gl_pathv[i], &err), STATUS_OK);
        scan(arena, source, all, said);
    }
    globfree(&found);
}

static void sentences_are_found_in_a_source(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Dictionary *all = dictionary_new(&arena), *said = dictionary_new(&arena);
    scan(&arena,
         S("/* slice_say(f, \"not this\") */ f(\"nor this\"); x = slice_say(f, c == '\"' ? S(\"One "
           "\"\n   "
           "\"two\") : "
           "S(\"three\\xC3\\xA9\")); message_fill(a, m, l, S(\"{n} of\"), (P[]){{S(\"n\"), "
           "g(\"in\")}}, "
           "1); "
           "my_slice_say(f, \"no\"); slice_say(\"no\", 1);"),
         all, said);
    assert_int_equal(said->count, 3);
    same(said->text[0], "One two");
    same(said->text[1], "three\xC3\xA9");
    same(said->text[2], "{n} of");
    assert_int_equal(all->count, 7);
    arena_free(&arena);
}

static void what_the_program_says_is_translated(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Dictionary *all = dictionary_new(&arena), *said = dictionary_new(&arena);
    const Messages *m = built_in(&arena);
    scan_sources(&arena, all, said);
    assert_true(said->count >= 4);
    size_t none = 0;
    for (size_t i = 0; i < said->count; i++)
        if (message_find(m, said->text[i]) == NULL) {
            print_error("no French for `%.*s`\n", STR_ARG(said->text[i]));
            none++;
        }
    assert_int_equal(none, 0);
    arena_free(&arena);
}

static void what_is_translated_for_the_program_stands_in_its_source(void **state)
{
    (void)state;
    Arena arena = arena_new();
    Dictionary *all = dictionary_new(&arena), *said = dictionary_new(&arena);
    scan_sources(&arena, all, said);
    size_t count, unsaid = 0;
    const MessageView *entry = messages_view(built_in(&arena), &count);
    for (size_t i = 0; i < count; i++)
        if (entry[i].program && dictionary_find(all, entry[i].text[LANGUAGE_ENGLISH]) == NO_CODE) {
            print_error("nobody says `%.*s`\n", STR_ARG(entry[i].text[LANGUAGE_ENGLISH]));
            unsaid++;
        }
    assert_int_equal(unsaid, 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_said_in_the_language_asked),
        cmocka_unit_test(message_that_is_not_translated_stays_english),
        cmocka_unit_test(message_fills_its_parts_in_any_order),
        cmocka_unit_test(messages_are_refused_with_their_place),
        cmocka_unit_test(message_that_is_too_long_is_refused),
        cmocka_unit_test(entries_keep_their_order_and_list),
        cmocka_unit_test(accusing_words_are_found),
        cmocka_unit_test(no_sentence_accuses),
        cmocka_unit_test(every_rule_says_what_else_it_may_mean),
        cmocka_unit_test(french_has_no_break_spaces_before_high_marks),
        cmocka_unit_test(sentences_are_found_in_a_source),
        cmocka_unit_test(what_the_program_says_is_translated),
        cmocka_unit_test(what_is_translated_for_the_program_stands_in_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
