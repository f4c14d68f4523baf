// Statements: blocks, decisions, rollouts, phases. A statement answers false when the run is to be left; whoever is
// inside `with` then decides about its hold.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

Task<bool> Machine::Run::block(NodeId node, Place place) {
  auto kids = plan.kids(node);
  Following following(this, place.key);
  for (std::size_t i = 0; i < kids.size(); ++i) {
    if (gone(place.key)) co_return false;
    following.is(i + 1 < kids.size() ? kids[i + 1] : NodeId());
    Place inner = place.at(fmt::format("/{}", i));
    inner.over = place.over || past.beyond(place.key, i);
    bool ok = co_await statement(kids[i], inner);
    if (!ok) co_return false;
  }
  co_return true;
}

Task<bool> Machine::Run::statement(NodeId node, Place place) {
  const plan::Node &n = plan.node(node);
  if (dry() && depends_on_answers(n.op)) co_return co_await tell_statement(node, place);
  switch (n.op) {
    case Op::await: {
      if (options.mode != Mode::run) co_return co_await tell_await(node, place);
      co_return co_await await_statement(node, place);
    }
    case Op::act:
      co_return co_await act_statement(node, place);
    case Op::call:
      co_return co_await call_procedure(node, place);
    case Op::with:
      co_return co_await with(node, place);
    case Op::roll:
    case Op::visit:
      co_return co_await roll(node, place);
    case Op::dag:
      co_return co_await phases(node, place);
    case Op::parallel:
      co_return co_await side_by_side(node, place);
    case Op::let:
      co_return co_await let(node, place);
    case Op::branch:
    case Op::unless:
      co_return co_await decide(node, place);
    case Op::expect_value:
    case Op::expect_true:
      co_return co_await expect(node, place);
    case Op::for_data:
      co_return co_await for_data(node, place);
    case Op::confirm:
      co_return co_await confirm(node, place);
    case Op::block:
      co_return co_await block(node, place);
    case Op::at_most: {
      Place inner = place.at("/b");
      if (!limit(&inner, plan.integer(plan::IntegerId(n.a)))) co_return false;
      co_return co_await block(plan.kid(node, 0), inner);
    }
    case Op::accept:
      co_return co_await accept_statement(node, place);
    case Op::attempt:
      co_return co_await attempt_statement(node, place);
    case Op::no_return:
      co_return write(Event::statement_done, place.key,
                      make_data({{"text", std::string(plan.text(plan::StringId(n.a)))}}));
    default:
      co_return halt(true, fmt::format("the plan holds `{}` where a statement stands", plan::info(n.op).name),
                     place.key, plan.span(node));
  }
}

Task<bool> Machine::Run::let(NodeId node, Place place) {
  const plan::Node &n = plan.node(node);
  Value v;
  const StepPast *before = past.step(place.key);
  if (before && before->done) {
    v = recall(*before);
    if (v.open()) co_return halt(true, show(v), place.key, plan.span(node));
  } else {
    if (simulation() && plan.node(plan.kid(node, 0)).op == Op::ask_person) co_await pause(place.key);
    v = co_await consult(plan.kid(node, 0), *place.environment, place.key);
    if (leaving()) co_return false;
    if (v.open())
      co_return halt(true, "a value that the plan needs is unknown: " + show(v), place.key, plan.span(node));
    if (!write(Event::value_kept, place.key, make_data({{"value", to_journal(v)}}))) co_return false;
  }
  place.environment->slots[n.a] = std::move(v);
  co_return true;
}

/// A person is waited for, or a soak: a move of its own in a simulation.
Task<bool> Machine::Run::pause(std::string key) {
  Move move;
  move.kind = Move::Kind::pause;
  move.key = std::move(key);
  co_await turn_of(move);
  moved(move);
  co_return true;
}

