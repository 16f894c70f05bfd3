/* policy_translate.c - the book's sentences in the languages of a catalogue. */
#include "policy/policy_internal.h"

Status policy_translate(Policy *p, Arena *keep, const Messages *m, size_t untranslated[LANGUAGES],
                        Error *err)
{
    size_t none[LANGUAGES] = {0};
    p->messages = m;
    for (size_t i = 0; i < p->sentences; i++) {
        const Sentence *s = &p->sentence[i];
        const MessageView *found = m == NULL ? NULL : message_find(m, s->text.text);
        for (Language l = LANGUAGE_ENGLISH + 1; l < LANGUAGES; l++) {
            if (found == NULL) {
                none[l]++;
                continue;
            }
            Status status = template_translate(s->template, keep, l, found->text[l], &s->scope,
                                               messages_file(m), found->mark[l].line,
                                               found->mark[l].column, err);
            if (status != STATUS_OK) {
                error_excerpt_file(err, messages_file(m), messages_text(m));
                return status;
            }
        }
    }
    for (Language l = 0; l < LANGUAGES && untranslated != NULL; l++)
        untranslated[l] = none[l];
    return STATUS_OK;
}

const Messages *policy_messages(const Policy *p)
{
    return p->messages;
}

size_t policy_sentences(const Policy *p, Arena *keep, BookText **out)
{
    *out = ARENA_ARRAY(keep, BookText, p->sentences);
    for (size_t i = 0; i < p->sentences; i++)
        (*out)[i] = p->sentence[i].text;
    return p->sentences;
}
