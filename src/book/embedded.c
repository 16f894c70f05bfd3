/* embedded.c - the default books, and the service's contract, which are part of the program. */
#include "book/book.h"

#include <assert.h>
#include <string.h>

#include "spec_books.inc"

static Str text_of(const unsigned char *bytes, size_t size)
{
    return (Str){(const char *)bytes, size};
}

Str book_default_text(const char *name)
{
    if (strcmp(name, "schema") == 0)
        return text_of(spec_schema, spec_schema_size);
    if (strcmp(name, "features") == 0)
        return text_of(spec_features, spec_features_size);
    if (strcmp(name, "messages") == 0)
        return text_of(spec_messages, spec_messages_size);
    if (strcmp(name, "openapi") == 0)
        return text_of(spec_openapi, spec_openapi_size);
    assert(strcmp(name, "policy") == 0);
    return text_of(spec_policy, spec_policy_size);
}
