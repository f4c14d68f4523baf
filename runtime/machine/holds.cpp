// Holds: entered and left in pairs. The value found before is journalled before the acquire and is what the release
// restores.
#include <fmt/format.h>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

namespace {
/// What is known of the hold. It enters nothing: who looks at the holds while this one waits finds only what is one.
Held held_now(const World &world, const std::string &full) {
  const auto found = world.holds.find(full);
  return found == world.holds.end() ? Held{} : found->second;
}
}  // namespace

Task<bool> Machine::Run::with(NodeId node, Place place) {
  NodeId held_node = plan.kid(node, 0);
  plan::HoldId id(plan.node(held_node).a);
  const plan::Hold &hold = plan.holds[id.index];
  std::vector<Value> arguments;
  for (NodeId k : plan.kids(held_node)) {
    Value v = co_await consult(k, *place.environment, place.key);
    if (v.open() && !dry())
      co_return halt(true, "an argument of the hold is unknown: " + show(v), place.key, plan.span(node));
    arguments.push_back(std::move(v));
  }
  const std::string name(plan.text(hold.name));
  const std::string full = fmt::format("{}({})", name, name_arguments(arguments));
  const StepPast *before = past.step(place.key);
  if (before && before->released) co_return true;  // entered, done and left before
  if (simulation() && !dry()) {
    const bool moving = holds_in_motion.count(full) != 0;
    const bool held = world.holds.count(full) != 0 && world.holds[full].count > 0;
    if (moving != held) co_await counted(hold.acquire, arguments, place.key, "/acquire");
    if (leaving()) co_return false;
  }
  while (holds_in_motion.count(full)) co_await hold_bell;  // a sibling takes it or gives it back right now
  if (leaving()) co_return false;

  if (dry()) {
    observer.said(fmt::format("would hold {}", full));
    Held &told = world.holds[full];
    told.hold = id;
    told.arguments = name_arguments(arguments);
    told.count++;
    bool whole = co_await block(plan.kid(node, 1), place.at("/b"));
    if (--world.holds[full].count <= 0) world.holds.erase(full);
    co_return whole;
  }

  holds_in_motion.insert(full);
  bool ok = co_await take(node, arguments, place);
  holds_in_motion.erase(full);
  hold_bell.fire();
  if (!ok) co_return false;

  Place inner = place.at("/b");
  const StepPast *left = past.step(place.key + "/release");
  inner.over = place.over || (left && left->intended);
  standing.push_back({node, arguments, place});
  ok = co_await block(plan.kid(node, 1), inner);
  std::erase_if(standing, [&](const LeftHold &s) { return s.place.key == place.key; });
  if (!ok) {  // the innermost stands first: the order in which they are given back, once everything else has ended
    left_holds.push_back({node, std::move(arguments), place});
    co_return false;
  }
  while (holds_in_motion.count(full)) co_await hold_bell;
  if (!settle_left_holds(full, place.key)) co_return false;
  holds_in_motion.insert(full);
  ok = co_await release(node, arguments, place, "/release");
  holds_in_motion.erase(full);
  hold_bell.fire();
  if (!ok && !past_or_now_intended(place.key + "/release")) left_holds.push_back({node, std::move(arguments), place});
  co_return ok;
}

/// A hold that is in force already is not taken, one that others count on not given back: each is an effect all the
/// same (SEMANTICS section 1), but not where it stands inside itself.
Task<bool> Machine::Run::counted(plan::ActionId part, std::vector<Value> arguments, std::string key, std::string as) {
  const std::string names = name_arguments(arguments);
  for (const LeftHold &s : standing) {
    const plan::Hold &outer = plan.holds[plan.node(plan.kid(s.node, 0)).a];
    const bool same = (outer.acquire == part || outer.release == part) && name_arguments(s.arguments) == names;
    if (same && key != s.place.key && key.starts_with(s.place.key + "/b")) co_return true;
  }
  Move move;
  move.kind = Move::Kind::start;
  move.key = key + as;
  move.action = part;
  move.arguments = std::move(arguments);
  move.counted = true;
  co_await turn_of(move);
  moved(move);
  move.kind = Move::Kind::end;
  co_await turn_of(move);
  moved(move);
  co_return true;
}

