/* message.h - the catalogue of messages: what is said to people, in every language.
 *
 * As gettext has it: the English sentence, as it stands in a book or in the program, is the key,
 * and the catalogue (spec/messages.yaml) says it in the other languages. Books stay readable, and
 * no sentence has a second place. Placeholders are the same in all languages, in any order.
 * The catalogue has two lists: `books` translates what schema, features and policy book say,
 * `program` what the program itself says. docs/messages.md explains it.
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include "book/book.h"
#include "lang/lang.h"

typedef struct Messages Messages;

/* Read a catalogue. FORMAT, with both places: the same English twice. FORMAT with its place: other
 * placeholders than the English has, an empty text, a control character.
 * Memory: keep.  Cost: O(bytes). */
MUST_USE Status messages_read(Messages **out, Arena *keep, Str yaml, const char *file, Error *err);
Str messages_json_schema(Arena *keep);
Str messages_text(const Messages *m);         /* the book as read */
const char *messages_file(const Messages *m); /* for messages about it */

/* The sentence or word in a language; English itself where the catalogue does not have it, and for
 * m == NULL: message(m, LANGUAGE_FRENCH, S("Money in")). It lives as long as m and english.
 * Cost: O(its bytes). Any number of threads may ask. */
Str message(const Messages *m, Language language, Str english);

/* What stands for {name} in a sentence of the program's. */
typedef struct MessagePart {
    Str name, text;
} MessagePart;

/* The same with its placeholders filled: message_fill(arena, m, language,
 *     S("{count} of {all} customers"), (MessagePart[]){{S("count"), n}, {S("all"), all}}, 2).
 * Parts are put in as they are: numbers come from format_cell in the same language.
 * Asserts that every placeholder has its part.  Memory: arena. */
Str message_fill(Arena *arena, const Messages *m, Language language, Str english,
                 const MessagePart *part, size_t parts);

typedef struct MessageView {
    Str text[LANGUAGES];
    Mark mark[LANGUAGES];
    bool program; /* of the list `program` */
} MessageView;
/* The entries in the order written. */
const MessageView *messages_view(const Messages *m, size_t *count);
const MessageView *message_find(const Messages *m, Str english); /* NULL: it is not there */

#endif
