#pragma once
#include <cstdint>
#include <vector>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/plan/plan.h"

namespace upg::safety {

/// What the proof relied on; the machine asks it again at the act (SEMANTICS R1, R2).
struct Reliance {
  plan::NodeId act;                  // an `act` or `with` node (its acquire/release too)
  std::vector<plan::NodeId> awaits;  // the `await` nodes whose passes GUARD relied on for it
};

/// An edge that ORDER adds between two phases of one dag that the author left unordered: ordinals of the dag's
/// children.
struct PhaseEdge {
  plan::NodeId dag;
  std::uint32_t before = 0;
  std::uint32_t after = 0;
};

/// The worst moment of one role: how much of its budget the plan uses at most.
struct WorstMoment {
  plan::RoleId role;
  std::uint64_t total = 0;          // weight of all its hosts
  std::uint64_t down = 0;           // largest weight down at one instant
  std::uint64_t budget = 0;         // may be down; unlimited: UINT64_MAX
  std::vector<plan::HostId> hosts;  // an example of who is down then
  std::uint64_t accepted = 0;       // largest weight down at one instant inside an accepted outage, if that is more
};

/// The longest that one turn of a rollout may take, and that giving back the holds around it may take which do not stay
/// over a wait for the next window.
struct TurnBound {
  plan::NodeId roll;
  std::int64_t worst_ms = 0;
  std::int64_t leave_ms = 0;
};

/// A role the plan touches, a bound on its time, and what was relied on. Valid only if no error was reported.
struct Proof {
  std::vector<Reliance> reliances;
  std::vector<PhaseEdge> phase_edges;
  std::vector<WorstMoment> worst;
  std::vector<TurnBound> turns;  // by node
  std::int64_t typical_ms = 0;
  std::int64_t worst_ms = 0;
};

enum class Telling : std::uint8_t {
  causes,  // one diagnostic for each cause
  every,   // also what else the same cause breaks
};

/// Runs every rule over the plan (SEMANTICS sections 3, 4, 7). Reports to the sink with ranges whose FileId is the
/// plan's file index: the caller's Sources must hold the plan's files at the same indices. `today`: days since 1970,
/// for waivers that expire.
Proof check(const plan::Plan &plan, std::int64_t today, diagnostics::Sink &sink, Telling telling = Telling::causes);

/// A finding that would be there if a waiver were not.
struct Lifted {
  std::size_t waiver = 0;  // index in the plan; the innermost, if several lift it
  diagnostics::Diagnostic finding;
};
/// What the waivers of an accepted plan lift, by checking it without them, one more left out each time. Of more than
/// `most_waivers` the others are left out together, and what they lift is put down to the last.
std::vector<Lifted> lifted_findings(const plan::Plan &plan, std::int64_t today);
constexpr std::size_t most_waivers = 64;

}  // namespace upg::safety
