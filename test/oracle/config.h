#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "test/oracle/ground.h"

namespace upg::oracle {

enum class Kind : std::uint8_t { down = 0, changing = 1 };

/// An outage: which pair, how, opened in which region. Unproven pairs (U) are in Config::unproven.
struct Outage {
  std::uint16_t pair;
  Kind kind;
  std::uint32_t region;
  auto operator<=>(const Outage &) const = default;
};

/// A gate known in a region, and the await that passed it.
struct Known {
  std::uint32_t gate;
  std::uint32_t region;
  std::uint32_t by;
  auto operator<=>(const Known &) const = default;
};

/// ⟨T,I,K,σ,D,O,V,Q⟩ of section 2. `at` marks the program: 0 not begun (or not of interest any more), otherwise what
/// the shape of the node says in machine.cpp.
struct Config {
  std::vector<std::uint16_t> at;         // by node
  std::vector<std::uint32_t> in_flight;  // nodes, ascending
  std::vector<Known> known;              // ascending
  std::vector<Values> sigma;             // by cell
  Pairs unproven = 0;
  std::vector<Outage> open;  // ascending
  std::uint64_t once = 0;
  Hosts visited = 0;
  Pairs changed = 0;
  Pairs accepted = 0;  // outages opened where they are accepted: they weigh nothing there
  Pairs lowered = 0;   // taken down where that is accepted, and under change from before: only the change weighs
  Pairs left = 0;      // of those accepted, what an abort has found open
  Pairs taken = 0, altered = 0;      // what the abort has taken down, or also changed, where that is not accepted
  std::vector<std::uint32_t> mover;  // by cell that can be armed: the step that moved it last; Node::none
  std::vector<Pairs> under;          // by with: pairs that an action which needs the hold has opened inside it
  Taken kept = 0;                    // holds that an attempt which failed has taken and not given back
  Hosts lost = 0;
  Cells vague = 0;                   // nothing arms them, but after a failure nobody knows their value
  std::vector<std::uint32_t> begun;  // steps that an abort would undo, in the order of their starts
  bool forward = false;              // the point of no return is passed
  bool halted = false;
  bool aborting = false;
  bool joined = false;  // several configurations as one: what the page calls the join

  /// Equal texts are equal configurations.
  std::string encode() const;
  static Config decode(const std::string &text, const Ground &ground);
  /// All that any of both has; known is what both know. The marks are the same.
  void join(const Config &other);
  /// σ and the outages alone, wherever they were opened; unproven health is no outage.
  std::string effects() const;
};

}  // namespace upg::oracle
