#pragma once
#include <cstdint>
#include <span>

#include "runtime/cli/command_line.h"

namespace upg::run {

/// What upgrun's exit code says.
enum class Exit : std::uint8_t {
  done = 0,       // the plan is complete; or what was asked for is so
  refused = 1,    // nothing was changed
  usage = 2,      // wrong command line, or an input that cannot be read
  stopped = 3,    // part-way; `upgrun resume` goes on
  person = 4,     // part-way; someone must look first
  aborted = 5,    // undone on request
  internal = 70,  // upgrun itself failed; whether part-way, `upgrun status` tells
};

extern const cli::Program upgrun;
using CommandLine = cli::CommandLine<Exit, upgrun>;

Exit run_run(std::span<const char *const> arguments);
Exit run_resume(std::span<const char *const> arguments);
Exit run_abort(std::span<const char *const> arguments);
Exit run_stop(std::span<const char *const> arguments);
Exit run_pause(std::span<const char *const> arguments);
Exit run_continue(std::span<const char *const> arguments);
Exit run_answer(std::span<const char *const> arguments);
Exit run_holds(std::span<const char *const> arguments);
Exit run_unlock(std::span<const char *const> arguments);
Exit run_status(std::span<const char *const> arguments);
Exit run_unattended(std::span<const char *const> arguments);
Exit run_report(std::span<const char *const> arguments);
Exit run_verify(std::span<const char *const> arguments);
Exit run_simulate(std::span<const char *const> arguments);
Exit run_preflight(std::span<const char *const> arguments);

}  // namespace upg::run
