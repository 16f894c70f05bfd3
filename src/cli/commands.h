/* commands.h - every command, one a file. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const Command command_check;
extern const Command command_init;
extern const Command command_run;
extern const Command command_score;
extern const Command command_synth;
extern const Command command_verify;

#endif
