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

// The Programs that XLA may be asked to compile: what JAX lowers to names its Program by a number, and the executable, when it is made,
// takes it from here. Numbers begin at random, so that one that comes from another process, by a cache on disk, names none here.
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

// What an executable of XLA's keeps, and lets go with itself.
struct Running {
  static ffi::TypeId id;
  e::ProgramRef program;
  std::vector<Aval> in, out;
};
ffi::TypeId Running::id = {};

ffi::ErrorOr<std::unique_ptr<Running>> instantiate(std::int64_t number) {
  e::ProgramRef program = kept().find(number);
  if (!program) {
    return ffi::Unexpected(
        failure("dini: what was lowered comes from another process, by a cache, and its Program is not here"));
  }
  auto running = std::make_unique<Running>();
  running->in = program->input_avals();
  running->out = program->output_avals();
  running->program = std::move(program);
  return running;
}

ffi::Error run_on(const Running& p, const ffi::RemainingArgs& args, const ffi::RemainingRets& rets) {
  if (args.size() != p.in.size() || rets.size() != p.out.size())
    return failure("dini: called with " + std::to_string(args.size()) + " buffers, " + std::to_string(p.in.size()) +
                   " are wanted");
  Leaves inputs;
  for (std::size_t k = 0; k < p.in.size(); ++k) {
    const auto buffer = args.get<ffi::AnyBuffer>(k);
    if (buffer.has_error()) return buffer.error();
    const std::size_t bytes = bytes_of(p.in[k]);
    if (buffer->size_bytes() != bytes) return failure("dini: a buffer is not a " + p.in[k].str());
    void* memory;
    inputs.push_back(dini::allocate(p.in[k], &memory));
    if (bytes != 0) std::memcpy(memory, buffer->untyped_data(), bytes);
  }
  const Leaves results = [&] {
    const Interruptible interruptible;
    return dini::run_program(*p.program, inputs);
  }();
  for (std::size_t k = 0; k < p.out.size(); ++k) {
    auto buffer = rets.get<ffi::AnyBuffer>(k);
    if (buffer.has_error()) return buffer.error();
    const std::size_t bytes = bytes_of(p.out[k]);
    if ((*buffer)->size_bytes() != bytes) return failure("dini: a buffer is not a " + p.out[k].str());
    if (bytes != 0) std::memcpy((*buffer)->untyped_data(), results[k].raw(), bytes);
  }
  return ffi::Error::Success();
}

// Called without the GIL. Nothing that is thrown may reach XLA.
ffi::Error run(Running* running, std::int64_t, ffi::RemainingArgs args, ffi::RemainingRets rets) noexcept {
  try {
    return run_on(*running, args, rets);
  } catch (nb::python_error& error) {
    nb::gil_scoped_acquire gil;
    return failure(error.what());
  } catch (const std::exception& error) { return failure(in_python(error.what())); } catch (...) {
    return failure("dini: an exception of an unknown kind");
  }
}

XLA_FFI_DEFINE_HANDLER(instantiate_handler, instantiate, ffi::Ffi::BindInstantiate().Attr<std::int64_t>("number"));
XLA_FFI_DEFINE_HANDLER(
    run_handler, run,
    ffi::Ffi::Bind().Ctx<ffi::State<Running>>().Attr<std::int64_t>("number").RemainingArgs().RemainingRets());

template <class T> nb::capsule pointer(T* p) { return nb::capsule(reinterpret_cast<const void*>(p)); }

}  // namespace

void bind_jax(nb::module_& m) {
  // The call's two stages, and the type of what it keeps between them.
  m.def("_xla_handler", [] {
    static constexpr ffi::TypeInfo info = ffi::MakeTypeInfo<Running>();
    return nb::make_tuple(pointer(instantiate_handler), pointer(run_handler), pointer(&Running::id), pointer(&info));
  });
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
