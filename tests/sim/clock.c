/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual clock for libraries that read the time themselves: OpenSSL dates its session tickets
 * with time(). A definition in the program comes before the C library's.
 */
#include <time.h>

#include "world.h"

time_t
time(time_t *out)
{
	time_t now = (time_t)sim_wall_s;

	if (out != NULL)
		*out = now;
	return now;
}
