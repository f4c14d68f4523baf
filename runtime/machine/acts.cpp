// Actions: guarded, intended in the journal, then done; an outcome is done, failed or unknown, and unknown is settled
// by asking.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

std::string Machine::Run::describe(const ActCall &call) const {
  return fmt::format("{}({})", plan.text(plan.actions[call.action.index].name), name_arguments(call.arguments));
}

Environment Machine::Run::frame_of(const ActCall &call) const {
  Environment e;
  e.slots = call.arguments;
  e.slots.resize(std::max(e.slots.size(), plan.actions[call.action.index].frame.slots.size()));
  e.was = call.was;
  return e;
}

bool Machine::Run::boots(const plan::Action &action) const {
  for (NodeId e : action.effects)
    if (plan.node(e).op == Op::boot_of) return true;
  return false;
}

Task<bool> Machine::Run::outages_of(ActCall call, Environment environment, std::string key, std::vector<Outage> *out) {
  const plan::Action &action = plan.actions[call.action.index];
  for (NodeId e : action.effects) {
    const plan::Node &n = plan.node(e);
    bool whole = n.op == Op::reinstalls;
    if (n.op != Op::changes && n.op != Op::disrupts && !whole) continue;
    NodeId where = plan.kid(e, 0);
    if (!whole) {
      if (plan.node(where).op == Op::on_local) continue;
      where = plan.kid(where, 0);
    }
    Value v = co_await consult(where, environment, key);
    if (v.is(Kind::host)) v = Value::list({v});
    if (!v.is(Kind::list))
      co_return halt(true, fmt::format("whom {} takes down is unknown: {}", describe(call), show(v)), key,
                     plan.span(e));
    for (const Value &h : *v.items) {
      if (!h.is(Kind::host)) continue;
      const plan::Host &host = plan.hosts[h.as_host().index];
      if (host.out_reason.valid()) continue;
      for (RoleId r : host.roles)
        if (whole || n.a == plan::all_roles || n.a == r.index) out->push_back({h.as_host(), r, n.op != Op::changes});
    }
  }
  co_return true;
}

Task<bool> Machine::Run::act_statement(NodeId node, Place place) {
  ActCall call;
  call.action = plan::ActionId(plan.node(node).a);
  call.where = plan.span(node);
  for (NodeId k : plan.kids(node)) {
    Value v = co_await consult(k, *place.environment, place.key);
    if (v.open() && dry()) {
      told_action = true;
      observer.said(fmt::format("would do {}: cannot be told now: {}", source_of(node), told_answer(v)));
      co_return !leaving();
    }
    if (v.open()) co_return halt(true, "an argument is unknown: " + show(v), place.key, plan.span(node));
    call.arguments.push_back(std::move(v));
  }
  call.relied = relied_on(node, place.key);
  co_return co_await act(std::move(call), place);
}

/// The gates, as they passed nearest before this place, that the proof relied on for the step.
std::vector<GateCall> Machine::Run::relied_on(NodeId node, const std::string &key) const {
  std::vector<GateCall> out;
  for (const safety::Reliance &reliance : proof.reliances) {
    if (reliance.act != node) continue;
    for (NodeId await : reliance.awaits) {
      auto it = passed.find(await.index);
      if (it == passed.end()) continue;
      const std::vector<GateCall> *nearest = nullptr;
      std::size_t best = 0;
      for (const auto &[where, calls] : it->second) {
        std::size_t same = 0;
        while (same < where.size() && same < key.size() && where[same] == key[same]) ++same;
        if (!nearest || same > best) nearest = &calls, best = same;
      }
      if (nearest) out.insert(out.end(), nearest->begin(), nearest->end());
    }
  }
  return out;
}

