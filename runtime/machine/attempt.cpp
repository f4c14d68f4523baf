// attempt, recover, otherwise: a failure that the plan itself meets. Each round has keys of its own ("/t1", "/t2",
// ...), each recovery too ("/r1"), so that the journal tells what belongs to which.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

namespace {
bool digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

Machine::Run::Trial *Machine::Run::trial_around(const std::string &key) const {
  Trial *innermost = nullptr;
  for (Trial *t : trials)
    if (key.starts_with(t->prefix) && (!innermost || t->prefix.size() > innermost->prefix.size())) innermost = t;
  return innermost;
}

bool Machine::Run::gone(const std::string &key) const {
  if (leaving()) return true;
  return std::any_of(trials.begin(), trials.end(),
                     [&](const Trial *t) { return t->failure && key.starts_with(t->prefix); });
}

std::string Machine::Run::why_left(const std::string &key) const {
  const Trial *trial = trial_around(key);
  return trial && trial->failure ? trial->failure->reason : ending.reason;
}

bool Machine::Run::halt_after_all(const Ending &failure, std::string reason) {
  return halt(true, reason.empty() ? failure.reason : std::move(reason), failure.key, failure.where, failure.advice);
}

Task<bool> Machine::Run::try_block(NodeId node, Place place, std::optional<Ending> *failure) {
  Trial trial{place.key + "/", {}};
  trials.push_back(&trial);
  bool ok = co_await block(node, place);
  trials.erase(std::find(trials.begin(), trials.end(), &trial));
  for (auto &[await, places] : passed)  // what it learned ends with it
    for (auto it = places.lower_bound(trial.prefix); it != places.end() && it->first.starts_with(trial.prefix);)
      it = ok ? std::next(it) : places.erase(it);
  *failure = std::move(trial.failure);
  co_return ok && !*failure;
}

std::string Machine::Run::still_under_way(const std::string &prefix, HostId but) const {
  for (const std::string &key : unsettled) {
    if (!key.starts_with(prefix)) continue;
    auto it = in_flight.find(key);
    if (but.valid() && it != in_flight.end() && it->second.first == but) continue;
    return key;
  }
  return {};
}

std::string Machine::Run::lasting_key(const std::string &key) {
  std::string out;
  bool any = false;
  for (std::size_t i = 0; i < key.size(); ++i) {
    out += key[i];
    if (key[i] != '/' || i + 2 >= key.size() || key[i + 1] != 't' || !digit(key[i + 2])) continue;
    any = true;
    out += 't';
    for (i += 2; i < key.size() && digit(key[i]); ++i) {
    }
    --i;
  }
  return any ? out : std::string();
}

void Machine::Run::note_done(const std::string &key) {
  if (std::string lasting = lasting_key(key); !lasting.empty()) lasting_done.insert(std::move(lasting));
}

bool Machine::Run::take_up_round(const std::string &prefix, const Place &place) {
  reopen_outages();
  for (const auto &[key, step] : past.steps()) {
    if (!key.starts_with(prefix)) continue;
    if (step.done && step.hold.empty()) note_done(key);
    if (step.hold.empty() || !step.intended || step.released) continue;
    NodeId with = with_of(step.hold);
    Value arguments = from_journal(step.hold_arguments);
    if (!with.valid() || !arguments.is(Kind::list))
      return halt(true, fmt::format("the journal keeps a hold {} that the plan does not have", step.hold.substr(0, 80)),
                  key, plan.where);
    Held &held = world.holds[fmt::format("{}({})", step.hold, name_arguments(*arguments.items))];
    if (held.count == 0) {
      held.hold = plan::HoldId(plan.node(plan.kid(with, 0)).a);
      held.arguments = name_arguments(*arguments.items);
      held.was = recall(step);
      held.found_on = held.was.yes();
      held.since_key = key;
      held.since_unix_ms = clock.unix_ms();
    }
    held.count++;
    left_holds.insert(left_holds.begin(), {with, *arguments.items, Place{key, place.environment, place.deadline}});
  }
  return true;
}

bool Machine::Run::settle_left_holds(const std::string &full, const std::string &key) {
  const std::string lasting = lasting_key(key);
  if (lasting.empty()) return true;
  for (std::size_t i = 0; i < left_holds.size();) {
    const LeftHold &left = left_holds[i];
    const plan::Hold &hold = plan.holds[plan.node(plan.kid(left.node, 0)).a];
    if (left.place.key == key || lasting_key(left.place.key) != lasting ||
        fmt::format("{}({})", plan.text(hold.name), name_arguments(left.arguments)) != full) {
      ++i;
      continue;
    }
    const std::string old = left.place.key;
    --world.holds[full].count;
    const std::string arguments = name_arguments(left.arguments);
    left_holds.erase(left_holds.begin() + static_cast<std::ptrdiff_t>(i));
    if (!write(
            Event::hold_released, old,
            make_data({{"hold", std::string(plan.text(hold.name))}, {"arguments", arguments}, {"because", "attempt"}})))
      return false;
  }
  return true;
}

/// Innermost first. On a host that is lost a hold may have to stay: that is said, and no failure.
Task<bool> Machine::Run::release_left_holds(std::string prefix, HostId lost) {
  std::vector<LeftHold> mine;
  for (std::size_t i = 0; i < left_holds.size();) {
    if (!left_holds[i].place.key.starts_with(prefix)) {
      ++i;
      continue;
    }
    mine.push_back(std::move(left_holds[i]));
    left_holds.erase(left_holds.begin() + static_cast<std::ptrdiff_t>(i));
  }
  bool ok = true;
  for (LeftHold &left : mine) {
    const plan::Hold &hold = plan.holds[plan.node(plan.kid(left.node, 0)).a];
    const std::string full = fmt::format("{}({})", plan.text(hold.name), name_arguments(left.arguments));
    if (ok) {
      Trial trial{left.place.key + "/", {}};
      trials.push_back(&trial);
      ok = co_await release(left.node, left.arguments, left.place, "/release");
      trials.erase(std::find(trials.begin(), trials.end(), &trial));
      if (ok) continue;
      if (trial.failure && lost.valid() && subject(left.arguments) == lost) {
        observer.said(fmt::format("{} on the lost host stays in force: {}", full, trial.failure->reason));
        ok = true;
      } else if (trial.failure) {
        halt_after_all(*trial.failure);
      }
    }
    left_holds.push_back(std::move(left));
  }
  co_return ok;
}

Task<bool> Machine::Run::attempt_statement(NodeId node, Place place) {
  const std::uint32_t most = plan.node(node).a;
  std::vector<NodeId> recoveries;
  NodeId otherwise;
  for (NodeId kid : plan.kids(node).subspan(1)) {
    if (plan.node(kid).op == Op::recover)
      recoveries.push_back(kid);
    else
      otherwise = kid;
  }
  const NodeId whole = plan.kid(node, 0);
  if (dry()) {
    observer.said(fmt::format("attempt, {} times at most:", most));
    co_return co_await block(whole, place.at("/t1"));
  }
  if (options.mode != Mode::run) co_return co_await block(whole, place.at("/t1"));

  for (std::uint32_t round = 1;; ++round) {
    const std::string name = fmt::format("/t{}", round);
    Ending failure;
    const StepPast *before = past.step(place.key + name);
    if (before && before->failed) {  // in an earlier process
      failure.reason = before->action;
      failure.where = plan.span(node);
      failure.key = place.key;
      if (!take_up_round(place.key + name + "/", place)) co_return false;
    } else {
      std::optional<Ending> caught;
      bool ok = co_await try_block(whole, place.at(name), &caught);
      if (ok) co_return co_await release_left_holds(place.key + "/t");
      if (!caught || leaving()) co_return false;
      if (std::string key = still_under_way(place.key + name + "/"); !key.empty())
        co_return halt_after_all(*caught, caught->reason + "; it may still be under way, so nothing else is tried");
      failure = std::move(*caught);
      if (!write(Event::attempt_failed, place.key + name,
                 make_data({{"round", std::to_string(round)},
                            {"most", std::to_string(most)},
                            {"step", failure.key},
                            {"reason", failure.reason}})))
        co_return false;
      if (simulation()) {
        Move move;
        move.kind = Move::Kind::fail;
        move.key = place.key + name;
        moved(move);
      }
    }
    // the first whose condition is true; one that is unknown could be it, so nothing behind it is
    std::size_t way = recoveries.size();
    const std::string back = fmt::format("/r{}", round);
    const StepPast *chosen = past.step(place.key + back);
    if (chosen && chosen->done) {
      Value v = recall(*chosen, Kind::integer);
      if (v.open() || v.number < 0 || static_cast<std::uint64_t>(v.number) >= recoveries.size())
        co_return halt(true, "the journal keeps a recovery that the plan does not have", place.key, plan.span(node));
      way = static_cast<std::size_t>(v.number);
    } else if (round < most) {
      for (std::size_t i = 0; i < recoveries.size() && way == recoveries.size(); ++i) {
        Value v;
        if (simulation()) {
          Move move;
          move.kind = Move::Kind::choice;
          move.key = place.key + back;
          move.node = recoveries[i];
          const int taken = co_await turn_of(move);
          v = Value::boolean(taken == 0);
        } else {
          v = co_await consult(plan.kid(recoveries[i], 0), *place.environment, place.key + back);
        }
        if (leaving()) co_return false;
        if (v.yes()) way = i;
        if (!v.open()) continue;
        observer.said(fmt::format("whether {} is unknown: {}", source_of(plan.kid(recoveries[i], 0)), show(v)));
        break;
      }
      if (way < recoveries.size() &&
          !write(Event::recovery_chosen, place.key + back,
                 make_data({{"value", to_journal(Value::integer(static_cast<std::int64_t>(way)))},
                            {"text", source_of(plan.kid(recoveries[way], 0))}})))
        co_return false;
    }
    if (way == recoveries.size()) {
      if (otherwise.valid()) {
        bool ok = co_await block(otherwise, place.at("/o"));
        if (!ok) co_return false;
      }
      co_return halt_after_all(
          failure, round == most ? fmt::format("attempt {} of {} failed too: {}", round, most, failure.reason)
                                 : fmt::format("attempt {} of {} failed, and no recovery is for that: {}", round, most,
                                               failure.reason));
    }
    Place recovery = place.at(back + "/b");
    recovery.over = place.over || past.begun_under(place.key + fmt::format("/t{}", round + 1));
    bool ok = co_await block(plan.kid(recoveries[way], 1), recovery);
    if (!ok) co_return false;
  }
}

}  // namespace upg::machine
