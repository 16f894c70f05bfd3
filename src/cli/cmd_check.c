/* assay check - read the books, say whether they hold together, and prove what can be proved of the
 * policy. */
#include "cli/check.h"
#include "cli/commands.h"
#include "cli/recorded.h"

#include "book/book.h"
#include "prove/prove.h"

#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

static const Option options[] = {
    {"schema", "FILE", "schema book (default: built in)", false},
    {"features", "FILE", "features book (default: built in)", false},
    {"policy", "FILE", "policy book (default: built in)", false},
    {"messages", "FILE", "their sentences in other languages (default: built in)", false},
    {"run", "FOLDER", "a run folder: also hold comparisons against its customers", false},
    {"bundle", "FOLDER", "the bundle of --run, if that has none; or instead of a run", false},
    {"json", NULL, "what was found, as one JSON object", false},
    {"json-schema", "BOOK",
     "print the JSON Schema of schema, features, policy or messages, and stop", false},
    {0}};

static Status print_schema(const Args *args, const char *book, Error *err)
{
    if (strcmp(book, "schema") == 0)
        answer(schema_json_schema(args->arena));
    else if (strcmp(book, "features") == 0)
        answer(plan_json_schema(args->arena));
    else if (strcmp(book, "policy") == 0)
        answer(policy_json_schema(args->arena));
    else if (strcmp(book, "messages") == 0)
        answer(messages_json_schema(args->arena));
    else {
        (void)error_set(err, STATUS_USAGE, "--json-schema: there is no book `%s`", book);
        return error_remedy(err, "write schema, features, policy or messages");
    }
    return STATUS_OK;
}

/* ---- books given by file alone ---- */

static bool has_key(const Node *node, const char *name)
{
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++)
        if (str_equal(node->key[i].text, str_from(name)))
            return true;
    return false;
}

/* Which book is it? By a key that no other one has. */
static Status kind_of(const char **out, const Args *args, const char *file, Error *err)
{
    static const char *const sign[][2] = {{"costs", "policy"},        {"actions", "policy"},
                                          {"features", "features"},   {"customers", "schema"},
                                          {"transactions", "schema"}, {"rules", "policy"},
                                          {"books", "messages"}};
    Str text;
    Node *node;
    TRY(file_read(&text, args->arena, file, err));
    Status status = book_parse(&node, args->arena, text, file, err);
    if (status != STATUS_OK) {
        error_excerpt_file(err, file, text);
        return status;
    }
    for (size_t i = 0; i < COUNT_OF(sign); i++)
        if (has_key(node, sign[i][0])) {
            *out = sign[i][1];
            return STATUS_OK;
        }
    (void)error_set(err, STATUS_FORMAT, "this is no schema, features, policy or messages book");
    (void)error_place(err, file, 1, 1);
    return error_remedy(err, "a policy book has `costs`, a features book `features`, a schema book "
                             "`customers`; `assay check --json-schema policy` has every key");
}

/* Operands as if they had been given by option. */
static Status take_operands(Args *own, const Args *args, Error *err)
{
    size_t most = args->given + args->operands;
    *own = *args;
    own->option = ARENA_ARRAY(args->arena, const char *, most + 1);
    own->value = ARENA_ARRAY(args->arena, const char *, most + 1);
    memcpy(own->option, args->option, args->given * sizeof *args->option);
    memcpy(own->value, args->value, args->given * sizeof *args->value);
    for (size_t i = 0; i < args->operands; i++) {
        const char *kind = NULL;
        TRY(kind_of(&kind, args, args->operand[i], err));
        if (args_value(own, kind, NULL) != NULL) {
            (void)error_set(err, STATUS_USAGE, "two %s books are given", kind);
            return error_remedy(err, "check one after the other");
        }
        own->option[own->given] = kind;
        own->value[own->given++] = args->operand[i];
    }
    return STATUS_OK;
}

/* ---- what was found ---- */

