#include <fmt/format.h>

#include <filesystem>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "runtime/cli/replace.h"
#include "runtime/diagnostics/utf8.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_writer.h"

namespace upg::tools {
namespace {

std::string output_path(const std::string &wish, const std::string &input) {
  if (!wish.empty()) return wish;
  return std::filesystem::path(input).replace_extension(".upgb").string();
}

}  // namespace

Exit run_build(std::span<const char *const> arguments) {
  CommandLine line;
  PlanOptions options;
  llvm::cl::opt<std::string> wish{"o", llvm::cl::desc("the file to write (default: FILE with .upgb)"),
                                  llvm::cl::value_desc("file")};
  if (const auto end = line.parse(arguments, "checks a plan and writes it as a .upgb file")) return *end;
  if (options.input == "-" && wish.empty()) {
    put_error("upgc build: a plan from standard input needs -o FILE\n");
    return Exit::usage;
  }
  const std::string path = output_path(wish, options.input);
  std::error_code ignored;
  if (options.input != "-" && std::filesystem::equivalent(path, options.input.getValue(), ignored)) {
    put_error(fmt::format("upgc build: `{}` is the input; -o names another file\n", diagnostics::printable(path)));
    return Exit::usage;
  }
  std::optional<LoadedPlan> loaded = load_plan(options);
  if (!loaded) return Exit::usage;
  std::string bytes;
  if (loaded->plan && loaded->clean()) {
    bytes = plan::write(*loaded->plan);
    const std::string why = cli::replace_file(path, bytes);
    if (!why.empty()) {
      loaded->sink.report(diagnostics::Kind::unwritable_output, {}, fmt::format("cannot write `{}`: {}", path, why));
    }
  }
  const Exit exit = finish(*loaded, options);
  if (exit == Exit::clean && options.output.format == Format::text) {
    put(fmt::format("wrote {}: {} bytes\ndigest sha256:{}\n", diagnostics::printable(path), bytes.size(),
                    plan::digest_hex(bytes)));
  }
  return exit;
}

}  // namespace upg::tools
