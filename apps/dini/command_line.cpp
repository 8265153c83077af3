#include "apps/dini/command_line.hpp"

namespace dini::app {

void add_solve_options(CLI::App& solve, Options& o) {
  solve.add_option("FILE", o.file, "a problem in JSON or TOML (by its ending); - is standard input (JSON)");
  const auto formula = [&](const char* kind, const char* help) {
    solve
        .add_option_function<std::string>(
            std::string("--") + kind, [&o, kind](const std::string& f) { o.formulas.emplace_back(kind, f); }, help)
        ->type_name("FORMULA")
        ->group("The problem");
  };
  formula("root", "solve 0 = FORMULA for z");
  formula("fixed-point", "solve z = FORMULA");
  formula("minimize", "find the z that makes FORMULA, a scalar, least");
  formula("least-squares", "find the z that makes the sum of FORMULA squared least");
  formula("value", "nothing to solve: z = FORMULA");
  const auto text = [&](const char* name, std::optional<std::string>& to, const char* type, const char* help,
                        const char* group) { solve.add_option(name, to, help)->type_name(type)->group(group); };
  const auto repeated = [&](const char* name, std::vector<std::string>& to, const char* type, const char* help) {
    solve.add_option(name, to, help)
        ->type_name(type)
        ->group("The problem")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  repeated("--input", o.inputs, "NAME=VALUE", "an input: JSON, a .npy file, or FILE.npz:KEY; may be repeated");
  text("--z0", o.z0, "VALUE", "the start: as for --input, or a formula", "The problem");
  text("--loss", o.loss, "FORMULA", "a scalar of z and the inputs", "The problem");
  text("--gradient", o.gradient, "NAMES", "inputs, A,B, to differentiate the loss by; true: all; false", "The problem");
  text("--hessian", o.hessian, "NAMES", "inputs for the loss' Hessians", "The problem");
  text("--jacobian", o.jacobian, "NAMES", "inputs for z's Jacobians", "The problem");
  text("--batch", o.batch, "NAMES", "inputs with a leading axis of lanes", "The problem");
  text("--lower", o.lower, "VALUE", "lower bounds of z: as --z0", "The problem");
  text("--upper", o.upper, "VALUE", "upper bounds of z", "The problem");
  repeated("--equality", o.equalities, "NAME=FORMULA", "what is to be 0, or an equation: A @ z == b; may be repeated");
  repeated("--inequality", o.inequalities, "NAME=FORMULA", "what is to be 0 or less, or a <= b; may be repeated");
  text("--ties", o.ties, "SIDE", "the derivative at a tie: average, active, inactive or raise", "The problem");
  text("--start", o.start, "FILE", "a result.json to start from", "The problem");
  text("--robust", o.robust, "NAME", "of a fit: huber, soft_l1, cauchy or tukey, or a JSON object with a width",
       "The problem");
  text("--bracket", o.bracket, "[A, B]", "where the formula changes sign", "The problem");
  text("--dtype", o.dtype, "DTYPE", "float64 or float32", "How it is solved");
  text("--solver", o.solver, "NAME", "a solver's name, or a JSON object with options; see dini solvers",
       "How it is solved");
  text("--adjoint", o.adjoint, "NAME", "how the derivative's linear system is solved", "How it is solved");
  text("--tolerance", o.tolerance, "NUMBER", "on the residual's norm, absolute and relative to the first",
       "How it is solved");
  text("--max-steps", o.max_steps, "N", "the most steps", "How it is solved");
  text("--deadline", o.deadline, "SECONDS", "after which the solve is cancelled", "How it is solved");
  text("--max-memory", o.max_memory, "BYTES", "what arrays may take: 500M, 4G; default half of the machine's",
       "How it is solved");
  solve.add_flag("--gradient-anyway", o.gradient_anyway, "derivatives even of a solve that failed")
      ->group("How it is solved");
  solve.add_flag("--check", o.check, "compare the gradient with differences of the re-solved problem")
      ->group("How it is solved");
  solve.add_flag("--json", o.json, "the result as one JSON object on standard output")->group("Output");
  solve
      .add_option(
          "--out", o.out,
          "write z.npy, loss.npy, gradient-NAME.npy, ... and result.json there; they replace those of an earlier run")
      ->type_name("FOLDER")
      ->group("Output");
  solve.add_option("--history", o.history, "the residual norm after each step, as a table")
      ->type_name("FILE.csv")
      ->group("Output");
  solve.add_option("--plot", o.plot, "the same as a plot")->type_name("FILE.svg")->group("Output");
  CLI::Option* quiet = solve.add_flag("--quiet", o.quiet, "no summary")->group("Output");
  solve.add_flag("--verbose", o.verbose, "a line a step, on standard error")->group("Output")->excludes(quiet);
  solve.footer(
      "Examples:\n"
      "  dini solve problem.json\n"
      "  dini solve --root 'z**2 - a' --input a=2 --z0 1 --loss z\n"
      "  dini solve --fixed-point 'tanh(W @ z + x)' --input W=W.npy --input x=x.npy --z0 'zeros(10)' --loss "
      "'sum(z)'\n\n"
      "Exit status: 0 solved; 2 the command line, the problem or a formula is wrong; 3 the solve or its derivative\n"
      "failed; 4 a file cannot be read or written.");
}

}  // namespace dini::app
