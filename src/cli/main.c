/* assay - everything. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    static const Command *const commands[] = {&command_run,        &command_init,
                                              &command_train,      &command_evaluate,
                                              &command_score,
#ifdef ASSAY_SERVICE
                                              &command_key,        &command_serve,
                                              &command_monitor,
#endif
                                              &command_explain,    &command_features,
                                              &command_profile,    &command_check,
                                              &command_compare,    &command_replay,
                                              &command_verify,     &command_bundle,
                                              &command_policy,     &command_synth,
                                              &command_completion, &command_man,
                                              &command_version,    NULL};
    return cli_main("assay", "customer risk: learn, explain, propose", commands, argc, argv);
}
