// Programs as a custom call of XLA's: what the bridge dini.jax lowers to. Without XLA's header the module is built without it, and says so.
#include "closed_program.hpp"

#ifdef DINI_XLA_FFI

#include <cstring>
#include <mutex>
#include <random>
#include <unordered_map>

#include "dini/exec/executable.hpp"
#include "xla/ffi/api/ffi.h"

namespace pydini {

namespace ffi = xla::ffi;
namespace e = dini::erased;

namespace {

// The Programs that executables of XLA's may ask for. An executable knows its Program by a number and keeps a KeptProgram alive. Numbers begin
// at random, so that one that comes from another process, by a cache of executables on disk, names none here.
class Kept {
 public:
  std::int64_t add(e::ProgramRef program) {
    std::lock_guard lock(mutex_);
    programs_.emplace(++last_, std::move(program));
    return last_;
  }
  e::ProgramRef find(std::int64_t number) {
    std::lock_guard lock(mutex_);
    const auto found = programs_.find(number);
    return found == programs_.end() ? nullptr : found->second;
  }
  void remove(std::int64_t number) {
    e::ProgramRef gone;  // dropped outside of the lock, with all that it holds
    std::lock_guard lock(mutex_);
    const auto found = programs_.find(number);
    if (found == programs_.end()) return;
    gone = std::move(found->second);
    programs_.erase(found);
  }

 private:
  std::mutex mutex_;
  std::int64_t last_ =
      static_cast<std::int64_t>((std::uint64_t{std::random_device{}()} << 31) ^ std::uint64_t{std::random_device{}()});
  std::unordered_map<std::int64_t, e::ProgramRef> programs_;
};

// Never destroyed: XLA's threads may outlive this module's globals.
Kept& kept() {
  static Kept* k = new Kept;
  return *k;
}

struct KeptProgram {
  std::int64_t number;
  explicit KeptProgram(const ClosedProgram& p) : number(kept().add(p.program)) {}
  KeptProgram(const KeptProgram&) = delete;
  KeptProgram& operator=(const KeptProgram&) = delete;
  ~KeptProgram() { kept().remove(number); }
};

ffi::Error failure(const std::string& text) { return {ffi::ErrorCode::kInternal, text}; }

std::size_t bytes_of(const Aval& a) { return static_cast<std::size_t>(a.shape.size()) * dini::item_size(a.dtype); }

ffi::Error run_on(const e::ProgramRef& program, const ffi::RemainingArgs& args, const ffi::RemainingRets& rets) {
  const std::vector<Aval> in = program->input_avals(), out = program->output_avals();
  if (args.size() != in.size() || rets.size() != out.size())
    return failure("dini: called with " + std::to_string(args.size()) + " buffers, " + std::to_string(in.size()) +
                   " are wanted");
  Leaves inputs;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const auto buffer = args.get<ffi::AnyBuffer>(k);
    if (buffer.has_error()) return buffer.error();
    if (buffer->size_bytes() != bytes_of(in[k])) return failure("dini: a buffer is not a " + in[k].str());
    void* memory;
    inputs.push_back(dini::allocate(in[k], &memory));
    if (bytes_of(in[k]) != 0) std::memcpy(memory, buffer->untyped_data(), bytes_of(in[k]));
  }
  const Leaves results = [&] {
    const Interruptible interruptible;
    return dini::run_program(*program, inputs);
  }();
  for (std::size_t k = 0; k < out.size(); ++k) {
    auto buffer = rets.get<ffi::AnyBuffer>(k);
    if (buffer.has_error()) return buffer.error();
    if ((*buffer)->size_bytes() != bytes_of(out[k])) return failure("dini: a buffer is not a " + out[k].str());
    if (bytes_of(out[k]) != 0) std::memcpy((*buffer)->untyped_data(), results[k].raw(), bytes_of(out[k]));
  }
  return ffi::Error::Success();
}

// Called without the GIL. Nothing that is thrown may reach XLA.
ffi::Error run(std::int64_t number, ffi::RemainingArgs args, ffi::RemainingRets rets) noexcept {
  const e::ProgramRef program = kept().find(number);
  if (!program)
    return failure(
        "dini: what was compiled comes from another process, by a cache, and its Program is not here; compile it anew");
  try {
    return run_on(program, args, rets);
  } catch (nb::python_error& error) {
    nb::gil_scoped_acquire gil;
    return failure(error.what());
  } catch (const std::exception& error) { return failure(in_python(error.what())); } catch (...) {
    return failure("dini: an exception of an unknown kind");
  }
}

XLA_FFI_DEFINE_HANDLER(run_handler, run, ffi::Ffi::Bind().Attr<std::int64_t>("number").RemainingArgs().RemainingRets());

}  // namespace

void bind_jax(nb::module_& m) {
  m.def("_xla_handler", [] { return nb::capsule(reinterpret_cast<void*>(run_handler)); });
  nb::class_<KeptProgram>(m, "_KeptProgram", "A Program that XLA may run, as long as this lives.")
      .def(nb::init<const ClosedProgram&>())
      .def_ro("number", &KeptProgram::number);
}

}  // namespace pydini

#else

namespace pydini {
void bind_jax(nb::module_&) {}
}  // namespace pydini

#endif
