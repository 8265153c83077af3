// What the registry's checks are made of: an op called with a sample as a function of its floating operands, who judges the
// numbers, and directions to move them in.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "dini/core/error.hpp"
#include "dini/transforms/jvp.hpp"
#include "registry_checks.hpp"
#include "registry_numbers.hpp"

namespace dini::registry {

using detail::ErasedFunction;
using Mask = std::vector<bool>;

struct Case {
  const Op* op = nullptr;
  std::size_t number = 0;  // of the op's samples in this dtype
  Params params;
  Leaves in;
  std::string error;              // what running it throws
  bool linear = true;             // see Sample
  std::vector<std::size_t> free;  // operands to differentiate by
  bool elementwise = false;
  Params wide = {};  // of the sample in float64, where it may differ

  Leaves call(Leaves all) const;
  Leaves operator()(const Leaves& values) const { return call(with(values)); }
  ErasedFunction function() const {
    return [*this](const Leaves& all) { return call(all); };
  }
  /// The operands with these in the free places; those that are free.
  Leaves with(const Leaves& values) const;
  Leaves values() const;
  /// The reference's outputs.
  Leaves plain(const Leaves& all) const;
  std::string str() const;
};

/// The op's samples; for integers and booleans those of float64, rounded. Elementwise ops are cut to the points at which they
/// can be differentiated. Made anew each time (but for those), since what is derived from Programs is kept with them.
std::vector<Case> cases(const Op& op, Dtype dtype);

/// What the record says of its derivatives. An op that cannot be run is known by its transpose alone.
inline bool has_forward(const Op& op) { return op.no_jvp.empty(); }
inline bool has_reverse(const Op& op) { return op.no_transpose.empty() && (has_forward(op) || op.linearize); }
bool runs(const Op& op, Dtype dtype);

inline bool is_elementwise(const Op& op) { return op.reference != nullptr; }
long double reference_at(const Op& op, const std::vector<Numbers>& operands, std::size_t i, std::size_t moved = 99,
                         long double by = 0);
/// The slopes of an elementwise op's reference, for one operand.
Slopes reference_slopes(const Op& op, const std::vector<Numbers>& operands, std::size_t operand);
/// The coarsest of the dtypes involved.
long double roundoff(const Case& c);

struct Stop {};  // the first failure is enough

class Judge {
 public:
  Judge(Outcome& out, bool stop) : out_(out), stop_(stop) {}

  void fail(const std::string& what);
  /// Why there are no numbers, or not all.
  void note(const std::string& why);
  void close(long double got, long double wanted, long double tolerance, const std::string& where);
  void zero(const Numbers& got, const std::string& where);
  /// Relative to the largest element.
  void close(const Array& got, const Array& wanted, long double relative, const std::string& where);
  void close(const Leaves& got, const Leaves& wanted, long double relative, const std::string& where);
  /// To the bit, but for the sign of zeros and the payload of NaNs.
  void same(const Leaves& got, const Leaves& wanted, const std::string& where) { close(got, wanted, 0, where); }
  /// Where differences say anything, the rule must agree with them.
  void agree(const Numbers& got, const Slopes& wanted, long double relative, const std::string& where);
  /// f must throw an Error whose message contains `why`.
  template <class F>
  void refuses(F&& f, const std::string& why, const std::string& where, const std::string& reason = "") {
    try {
      f();
    } catch (const Error& e) {
      if (std::string(e.what()).find(why) == std::string::npos)
        fail(where + ": refused with another message: " + e.what());
      ++out_.refused;
      return note(reason.empty() ? why : reason);
    }
    fail(where + ": not refused, though documented: " + why);
  }

 private:
  Outcome& out_;
  bool stop_;
};

Array zeros_of(const Aval& a);
Leaves filled(const Leaves& maybe, const std::vector<Aval>& avals);
/// Σ aᵢbᵢ, and Σ |aᵢbᵢ|.
long double product(const Leaves& a, const Leaves& b, long double& size);
Numbers all_numbers(const Leaves& leaves);

/// Each alone, and all; of three each pair, too.
std::vector<Mask> subsets(std::size_t n);
std::string str(const Mask& m);
Leaves masked(const Leaves& v, const Mask& m);
Leaves joined(Leaves a, const Leaves& b);
Leaves first(const Leaves& v, std::size_t n);
Leaves after(const Leaves& v, std::size_t n);

Leaves directions(const Leaves& like, std::uint64_t seed);
/// The same with what is not floating as it is.
Leaves cotangents(const Leaves& like, std::uint64_t seed);
/// Directions along which to change the operands: small where an elementwise op's operand is.
Leaves moves(const Case& c, std::uint64_t seed);
Leaves moved(const Leaves& x, const Leaves& by, long double t);

Leaves jvp_tangents(const ErasedFunction& f, const Leaves& x, const Leaves& dx);
/// Jᵀw of all operands, the operands that are not active having zeros.
Leaves pulled(const ErasedFunction& f, const Leaves& x, const Leaves& w, const Mask& active);

/// Operands (by number) that an op is linear in, all others being as they are in `all`.
struct Linear {
  std::vector<std::size_t> places;
  Leaves all;
};
/// All sets of operands that the op is linear in; of those that it is linear in together also each alone, the others zero.
std::vector<Linear> linear_operands(const Case& c);
/// The transpose, there, of a function of all operands: the op, or the op over lanes.
Leaves transposed(const ErasedFunction& f, const Linear& linear, const Leaves& w);

void check_jvp(Judge& judge, const Op& op, Dtype dtype);
void check_dot(Judge& judge, const Op& op, Dtype dtype);
void check_second(Judge& judge, const Op& op, Dtype dtype);
void check_transpose(Judge& judge, const Op& op, Dtype dtype);
void check_value(Judge& judge, const Op& op, Dtype dtype);
void check_batch(Judge& judge, const Op& op, Dtype dtype);
void check_program(Judge& judge, const Op& op, Dtype dtype);

}  // namespace dini::registry