/// if and unless: the decision is journalled, so that a resume takes the same way.
Task<bool> Machine::Run::decide(NodeId node, Place place) {
  const plan::Node &n = plan.node(node);
  Value decision;
  const StepPast *before = past.step(place.key);
  const bool decided = before && before->done &&
                       (place.over || past.begun_under(place.key + "/b") || past.begun_under(place.key + "/e"));
  if (decided) {
    decision = recall(*before, Kind::boolean);
  } else if (simulation() && (n.op == Op::branch || simulation()->supposes())) {
    Move move;
    move.kind = Move::Kind::choice;
    move.key = place.key;
    move.node = node;
    const int way = co_await turn_of(move);
    decision = Value::boolean(way == 0);
  } else if (n.op == Op::branch) {
    decision = co_await consult(plan.kid(node, 0), *place.environment, place.key);
  } else {
    decision = co_await cell_is_there(node, *place.environment, place.key);
  }
  if (leaving()) co_return false;
  if (decision.open())
    co_return halt(true, "the condition is unknown, so neither way may be taken: " + show(decision), place.key,
                   plan.span(node));
  if (!write(Event::value_kept, place.key, make_data({{"value", to_journal(decision)}}))) co_return false;
  if (simulation() && !decided) {
    Move move;
    move.kind = Move::Kind::choice;
    move.key = place.key;
    move.node = node;
    if (n.op == Op::unless) move.arguments = co_await cell_arguments(plan.kid(node, 0), place);
    moved(move, decision.yes() ? 0 : 1);
  }
  if (n.op == Op::branch) {
    NodeId way = plan.kid(node, decision.yes() ? 1 : 2);
    Place inner = place.at(decision.yes() ? "/b" : "/e");
    co_return co_await block(way, inner);
  }
  if (decision.yes()) co_return true;
  co_return co_await block(plan.kid(node, 1), place.at("/b"));
}

Task<Value> Machine::Run::ask_cell(NodeId cell, Environment environment, std::string key) {
  const plan::Node &n = plan.node(cell);
  const plan::State &state = plan.states[n.a];
  Environment inner;
  for (NodeId k : plan.kids(cell)) {
    Value v = co_await consult(k, environment, key);
    if (v.open()) co_return v;
    inner.slots.push_back(std::move(v));
  }
  inner.slots.resize(std::max(inner.slots.size(), state.frame.slots.size()));
  Value v = co_await consult(state.observe, std::move(inner), key);
  if (v.open()) co_return Value::unknown(v.text);
  std::string name = show(v);
  for (const auto &value : state.values)
    if (plan.text(value.name) == name) co_return Value::string(name);
  co_return Value::unknown(fmt::format("`{}` is no value of state `{}`", name.substr(0, 80), plan.text(state.name)));
}

std::string Machine::Run::wanted_value(NodeId statement) const {
  const plan::State &state = plan.states[plan.node(plan.kid(statement, 0)).a];
  return std::string(plan.text(state.values[plan.node(statement).a].name));
}

Task<Value> Machine::Run::cell_is_there(NodeId statement, Environment environment, std::string key) {
  Value v = co_await ask_cell(plan.kid(statement, 0), std::move(environment), std::move(key));
  if (v.open()) co_return v;
  co_return Value::boolean(v.text == wanted_value(statement));
}

Task<std::vector<Value>> Machine::Run::cell_arguments(NodeId cell, Place place) {
  std::vector<Value> out;
  for (NodeId k : plan.kids(cell)) {
    Value v = co_await consult(k, *place.environment, place.key);
    out.push_back(std::move(v));
  }
  co_return out;
}

Task<bool> Machine::Run::expect(NodeId node, Place place) {
  const plan::Node &n = plan.node(node);
  const StepPast *before = past.step(place.key);
  if (before && before->done) co_return true;
  if (n.op == Op::expect_value && simulation() && simulation()->supposes()) {
    Move move;
    move.kind = Move::Kind::choice;
    move.key = place.key;
    move.node = node;
    move.arguments = co_await cell_arguments(plan.kid(node, 0), place);
    co_await turn_of(move);
    if (leaving()) co_return false;
    moved(move);
  } else if (n.op == Op::expect_value) {
    NodeId cell = plan.kid(node, 0);
    const plan::State &state = plan.states[plan.node(cell).a];
    std::string wanted = wanted_value(node);
    Value v = co_await ask_cell(cell, *place.environment, place.key);
    if (leaving()) co_return false;
    if (v.open() || v.text != wanted)
      co_return halt(true,
                     fmt::format("state {} was expected to be {}, it is {}", plan.text(state.name), wanted, show(v)),
                     place.key, plan.span(node));
    if (simulation()) {
      Move move;
      move.kind = Move::Kind::choice;
      move.key = place.key;
      move.node = node;
      move.arguments = co_await cell_arguments(cell, place);
      moved(move);
    }
  } else {
    Value v = co_await consult(plan.kid(node, 0), *place.environment, place.key);
    if (leaving()) co_return false;
    if (!v.yes())
      co_return halt(true,
                     v.open() ? "an expectation is unknown: " + show(v) : std::string("an expectation does not hold"),
                     place.key, plan.span(node));
  }
  co_return write(Event::statement_done, place.key, make_data({{"text", ""}}));
}

