/* monitor.h - drift and performance from what a service wrote down: prediction logs, and labels and
 * verdicts that came later. docs/monitor.md has every figure and its threshold.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "report/report.h"
#include "score/score.h"

#endif
