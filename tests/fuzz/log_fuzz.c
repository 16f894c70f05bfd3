/* log_fuzz.c - a line of decisions.jsonl, or a chain.json, from anybody: read or refused, never a
 * crash; a line that is read keeps its name and its hash.
 *
 * The first byte says which of the two it is; the rest is the text. */
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void inside(Str part, Str whole)
{
    must(part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void read_line(Arena *keep, Str line)
{
    LoggedLine cut;
    Logged said;
    const char *missing = logged_read(&said, keep, line);
    if (missing == NULL) {
        char id[DECISION_ID_TEXT], again[DECISION_ID_TEXT];
        decision_id(id, &said.name);
        decision_id(again, &said.name);
        must(strcmp(id, again) == 0 && strlen(id) == DECISION_ID_TEXT - 1);
        must(said.name.customer.size > 0 && said.name.facts == said.facts.count[0]);
    }
    if (!logged_cut(&cut, line))
        return;
    char hash[SHA256_TEXT];
    inside(cut.body, line);
    inside(cut.id, cut.body);
    inside(cut.previous, line);
    inside(cut.chain, line);
    logged_hash(hash, *keep, line);
    /* Chained anew behind the same line, it has the hash that is computed of it. */
    Chain chain = {.count = 1};
    memcpy(chain.head, cut.previous.data, SHA256_TEXT - 1);
    chain.head[SHA256_TEXT - 1] = '\0';
    size_t tail = line.size - (size_t)(cut.body.data + cut.body.size - line.data);
    Buffer b = buffer_new(keep);
    buffer_add(&b, str_slice(line, 0, line.size - tail));
    buffer_char(&b, '}');
    Str chained = chain_line(&chain, keep, buffer_str(&b));
    LoggedLine again;
    must(logged_cut(&again, str_slice(chained, 0, chained.size - 1)));
    must(str_equal(again.body, cut.body) && str_equal(again.previous, cut.previous));
    must(str_equal(again.chain, str_from(chain.head)) && strcmp(chain.head, hash) == 0);
}

static void read_chain(Arena *keep, Str text)
{
    static char folder[] = "/tmp/assay-log-fuzz-XXXXXX";
    static bool made;
    Error err = {0};
    size_t decisions;
    if (!made)
        must(mkdtemp(folder) != NULL);
    made = true;
    const char *path = path_join(keep, folder, "chain.json");
    must(file_write(path, text, &err) == STATUS_OK);
    must(store_verify_log(&decisions, keep, folder, &err) == STATUS_FORMAT); /* there is no log */
    must(err.message[0] != '\0');
    must(file_remove(path, &err) == STATUS_FORMAT || !file_exists(path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Arena keep = arena_new();
    Str text = str_copy(&keep, (Str){(const char *)data + 1, size - 1});
    if (data[0] % 2 == 0)
        read_line(&keep, text);
    else
        read_chain(&keep, text);
    arena_free(&keep);
    return 0;
}
