#pragma once
#include <optional>
#include <string>

#include "runtime/plan/plan.h"

namespace upg::plan {

/// Bounds that a valid plan keeps, so that whoever walks it may use recursion and 64 bit sums.
struct Limits {
  static constexpr std::size_t nodes = 1u << 24;
  static constexpr std::size_t depth = 256;  // of one tree of nodes, and of a chain of declarations that use each other
  static constexpr std::size_t state_values = 64;                                      // a set of them fits in a word
  static constexpr std::uint32_t attempts = 100;                                       // of one block of code
  static constexpr std::uint32_t tolerated = 100'000;                                  // lost hosts
  static constexpr std::int64_t duration = std::int64_t{10} * 366 * 24 * 3600 * 1000;  // ms
};

/// Why a plan is none. `in_strings`: the pool itself is bad (not UTF-8, or one string twice).
struct ValidationError {
  std::string message;  // lower case, no full stop; names the record or node
  NodeId node;          // where, if it is about a node
  bool in_strings = false;
};

/// Whether the plan keeps every rule of its model; nothing if it does. The same for a plan just compiled and one just
/// read, in linear time. What holds afterwards:
///   - every id is in range or, where plan.h allows it, absent; elements of lists are never absent; enumerators are in
///   range
///   - nodes have the immediates and children of their opcode's row, stand after their children, and have exactly one
///   place: one parent,
///     or one field of one record. Nothing is shared and nothing is left over (drop_unused_nodes removes what is)
///   - slots belong to the frame of their body and are bound before they are read; commands stand in actions and
///   questions only
///   - uses agree with declarations: numbers of arguments, hosts where hosts are wanted, values of states
///   - declarations do not use themselves, directly or through others
/// Regular expressions, time zones and all rules of safety are not judged here.
std::optional<ValidationError> validate(const Plan &plan);

/// Removes nodes that no record reaches (left from constant folding, say) and keeps the order of the others.
void drop_unused_nodes(Plan &plan);

}  // namespace upg::plan
