#pragma once
#include <cstdint>
#include <string_view>

#include "runtime/plan/plan.h"

namespace upg::plan {

enum class Category : std::uint8_t { expr, target, option, gate, held, cell, need, effect, stmt, block };
/// Meaning of an immediate; see opcodes.def.
enum class Immediate : std::uint8_t {
  unused, string, integer, slot, flag, host, set, role, role_or_all, state, probe, gate, action, hold, procedure, rollout, phase, waiver, secret, builtin, value, count
};
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

struct BuiltinInfo {
  std::string_view name;
  std::uint8_t least;
  std::uint8_t most;
  std::string_view signature;
  std::string_view text;
};
const BuiltinInfo &info(Builtin builtin);

}  // namespace upg::plan
