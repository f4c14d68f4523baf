#include "compiler/tools/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>

#include "compiler/sema/modules.h"
#include "compiler/tools/version.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
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

std::optional<std::int64_t> today(const SourceOptions &options) {
  if (options.today.empty()) {
    return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()).time_since_epoch().count();
  }
  const std::optional<std::int64_t> days = days_of_date(options.today);
  if (!days)
    put_error(
        fmt::format("upgc: --today wants a date like 2026-12-31, not `{}`\n", diagnostics::printable(options.today)));
  return days;
}

std::optional<compiler::CompileOptions> compile_options(const SourceOptions &options, const std::string &path) {
  compiler::CompileOptions out;
  out.path = path;
  out.plan = options.plan;
  out.limit = options.limit;
  out.stdlib = sema::library_paths({options.stdlib.begin(), options.stdlib.end()}, "/proc/self/exe");
  out.compiler_version = compiler_version();
  for (const std::string &define : options.defines) {
    const std::size_t equals = define.find('=');
    if (equals == 0 || equals == std::string::npos) {
      put_error(fmt::format("upgc: -D wants name=value, not `{}`\n", diagnostics::printable(define)));
      return std::nullopt;
    }
    out.defines.emplace_back(define.substr(0, equals), define.substr(equals + 1));
  }
  if (out.path != "-" && !options.stdin_name.empty()) {
    put_error("upgc: --stdin-name is for a plan from standard input, `-`\n");
    return std::nullopt;
  }
  if (out.path == "-") {
    std::optional<std::string> text = read_standard_input();
    if (!text) {
      put_error("upgc: standard input cannot be read, or is larger than 64 MiB\n");
      return std::nullopt;
    }
    out.text = std::move(*text);
    out.shown = options.stdin_name;
  }
  return out;
}

}  // namespace upg::tools
