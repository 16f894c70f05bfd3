/* inspect.h - how the chosen model behaves, and how far its figures carry.
 *
 * Importance and curves measured on customers whom a model did not learn from, thresholds with the
 * guarantees that the data supports, stability of the list, and how each group of customers fares.
 * Everything is out of fold and carries an interval; nothing here changes a model.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include "learn/learn.h"

#include "inspect/importance.h"

#endif