/// Brings the hold into force, or counts on it if it is. Everyone who enters journals the value found by the first: any
/// of them may be the last one out, in this process or in a later one.
Task<bool> Machine::Run::take(NodeId node, std::vector<Value> arguments, Place place) {
  plan::HoldId id(plan.node(plan.kid(node, 0)).a);
  const plan::Hold &hold = plan.holds[id.index];
  const std::string name(plan.text(hold.name));
  const std::string full = fmt::format("{}({})", name, name_arguments(arguments));
  if (const StepPast *back = past.step(place.key + "/give_back"); back && back->intended) {
    // it was being given back when the controller died: that comes to its end first, then the hold is entered afresh
    Held held;
    held.hold = id;
    held.arguments = name_arguments(arguments);
    if (const StepPast *first = past.step(place.key)) held.was = recall(*first);
    held.count = 1;
    world.holds[full] = std::move(held);
    bool given = co_await release(node, arguments, place, "/give_back");
    if (!given) co_return false;
    past.forget_hold(place.key);
  }
  const StepPast *before = past.step(place.key);
  bool known = before && before->intended;
  bool taken = before && before->done;
  Held entry = held_now(world, full);
  bool first = entry.count == 0;
  if (first) {
    entry.hold = id;
    entry.arguments = name_arguments(arguments);
    entry.since_key = place.key;
    entry.since_unix_ms = clock.unix_ms();
    if (known) {
      entry.was = recall(*before);
      if (entry.was.open()) co_return halt(true, show(entry.was), place.key, plan.span(node));
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
  }
  world.holds[full] = entry;
  if (!known && !write(Event::hold_intended, place.key,
                       make_data({{"hold", name},
                                  {"arguments", entry.arguments},
                                  {"values", to_journal(Value::list(arguments))},
                                  {"was", to_journal(entry.was)}})))
    co_return false;
  bool acquire = first && !entry.found_on;
  if (acquire && taken) {  // another one acquired it then, and has left since
    const StepPast *mine = past.step(place.key + "/acquire");
    acquire = mine && mine->intended;
  }
  if (acquire) {
    if (!past_or_now_intended(place.key + "/acquire") &&
        !fits_window(plan.actions[hold.acquire.index].worst + plan.actions[hold.release.index].worst, place.key,
                     plan.span(node)))
      co_return false;
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
  if (simulation()) {
    Move move;
    move.kind = Move::Kind::hold;
    move.key = place.key;
    move.hold = id;
    move.arguments = arguments;
    moved(move);
  }
  if (!taken) {
    std::string seen;  // what a resume finds, if nobody else touches it: a hold may have had nothing to do here
    if (hold.observe.valid() && !directed()) {
      Environment environment;
      environment.slots = arguments;
      environment.slots.resize(std::max(environment.slots.size(), hold.frame.slots.size()));
      Value is = co_await consult(hold.observe, std::move(environment), place.key);
      if (!is.open()) seen = is.yes() ? "on" : "off";
    }
    if (!write(Event::hold_taken, place.key,
               make_data({{"hold", name}, {"arguments", entry.arguments}, {"seen", seen}})))
      co_return false;
  }
  world.holds[full].count++;
  co_return true;
}

bool Machine::Run::may_be_under_way() const {
  for (const std::string &key : unsettled) {
    const auto last = in_flight.find(key);
    if (last == in_flight.end() || !last->second.first.valid() || !world.lost(last->second.first)) return true;
  }
  for (const auto &[key, step] : past.steps()) {
    if (!step.intended || step.ended || step.commands.empty() || settled.count(key) != 0) continue;
    const HostId host = host_named(step.commands.back().host);
    if (!host.valid() || !world.lost(host)) return true;
  }
  return false;
}

/// After a halt, when nothing is under way any more (SEMANTICS section 2): what may be given back is, unless something
/// is still down.
Task<bool> Machine::Run::give_back_holds() {
  if (may_be_under_way()) co_return true;
  for (LeftHold &left : left_holds) {
    const plan::Hold &hold = plan.holds[plan.node(plan.kid(left.node, 0)).a];
    plan::Afterwards what = hold.on_halt;
    if (ending.status == Status::stopped && hold.on_wait != plan::Afterwards::unwritten) what = hold.on_wait;
    if (what != plan::Afterwards::release || !world.outages().empty()) continue;
    const std::string full = fmt::format("{}({})", plan.text(hold.name), name_arguments(left.arguments));
    release_on_halt = true;
    bool released = co_await release(left.node, left.arguments, left.place, "/give_back");
    release_on_halt = false;
    if (!released) observer.said(fmt::format("{} could not be released", full));
  }
  co_return true;
}

bool Machine::Run::past_or_now_intended(const std::string &key) const {
  const StepPast *before = past.step(key);
  return (before && before->intended) || intended.count(key) != 0;
}

/// The last one out releases; what was found on stays on.
Task<bool> Machine::Run::release(NodeId node, std::vector<Value> arguments, Place place, std::string as) {
  const plan::Hold &hold = plan.holds[plan.node(plan.kid(node, 0)).a];
  const std::string name(plan.text(hold.name));
  const std::string full = fmt::format("{}({})", name, name_arguments(arguments));
  const std::string because = as == "/give_back" ? "halt" : "";
  Held held = held_now(world, full);
  Move move;
  move.kind = Move::Kind::unhold;
  move.key = place.key;
  move.hold = plan::HoldId(plan.node(plan.kid(node, 0)).a);
  move.arguments = arguments;
  if (held.count <= 1 && !held.found_on) {
    ActCall call;
    call.action = hold.release;
    call.arguments = std::move(arguments);
    call.was = &held.was;
    call.where = plan.span(node);
    bool ok = co_await act(std::move(call), place.at(as));
    if (!ok) co_return false;
  } else if (simulation() && held.count > 1) {
    co_await counted(hold.release, arguments, place.key, as);
  }
  moved(move);
  if (--world.holds[full].count <= 0) world.holds.erase(full);
  co_return write(Event::hold_released, place.key,
                  make_data({{"hold", name}, {"arguments", held.arguments}, {"because", because}}));
}

}  // namespace upg::machine
