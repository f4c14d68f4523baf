// Abort (SEMANTICS, section 2): before the point of no return the way back, by `on abort` or by the undo of each step
// that began, the last one first. It is the same run, on the same journal: once it has begun, nothing goes forward any
// more.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

namespace {

constexpr Millis kPatience = 900'000;

struct Began {
  std::string key;
  std::string name;    // of the action, or of the hold
  std::string values;  // its arguments, for the journal
};

/// What the journal says of the way forward.
struct Forward {
  std::vector<Began> acts;   // in the order of their first start
  std::vector<Began> holds;  // in the order in which they were taken
  bool abort_began = false;
  bool past_return = false;
};

bool part_of_hold(std::string_view key) {
  return key.ends_with("/acquire") || key.ends_with("/release") || key.ends_with("/give_back");
}

}  // namespace

/// The first `with` of the plan that holds it.
NodeId Machine::Run::with_of(const std::string &hold) const {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i)
    if (plan.nodes[i].op == Op::with && plan.text(plan.holds[plan.node(plan.kid(NodeId(i), 0)).a].name) == hold)
      return NodeId(i);
  return {};
}

namespace {

Forward way_forward(const std::vector<Record> &records) {
  Forward f;
  for (const Record &r : records) {
    if (r.event == Event::abort_started) f.abort_began = true;
    if (f.abort_began) continue;  // the way back must be the same whenever it is taken up again
    if (r.event == Event::statement_done && !field_of(r, "text").empty()) f.past_return = true;
    auto note = [&](std::vector<Began> &list, const char *name) {
      std::erase_if(list, [&](const Began &b) { return b.key == r.key; });
      list.push_back({r.key, field_of(r, name), field_of(r, "values")});
    };
    if (r.event == Event::hold_intended) note(f.holds, "hold");
    if (r.event == Event::act_intended && !part_of_hold(r.key)) {
      const bool again = std::any_of(f.acts.begin(), f.acts.end(), [&](const Began &b) { return b.key == r.key; });
      if (!again) note(f.acts, "action");
    }
  }
  for (Began &b : f.acts) b.name = b.name.substr(0, b.name.find('('));
  return f;
}

}  // namespace

/// Nothing may be under way any more: what was interrupted comes to its end first, or its host says that it is gone.
Task<bool> Machine::Run::settle_interrupted() {
  for (const auto &[key, step] : past.steps()) {
    if (!step.intended || step.ended || step.commands.empty() || key.starts_with("abort")) continue;
    for (const StepPast::Command &c : step.commands) {
      const HostId host = host_named(c.host);
      if (!host.valid() && c.host != "controller") continue;
      bool over = co_await proven_over(host, c.step, key, now() + kPatience);
      if (!over)
        co_return halt(true, fmt::format("{} was interrupted and may still be under way on {}", step.action, c.host),
                       key, plan.where, "bring the host back, then abort again");
    }
  }
  co_return true;
}

/// Health of every role of these hosts: an undo ends with it.
Task<bool> Machine::Run::all_in_service(std::vector<HostId> hosts, std::string key) {
  std::vector<GateCall> gates;
  std::set<std::string> twice;
  for (HostId h : hosts)
    for (RoleId r : plan.hosts[h.index].roles) {
      const plan::GateId health = plan.roles[r.index].health;
      if (!health.valid() || plan.hosts[h.index].out_reason.valid()) continue;
      GateCall call{health, {}};
      if (!plan.gates[health.index].frame.parameters.empty()) call.arguments.push_back(Value::host(h));
      if (twice.insert(describe(call)).second) gates.push_back(std::move(call));
    }
  if (gates.empty()) co_return true;
  co_return co_await wait_all(std::move(gates), std::move(key), plan.where, 0);
}

