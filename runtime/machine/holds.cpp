// Holds: entered and left in pairs. The value found before is journalled before the acquire and is what the release
// restores.
#include <fmt/format.h>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

Task<bool> Machine::Run::with(NodeId node, Place place) {
  NodeId held_node = plan.kid(node, 0);
  plan::HoldId id(plan.node(held_node).a);
  const plan::Hold &hold = plan.holds[id.index];
  std::vector<Value> arguments;
  for (NodeId k : plan.kids(held_node)) {
    Value v = co_await consult(k, *place.environment, place.key);
    if (v.open()) co_return halt(true, "an argument of the hold is unknown: " + show(v), place.key, plan.span(node));
    arguments.push_back(std::move(v));
  }
  const std::string name(plan.text(hold.name));
  const std::string full = fmt::format("{}({})", name, name_arguments(arguments));
  const StepPast *before = past.step(place.key);
  if (before && before->released) co_return true;  // entered, done and left before

  if (dry()) {
    observer.said(fmt::format("would hold {}", full));
    world.holds[full].count++;
    co_return co_await block(plan.kid(node, 1), place.at("/b"));
  }

  Held &entry = world.holds[full];
  if (entry.count == 0) {
    entry.hold = id;
    entry.arguments = name_arguments(arguments);
    entry.since_key = place.key;
    entry.since_unix_ms = clock.unix_ms();
    if (before && before->intended) {
      entry.was = from_journal(before->value);
    } else if (hold.observe.valid()) {
      Environment environment;
      environment.slots = arguments;
      environment.slots.resize(std::max(environment.slots.size(), hold.frame.slots.size()));
      entry.was = co_await consult(hold.observe, std::move(environment), place.key);
      if (leaving()) co_return false;
      if (entry.was.open())
        co_return halt(true,
                       fmt::format("what {} is now is unknown, so it could not be restored: {}", full, show(entry.was)),
                       place.key, plan.span(node));
    } else {
      entry.was = Value::boolean(false);
    }
    entry.found_on = entry.was.yes();
    if (!(before && before->intended) &&
        !write(Event::hold_intended, place.key,
               make_data({{"hold", name}, {"arguments", entry.arguments}, {"was", to_journal(entry.was)}})))
      co_return false;
    if (!entry.found_on) {
      ActCall call;
      call.action = hold.acquire;
      call.arguments = arguments;
      call.relied = relied_on(node, place.key);
      call.where = plan.span(node);
      bool ok = co_await act(std::move(call), place.at("/acquire"));
      if (!ok) {
        // an acquire that may have had an effect counts as in force until a person or a resume knows better
        if (past_or_now_intended(place.key + "/acquire")) world.holds[full].count = 1;
        co_return false;
      }
    }
    if (!(before && before->done) &&
        !write(Event::hold_taken, place.key, make_data({{"hold", name}, {"arguments", entry.arguments}})))
      co_return false;
  }
  world.holds[full].count++;

  Place inner = place.at("/b");
  const StepPast *left = past.step(place.key + "/release");
  inner.over = place.over || (left && left->intended);
  bool ok = co_await block(plan.kid(node, 1), inner);
  if (!ok) {
    bool give_back = ending.status != Status::running && hold.on_halt == plan::Afterwards::release &&
                     world.outages().empty() && requests.empty();
    if (!give_back || world.holds[full].count > 1) co_return false;
    release_on_halt = true;
    bool released = co_await release(node, world.holds[full], arguments, place);
    release_on_halt = false;
    if (!released) observer.said(fmt::format("{} could not be released", full));
    co_return false;
  }
  co_return co_await release(node, world.holds[full], std::move(arguments), place);
}

bool Machine::Run::past_or_now_intended(const std::string &key) const {
  const StepPast *before = past.step(key);
  return (before && before->intended) || intended.count(key) != 0;
}

/// The last one out releases; what was found on stays on.
Task<bool> Machine::Run::release(NodeId node, Held held, std::vector<Value> arguments, Place place) {
  const plan::Hold &hold = plan.holds[held.hold.index];
  const std::string name(plan.text(hold.name));
  const std::string full = fmt::format("{}({})", name, name_arguments(arguments));
  if (world.holds[full].count > 1) {
    --world.holds[full].count;
    co_return write(Event::hold_released, place.key, make_data({{"hold", name}, {"arguments", held.arguments}}));
  }
  if (!held.found_on) {
    auto was = std::make_unique<Value>(held.was);
    ActCall call;
    call.action = hold.release;
    call.arguments = std::move(arguments);
    call.was = was.get();
    call.relied = {};
    call.where = plan.span(node);
    bool ok = co_await act(std::move(call), place.at("/release"));
    if (!ok) co_return false;
  }
  world.holds.erase(full);
  co_return write(Event::hold_released, place.key, make_data({{"hold", name}, {"arguments", held.arguments}}));
}

}  // namespace upg::machine
