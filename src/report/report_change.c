/* report_change.c - what would have changed one case. */
#include "report/report_internal.h"

static void step(Page *p, const ChangeStep *s)
{
    html(p, "<li>");
    html_spoken(p, s->sentence);
    html(p, " <span class=\"note\"><code>");
    html_text(p, s->feature);
    html(p, "</code> ");
    html_text(p, s->window);
    html(p, "</span></li>");
}

static void followers(Page *p, const Change *c)
{
    html(p, "<p class=\"note\">A part exceeds no whole, so these would go down with it: ");
    for (size_t i = 0; i < c->followers; i++) {
        html(p, i > 0 ? ", <code>" : "<code>");
        html_text(p, c->follows[i]);
        html(p, "</code>");
    }
    html(p, ".</p>\n");
}

void change_words(Page *p, size_t at)
{
    const Change *c = store_change(p->run, at);
    if (c == NULL)
        return;
    html(p, "<h5>What would change the outcome</h5>\n<p>");
    html_spoken(p, c->sentence);
    html(p, "</p>\n");
    if (!c->found)
        return;
    html(p, "<ul>");
    for (size_t i = 0; i < c->steps; i++)
        step(p, &c->step[i]);
    html(p, "</ul>\n");
    if (c->followers > 0)
        followers(p, c);
    html_note(p,
              "The smallest change found of what was measured, within what %.*s show; which "
              "payments would bring it about is not said.",
              STR_ARG(c->peer_group));
}
