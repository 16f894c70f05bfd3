/* assay - everything. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    static const Command *const commands[] = {
        &command_run,   &command_init, &command_score, &command_check, &command_verify,
        &command_synth, NULL};
    return cli_main("assay", "customer risk: learn, explain, propose", commands, argc, argv);
}
