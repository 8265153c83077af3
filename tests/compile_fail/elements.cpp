// An array's elements cannot be assigned.
#include <dini/dini.hpp>

using namespace dini;

void assign(Array a, Array b, Array i, Array v) {
#if CASE == 1  // write a = a.at(i, j).set(v)
  a(0, 0) = 5.0;
#elif CASE == 2  // write a = a.at(i, j).set(v)
  a(i) = v;
#elif CASE == 3  // write a = a.at(i, j).set(v)
  a(slice(1, 3)) = b(0);
#elif CASE == 4  // write a = a.at(i, j).add(v)
  a(1) += 3.0;
#elif CASE == 5  // write a = a.at(i, j).add(-v)
  a(1) -= v;
#elif CASE == 6  // write a = a.at(i, j).multiply(v)
  a(1) *= v;
#elif CASE == 7  // write a = a.at(i, j).divide(v)
  a(1) /= v;
#elif CASE == 8  // write a = a.at(i, j).set(v)
  (a + b) = v;
#else
  a = a.at(0, 0).set(5.0), a = b, a += b, a = b(0);
#endif
}
