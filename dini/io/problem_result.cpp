#include "dini/io/problem_result.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "dini/formula/text.hpp"

namespace dini {

namespace result_writer {

template <class T> std::string number(T v) {
  if (std::isnan(v)) return "\"nan\"";
  if (std::isinf(v)) return v > 0 ? "\"inf\"" : "\"-inf\"";
  char out[40];
  std::string s(out, std::to_chars(out, out + sizeof out, v).ptr);
  if (s.find_first_of(".e") == std::string::npos) s += ".0";
  return s;
}

template <class T> std::string item(T v) {
  if constexpr (std::is_same_v<T, bool>)
    return v ? "true" : "false";
  else if constexpr (std::is_integral_v<T>)
    return std::to_string(v);
  else
    return number(v);
}

template <class T> void append(std::string& out, const T*& from, const Shape& shape, int axis) {
  if (axis == shape.ndim()) {
    out += item(*from++);
    return;
  }
  out += '[';
  for (std::int64_t k = 0; k < shape[axis]; ++k) {
    if (k) out += ", ";
    append(out, from, shape, axis + 1);
  }
  out += ']';
}

// One value without a batch, a list with one.
template <class T, class Write> std::string lanes(const std::vector<T>& values, bool batched, Write write) {
  if (!batched) return write(values.at(0));
  std::string out = "[";
  for (const T& v : values) out += (out.size() > 1 ? ", " : "") + write(v);
  return out + "]";
}

std::string named(const ProblemResult::Named& arrays) {
  std::string out = "{";
  for (const auto& [name, a] : arrays) out += (out.size() > 1 ? ", " : "") + json_text(name) + ": " + json_array(a);
  return out + "}";
}

}  // namespace result_writer

bool ProblemResult::converged() const {
  return std::all_of(status.begin(), status.end(), [](const std::string& s) { return s == "converged"; });
}

std::string json_number(double v) { return result_writer::number(v); }
std::string json_number(float v) { return result_writer::number(v); }

std::string json_text(const std::string& s) {
  std::string out = "\"";
  for (std::size_t at = 0; at < s.size(); ++at) {
    const char c = s[at];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
  for (std::size_t bad; (bad = text::invalid_utf8(out)) != std::string::npos;) out.replace(bad, 1, "?");
  return out;
}

std::string json_array(const Array& a) {
  std::string out;
  const void* raw = a.raw();
  visit_dtype(a.dtype(), [&]<class T>() {
    const T* from = static_cast<const T*>(raw);
    result_writer::append(out, from, a.shape(), 0);
  });
  return out;
}

std::string to_json(const ProblemResult& r) {
  using namespace result_writer;
  const auto text = [](const std::string& s) { return json_text(s); };
  const auto real = [](double v) { return json_number(v); };
  const auto whole = [](std::int64_t v) { return std::to_string(v); };
  std::string out = "{\"status\": " + lanes(r.status, r.batched, text) + ", \"message\": " + json_text(r.message) +
                    ", \"solver\": " + json_text(r.solver) + ", \"steps\": " + lanes(r.steps, r.batched, whole) +
                    ", \"evaluations\": " + lanes(r.evaluations, r.batched, whole) +
                    ", \"residual_norm\": " + lanes(r.residual_norm, r.batched, real);
  if (r.z.defined()) out += ", \"z\": " + json_array(r.z);
  if (r.objective.defined()) out += ", \"objective\": " + json_array(r.objective);
  if (!r.duals.empty()) out += ", \"duals\": " + named(r.duals);
  if (!r.active.empty()) {
    out += ", \"active\": " + lanes(r.active, r.batched, whole) +
           ", \"weakly_active\": " + lanes(r.weakly_active, r.batched, whole) +
           ", \"dependent\": " + lanes(r.dependent, r.batched, whole);
  }
  if (!r.certificate.empty()) out += ", \"certificate\": " + named(r.certificate);
  if (r.ray.defined()) out += ", \"ray\": " + json_array(r.ray);
  if (r.loss.defined()) out += ", \"loss\": " + json_array(r.loss);
  if (r.has_gradient) out += ", \"gradient\": " + named(r.gradient);
  if (r.has_hessian) out += ", \"hessian\": " + named(r.hessian);
  if (r.has_jacobian) out += ", \"jacobian\": " + named(r.jacobian);
  if (r.gradient_anyway) out += ", \"gradient_anyway\": true";
  if (r.lanes_summed) out += ", \"lanes_summed\": " + std::to_string(*r.lanes_summed);
  if (r.adjoint) {
    out += ", \"adjoint\": {\"status\": " + json_text(r.adjoint->status) +
           ", \"method\": " + json_text(r.adjoint->method) + ", \"exact\": " + (r.adjoint->exact ? "true" : "false");
    if (r.adjoint->residual_norm) out += ", \"residual_norm\": " + json_number(*r.adjoint->residual_norm);
    if (!r.adjoint->message.empty()) out += ", \"message\": " + json_text(r.adjoint->message);
    out += "}";
  }
  if (!r.error_estimate.empty()) out += ", \"error_estimate\": " + lanes(r.error_estimate, r.batched, real);
  if (r.check_digits) out += ", \"check\": {\"digits\": " + json_number(*r.check_digits) + "}";
  if (!r.check_refused.empty()) out += ", \"check\": {\"refused\": " + json_text(r.check_refused) + "}";
  out += ", \"seconds\": {\"total\": " + json_number(r.seconds_total) + ", \"solve\": " + json_number(r.seconds_solve) +
         "}}";
  return out;
}

std::string error_json(const std::string& message, const char* status) {
  return "{\"status\": " + json_text(status) + ", \"message\": " + json_text(message) + "}";
}

}  // namespace dini
