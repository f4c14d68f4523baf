#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace upg::tools {

/// What upgc's exit code says.
enum class Exit : std::uint8_t {
  clean = 0,     // done, nothing found (warnings do not count)
  findings = 1,  // the input was judged and rejected
  usage = 2,     // wrong command line, or an input or output that cannot be read or written
  internal = 3,  // upgc itself failed
};

/// One subcommand. `arguments[0]` is its full name for messages ("upgc check").
struct Command {
  std::string_view name;
  std::string_view summary;
  Exit (*run)(std::span<const char *const> arguments);
};

Exit run_check(std::span<const char *const> arguments);
Exit run_build(std::span<const char *const> arguments);
Exit run_show(std::span<const char *const> arguments);
Exit run_disasm(std::span<const char *const> arguments);
Exit run_explain(std::span<const char *const> arguments);

}  // namespace upg::tools