/// Whom the step was about, and whose roles it took down.
std::vector<HostId> Machine::Run::hosts_of(const ActCall &step, const std::vector<Outage> &touched) const {
  std::vector<HostId> hosts;
  for (const Value &v : step.arguments)
    if (v.is(Kind::host)) hosts.push_back(v.as_host());
  for (const Outage &o : touched) hosts.push_back(o.host);
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

Task<bool> Machine::Run::undo_step(std::string action, std::string values,
                                   std::vector<std::pair<std::string, std::string>> holds, std::string key) {
  if (const StepPast *before = past.step(key); before && before->done) co_return true;
  plan::ActionId id;
  for (std::size_t i = 0; i < plan.actions.size(); ++i)
    if (plan.text(plan.actions[i].name) == action) id = plan::ActionId(i);
  Value arguments = from_journal(values);
  if (!id.valid() || !arguments.is(Kind::list) ||
      arguments.items->size() != plan.actions[id.index].frame.parameters.size())
    co_return halt(true, fmt::format("the journal keeps a step {} that the plan does not have", action.substr(0, 80)),
                   key, plan.where);
  const plan::Action &done = plan.actions[id.index];
  ActCall was;
  was.action = id;
  was.arguments = *arguments.items;
  const std::string text = describe(was);
  if (done.undo_kind == plan::UndoKind::none && done.effects.empty() && !done.operator_text.valid()) co_return true;
  if (done.undo_kind == plan::UndoKind::none)
    co_return halt(true, fmt::format("{} began, and nothing says how to undo it", text), key, done.where);
  if (done.undo_kind == plan::UndoKind::nothing) {
    observer.said(fmt::format("{}: needs no undo: {}", text, plan.text(done.undo_reason)));
    std::vector<Outage> opened;
    bool back = co_await outages_of(was, frame_of(was), key, &opened);
    std::vector<HostId> hosts = hosts_of(was, opened);
    if (back) back = co_await all_in_service(std::move(hosts), key);
    co_return back;
  }
  auto environment = std::make_shared<Environment>();
  environment->slots.resize(plan.frame.slots.size());
  std::vector<LeftHold> around_it;  // the holds that stood around it, outermost first
  for (std::size_t i = 0; i < holds.size(); ++i) {
    Value held = from_journal(holds[i].second);
    NodeId with = with_of(holds[i].first);
    if (!with.valid() || !held.is(Kind::list))
      co_return halt(true, fmt::format("the journal keeps a hold {} that the plan does not have", holds[i].first), key,
                     plan.where);
    around_it.push_back({with, *held.items, Place{fmt::format("{}/w{}", key, i), environment}});
  }
  std::size_t taken = 0;
  bool ok = true;
  for (; ok && taken < around_it.size(); ++taken) {
    const StepPast *left = past.step(around_it[taken].place.key);
    if (left && left->released) continue;
    ok = co_await take(around_it[taken].node, around_it[taken].arguments, around_it[taken].place);
  }
  ActCall call;
  call.action = done.undo;
  call.arguments = was.arguments;
  call.where = done.where;
  std::vector<Outage> touched;
  if (ok) ok = co_await outages_of(was, frame_of(was), key, &touched);
  if (ok) ok = co_await outages_of(call, frame_of(call), key, &touched);
  const Place undo{key + "/undo", environment};  // named: GCC 12 destroys such a temporary of a co_await twice
  if (ok) ok = co_await act(call, undo);
  if (ok) {
    std::vector<HostId> hosts = hosts_of(was, touched);
    ok = co_await all_in_service(std::move(hosts), key);
  }
  while (ok && taken > 0) {
    LeftHold &left = around_it[taken - 1];
    const StepPast *gone_before = past.step(left.place.key);
    if (!gone_before || !gone_before->released)
      ok = co_await release(left.node, left.arguments, left.place, "/release");
    if (ok) --taken;
  }
  while (taken > 0) {
    --taken;
    left_holds.push_back(std::move(around_it[taken]));
  }
  if (ok) ok = write(Event::step_undone, key, make_data({{"action", text}}));
  co_return ok;
}

Task<bool> Machine::Run::abort_run() {
  Forward forward = way_forward(options.past);
  if (!forward.abort_began) {
    const bool has_return =
        std::any_of(plan.nodes.begin(), plan.nodes.end(), [](const plan::Node &n) { return n.op == Op::no_return; });
    if (!has_return)
      co_return halt(false, "the plan has no point of no return: it only goes forward", "", plan.where,
                     "`upgrun resume` goes on; write a plan for the way back");
    if (forward.past_return)
      co_return halt(false, "the run is past its point of no return: it only goes forward", "", plan.where,
                     "`upgrun resume` goes on");
    if (!past.lost().empty())
      co_return halt(false, "a run that has lost hosts is not aborted: what they hold cannot be undone", "", plan.where,
                     "`upgrun resume` goes on");
    if (!write(Event::abort_started, "", make_data({{"by", options.who}}))) co_return false;
  }
  reopen_outages();
  bool ok = co_await settle_interrupted();
  if (!ok) co_return false;

  // what is held is given back first; an undo takes again what stood around its step
  auto environment = std::make_shared<Environment>();
  environment->slots.resize(plan.frame.slots.size());
  for (std::size_t i = forward.holds.size(); i-- > 0;) {
    const Began &b = forward.holds[i];
    const StepPast *step = past.step(b.key);
    if (!step || !step->intended || step->released) continue;
    Value arguments = from_journal(step->hold_arguments);
    NodeId with = with_of(b.name);
    if (!with.valid() || !arguments.is(Kind::list))
      co_return halt(true, fmt::format("the journal keeps a hold {} that the plan does not have", b.name), b.key,
                     plan.where);
    Held held;
    held.hold = plan::HoldId(plan.node(plan.kid(with, 0)).a);
    held.arguments = name_arguments(*arguments.items);
    held.was = recall(*step);
    held.found_on = held.was.yes();
    held.count = 1;
    // others that count on it still stand further out in the list: the last one gives it back
    for (std::size_t j = 0; j < i; ++j) {
      const StepPast *other = past.step(forward.holds[j].key);
      if (other && other->intended && !other->released && forward.holds[j].name == b.name &&
          forward.holds[j].values == b.values)
        ++held.count;
    }
    world.holds[fmt::format("{}({})", b.name, held.arguments)] = std::move(held);
    const Place place{b.key, environment};
    ok = co_await release(with, *arguments.items, place, "/release");
    if (!ok) co_return false;
  }

  if (plan.on_abort.valid()) {
    const Place place{"abort", environment};
    ok = co_await block(plan.on_abort, place);
    if (!ok) co_return false;
    ending.reason = "aborted, as `on abort` says";
  } else {
    for (std::size_t i = forward.acts.size(); i-- > 0;) {
      const Began &b = forward.acts[i];
      bool later = false;  // begun again in a later round of an attempt: undone there
      for (std::size_t j = i + 1; j < forward.acts.size(); ++j)
        later = later || (!lasting_key(b.key).empty() && lasting_key(b.key) == lasting_key(forward.acts[j].key));
      if (later) continue;
      std::vector<std::pair<std::string, std::string>> around_it;
      for (const Began &h : forward.holds)
        if (b.key.starts_with(h.key + "/b/")) around_it.emplace_back(h.name, h.values);
      ok = co_await undo_step(b.name, b.values, std::move(around_it), fmt::format("abort/{}", i));
      if (ok && leaving()) ok = false;
      if (!ok) co_return false;
    }
    ok = co_await claims(plan.initially, "abort");
    if (!ok) co_return false;
    ending.reason = "aborted: every step that began is undone";
  }
  if (simulation()) {
    Move move;
    move.kind = Move::Kind::finish;
    co_await turn_of(move);
    moved(move);
  }
  ending.status = Status::aborted;
  co_return true;
}

}  // namespace upg::machine
