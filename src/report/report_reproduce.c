/* report_reproduce.c - how to get the same bytes again, and how to check that they are. */
#include "report/report_internal.h"

static void hash_row(Page *p, const char *name, Str bytes)
{
    char hash[SHA256_TEXT];
    sha256_text(hash, bytes);
    html_row(p);
    html_head(p, str_from(name));
    html_cell_code(p, str_from(hash));
    html_row_end(p);
}

void section_reproduce(Page *p)
{
    const Run *run = p->run;
    html(p, "<section id=\"reproduce\" aria-labelledby=\"reproduce-h\">\n"
            "<h2 id=\"reproduce-h\">6 Reproduce</h2>\n");
    html_paragraph(
        p, "The same files, books and seed give the same bytes, with any number of threads. "
           "run.json holds the hash of each input file.");
    html(p, "<pre class=\"command\"><code>");
    html_text(p, run->command);
    html(p, "</code></pre>\n");
    html_table(p, "Versions and hashes", "What|Value");
    html_row(p);
    html_head(p, S("assay"));
    html_cell_code(p, run->version);
    html_row_end(p);
    html_row(p);
    html_head(p, S("Seed"));
    html_cell_code(p, str_format(p->arena, "%llu", (unsigned long long)run->seed));
    html_row_end(p);
    html_row(p);
    html_head(p, S("Bundle"));
    html_cell_code(p, str_from(run->bundle->id));
    html_row_end(p);
    html_row(p);
    html_head(p, S("Training data (SHA-256)"));
    html_cell_code(p, run->bundle->data_hash);
    html_row_end(p);
    hash_row(p, "Schema book (SHA-256)", run->plan->schema->text);
    hash_row(p, "Features book (SHA-256)", run->plan->text);
    hash_row(p, "Policy book (SHA-256)", policy_text(run->policy));
    html_table_end(p);
    html(p, "</section>\n");
}
