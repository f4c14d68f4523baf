#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/simulate/run.h"

namespace upg::simulate {

/// A move that a directed run made.
struct Taken {
  bool told = false;  // the schedule names it; otherwise it is forced: something that has to come before
  machine::Move::Kind kind = machine::Move::Kind::start;
  std::string key;
  std::string text;
  std::size_t step = 0;  // told: which step of the schedule
};

/// What became of one schedule.
struct Replayed {
  bool reached = false;      // the rule broke at the last step of the schedule
  Violation violation;       // if it was reached
  std::string why;           // otherwise: which step could not be taken, or that nothing broke
  std::vector<Taken> taken;  // in order
  std::size_t followed = 0;  // how many steps of the schedule were taken
  unsigned tries = 0;        // runs until this one; 1: the first way tried
  std::string way;           // how forced steps were chosen in this one, for people
  machine::Status status = machine::Status::running;
  std::string halted;                                  // why the machine stopped by itself, if it did
  machine::Protection by = machine::Protection::none;  // what it had asked then
};

struct ReplayOptions {
  bool protected_ = false;        // with what protects a real run at the act
  unsigned tries = 64;            // runs at most; forced steps are chosen differently in each
  unsigned first_try = 0;         // begin there (and, with tries = 1, try nothing else)
  std::string_view message = {};  // of the rejection: the role or gate that breaks is one that it quotes
};

/// Executes the schedule of a rejection: every step it names, in its order, and between two of them only what has to
/// come before the next. `rule` is the diagnostic's kind without `rule_`. Steps without a cue are words.
Replayed replay(const plan::Plan &plan, const safety::Proof &proof, std::string_view rule,
                std::span<const diagnostics::ScheduleStep> schedule, const ReplayOptions &options = {});

std::string_view name_of(machine::Move::Kind kind);
std::string_view name_of(machine::Protection protection);

}  // namespace upg::simulate
