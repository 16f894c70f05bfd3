/* assay-serve - what production runs: bundles are read and used, nothing is learnt. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    static const Command *const commands[] = {
#ifdef ASSAY_SERVICE
        &command_key,        &command_serve,   &command_monitor,
#endif
        &command_score,      &command_explain, &command_replay,  &command_verify,
        &command_completion, &command_man,     &command_version, NULL};
    return cli_main("assay-serve", "customer risk: score and explain with a bundle", commands, argc,
                    argv);
}
