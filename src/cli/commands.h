/* commands.h - every command, one a file. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const Command command_bundle;
extern const Command command_check;
extern const Command command_compare;
extern const Command command_completion;
extern const Command command_evaluate;
extern const Command command_explain;
extern const Command command_features;
extern const Command command_init;
extern const Command command_key;
extern const Command command_man;
extern const Command command_monitor;
extern const Command command_policy;
extern const Command command_profile;
extern const Command command_run;
extern const Command command_score;
extern const Command command_serve;
extern const Command command_synth;
extern const Command command_train;
extern const Command command_replay;
extern const Command command_verify;
extern const Command command_version;

#endif
