/* assay version - which program this is, and what it was made of. */
#include "cli/commands.h"

#include "build_commit.inc" /* made when it is built: ASSAY_COMMIT, empty outside a checkout */

#include <string.h>

static const Option options[] = {{"json", NULL, "one JSON object instead of lines", false}, {0}};

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif
#if defined(__SANITIZE_ADDRESS__)
#define CHECKS "assertions, AddressSanitizer, UndefinedBehaviorSanitizer"
#elif defined(NDEBUG)
#define CHECKS "none"
#else
#define CHECKS "assertions"
#endif

typedef struct Fact {
    const char *name, *text;
} Fact;

/* What cannot change a result is not in a run's files: only the version is. */
static const Fact facts[] = {{"version", ASSAY_VERSION},    {"commit", ASSAY_COMMIT},
                             {"compiler", COMPILER},        {"target", ASSAY_TARGET},
                             {"build", ASSAY_BUILD},        {"checks", CHECKS},
                             {"libraries", ASSAY_LIBRARIES}};

static Str as_lines(Arena *arena, const char *program)
{
    Buffer b = buffer_new(arena);
    buffer_format(&b, "%s %s", program, facts[0].text);
    for (size_t i = 1; i < COUNT_OF(facts); i++)
        if (facts[i].text[0] != '\0')
            buffer_format(&b, "\n%-10s %s", facts[i].name, facts[i].text);
    return buffer_str(&b);
}

/* Every text here is the builder's own: quotes and backslashes are all that could be in the way. */
static void add_json(Buffer *b, const char *text)
{
    buffer_char(b, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buffer_char(b, '\\');
        buffer_char(b, *text);
    }
    buffer_char(b, '"');
}

static Str as_json(Arena *arena, const char *program)
{
    Buffer b = buffer_new(arena);
    buffer_add(&b, S("{\"program\":"));
    add_json(&b, program);
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        buffer_format(&b, ",\"%s\":", facts[i].name);
        add_json(&b, facts[i].text);
    }
    buffer_char(&b, '}');
    return buffer_str(&b);
}

static Status run(const Args *args, Error *err)
{
    (void)err;
    answer(args_flag(args, "json") ? as_json(args->arena, args->program)
                                   : as_lines(args->arena, args->program));
    return STATUS_OK;
}

const Command command_version = {.name = "version",
                                 .says = "the version, commit, compiler and libraries",
                                 .example = "  assay version --json",
                                 .options = options,
                                 .run = run};
