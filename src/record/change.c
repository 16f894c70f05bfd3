/* change.c - what would have changed a decision, as JSON. */
#include "record/record.h"

void document_change(Document *j, yyjson_mut_val *in, const char *key, const Change *change)
{
    if (change == NULL) {
        document_null(j, in, key);
        return;
    }
    yyjson_mut_val *o = document_object(j, in, key);
    document_truth(j, o, "found", change->found);
    document_text(j, o, "sentence", change->sentence);
    yyjson_mut_val *list = document_list(j, o, "steps");
    for (size_t i = 0; i < change->steps; i++) {
        const ChangeStep *s = &change->step[i];
        yyjson_mut_val *one = document_object(j, list, NULL);
        document_text(j, one, "feature", s->feature);
        document_text(j, one, "says", s->says);
        document_text(j, one, "window", s->window);
        document_text(j, one, "from", s->from);
        document_text(j, one, "to", s->to);
        document_real(j, one, "move", s->move);
        document_text(j, one, "sentence", s->sentence);
    }
    document_texts(j, o, "follows", change->follows, change->followers);
    if (!change->found)
        return;
    document_text(j, o, "peer_group", change->peer_group);
    document_real(j, o, "distance", change->distance);
    document_real(j, o, "probability", change->probability);
    document_text(j, o, "segment", segment_name(change->segment));
    document_text(j, o, "action", action_name(change->action));
    document_text(j, o, "because", change->because);
}
