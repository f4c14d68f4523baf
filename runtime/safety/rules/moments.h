#pragma once
#include <string>
#include <vector>

#include "runtime/safety/analysis.h"
#include "runtime/safety/cuts.h"

namespace upg::safety {

/// The worst moment of a budget as AVAIL and SERIAL tell it.
struct Moment {
  Cut cut;                    // with waivers taken into account
  std::vector<Down> harmful;  // a smallest part of it that breaks the budget, in the order of the steps; empty: kept
  std::vector<plan::HostId> hosts;  // names for `cut`
  std::uint64_t accepted = 0;       // weight of the worst moment as if nothing were accepted; 0: nothing is
};
/// Whether taking or giving back a hold that must not be there makes the harmful moment: it is told already.
bool condemned(const Analysis &a, const Moment &moment);
Moment worst_moment(Analysis &a, const Budget &budget, std::string_view rule);

/// Tells the harmful moment: the schedule, and labels at what lets its steps overlap.
struct MomentWords {
  std::string taken;  // "down"
  std::string last;   // what the last step of the schedule says
};
void tell_moment(Analysis &a, const Moment &moment, const MomentWords &words, diagnostics::Sink::Builder &report);

/// Hosts for the entries of a cut: `copies` hosts of its class each.
std::vector<plan::HostId> hosts_of(const Analysis &a, const std::vector<Down> &who);
std::string names_of(const Analysis &a, const std::vector<plan::HostId> &hosts);

}  // namespace upg::safety
