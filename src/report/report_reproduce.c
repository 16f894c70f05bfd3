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
    html_verdict(p,
                 "The same files, books and seed give the same bytes, with any number of threads "
                 "and on any machine; run.json holds the hash of each input file.");
    html_paragraph(p, "The command, as typed:");
    html(p, "<pre class=\"command\"><code>");
    html_text(p, run->command);
    html(p, "</code></pre>\n");
    html_paragraph(p, "To check this folder, run beside it:");
    html(p, "<pre><code>assay replay --all --run FOLDER\nassay verify --run FOLDER\n"
            "assay verify --bundle FOLDER/bundle</code></pre>\n");
    html_note(
        p, "The first makes every decision again from the folder alone and compares it with what "
           "was written; replay with a decision_id of decisions.jsonl does so for one. The "
           "second checks the chain of hashes over the log of decisions, in which a changed, "
           "missing or added line shows; write down its head (chain.json) where the folder "
           "cannot be changed with it. The third opens the bundle and computes its golden rows "
           "again.");
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
    const PolicyIdentity book = policy_identity(run->policy);
    html_row(p);
    html_head(p, S("Policy book, as it calls itself"));
    html_cell_code(p,
                   str_format(p->arena, "%.*s%s%.*s", STR_ARG(book.name),
                              book.revision.size > 0 ? ", revision " : "", STR_ARG(book.revision)));
    html_row_end(p);
    html_table_end(p);
    html(p, "</section>\n");
}
