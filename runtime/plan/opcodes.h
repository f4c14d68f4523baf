#pragma once
#include <cstdint>
#include <string_view>

#include "runtime/plan/plan.h"

namespace upg::plan {

/// `role_or_all`: this value instead of a role's index.
inline constexpr std::uint32_t all_roles = 0xfffffffeu;

struct OpInfo {
  std::string_view name;
  Category category;
  Immediate a;
  Immediate b;
  std::string_view children;  // see opcodes.def
};
const OpInfo &info(Op op);
/// Whether every node of the row has the same number of children (no `*`, no `?`): the number of letters.
bool fixed_children(const OpInfo &row);

struct BuiltinInfo {
  std::string_view name;
  std::uint8_t least;
  std::uint8_t most;
  std::string_view signature;
  std::string_view text;
};
const BuiltinInfo &info(Builtin builtin);

}  // namespace upg::plan
