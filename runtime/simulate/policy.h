#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "runtime/simulate/contract.h"

namespace upg::simulate {

/// What one `available` line says while some hosts of its role are down. One for each group of a `per`.
struct Weight {
  std::string group;  // of `per`; else empty
  std::uint64_t total = 0;
  std::uint64_t down = 0;    // what is declared out included
  std::uint64_t out = 0;     // declared out
  std::uint64_t budget = 0;  // may be down
  bool exceeded() const { return down > out && down > budget; }
};

/// The weights of a limiting line. `down`: hosts of the role that are; those declared out count by themselves.
std::vector<Weight> weigh(const Reader &reader, RoleIndex role, const plan::Available &line,
                          const std::set<HostIndex> &down);
/// Whether any line of the role is exceeded.
bool exceeded(const Reader &reader, RoleIndex role, const std::set<HostIndex> &down);
/// Whether any line of the role limits how many may be down.
bool limited(const plan::Plan &plan, RoleIndex role);

}  // namespace upg::simulate
