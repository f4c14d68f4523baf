#include "compiler/tools/command_line.h"

#include <fmt/format.h>
#include <llvm/Support/raw_ostream.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "compiler/tools/output.h"
#include "compiler/tools/version.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

/// Folders of modules: those asked for, else UPG_STDLIB, else share/upg/stdlib beside the folder of this program.
std::vector<std::string> module_folders(const PlanOptions &options) {
  std::vector<std::string> folders(options.stdlib.begin(), options.stdlib.end());
  if (!folders.empty()) return folders;
  if (const char *from_environment = std::getenv("UPG_STDLIB");
      from_environment != nullptr && *from_environment != '\0') {
    return {from_environment};
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const std::filesystem::path folder =
      std::filesystem::weakly_canonical(program.parent_path() / ".." / "share" / "upg" / "stdlib", error);
  if (error) return {};
  return {folder.string()};
}

/// Standard input up to a limit; it is a plan typed or piped in, not a stream.
std::optional<std::string> read_standard_input() {
  constexpr std::size_t kLimit = 64u << 20;
  std::string text;
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 || text.size() > kLimit) return std::nullopt;
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

CommandLine::CommandLine() {
  // The first parse registers LLVM's own options; ours take their place, --color for one.
  const std::array<const char *, 1> nothing{"upgc"};
  llvm::cl::ParseCommandLineOptions(1, nothing.data());
  std::vector<llvm::cl::Option *> foreign;
  for (auto &entry : llvm::cl::getRegisteredOptions()) {
    if (entry.first() == "help") {
      entry.second->setDescription("show this");
    } else {
      foreign.push_back(entry.second);
    }
  }
  for (llvm::cl::Option *option : foreign) option->removeArgument();
}

std::optional<Exit> CommandLine::parse(std::span<const char *const> arguments, const char *overview) {
  std::string problems;
  llvm::raw_string_ostream stream(problems);
  const auto count = static_cast<int>(arguments.size());
  if (llvm::cl::ParseCommandLineOptions(count, arguments.data(), overview, &stream)) return std::nullopt;
  stream.flush();
  put_error(diagnostics::printable(problems, true));
  return Exit::usage;
}

std::optional<std::int64_t> days_of_date(std::string_view date) {
  const auto number = [&](std::size_t at, std::size_t length, int &value) {
    const char *begin = date.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + length, value);
    return error == std::errc() && end == begin + length && date[at] != '-';
  };
  int year = 0, month = 0, day = 0;
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return std::nullopt;
  if (!number(0, 4, year) || !number(5, 2, month) || !number(8, 2, day)) return std::nullopt;
  const std::chrono::year_month_day value{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                          std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1970 || !value.ok()) return std::nullopt;
  return std::chrono::sys_days(value).time_since_epoch().count();
}

std::optional<std::int64_t> today(const PlanOptions &options) {
  if (options.today.empty()) {
    return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()).time_since_epoch().count();
  }
  const std::optional<std::int64_t> days = days_of_date(options.today);
  if (!days)
    put_error(
        fmt::format("upgc: --today wants a date like 2026-12-31, not `{}`\n", diagnostics::printable(options.today)));
  return days;
}

std::optional<compiler::CompileOptions> compile_options(const PlanOptions &options) {
  compiler::CompileOptions out;
  out.path = options.input;
  out.plan = options.plan;
  out.limit = options.limit;
  out.stdlib = module_folders(options);
  out.compiler_version = compiler_version();
  for (const std::string &define : options.defines) {
    const std::size_t equals = define.find('=');
    if (equals == 0 || equals == std::string::npos) {
      put_error(fmt::format("upgc: -D wants name=value, not `{}`\n", diagnostics::printable(define)));
      return std::nullopt;
    }
    out.defines.emplace_back(define.substr(0, equals), define.substr(equals + 1));
  }
  if (out.path == "-") {
    std::optional<std::string> text = read_standard_input();
    if (!text) {
      put_error("upgc: standard input cannot be read, or is larger than 64 MiB\n");
      return std::nullopt;
    }
    out.text = std::move(*text);
  }
  return out;
}

}  // namespace upg::tools