static void count_words(Buffer *out, size_t count, const char *noun)
{
    buffer_format(out, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

static void tell(const Args *args, const char *file, const Proofs *found)
{
    Buffer out = buffer_new(args->arena);
    for (size_t i = 0; i < found->count; i++) {
        const Proof *f = &found->item[i];
        buffer_format(&out, "%s:%lld:%lld: %.*s: %.*s%s", file, (long long)f->line,
                      (long long)f->column, STR_ARG(proof_severity_name(f->severity)),
                      STR_ARG(f->about), f->about.size > 0 ? ": " : "");
        buffer_add(&out, f->sentence);
        if (f->remedy.size > 0)
            buffer_format(&out, "\n  remedy: %.*s", STR_ARG(f->remedy));
        buffer_char(&out, '\n');
    }
    for (size_t i = 0; i < found->open_named; i++)
        buffer_format(&out, "%s: not decided within the bound: %.*s\n", file,
                      STR_ARG(found->undecided[i]));
    buffer_add(&out, S("proved of the policy book: "));
    count_words(&out, found->errors, "error");
    buffer_add(&out, S(", "));
    count_words(&out, found->warnings, "warning");
    buffer_add(&out, S(", "));
    count_words(&out, found->notes, "note");
    buffer_format(&out, "; %zu of %zu questions not decided", found->open, found->questions);
    answer(buffer_str(&out));
}

static void add_text(yyjson_mut_doc *doc, yyjson_mut_val *in, const char *key, Str text)
{
    (void)yyjson_mut_obj_add_strncpy(doc, in, key, text.data == NULL ? "" : text.data, text.size);
}

static void tell_json(const Args *args, const char *file, const Proofs *found)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc), *list;
    size_t size;
    yyjson_mut_doc_set_root(doc, root);
    add_text(doc, root, "policy", str_from(file));
    (void)yyjson_mut_obj_add_uint(doc, root, "errors", found->errors);
    (void)yyjson_mut_obj_add_uint(doc, root, "warnings", found->warnings);
    (void)yyjson_mut_obj_add_uint(doc, root, "notes", found->notes);
    (void)yyjson_mut_obj_add_uint(doc, root, "questions", found->questions);
    (void)yyjson_mut_obj_add_uint(doc, root, "not_decided", found->open);
    list = yyjson_mut_obj_add_arr(doc, root, "not_decided_about");
    for (size_t i = 0; i < found->open_named; i++)
        (void)yyjson_mut_arr_add_strncpy(doc, list, found->undecided[i].data,
                                         found->undecided[i].size);
    list = yyjson_mut_obj_add_arr(doc, root, "findings");
    for (size_t i = 0; i < found->count; i++) {
        const Proof *f = &found->item[i];
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
        add_text(doc, one, "severity", proof_severity_name(f->severity));
        add_text(doc, one, "code", f->code);
        (void)yyjson_mut_obj_add_sint(doc, one, "line", f->line);
        (void)yyjson_mut_obj_add_sint(doc, one, "column", f->column);
        add_text(doc, one, "about", f->about);
        add_text(doc, one, "sentence", f->sentence);
        add_text(doc, one, "remedy", f->remedy);
    }
    char *text = yyjson_mut_write(doc, YYJSON_WRITE_PRETTY_TWO_SPACES, &size);
    answer(str_copy(args->arena, (Str){text, size}));
    free(text);
    yyjson_mut_doc_free(doc);
}

static Status verdict(const char *file, const Proofs *found, Error *err)
{
    if (found->errors == 0)
        return STATUS_OK;
    (void)error_set(err, STATUS_DATA, "the policy book has %zu error%s", found->errors,
                    found->errors == 1 ? "" : "s");
    (void)error_place(err, file, 0, 0);
    return error_remedy(err, "docs/prove.md says what each means");
}

