/* Whole numbers from text, with nothing before, between or behind the digits. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Digits only, a '-' before them allowed; within [min, max].  False: not that, and *ret is untouched. */
bool	number_parse(const char *text, int64_t min, int64_t max, int64_t *ret);

#endif
