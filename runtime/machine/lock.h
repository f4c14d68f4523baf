#pragma once
// What hosts say of locks, and what follows from it. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/machine/transport.h"

namespace upg::machine {

/// A line that a host says of one lock.
struct LockLine {
  enum class State : std::uint8_t { free, held, broken } state = State::free;
  std::uint64_t token = 0;
  std::string run, owner, plan;
  std::int64_t since_unix_s = 0;
  std::int64_t lease_s = 0;  // that are left of it there
};

/// One line for each name; nothing if a host says something else.
std::optional<std::vector<LockLine>> read_lock_lines(std::string_view text, std::size_t names);

/// The newest of what hosts say of one lock: a token is given out once, so what is older is over, wherever it is kept.
LockLine newest(const LockLine &a, const LockLine &b);

/// A word for a line of a lock: what is no letter, digit or one of "._@:+-" becomes '_'; never empty.
std::string lock_word(std::string_view text);

/// "run R (plan P) of OWNER since TIME, whose controller is alive"
std::string describe_holder(const LockLine &line, std::int64_t unix_ms);

/// Names of the locks of a plan: its cluster's, and those it asks for.
std::vector<std::string> lock_names(std::string_view cluster, const std::vector<std::string_view> &exclusive);

inline constexpr std::uint64_t max_token = 999'999'999'999'999;

}  // namespace upg::machine