Task<bool> Machine::Run::needs(ActCall call, Environment environment, std::string key) {
  const plan::Action &action = plan.actions[call.action.index];
  for (NodeId need : action.needs) {
    const plan::Node &n = plan.node(need);
    switch (n.op) {
      case Op::need_gate: {
        std::vector<GateCall> gates;
        auto shared = std::make_shared<Environment>(environment);
        bool known = co_await gates_of(plan.kid(need, 0), shared, key, &gates);
        if (!known) co_return false;
        bool ok = co_await wait_all(std::move(gates), key, plan.span(need), 1);
        if (!ok) co_return false;
        break;
      }
      case Op::need_value: {
        NodeId cell = plan.kid(need, 0);
        const plan::State &state = plan.states[plan.node(cell).a];
        Value v = co_await ask_cell(cell, environment, key);
        if (leaving()) co_return false;
        if (v.open() || v.text != plan.text(state.values[n.a].name))
          co_return halt(true,
                         fmt::format("{} requires {} to be {}, it is {}", describe(call), plan.text(state.name),
                                     plan.text(state.values[n.a].name), show(v)),
                         key, plan.span(need));
        break;
      }
      case Op::need_held:
      case Op::need_free: {
        NodeId held = plan.kid(need, 0);
        std::vector<Value> arguments;
        for (NodeId k : plan.kids(held)) {
          Value v = co_await consult(k, environment, key);
          arguments.push_back(std::move(v));
        }
        const plan::Hold &hold = plan.holds[plan.node(held).a];
        auto it = world.holds.find(fmt::format("{}({})", plan.text(hold.name), name_arguments(arguments)));
        bool is = it != world.holds.end() && it->second.count > 0;
        if (is != (n.op == Op::need_held))
          co_return halt(
              true,
              fmt::format("{} requires that {} is {}held", describe(call), plan.text(hold.name), is ? "not " : ""), key,
              plan.span(need));
        break;
      }
      default: {
        Value v;
        if (n.op == Op::need_true)
          v = co_await consult(plan.kid(need, 0), environment, key);
        else
          v = co_await count_holds(need, environment, key);
        if (leaving()) co_return false;
        if (!v.yes())
          co_return halt(true,
                         fmt::format("a requirement of {} does not hold{}", describe(call),
                                     v.open() ? ": " + show(v) : std::string()),
                         key, plan.span(need));
      }
    }
  }
  co_return true;
}

/// count(h in SET where P) compared with a number.
Task<Value> Machine::Run::count_holds(NodeId need, Environment environment, std::string key) {
  const plan::Node &n = plan.node(need);
  Value set = co_await consult(plan.kid(need, 0), environment, key);
  if (!set.is(Kind::list)) co_return set.open() ? set : Value::unknown("only hosts can be counted here");
  std::int64_t have = 0;
  for (const Value &host : *set.items) {
    if (n.a < environment.slots.size()) environment.slots[n.a] = host;
    Value condition = co_await consult(plan.kid(need, 1), environment, key);
    if (condition.open()) co_return condition;
    have += condition.yes();
  }
  Value wanted = co_await consult(plan.kid(need, 2), environment, key);
  if (wanted.open()) co_return wanted;
  co_return Value::boolean(n.b == 0 ? have == wanted.number : n.b == 1 ? have >= wanted.number : have <= wanted.number);
}

/// Right at the act (R1): what passed before something else was waited for is asked again, so that all of it is true
/// at one time.
Task<bool> Machine::Run::guard(ActCall call, Environment environment, std::string key) {
  constexpr int kRounds = 10;
  constexpr Millis kAtOnce = 60'000;  // questions alone take no longer
  for (int round = 0; round < kRounds; ++round) {
    const Millis began = now();
    bool ok = co_await guard_once(call, environment, key);
    if (!ok || now() - began <= kAtOnce) co_return ok;
  }
  co_return halt(true, fmt::format("what {} requires does not pass all at one time", describe(call)), key, call.where);
}

/// What it requires, what it takes down must be stoppable, and what the proof relied on; then the census.
Task<bool> Machine::Run::guard_once(ActCall call, Environment environment, std::string key) {
  if (unguarded()) co_return true;
  asks(Protection::requirements);
  bool ok = co_await needs(call, environment, key);
  if (!ok) co_return false;
  std::vector<Outage> opened;
  ok = co_await outages_of(call, environment, key, &opened);
  if (!ok) co_return false;
  std::vector<GateCall> gates = call.relied;
  for (const Outage &o : opened) {
    const plan::Role &role = plan.roles[o.role.index];
    if (!o.down || world.down(o.host, o.role) || !role.stoppable.valid()) continue;
    if (lifted(key, o.role, "stoppable")) continue;
    GateCall gate{role.stoppable, {}};
    if (!plan.gates[role.stoppable.index].frame.parameters.empty()) gate.arguments.push_back(Value::host(o.host));
    gates.push_back(std::move(gate));
  }
  std::vector<GateCall> once;
  for (GateCall &g : gates) {
    bool twice = false;
    for (const GateCall &o : once) twice = twice || describe(o) == describe(g);
    if (!twice) once.push_back(std::move(g));
  }
  asks(Protection::gates);
  if (!once.empty()) {
    ok = co_await wait_all(std::move(once), key, call.where, 1);
    if (!ok) co_return false;
  }
  asks(Protection::census);
  co_return co_await census(std::move(opened), key, call.where);
}