Task<bool> Machine::Run::for_data(NodeId node, Place place) {
  const plan::Node &n = plan.node(node);
  Value list;
  const StepPast *before = past.step(place.key);
  if (before && before->done) {
    list = recall(*before, Kind::list);
    if (list.open()) co_return halt(true, show(list), place.key, plan.span(node));
  } else {
    list = co_await consult(plan.kid(node, 0), *place.environment, place.key);
    if (leaving()) co_return false;
    if (!list.is(Kind::list))
      co_return halt(true, "the list to go through is unknown: " + show(list), place.key, plan.span(node));
    Value::Items kept;
    for (const Value &item : *list.items) {
      place.environment->slots[n.a] = item;
      Value condition = co_await consult(plan.kid(node, 1), *place.environment, place.key);
      if (leaving()) co_return false;
      if (condition.open())
        co_return halt(true, "a condition of the list is unknown: " + show(condition), place.key, plan.span(node));
      if (condition.yes()) kept.push_back(item);
    }
    if (n.b && kept.size() > n.b)
      co_return halt(true, fmt::format("the list has {} elements, `at most {}` is allowed", kept.size(), n.b),
                     place.key, plan.span(node));
    list = Value::list(std::move(kept));
    if (!write(Event::value_kept, place.key, make_data({{"value", to_journal(list)}}))) co_return false;
  }
  std::size_t furthest = 0;  // at a resume: the last element that anything was begun for
  for (std::size_t i = 0; i < list.items->size(); ++i)
    if (past.begun_under(fmt::format("{}[{}]", place.key, i))) furthest = i;
  for (std::size_t i = 0; i < list.items->size(); ++i) {
    place.environment->slots[n.a] = (*list.items)[i];
    Place inner = place.at(fmt::format("[{}]", i));
    inner.over = place.over || i < furthest;
    bool ok = co_await block(plan.kid(node, 2), inner);
    if (!ok) co_return false;
  }
  co_return true;
}

Task<bool> Machine::Run::call_procedure(NodeId node, Place place) {
  const plan::Procedure &procedure = plan.procedures[plan.node(node).a];
  auto environment = std::make_shared<Environment>();
  for (NodeId k : plan.kids(node)) {
    Value v = co_await consult(k, *place.environment, place.key);
    if (v.open() && !dry()) co_return halt(true, "an argument is unknown: " + show(v), place.key, plan.span(node));
    environment->slots.push_back(std::move(v));
  }
  environment->slots.resize(std::max(environment->slots.size(), procedure.frame.slots.size()));
  Place inner{place.key + "/b", environment, place.deadline, place.over};
  co_return co_await block(procedure.body, inner);
}

Task<bool> Machine::Run::iteration(NodeId node, Place place, HostId host) {
  const plan::Node &n = plan.node(node);
  const plan::Rollout &rollout = plan.rollouts[n.a];
  Place inner = place.at(fmt::format("[{}]", host_name(host)));
  inner.environment = std::make_shared<Environment>(*place.environment);
  inner.environment->slots[rollout.slot] = Value::host(host);
  bool marks = n.op == Op::roll;
  if (!marks) {  // one host after the other: what an earlier one awaited is over when a later one has begun
    const std::vector<HostId> &hosts = plan.sets[rollout.hosts.index].hosts;
    bool later = false;
    for (HostId h : hosts) {
      if (later && past.begun_under(fmt::format("{}[{}]", place.key, host_name(h)))) inner.over = true;
      later = later || h == host;
    }
  }
  const StepPast *before = past.step(inner.key);
  if (marks && before && before->done) co_return true;
  Doing doing_this(this, Activity{inner.key, host, "its turn", "", 0, 0});
  if (rollout.at_most && !limit(&inner, rollout.at_most)) co_return false;
  Move move;
  if (marks && simulation()) {
    move.kind = Move::Kind::admit;
    move.key = inner.key;
    move.node = node;
    move.host = host;
    co_await turn_of(move);
    if (leaving()) co_return false;
    moved(move);
  }
  if (marks && !write(Event::iteration_started, inner.key, make_data({{"host", host_name(host)}}))) co_return false;
  bool ok = false;
  std::optional<Ending> failure;
  if (marks && rollout.tolerant && options.mode == Mode::run)
    ok = co_await try_block(plan.kid(node, 0), inner, &failure);
  else
    ok = co_await block(plan.kid(node, 0), inner);
  for (auto &[await, places] : passed)  // an iteration's knowledge ends with it
    for (auto it = places.lower_bound(inner.key); it != places.end() && it->first.starts_with(inner.key);)
      it = places.erase(it);
  if (failure) co_return co_await lose(host, inner.key, std::move(*failure));
  if (!ok) co_return false;
  if (marks && simulation()) {
    move.kind = Move::Kind::leave;
    co_await turn_of(move);
    moved(move);
  }
  co_return marks ? write(Event::iteration_ended, inner.key, make_data({{"host", host_name(host)}})) : true;
}