/* What a bundle keeps of the customers that it learnt from: counts by decile or value. */
static ProveSeen bundle_seen(Arena *keep, const Bundle *b, const char *folder)
{
    ProveSeen out = {.from = str_format(keep, "the bundle %.200s", folder)};
    const Reference *r = b->reference;
    ProveCounts *counts = ARENA_ARRAY(keep, ProveCounts, r == NULL ? 1 : r->count + 1);
    for (size_t i = 0; r != NULL && i < r->count; i++) {
        const Distribution *d = &r->item[i];
        if (d->of != OF_FEATURE && d->of != OF_SCORE)
            continue;
        counts[out.counted++] =
            (ProveCounts){.name = d->of == OF_SCORE ? S("probability") : d->name,
                          .by_value = d->by_value,
                          .cut = d->cut,
                          .value = d->value,
                          .count = d->count,
                          .bins = d->bins};
    }
    out.counts = counts;
    return out;
}

/* The books; those of a run folder stand where none is given. */
typedef struct Books {
    Plan *plan;
    Policy *policy;
    const char *file; /* of the policy */
} Books;

static Status read_books(Books *out, const Args *args, const Bundle *bundle, const char *folder,
                         Error *err)
{
    Str text;
    const char *file;
    Schema *schema;
    const char *given = args_value(args, "policy", NULL);
    bool own = args_value(args, "features", NULL) == NULL &&
               args_value(args, "schema", NULL) == NULL && bundle != NULL;
    out->file = given == NULL ? "spec/policy.yaml" : given;
    if (own) {
        out->plan = bundle->plan;
        if (given != NULL)
            return args_policy(&out->policy, args, out->plan, err);
        out->policy = bundle->policy;
        out->file = path_join(args->arena, folder, "policy.yaml");
        return STATUS_OK;
    }
    TRY(args_book(&text, &file, args, "schema", err));
    TRY(schema_read(&schema, args->arena, text, file, err));
    TRY(args_book(&text, &file, args, "features", err));
    TRY(plan_read(&out->plan, args->arena, text, file, schema, err));
    return args_policy(&out->policy, args, out->plan, err);
}

static Status check(const Args *args, Error *err)
{
    Books b;
    RuleView *rules;
    Bundle *bundle = NULL;
    ProveSeen seen = {0};
    const char *run = args_value(args, "run", NULL), *folder = args_value(args, "bundle", NULL);
    Arena scratch = arena_new();
    if (run != NULL) {
        Recorded *r;
        TRY(recorded_read(&r, args->arena, scratch, run, folder, err));
        bundle = r->bundle;
        seen = recorded_seen(r, args->arena);
        folder = folder == NULL ? path_join(args->arena, run, "bundle") : folder;
    } else if (folder != NULL) {
        TRY(bundle_open(&bundle, args->arena, folder, err));
        seen = bundle_seen(args->arena, bundle, folder);
    }
    TRY(read_books(&b, args, bundle, folder, err));
    const Proofs *found =
        prove_policy(args->arena, scratch, b.policy, b.plan, bundle == NULL ? NULL : &seen);
    arena_free(&scratch);
    if (args_flag(args, "json")) {
        tell_json(args, b.file, found);
        return verdict(b.file, found, err);
    }
    tell(args, b.file, found);
    TRY(verdict(b.file, found, err));
    size_t use[3] = {0};
    for (size_t i = 0; i < b.plan->features; i++)
        use[b.plan->feature[i].use]++;
    answer(str_format(args->arena,
                      "books are good: %zu features (%zu for the model, %zu for policy, %zu to "
                      "monitor), %zu rules",
                      b.plan->features, use[USE_MODEL], use[USE_POLICY], use[USE_MONITOR],
                      policy_rules(b.policy, args->arena, &rules)));
    return check_messages(args, b.plan, b.policy, err);
}

static Status run(const Args *args, Error *err)
{
    Args own;
    const char *book = args_value(args, "json-schema", NULL);
    if (book != NULL)
        return print_schema(args, book, err);
    TRY(take_operands(&own, args, err));
    return check(&own, err);
}

const Command command_check = {.name = "check",
                               .says = "check the books, and prove what can be proved of a policy",
                               .example = "  assay check policy.yaml\n"
                                          "  assay check --features features.yaml",
                               .operand = "[FILE ...]",
                               .options = options,
                               .run = run};