Task<bool> Machine::Run::act(ActCall call, Place place) {
  const plan::Action &action = plan.actions[call.action.index];
  const std::string key = place.key;
  HostId host = subject(call.arguments);
  if (dry()) co_return co_await tell_act(std::move(call), place);

  auto environment = std::make_shared<Environment>(frame_of(call));
  const StepPast *before = past.step(key);
  std::vector<Outage> opened;
  bool ok = co_await outages_of(call, *environment, key, &opened);
  if (!ok) co_return false;
  auto open_all = [&] {
    for (const Outage &o : opened)
      if (world.open(o.host, o.role, o.down) || !o.down)
        write(
            Event::outage_opened, key,
            make_data({{"host", host_name(o.host)}, {"role", std::string(plan.text(plan.roles[o.role.index].name))}}));
  };
  if (before && before->done) {  // finished before: only its traces in the model
    note_done(key);
    if (before->intended)
      for (const Outage &o : opened) world.open(o.host, o.role, o.down);
    if (boots(action))
      for (const Outage &o : opened) world.close(o.host, boot_role());
    for (const Outage &o : opened) world.ended(o.host, now());
    co_return true;
  }
  if (leaving()) co_return false;

  Doing doing_this(this, Activity{key, host, describe(call), "", 0, 0});
  Reservation until_open(this, key);
  bool resumed = before && before->intended && !before->failed;
  int number = before ? std::max(1, before->attempt) : 1;
  if (before && !before->intended && before->attempt > 0) ++number;  // a hold that is entered afresh
  if (before && before->failed) {
    ++number;
    if (action.once)
      co_return halt(true, fmt::format("{} may start only once, and it failed", describe(call)), key, call.where,
                     "finish by hand what it left, and write a plan for the rest");
    if (!action.done_when.valid() && !action.idempotent && !options.rerun_failed)
      co_return halt(true, fmt::format("{} failed before and nothing tells whether it may run again", describe(call)),
                     key, call.where, "look at its output; `upgrun resume --rerun` runs it again");
  }
  std::map<std::uint32_t, std::string> old_boots;
  if (boots(action)) {
    std::string journalled;  // not inside the co_await: GCC 12 evaluates both sides of a conditional there
    if (resumed) journalled = before->boot_id;
    ok = co_await boots_before(call, *environment, key, std::move(journalled), &old_boots);
    if (!ok) co_return false;
  }
  bool rebooted = false;
  if (resumed && !old_boots.empty() && last_command_begun(action, *before)) {
    // a new boot id proves that the last command is over and did its work
    rebooted = true;
    for (const auto &[h, id] : old_boots) {
      Value v = co_await boot_id(HostId(h), key);
      rebooted = rebooted && !v.open() && v.text != id;
    }
  }
  bool begun = rebooted;
  if (resumed && !rebooted && action.operator_text.valid()) {
    const StepPast *confirmed = past.step(key + "/operator");
    begun = confirmed && confirmed->done;
  } else if (resumed && !rebooted) {
    doing_this.activity().deadline_ms = now() + action.worst;
    std::optional<bool> known = co_await begun_on_hosts(before->commands, key, now() + action.worst);
    if (!known && leaving()) co_return false;
    if (!known)
      co_return halt(
          true, fmt::format("{} was interrupted, and its host does not answer: unknown whether it ran", describe(call)),
          key, call.where, "bring the host back, then resume");
    begun = *known;
  }
  settled.insert(key);  // nothing of it is under way that this process does not watch
  if (!begun) {
    if (action.done_when.valid()) {
      Value v = co_await consult(action.done_when, *environment, key);
      if (leaving()) co_return false;
      bool skip = v.yes();
      if (skip) skip = co_await moved_already(call, *environment, key);
      if (leaving()) co_return false;
      if (skip) {
        if (resumed) moved(move_of(Move::Kind::end, call, key));  // it had started
        for (const Outage &o : opened) world.ended(o.host, now());
        co_return write(Event::act_skipped, key, make_data({{"action", describe(call)}, {"reason", "already done"}}));
      }
    }
    if (!action.done_when.valid() && !action.idempotent && lasting_done.count(lasting_key(key)) != 0) {
      bool stands = co_await moved_already(call, *environment, key);  // a recovery may have taken it back
      if (leaving()) co_return false;
      if (stands)
        co_return write(Event::act_skipped, key,
                        make_data({{"action", describe(call)}, {"reason", "done in an earlier round of the attempt"}}));
    }
    if (simulation()) {
      const int way = co_await turn_of(move_of(Move::Kind::start, call, key));
      if (way == 1) co_return halt(true, describe(call) + " could not begin: simulated", key, call.where);
    }
    ok = co_await guard(call, *environment, key);
    if (!ok || leaving()) co_return false;
    asks(Protection::none);
    if (place.deadline && clock.steady() + action.worst > place.deadline)
      co_return halt(
          true, fmt::format("{} may take {}s, the block's `at most` ends earlier", describe(call), action.worst / 1000),
          key, call.where,
          "a person decides whether there is more time: `upgrun resume --fresh-limits` lets every `at most` count "
          "anew");
  }
  if (!begun && !outage_in_time(opened, key, call.where)) co_return false;
  // what is held may be given back when the window is over: it is how a run comes to rest
  if (!begun && !call.was && !fits_window(action.worst + giving_back(), key, call.where)) co_return false;

  for (;; ++number) {
    Millis deadline = now() + action.worst;
    doing_this.activity().deadline_ms = deadline;
    std::string boots_text;
    for (const auto &[h, id] : old_boots)
      boots_text += (boots_text.empty() ? "" : " ") + host_name(HostId(h)) + "=" + id;
    if (!begun) {
      if (action.once) {
        ok = co_await claim_once(call, key, call.where);
        if (!ok) co_return false;
      }
      ok = co_await see_cells(call, *environment, key, true);
      if (!ok) co_return false;
      if (!write(Event::act_intended, key,
                 make_data({{"action", describe(call)},
                            {"values", to_journal(Value::list(call.arguments))},
                            {"host", host_name(host)},
                            {"attempt", std::to_string(number)},
                            {"boot_id", boots_text}})))
        co_return false;
    }
    std::vector<HostId> reinstalled;
    ok = co_await reinstalled_by(call, *environment, key, &reinstalled);
    if (!ok) co_return false;
    for (HostId h : reinstalled)
      if (!forget_identity(h, begun)) co_return false;
    if (!begun) moved(move_of(Move::Kind::start, call, key));
    acted = true;
    intended.insert(key);
    attempts_used[key] = number;
    open_all();
    outage_began(opened, key);
    Attempt outcome = Attempt::done;
    if (!rebooted) outcome = co_await attempt(call, environment, key, number, deadline, begun);
    if (outcome == Attempt::halted) co_return false;
    bool over = outcome != Attempt::unknown;
    while (!over && in_flight.count(key)) {  // R3: it is under way until its host says that it is over
      const std::pair<HostId, std::string> last = in_flight[key];
      over = co_await proven_over(last.first, last.second, key, now() + action.worst);
      if (!over) break;
      // its end is known there: take it in, and go on with what comes after it; a step that is gone stays unknown
      deadline = now() + action.worst;
      outcome = co_await attempt(call, environment, key, number, deadline, true);
      if (outcome == Attempt::halted) co_return false;
      over = outcome != Attempt::unknown || in_flight[key] == last;
    }
    if (!over) unsettled.insert(key);
    for (const Outage &o : opened) world.ended(o.host, now());
    if (over && outcome != Attempt::done && action.done_when.valid()) {  // the world says whether it is done
      Value v = co_await consult(action.done_when, *environment, key);
      if (v.yes())
        outcome = Attempt::done;
      else if (!v.open() && outcome == Attempt::unknown)
        outcome = Attempt::failed;
    }
    if (over && outcome == Attempt::unknown && action.idempotent) outcome = Attempt::failed;
    if (outcome == Attempt::done) {
      moved(move_of(Move::Kind::perform, call, key));
      for (HostId h : reinstalled) refuse_old_key(h);
      ok = true;
      for (HostId h : reinstalled)
        if (ok && !old_boots.count(h.index)) ok = co_await met_again(h, key, call.where, deadline);
      if (ok) ok = co_await awaits(call, *environment, key, deadline, old_boots);
      if (!ok) {
        write(Event::act_ended, key,
              make_data({{"action", describe(call)},
                         {"outcome", "unknown"},
                         {"detail", why_left(key)},
                         {"attempt", std::to_string(number)}}));
        co_return false;
      }
      ok = co_await observe_moves(call, *environment, key);
      if (ok) ok = co_await see_cells(call, *environment, key, false);
      if (!ok) co_return false;
      int way = 0;
      if (simulation()) way = co_await turn_of(move_of(Move::Kind::end, call, key));
      if (way == 1) {
        Move failure = move_of(Move::Kind::end, call, key);
        failure.failed = true;
        moved(failure);
        if (!write(Event::act_ended, key,
                   make_data({{"action", describe(call)},
                              {"outcome", "failed"},
                              {"detail", "simulated"},
                              {"attempt", std::to_string(number)}})))
          co_return false;
        co_return halt(true, describe(call) + " failed: simulated", key, call.where);
      }
      moved(move_of(Move::Kind::end, call, key));
      for (const Outage &o : opened) world.ended(o.host, now());
      note_done(key);
      co_return write(
          Event::act_ended, key,
          make_data(
              {{"action", describe(call)}, {"outcome", "done"}, {"detail", ""}, {"attempt", std::to_string(number)}}));
    }
    if (simulation()) {
      Move failure = move_of(Move::Kind::end, call, key);
      failure.failed = true;
      moved(failure);
    }
    const char *word = outcome == Attempt::failed ? "failed" : "unknown";
    if (!write(Event::act_ended, key,
               make_data({{"action", describe(call)},
                          {"outcome", word},
                          {"detail", last_detail[key]},
                          {"attempt", std::to_string(number)}})))
      co_return false;
    bool again = outcome == Attempt::failed && !action.once && static_cast<std::uint32_t>(number) <= action.retries;
    if (again && leaving()) co_return false;  // known to have failed: `resume` tries again
    if (!again) {
      std::string advice = outcome == Attempt::failed ? "its output is in the run's folder; mend the cause, then resume"
                                                      : "find out on the host what became of it, then resume";
      co_return halt(true,
                     fmt::format("{} {}: {}", describe(call),
                                 outcome == Attempt::failed ? "failed" : "has an unknown outcome", last_detail[key]),
                     key, call.where, advice);
    }
    for (Millis end = now() + action.retry_delay; now() < end && !leaving();) co_await sleep_until(end);
    if (leaving()) co_return false;
    begun = false;
    ok = co_await guard(call, *environment, key);
    if (!ok || leaving()) co_return false;
  }
}

