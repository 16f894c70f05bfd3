#include "cli/check.h"

/* A sentence of a book, or of the program (no file). */
typedef struct Saying {
    Str text;
    const char *file;
    int64_t line;
} Saying;

typedef struct Sayings {
    Arena *arena;
    Dictionary *known; /* each text once */
    Saying *item;
    size_t count, capacity;
} Sayings;

static void add(Sayings *s, BookText text, const char *file)
{
    size_t before = s->known->count;
    if (text.text.size > 0 && dictionary_add(s->known, text.text) == before)
        *ARENA_PUSH(s->arena, s->item, s->count, s->capacity) =
            (Saying){text.text, file, text.mark.line};
}

/* What is said of facts and of sets of comparable customers stands in other sentences. */
static void add_words(Sayings *s, const Policy *policy)
{
    const FactView *fact;
    size_t facts = policy_facts(policy, &fact);
    for (size_t i = 0; i < facts; i++)
        add(s, (BookText){.text = fact[i].says}, NULL);
    const PeerSets *peers = policy_peer_sets(s->arena, policy);
    for (size_t i = 0; i < peers->sets; i++)
        add(s, (BookText){.text = peers->set[i].name}, NULL);
}

static void add_books(Sayings *s, const Args *args, const Plan *plan, const Policy *policy)
{
    for (size_t i = 0; i < plan->families.count; i++)
        add(s, plan->families.item[i].value, plan->file);
    for (size_t i = 0; i < plan->features; i++)
        add(s, plan->feature[i].says, plan->file);
    BookText *sentence;
    size_t count = policy_sentences(policy, s->arena, &sentence);
    for (size_t i = 0; i < count; i++)
        add(s, sentence[i], args_value(args, "policy", "spec/policy.yaml"));
    add_words(s, policy);
}

/* The built-in catalogue has every sentence of the program's. */
static Status add_program(Sayings *s, Error *err)
{
    Messages *built_in;
    size_t count;
    TRY(messages_read(&built_in, s->arena, book_default_text("messages"), "spec/messages.yaml",
                      err));
    const MessageView *entry = messages_view(built_in, &count);
    for (size_t i = 0; i < count; i++)
        if (entry[i].program)
            add(s, (BookText){.text = entry[i].text[LANGUAGE_ENGLISH]}, NULL);
    return STATUS_OK;
}

static size_t untranslated(const Args *args, const Sayings *s, const Messages *m, bool list)
{
    size_t none = 0;
    for (size_t i = 0; i < s->count; i++) {
        const Saying *say = &s->item[i];
        if (message_find(m, say->text) != NULL)
            continue;
        none++;
        if (!list)
            continue;
        if (say->file == NULL)
            talk(args, "not translated: `%.*s`", STR_ARG(say->text));
        else
            talk(args, "not translated: %s:%lld: `%.*s`", say->file, (long long)say->line,
                 STR_ARG(say->text));
    }
    return none;
}

static void list_unused(const Args *args, const Sayings *s, const Messages *m)
{
    size_t count;
    const MessageView *entry = messages_view(m, &count);
    for (size_t i = 0; i < count; i++)
        if (!entry[i].program &&
            dictionary_find(s->known, entry[i].text[LANGUAGE_ENGLISH]) == NO_CODE)
            talk(args, "not used by these books: %s:%lld: `%.*s`", messages_file(m),
                 (long long)entry[i].mark[LANGUAGE_ENGLISH].line,
                 STR_ARG(entry[i].text[LANGUAGE_ENGLISH]));
}

Status check_messages(const Args *args, const Plan *plan, Policy *policy, Error *err)
{
    Messages *m;
    bool list = args_value(args, "messages", NULL) != NULL;
    Sayings s = {.arena = args->arena, .known = dictionary_new(args->arena)};
    TRY(args_messages(&m, args, err));
    TRY(policy_translate(policy, args->arena, m, NULL, err));
    add_books(&s, args, plan, policy);
    TRY(add_program(&s, err));
    size_t none = untranslated(args, &s, m, list);
    if (list)
        list_unused(args, &s, m);
    if (none == 0)
        answer(
            str_format(args->arena, "messages are good: all %zu sentences are in French", s.count));
    else
        answer(str_format(args->arena,
                          "messages: %zu of %zu sentences are not translated and stay English%s",
                          none, s.count, list ? "" : " (--messages FILE lists them)"));
    return STATUS_OK;
}
