/* Files of jobs: nothing leads out of the folder, and what was saved is what is gone on from. */
#include "serve/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/assay-objects-XXXXXX";
static Objects *objects;

static int set_up(void **state)
{
    (void)state;
    static ObjectsSettings settings;
    static const char *const places[] = {"gs://bank/jobs", NULL};
    Error err = {0};
    if (mkdtemp(folder) == NULL)
        return 1;
    settings = (ObjectsSettings){.folder = folder, .objects = places};
    return objects_open(&objects, &settings, &err) == STATUS_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    objects_close(objects);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command); // NOLINT(cert-env33-c): a path of the test's own
}

static Status allowed(const char *name)
{
    Error err = {0};
    return objects_allow(objects, str_from(name), &err);
}

static void a_name_that_leads_elsewhere_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../x",
                                      "a/../../x",
                                      "a//b",
                                      "a/",
                                      ".x",
                                      "a/.x",
                                      "file:///x",
                                      "gs://bank",
                                      "gs://bank/jobs",
                                      "gs://bank/jobsx/y",
                                      "gs://b/x/y",
                                      "gs://bank/jobs/",
                                      "gs://bank2/jobs/x",
                                      "a\nb"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(allowed(bad[i]), STATUS_USAGE);
    assert_int_equal(allowed("a/b.ndjson"), STATUS_OK);
    assert_int_equal(allowed("gs://bank/jobs/x"), STATUS_OK);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    char path[256];
    Error err = {0};
    ObjectReader *r;
    ObjectWriter *w;
    (void)snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(object_reader_open(&r, objects, S("link"), 0, S(""), NULL, &err), STATUS_DATA);
    err = (Error){0};
    (void)snprintf(path, sizeof path, "%s/way", folder);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_int_equal(object_writer_open(&w, objects, S("way/x"), S("1"), S(""), NULL, &err),
                     STATUS_DATA);
}

static void add(ObjectWriter *w, const char *text)
{
    Error err = {0};
    assert_int_equal(object_writer_add(w, str_from(text), &err), STATUS_OK);
}

static void what_was_saved_is_gone_on_from_and_no_more(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Error err = {0};
    ObjectWriter *w, *other;
    ObjectReader *r;
    Str saved, whole;
    char text[64];
    size_t got;
    assert_int_equal(object_writer_open(&w, objects, S("out"), S("7"), S(""), NULL, &err),
                     STATUS_OK);
    add(w, "one\n");
    assert_int_equal(object_writer_save(w, &saved, &keep, false, &err), STATUS_OK);
    add(w, "lost\n");
    /* While it lives nobody else may write. */
    assert_int_equal(object_writer_open(&other, objects, S("out"), S("7"), saved, NULL, &err),
                     STATUS_GATE);
    err = (Error){0};
    object_writer_close(w);
    assert_int_equal(object_writer_open(&w, objects, S("out"), S("7"), saved, NULL, &err),
                     STATUS_OK);
    add(w, "two\n");
    assert_int_equal(object_writer_save(w, &whole, &keep, true, &err), STATUS_OK);
    assert_int_equal(object_reader_open(&r, objects, S("out"), 0, S(""), NULL, &err), STATUS_DATA);
    err = (Error){0};
    assert_int_equal(object_writer_finish(w, &err), STATUS_OK);
    object_writer_close(w);
    assert_int_equal(object_reader_open(&r, objects, S("out"), 0, S(""), NULL, &err), STATUS_OK);
    assert_int_equal(object_reader_read(r, &got, text, sizeof text, &err), STATUS_OK);
    assert_int_equal(got, 8);
    assert_memory_equal(text, "one\ntwo\n", 8);
    object_reader_close(r);
    /* A crash after the name was given: the same again is fine; another job's is not. */
    assert_int_equal(object_writer_open(&w, objects, S("out"), S("7"), whole, NULL, &err),
                     STATUS_OK);
    assert_int_equal(object_writer_finish(w, &err), STATUS_OK);
    object_writer_close(w);
    assert_int_equal(object_writer_open(&w, objects, S("out"), S("8"), S(""), NULL, &err),
                     STATUS_DATA);
    arena_free(&keep);
}

static void input_that_changed_is_noticed(void **state)
{
    (void)state;
    char path[256];
    Arena keep = arena_new();
    Error err = {0};
    ObjectReader *r;
    (void)snprintf(path, sizeof path, "%s/in", folder);
    assert_int_equal(file_write(path, S("a\n"), &err), STATUS_OK);
    assert_int_equal(object_reader_open(&r, objects, S("in"), 0, S(""), NULL, &err), STATUS_OK);
    Str version = str_copy(&keep, object_reader_version(r));
    object_reader_close(r);
    assert_int_equal(object_reader_open(&r, objects, S("in"), 0, version, NULL, &err), STATUS_OK);
    object_reader_close(r);
    assert_int_equal(file_write(path, S("other\n"), &err), STATUS_OK);
    assert_int_equal(object_reader_open(&r, objects, S("in"), 0, version, NULL, &err), STATUS_DATA);
    arena_free(&keep);
}

static void options_fill_in_what_a_row_does_not_say(void **state)
{
    (void)state;
    Arena keep = arena_new();
    Str options = S("{\"language\":\"fr\",\"reasons\":false}");
    Str row = job_row(&keep, S("{\"amount\":1.10,\"options\":{\"language\":\"en\"}}"), options);
    assert_true(
        str_equal(row, S("{\"amount\":1.10,\"options\":{\"language\":\"en\",\"reasons\":false}}")));
    row = job_row(&keep, S("{}"), options);
    assert_true(str_equal(row, S("{\"options\":{\"language\":\"fr\",\"reasons\":false}}")));
    assert_true(str_equal(job_row(&keep, S("{"), options), S("{")));
    assert_true(str_equal(job_row(&keep, S("[]"), options), S("[]")));
    arena_free(&keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_leads_elsewhere_is_refused),
        cmocka_unit_test(a_link_is_not_followed),
        cmocka_unit_test(what_was_saved_is_gone_on_from_and_no_more),
        cmocka_unit_test(input_that_changed_is_noticed),
        cmocka_unit_test(options_fill_in_what_a_row_does_not_say),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
