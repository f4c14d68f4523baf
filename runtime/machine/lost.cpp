// Lost hosts (SEMANTICS, `lose h`): a turn of a tolerant rollout that fails leaves its host behind, down in every role
// to the end of the plan. The budget is the plan's and absolute.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {

Task<std::string> Machine::Run::armed(HostId host, std::string key) {
  for (const plan::State &state : plan.states) {
    const bool can_be =
        std::any_of(state.values.begin(), state.values.end(), [](const auto &v) { return v.transient; });
    if (!can_be || state.frame.parameters.size() != 1) continue;
    Environment environment;
    environment.slots.resize(std::max<std::size_t>(1, state.frame.slots.size()));
    environment.slots[0] = Value::host(host);
    Value v = co_await consult(state.observe, std::move(environment), key);
    std::string now_is = v.open() ? std::string() : show(v);
    const std::string name(plan.text(state.name));
    if (v.open()) {  // it cannot be asked: what was seen of it last counts, and no news is no danger that the plan made
      auto it = seen_cells.find(fmt::format("{}({})", name, host_name(host)));
      if (it == seen_cells.end()) continue;
      if (it->second.empty()) co_return fmt::format("{} is on its way", name);
      now_is = it->second;
    }
    for (const auto &value : state.values)
      if (value.transient && plan.text(value.name) == now_is) co_return fmt::format("{} is {}", name, now_is);
  }
  co_return std::string();
}

Task<bool> Machine::Run::lose(HostId host, std::string key, Ending failure) {
  const std::string name = host_name(host);
  if (std::string step = still_under_way(key + "/", host); !step.empty())
    co_return halt_after_all(failure,
                             failure.reason + "; it may still be under way elsewhere, so the host is not given up");
  std::string left_at = co_await armed(host, key);
  if (leaving()) co_return false;
  if (!left_at.empty())
    co_return halt_after_all(failure,
                             fmt::format("{}; {} of {}, which may not be left standing, so the host is not given up",
                                         failure.reason, left_at, name));
  if (world.lost_hosts() >= plan.tolerate)  // asked last: another turn may have used the budget up meanwhile
    co_return halt_after_all(failure, fmt::format("{}; {} of {} hosts that may be lost are lost already",
                                                  failure.reason, world.lost_hosts(), plan.tolerate));
  if (!write(Event::host_lost, key,
             make_data({{"host", name},
                        {"reason", failure.reason},
                        {"lost", std::to_string(world.lost_hosts() + 1)},
                        {"tolerated", std::to_string(plan.tolerate)}})))
    co_return false;
  world.lose(host);
  if (simulation()) {
    Move move;
    move.kind = Move::Kind::lose;
    move.key = key;
    move.host = host;
    moved(move);
  }
  co_return co_await release_left_holds(key + "/", host);
}

std::string Machine::Run::lost_hosts_text() const {
  std::string names;
  for (std::size_t h = 0; h < plan.hosts.size(); ++h)
    if (world.lost(HostId(h))) names += (names.empty() ? "" : ", ") + host_name(HostId(h));
  if (names.empty()) return {};
  return fmt::format("{} of {} hosts that may be lost {} lost: {}", world.lost_hosts(), plan.tolerate,
                     world.lost_hosts() == 1 ? "is" : "are", names);
}

Task<bool> Machine::Run::settle_lost(HostId host, Place turn) {
  const std::string prefix = turn.key + "/";
  for (const auto &[key, step] : past.steps()) {
    if (!key.starts_with(prefix) || step.hold.empty() || !step.intended || step.released) continue;
    if (!take_up_round(prefix, turn)) co_return false;
    co_return co_await release_left_holds(prefix, host);
  }
  co_return true;
}

}  // namespace upg::machine
