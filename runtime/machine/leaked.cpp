// Holds outside of the way forward: which of them are on, and giving back what a run has left behind, by the hold's own
// release and journalled like every step.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "runtime/machine/run.h"

namespace upg::machine {

namespace {
constexpr std::size_t kMostCells = 10'000;  // of all holds of a plan
}

/// Every cell of a hold whose arguments can be known: those of the journal, and all hosts of its one parameter.
std::vector<Machine::Run::KnownHold> Machine::Run::known_holds() const {
  std::vector<KnownHold> all;
  std::unordered_map<std::string, std::size_t> known;  // by text
  auto add = [&](std::size_t hold, std::vector<Value> arguments) -> KnownHold & {
    const std::string text = fmt::format("{}({})", plan.text(plan.holds[hold].name), name_arguments(arguments));
    const auto [it, fresh] = known.emplace(text, all.size());
    if (fresh) all.push_back(KnownHold{text, plan::HoldId(hold), std::move(arguments), {}});
    return all[it->second];
  };
  for (const auto &[key, step] : past.steps()) {
    if (step.hold.empty() || !step.intended || step.released) continue;
    Value arguments = from_journal(step.hold_arguments);
    for (std::size_t h = 0; h < plan.holds.size(); ++h)
      if (plan.text(plan.holds[h].name) == step.hold && arguments.is(Kind::list) &&
          arguments.items->size() == plan.holds[h].frame.parameters.size())
        add(h, *arguments.items).keys.push_back(key);
  }
  for (std::size_t h = 0; h < plan.holds.size(); ++h) {
    const auto &parameters = plan.holds[h].frame.parameters;
    if (parameters.empty()) add(h, {});
    if (parameters.size() != 1 || parameters[0].type.base != plan::BaseType::host) continue;
    const plan::RoleId role = parameters[0].type.role;
    for (std::size_t i = 0; i < plan.hosts.size() && all.size() < kMostCells; ++i) {
      const auto &roles = plan.hosts[i].roles;
      const bool fits = !role.valid() || std::find(roles.begin(), roles.end(), role) != roles.end();
      if (fits && !plan.hosts[i].out_reason.valid()) add(h, {Value::host(HostId(i))});
    }
  }
  return all;
}

Task<bool> Machine::Run::see_hold(KnownHold known, HoldSeen *seen, Bell *bell, std::size_t *count) {
  const plan::Hold &hold = plan.holds[known.hold.index];
  seen->text = known.text;
  seen->why = plan.text(hold.doc);
  for (const std::string &key : known.keys) {
    if (!seen->key.empty()) continue;
    seen->key = key;
    const StepPast *step = past.step(key);
    Value was = recall(*step);
    seen->found_on = was.yes();
    for (const Record &r : options.past)
      if (r.key == key && r.event == Event::hold_intended) seen->since_unix_ms = r.unix_ms;
  }
  seen->on = "nothing says how to ask";
  if (hold.observe.valid()) {
    Environment environment;
    environment.slots = known.arguments;
    environment.slots.resize(std::max(environment.slots.size(), hold.frame.slots.size()));
    Value v = co_await consult(hold.observe, std::move(environment), "holds");
    seen->on = v.open() ? show(v) : v.yes() ? "yes" : "no";
  }
  ++*count;
  bell->fire();
  co_return true;
}

Task<bool> Machine::Run::see_holds() {
  std::vector<KnownHold> known = known_holds();
  holds_seen.resize(known.size());
  std::vector<Task<bool>> tasks;
  tasks.reserve(known.size());
  Bell bell(queue);
  std::size_t ended = 0;
  for (std::size_t i = 0; i < known.size(); ++i) {
    tasks.push_back(see_hold(known[i], &holds_seen[i], &bell, &ended));
    tasks.back().start();
  }
  while (ended < tasks.size()) co_await bell;
  co_return !leaving();
}

Task<bool> Machine::Run::release_named() {
  bool ok = co_await settle_interrupted();
  if (!ok) co_return false;
  auto environment = std::make_shared<Environment>();
  environment->slots.resize(plan.frame.slots.size());
  const std::vector<KnownHold> known = known_holds();
  options.rerun_failed = true;  // a person asked for it
  const bool acted_before = acted;
  std::string given;
  for (std::size_t i = options.release.size(); i-- > 0;) {
    const std::string text = options.release[i];
    const auto it = std::find_if(known.begin(), known.end(), [&](const KnownHold &k) { return k.text == text; });
    if (it == known.end()) co_return halt(true, fmt::format("the plan has no hold {}", text), "", plan.where);
    const KnownHold hold = *it;
    NodeId with = with_of(std::string(plan.text(plan.holds[hold.hold.index].name)));
    if (!with.valid()) co_return halt(true, fmt::format("the plan never takes the hold {}", text), "", plan.where);
    std::string key = fmt::format("holds/{}", text);
    Held held;
    held.hold = hold.hold;
    held.arguments = name_arguments(hold.arguments);
    held.count = 1;
    held.was = Value::boolean(false);  // nobody knows what was before: off
    if (!hold.keys.empty()) {
      key = hold.keys.front();
      held.was = recall(*past.step(key));
      if (held.was.open()) co_return halt(true, show(held.was), key, plan.where);
      held.found_on = held.was.yes();
    } else if (!write(Event::hold_intended, key,
                      make_data({{"hold", std::string(plan.text(plan.holds[hold.hold.index].name))},
                                 {"arguments", held.arguments},
                                 {"values", to_journal(Value::list(hold.arguments))},
                                 {"was", to_journal(held.was)}}))) {
      co_return false;
    }
    if (held.found_on) observer.said(text + " was on before this run: it is left on");
    world.holds[text] = std::move(held);
    const Place place{key, environment};
    ok = co_await release(with, hold.arguments, place, "/give_back");
    if (!ok) co_return false;
    for (std::size_t other = 1; other < hold.keys.size(); ++other)  // who else counted on it enters it afresh, too
      if (!write(Event::hold_released, hold.keys[other],
                 make_data({{"hold", std::string(plan.text(plan.holds[hold.hold.index].name))},
                            {"arguments", name_arguments(hold.arguments)},
                            {"because", "halt"}})))
        co_return false;
    given += (given.empty() ? "given back by hand: " : ", ") + text;
  }
  // otherwise the run is as it was
  ending.status = past.status() == "halted"    ? Status::halted
                  : past.status() == "aborted" ? Status::aborted
                  : acted_before               ? Status::stopped
                                               : Status::done;
  ending.reason = past.reason() + (past.reason().empty() ? "" : "; ") + given;
  co_return true;
}

const std::vector<HoldSeen> &Machine::seen_holds() const { return run_->holds_seen; }

}  // namespace upg::machine
