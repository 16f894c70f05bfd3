/* handle_score.c - POST /v1/score and GET /v1/model. */
#include "serve/serve_internal.h"

static void score(Exchange *x)
{
    Answer a;
    if (serve_answer(x, &a, x->body, S("")))
        reply_json(x, 200, a.body);
}

static void model(Exchange *x)
{
    reply_json(x, 200, answer_model(x->arena, x->served->champion));
}

const Route routes_score[] = {{"POST", "/v1/score", SCOPE_SCORE, score, .settles = true},
                              {"GET", "/v1/model", SCOPE_MODEL, .handle = model},
                              {0}};
