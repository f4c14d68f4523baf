#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "compiler/tools/command.h"
#include "compiler/tools/loaded_plan.h"
#include "compiler/tools/output.h"
#include "runtime/diagnostics/utf8.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_writer.h"

namespace upg::tools {
namespace {

/// Writes all bytes or says why not.
std::string write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::strerror(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// The file is there whole or not at all, also if the machine stops now. Empty: done; else why not.
std::string replace_file(const std::string &path, std::string_view bytes) {
  const std::string draft = fmt::format("{}.{}.tmp", path, ::getpid());
  const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) return std::strerror(errno);
  std::string why = write_all(descriptor, bytes);
  if (why.empty() && ::fsync(descriptor) != 0) why = std::strerror(errno);
  if (::close(descriptor) != 0 && why.empty()) why = std::strerror(errno);
  if (why.empty() && std::rename(draft.c_str(), path.c_str()) != 0) why = std::strerror(errno);
  if (!why.empty()) ::unlink(draft.c_str());
  return why;
}

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
    const std::string why = replace_file(path, bytes);
    if (!why.empty()) {
      loaded->sink.report(diagnostics::Kind::unwritable_output, {}, fmt::format("cannot write `{}`: {}", path, why));
    }
  }
  const Exit exit = finish(*loaded, options.output);
  if (exit == Exit::clean && options.output.format == Format::text) {
    put(fmt::format("wrote {}: {} bytes\ndigest sha256:{}\n", diagnostics::printable(path), bytes.size(),
                    plan::digest_hex(bytes)));
  }
  return exit;
}

}  // namespace upg::tools
