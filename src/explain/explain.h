/* explain.h - why one customer was decided on so: the case of a customer. */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "explain/case.h"

#endif