/// Admits in list order while fewer than `batch` are live (fewer than `per_batch` in the host's group); the canary goes
/// first, alone, and soaks.
Task<bool> Machine::Run::roll(NodeId node, Place place) {
  const plan::Rollout &rollout = plan.rollouts[plan.node(node).a];
  const std::vector<HostId> &hosts = plan.sets[rollout.hosts.index].hosts;
  auto group_of = [&](HostId h) -> std::string {
    for (const auto &a : plan.hosts[h.index].attributes)
      if (a.key == rollout.per) {
        Consultation c(around, {});
        return show(c.evaluate(a.value));
      }
    return {};
  };
  struct Live {
    Task<bool> task;
    std::string group;
  };
  std::vector<Live> live;
  Bell bell(queue);
  bool ok = true;
  std::size_t next = 0;
  std::size_t canary = std::min<std::size_t>(rollout.canary, hosts.size());
  bool soaked = canary == 0;
  Following following(this, place.key);
  std::size_t counted = hosts.size();  // the turn before which the others were asked last
  for (;;) {
    following.is(next < hosts.size() ? hosts[next] : HostId());
    for (std::size_t i = 0; i < live.size();) {
      if (!live[i].task.done()) {
        ++i;
        continue;
      }
      ok = ok && live[i].task.result();
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (live.empty() && ok && !soaked && next >= canary) {
      soaked = true;
      const StepPast *before = past.step(place.key + "/soak");
      if (!dry() && rollout.soak && !(before && before->done)) {
        Doing doing_this(this, Activity{place.key,
                                        {},
                                        fmt::format("soak {}s after the canary", rollout.soak / 1000),
                                        "",
                                        0,
                                        now() + rollout.soak});
        if (simulation()) co_await pause(place.key + "/soak");
        for (Millis end = now() + rollout.soak; now() < end && !leaving();) co_await sleep_until(end);
        if (!leaving()) write(Event::statement_done, place.key + "/soak", make_data({{"text", ""}}));
      }
    }
    bool admit = ok && !gone(place.key) && next < hosts.size() && (soaked || next < canary);
    std::size_t width = std::max<std::uint32_t>(1, rollout.batch);
    if (dry()) width = 1;
    if (admit && live.size() < width) {
      std::string group = rollout.per_batch ? group_of(hosts[next]) : std::string();
      std::size_t same = 0;
      for (const Live &l : live) same += l.group == group;
      if (!rollout.per_batch || same < rollout.per_batch) {
        if (world.lost(hosts[next])) {
          ok = co_await settle_lost(hosts[next], place.at(fmt::format("[{}]", host_name(hosts[next]))));
          if (!ok) continue;
        }
        if (plan.hosts[hosts[next].index].out_reason.valid() || world.lost(hosts[next])) {
          ++next;
          continue;
        }
        if (!pause_by.empty() && plan.node(node).op == Op::roll && options.mode == Mode::run) {
          if (!live.empty()) {  // what is under way ends first
            co_await bell;
            continue;
          }
          if (may_stand(place.key) != Stand::not_here) {
            ok = co_await stand_still(place.key, rollout.where);
            continue;
          }
        }
        const std::string turn = fmt::format("{}[{}]", place.key, host_name(hosts[next]));
        if (counted != next && options.mode == Mode::run && !directed() && !unguarded() && !past.begun_under(turn)) {
          counted = next;  // a bystander that fell ill: no new turn begins, what is under way ends
          std::vector<Outage> taken = turn_outages(node, hosts[next]);
          if (!taken.empty()) {
            ok = co_await census(std::move(taken), turn, rollout.where, false);
            continue;
          }
        }
        if (!in_window(turn_worst(node))) {
          if (!live.empty()) {  // what is under way ends first
            co_await bell;
            continue;
          }
          ok = co_await await_window(turn_worst(node), place.key, rollout.where);
          continue;
        }
        live.push_back({ringing(iteration(node, place, hosts[next]), &bell), std::move(group)});
        live.back().task.start();
        ++next;
        continue;
      }
    }
    if (live.empty()) {
      if (admit) continue;
      break;
    }
    co_await bell;
  }
  co_return ok && !leaving();
}

Task<bool> Machine::Run::side_by_side(NodeId node, Place place) {
  auto kids = plan.kids(node);
  std::vector<Task<bool>> tasks;
  tasks.reserve(kids.size());
  Bell bell(queue);
  for (std::size_t i = 0; i < kids.size(); ++i) {
    Place inner = place.at(fmt::format("/b{}", i));
    inner.environment = std::make_shared<Environment>(*place.environment);
    tasks.push_back(ringing(block(kids[i], inner), &bell));
    tasks.back().start();
    if (dry())
      while (!tasks.back().done()) co_await bell;
  }
  auto running = [&] {
    for (const auto &t : tasks)
      if (!t.done()) return true;
    return false;
  };
  while (running()) co_await bell;
  bool ok = true;
  for (auto &t : tasks) ok = ok && t.result();
  co_return ok;
}

/// Phases of one dag: each starts when all it comes after have ended, by what was written and by what `order` adds.
Task<bool> Machine::Run::phases(NodeId node, Place place) {
  auto kids = plan.kids(node);
  std::vector<std::vector<std::uint32_t>> after(kids.size());
  for (std::size_t i = 0; i < kids.size(); ++i) after[i] = plan.phases[plan.node(kids[i]).a].after;
  for (const safety::PhaseEdge &edge : proof.phase_edges)
    if (edge.dag == node && edge.before < kids.size() && edge.after < kids.size())
      after[edge.after].push_back(edge.before);
  std::vector<bool> over(kids.size());  // at a resume: a phase after it, directly or not, has begun
  for (std::size_t round = 0; round < kids.size(); ++round)
    for (std::size_t j = 0; j < kids.size(); ++j)
      if (over[j] || past.begun_under(fmt::format("{}/{}/b", place.key, j)))
        for (std::uint32_t p : after[j])
          if (p < kids.size()) over[p] = true;
  std::vector<std::optional<Task<bool>>> tasks(kids.size());
  Bell bell(queue);
  for (;;) {
    bool open = false, started = false, failed = false;
    for (std::size_t i = 0; i < kids.size(); ++i) {
      if (tasks[i]) {
        open = open || !tasks[i]->done();
        failed = failed || (tasks[i]->done() && !tasks[i]->result());
        continue;
      }
      bool may = !failed && !leaving() && !(dry() && open);
      for (std::uint32_t p : after[i])
        may = may && p < kids.size() && tasks[p] && tasks[p]->done() && tasks[p]->result();
      if (!may) continue;
      Place inner = place.at(fmt::format("/{}", i));
      inner.environment = std::make_shared<Environment>(*place.environment);
      inner.over = inner.over || over[i];
      tasks[i].emplace(ringing(phase(kids[i], inner), &bell));
      tasks[i]->start();
      started = open = true;
    }
    if (!open && !started) break;
    co_await bell;
  }
  for (auto &t : tasks)
    if (!t || !t->result()) co_return false;
  co_return true;
}

Task<bool> Machine::Run::phase(NodeId node, Place place) {
  Doing doing_this(
      this, Activity{place.key, {}, fmt::format("phase {}", plan.text(plan.phases[plan.node(node).a].name)), "", 0, 0});
  bool ok = co_await block(plan.kid(node, 0), place.at("/b"));
  if (ok && simulation()) {
    Move move;
    move.kind = Move::Kind::leave;
    move.key = place.key;
    move.node = node;
    co_await turn_of(move);
    moved(move);
  }
  co_return ok;
}

Task<bool> Machine::Run::confirm(NodeId node, Place place) {
  std::string text(plan.text(plan::StringId(plan.node(node).a)));
  const StepPast *before = past.step(place.key);
  if (before && before->done) co_return true;
  if (dry()) {
    observer.said("would ask a person: " + text);
    co_return true;
  }
  if (simulation()) co_await pause(place.key);
  Doing doing_this(this, Activity{place.key, {}, "a person is asked", text, 0, 0});
  std::string who;
  std::string answer = co_await person(text, true, place.key, &who);
  if (leaving()) co_return false;
  if (answer != "yes") co_return halt(true, "not confirmed: " + text, place.key, plan.span(node));
  co_return write(Event::confirmed, place.key, make_data({{"text", text}, {"who", who}, {"answer", answer}}));
}

}  // namespace upg::machine