/// Whether every cell that the action moves is observed at its target (R3: only then may it be skipped).
Task<bool> Machine::Run::moved_already(ActCall call, Environment environment, std::string key) {
  for (NodeId e : plan.actions[call.action.index].effects) {
    if (plan.node(e).op != Op::moves) continue;
    Value v = co_await ask_cell(plan.kid(e, 0), environment, key);
    std::vector<std::string> wanted = moved_to(e);
    if (v.open() || std::find(wanted.begin(), wanted.end(), v.text) == wanted.end()) co_return false;
  }
  co_return true;
}

Task<bool> Machine::Run::observe_moves(ActCall call, Environment environment, std::string key) {
  const plan::Action &action = plan.actions[call.action.index];
  for (NodeId e : action.effects) {
    const plan::Node &n = plan.node(e);
    if (n.op != Op::moves) continue;
    NodeId cell = plan.kid(e, 0);
    const plan::State &state = plan.states[plan.node(cell).a];
    std::vector<std::string> wanted = moved_to(e);
    Value v;
    for (int tries = 0; tries < 10; ++tries) {
      if (tries)
        for (Millis end = now() + 2000; now() < end;) co_await sleep_until(end);
      v = co_await ask_cell(cell, environment, key);
      if (!v.open() && std::find(wanted.begin(), wanted.end(), v.text) != wanted.end()) wanted.clear();
      if (wanted.empty()) break;
    }
    if (!wanted.empty()) {
      std::string names;
      for (const std::string &w : wanted) names += (names.empty() ? "" : " or ") + w;
      co_return halt(true,
                     fmt::format("after {} the state {} should be {}, it is {}", describe(call), plan.text(state.name),
                                 names, show(v)),
                     key, plan.span(e));
    }
  }
  co_return true;
}

std::vector<std::string> Machine::Run::moved_to(NodeId effect) const {
  const plan::Node &n = plan.node(effect);
  const plan::State &state = plan.states[plan.node(plan.kid(effect, 0)).a];
  return {std::string(plan.text(state.values[n.a].name))};
}

}  // namespace upg::machine
