#include "dini/core/dtype.hpp"

#include <ostream>

namespace dini {

const char* name(Dtype d) {
  constexpr const char* names[] = {"bool", "int32", "int64", "float32", "float64"};
  return names[static_cast<int>(d)];
}
std::ostream& operator<<(std::ostream& out, Dtype d) { return out << name(d); }

}  // namespace dini
