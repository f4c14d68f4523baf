#pragma once
#include <cstdio>
#include <memory>
#include <string>

#include "runtime/machine/machine.h"

namespace upg::report {

/// What an operator sees while a run goes on.
class Progress : public machine::Observer {
 public:
  /// Called between turns, at least every second.
  virtual void tick(const machine::Machine &machine, std::int64_t unix_ms, machine::Millis now) = 0;
  virtual void finish() {}
  /// A question to a person is about to be printed: leave the screen to it.
  virtual void pause() {}
};

enum class ProgressKind : std::uint8_t { automatic, live, plain, json };

/// live: a block that is redrawn below the lines; plain: one line for each event and a heartbeat; json: one event a
/// line.
std::unique_ptr<Progress> make_progress(ProgressKind kind, const plan::Plan &plan, std::FILE *out);

}  // namespace upg::report
