#include "dini/core/choice.hpp"

#include "dini/core/error.hpp"

namespace dini::detail {

bool Choice::resolve(const char* function, const char* if_false, const char* if_true) const {
  if (name_.empty() || name_ == if_false || name_ == if_true) return value_ || name_ == if_true;
  throw ValueError(std::string(function) + ": \"" + name_ + "\" is neither \"" + if_false + "\" nor \"" + if_true +
                   "\"");
}

}  // namespace dini::detail
