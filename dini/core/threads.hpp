// How many threads one operation may use.
#pragma once

namespace dini {

/// The number of threads that an operation may use, the caller's among them. From the environment variable DINI_THREADS where it
/// is set, else the number of processors that the process may run on; ValueError where the variable is no number from 1 to 256.
///
/// Results never depend on it: work is divided by its size alone, and what is added up is added in the same order. Threads are
/// started when first needed, sleep while there is nothing to do, and never keep the caller waiting for one that has not begun.
int num_threads();

/// Sets the number, from 1 to 256, for the whole process from the next operation on; ValueError otherwise. May be called at any
/// time from any thread.
void set_num_threads(int count);

}  // namespace dini
