// Accepted risks in force: what they lift at run time, and how long an accepted outage lasts.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {

Task<bool> Machine::Run::accept_statement(NodeId node, Place place) {
  const plan::Waiver &waiver = plan.waivers[plan.node(node).a];
  if (simulation()) {
    Move move;
    move.kind = Move::Kind::accept;
    move.key = place.key;
    move.node = node;
    moved(move);
  }
  if (!write(Event::waiver_used, place.key,
             make_data(
                 {{"rule", std::string(plan.text(waiver.rule))}, {"reason", std::string(plan.text(waiver.reason))}})))
    co_return false;
  accepted.push_back({place.key + "/", &waiver});
  auto mine = std::prev(accepted.end());
  if (const StepPast *before = past.step(place.key); before && before->limit_unix_ms)
    mine->since_unix_ms = *before->limit_unix_ms;
  bool ok = co_await block(plan.kid(node, 0), place.at("/b"));
  look_at_outages();
  accepted.erase(mine);
  if (ok && simulation()) {
    Move move;
    move.kind = Move::Kind::unaccept;
    move.key = place.key;
    move.node = node;
    moved(move);
  }
  co_return ok;
}

bool Machine::Run::lifted(const std::string &key, RoleId role, std::string_view rule) const {
  return std::any_of(accepted.begin(), accepted.end(), [&](const Accepted &a) {
    const std::string_view what = plan.text(a.waiver->rule);
    if (!key.starts_with(a.prefix) || a.waiver->hold.valid()) return false;
    if (what == "outage") return a.waiver->role == role;
    return what == rule && (!a.waiver->role.valid() || a.waiver->role == role);
  });
}

bool Machine::Run::outage_in_time(const std::vector<Outage> &opened, const std::string &key, plan::Span where) {
  for (const Accepted &a : accepted) {
    if (a.waiver->at_most == 0 || a.since_unix_ms == 0 || !key.starts_with(a.prefix)) continue;
    const std::int64_t over = clock.unix_ms() - a.since_unix_ms - a.waiver->at_most;
    if (over <= 0) continue;
    for (const Outage &o : opened)
      if (o.down && o.role == a.waiver->role)
        return halt(true,
                    fmt::format("the outage of {} was accepted for {} min, and that is over since {} min",
                                plan.text(plan.roles[o.role.index].name), a.waiver->at_most / 60'000, over / 60'000),
                    key, where, "bring the role back; the plan does not take it down again");
  }
  return true;
}

void Machine::Run::outage_began(const std::vector<Outage> &opened, const std::string &key) {
  for (Accepted &a : accepted) {
    if (a.waiver->at_most == 0 || a.since_unix_ms != 0 || !key.starts_with(a.prefix)) continue;
    for (const Outage &o : opened) {
      if (!o.down || o.role != a.waiver->role || a.since_unix_ms != 0) continue;
      a.since_unix_ms = clock.unix_ms();
      write(Event::limit_started, a.prefix.substr(0, a.prefix.size() - 1),
            make_data({{"ms", std::to_string(a.waiver->at_most)}}));
    }
  }
}

void Machine::Run::look_at_outages() {
  for (Accepted &a : accepted) {
    if (a.told || a.waiver->at_most == 0 || a.since_unix_ms == 0) continue;
    if (clock.unix_ms() - a.since_unix_ms <= a.waiver->at_most) continue;
    std::string hosts;
    for (const Outage &o : world.outages())
      if (o.role == a.waiver->role && o.down) hosts += (hosts.empty() ? "" : ", ") + host_name(o.host);
    if (hosts.empty()) continue;
    a.told = true;
    write(Event::outage_overrun, a.prefix.substr(0, a.prefix.size() - 1),
          make_data({{"role", std::string(plan.text(plan.roles[a.waiver->role.index].name))},
                     {"hosts", hosts},
                     {"ms", std::to_string(a.waiver->at_most)}}));
  }
}

}  // namespace upg::machine
