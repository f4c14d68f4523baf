#pragma once
#include <cstdint>
#include <span>

#include "runtime/cli/command_line.h"
#include "runtime/cli/output.h"

namespace upg::tools {

/// What upgc's exit code says.
enum class Exit : std::uint8_t {
  clean = 0,     // done, nothing found (warnings do not count)
  findings = 1,  // the input was judged and rejected
  usage = 2,     // wrong command line, or an input or output that cannot be read or written
  internal = 3,  // upgc itself failed
};

extern const cli::Program upgc;
using CommandLine = cli::CommandLine<Exit, upgc>;
using cli::put;
using cli::put_error;

Exit run_check(std::span<const char *const> arguments);
Exit run_build(std::span<const char *const> arguments);
Exit run_fmt(std::span<const char *const> arguments);
Exit run_doc(std::span<const char *const> arguments);
Exit run_show(std::span<const char *const> arguments);
Exit run_disasm(std::span<const char *const> arguments);
Exit run_diff(std::span<const char *const> arguments);
Exit run_explain(std::span<const char *const> arguments);

}  // namespace upg::tools
