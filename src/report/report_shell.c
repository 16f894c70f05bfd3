/* report_shell.c - what every page stands in: its head, its style, its script and the policy that
 * lets nothing else in.
 *
 * Style and script are files of the tree (report_style.css, report_script.js), part of the
 * program as the books are. The policy names their hashes, so that a text which got past every
 * escape would still neither run nor fetch. Source: W3C, Content Security Policy Level 3. */
#include "report/report_internal.h"

#include <string.h>

#include "report_face.inc"

static Str style(void)
{
    return (Str){(const char *)spec_report_style, spec_report_style_size};
}

static Str script(void)
{
    return (Str){(const char *)spec_report_script, spec_report_script_size};
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* "'sha256-…'" of an inline text, in base64 as the policy wants it. */
static Str source_of(Arena *arena, Str text)
{
    static const char sign[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[SHA256_TEXT];
    unsigned char byte[33] = {0}; /* the last one is padding */
    Buffer b = buffer_new(arena);
    sha256_text(hex, text);
    for (size_t i = 0; i < 32; i++)
        byte[i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    buffer_add(&b, S("'sha256-"));
    for (size_t i = 0; i < 33; i += 3) {
        unsigned three = (unsigned)byte[i] << 16 | (unsigned)byte[i + 1] << 8 | byte[i + 2];
        for (int k = 0; k < 4; k++)
            buffer_char(&b, i == 30 && k == 3 ? '=' : sign[three >> (18 - 6 * k) & 63]);
    }
    buffer_add(&b, S("'"));
    return buffer_str(&b);
}

void html_open(Page *p, const char *language, Str title, const char *kind)
{
    html(p, "<!DOCTYPE html>\n<html lang=\"");
    html(p, language);
    html(p, "\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "script-src ");
    buffer_add(&p->out, source_of(p->arena, script()));
    html(p, "; style-src ");
    buffer_add(&p->out, source_of(p->arena, style()));
    html(p, "; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"referrer\" content=\"no-referrer\">\n"
            "<meta name=\"robots\" content=\"noindex\">\n<title>");
    html_text(p, title);
    html(p, "</title>\n<style>");
    buffer_add(&p->out, style());
    html(p, "</style>\n</head>\n<body class=\"");
    html(p, kind);
    html(p, "\">\n");
}

void html_close(Page *p)
{
    html(p, "<script>");
    buffer_add(&p->out, script());
    html(p, "</script>\n</body>\n</html>\n");
}
