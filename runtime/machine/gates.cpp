// Questions: consultations, gates polled to their deadlines, awaits.
#include <fmt/format.h>

#include "runtime/machine/run.h"

namespace upg::machine {

Task<Value> Machine::Run::consult(NodeId expression, Environment environment, std::string key) {
  if (simulation()) {
    if (std::optional<Value> given = simulation()->answer(expression, environment.slots)) co_return *given;
    const std::vector<Value> slots = environment.slots;
    Consultation asked(around, std::move(environment));
    Value v = co_await consult_with(&asked, expression, std::move(key));
    if (v.open()) v = simulation()->settle(expression, slots, std::move(v));
    co_return v;
  }
  Consultation consultation(around, std::move(environment));
  co_return co_await consult_with(&consultation, expression, std::move(key));
}

Task<GateAnswer> Machine::Run::ask_gate(GateCall call, std::string key) {
  const plan::Gate &gate = plan.gates[call.gate.index];
  Environment environment;
  environment.slots = call.arguments;
  environment.slots.resize(std::max(gate.frame.slots.size(), call.arguments.size()));
  const std::vector<Value> slots = environment.slots;
  Consultation consultation(around, std::move(environment));
  GateAnswer out;
  for (int rounds = 0; rounds < 1000; ++rounds) {
    out.pass = consultation.evaluate(gate.pass);
    out.fail = gate.fail.valid() ? consultation.evaluate(gate.fail) : Value::boolean(false);
    if (simulation()) {
      std::optional<Value> given = simulation()->answer(gate.pass, slots);
      if (given) out.pass = *given;
      if (out.pass.open() && !out.pass.is(Kind::pending)) out.pass = simulation()->settle(gate.pass, slots, out.pass);
      if (!out.fail.is(Kind::pending)) out.fail = Value::boolean(out.fail.yes() && !given);
    }
    if (!out.pass.is(Kind::pending) && !out.fail.is(Kind::pending)) {
      if (simulation() && !out.pass.yes()) {
        out.why = "the model's hosts do not let it pass";
        co_return out;
      }
      out.why = out.pass.open() ? show(out.pass) : out.pass.yes() ? "pass" : consultation.explain(gate.pass);
      co_return out;
    }
    bool asked = co_await ask_wanted(&consultation, key);
    if (!asked) break;
  }
  out.pass = Value::unknown("the gate needs too many commands");
  out.fail = Value::boolean(false);
  out.why = show(out.pass);
  co_return out;
}

std::string Machine::Run::describe(const GateCall &call) const {
  std::string name(plan.text(plan.gates[call.gate.index].name));
  return call.arguments.empty() ? name : name + "(" + name_arguments(call.arguments) + ")";
}

/// A pass closes the outages whose health it is: of its host, or of every host of the role if the gate has no host.
void Machine::Run::apply_pass(const GateCall &call) {
  HostId host = subject(call.arguments);
  for (std::size_t r = 0; r < plan.roles.size(); ++r) {
    if (plan.roles[r].health != call.gate) continue;
    auto close = [&](HostId h) {
      if (!world.out(h, RoleId(r))) return;
      world.close(h, RoleId(r));
      write(Event::outage_closed, "",
            make_data({{"host", host_name(h)}, {"role", std::string(plan.text(plan.roles[r].name))}}));
    };
    if (host.valid())
      close(host);
    else
      for (HostId h : plan.sets[plan.roles[r].hosts.index].hosts) close(h);
  }
}

Task<bool> Machine::Run::wait_gate(GateCall call, std::string key, plan::Span where, unsigned passes, bool in_step) {
  auto gone = [&] {
    return !in_step && this->gone(key);
  };  // a step under way is waited for even when the run is being left
  const plan::Gate &gate = plan.gates[call.gate.index];
  HostId host = subject(call.arguments);
  std::string name = describe(call);
  Doing doing_this(this, Activity{key, host, "await " + name, "", 0, 0});
  // health counts only if asked `settles` after the action ended
  Millis not_before = 0;
  for (const plan::Role &role : plan.roles)
    if (role.health == call.gate)
      for (HostId h : plan.sets[role.hosts.index].hosts)  // a gate without a host speaks for all of them
        if ((!host.valid() || h == host) && world.last_end(h) > 0)
          not_before = std::max(not_before, world.last_end(h) + role.settles);
  while (now() < not_before && !gone()) co_await sleep_until(not_before);

  Move move;
  if (simulation() && !in_step) {
    move.kind = Move::Kind::pass;
    move.key = key;
    move.gate = call.gate;
    move.arguments = call.arguments;
    int way = 0;
    if (!passes) way = co_await turn_of(move);
    if (way == 1) co_return halt(true, fmt::format("gate {} failed: simulated", name), key, where);
  }
  Millis deadline = now() + gate.deadline;
  doing_this.activity().deadline_ms = deadline;
  unsigned wanted = passes ? passes : gate.stable;
  unsigned in_a_row = 0;
  std::string last;
  for (;;) {
    if (gone()) co_return false;
    GateAnswer answer = co_await ask_gate(call, key);
    if (answer.fail.yes()) {
      write(Event::gate_failed, key,
            make_data({{"gate", name},
                       {"host", host_name(host)},
                       {"answer", answer.why},
                       {"reason", "its fail condition holds"}}));
      co_return halt(true, fmt::format("gate {} failed: its `fail when` holds; last answer: {}", name, answer.why), key,
                     where, std::string(plan.text(gate.doc)));
    }
    in_a_row = answer.pass.yes() ? in_a_row + 1 : 0;
    if (!in_a_row) wanted = gate.stable;  // it flapped: one pass is no longer enough
    if (in_a_row >= wanted) break;
    std::string said = in_a_row ? fmt::format("pass {} of {}", in_a_row, wanted) : answer.why;
    doing_this.activity().detail = said;
    if (said != last && !in_a_row)
      write(Event::gate_waiting, key, make_data({{"gate", name}, {"host", host_name(host)}, {"answer", said}}));
    last = said;
    Millis next = now() + std::max<Millis>(gate.poll, 100);
    if (next > deadline && !answer.pass.yes()) {
      write(Event::gate_failed, key,
            make_data({{"gate", name}, {"host", host_name(host)}, {"answer", answer.why}, {"reason", "deadline"}}));
      std::string what = gate.deadline ? fmt::format("gate {} did not pass within {}s; last answer: {}", name,
                                                     gate.deadline / 1000, answer.why)
                                       : fmt::format("gate {} does not pass: {}", name, answer.why);
      co_return halt(true, what, key, where, std::string(plan.text(gate.doc)));
    }
    while (now() < next && !gone()) co_await sleep_until(next);
  }
  if (!in_step) moved(move);
  apply_pass(call);
  co_return write(Event::gate_passed, key, make_data({{"gate", name}, {"host", host_name(host)}, {"answer", "pass"}}));
}

Task<bool> Machine::Run::gates_of(NodeId node, std::shared_ptr<Environment> environment, std::string key,
                                  std::vector<GateCall> *out) {
  const plan::Node &n = plan.node(node);
  std::vector<Value> arguments;
  for (NodeId k : plan.kids(node)) {
    Value v = co_await consult(k, *environment, key);
    if (v.open() && dry()) {
      observer.said(fmt::format("gate {}: cannot be asked now: {}", source_of(node), told_answer(v)));
      co_return false;
    }
    if (v.open())
      co_return halt(true, fmt::format("an argument of the gate is unknown: {}", show(v)), key, plan.span(node));
    arguments.push_back(std::move(v));
  }
  if (n.op == plan::Op::gate) {
    out->push_back({plan::GateId(n.a), std::move(arguments)});
    co_return true;
  }
  std::vector<HostId> hosts;
  if (arguments[0].is(Kind::host))
    hosts.push_back(arguments[0].as_host());
  else if (arguments[0].is(Kind::list))
    for (const Value &v : *arguments[0].items)
      if (v.is(Kind::host)) hosts.push_back(v.as_host());
  std::set<std::uint32_t> whole;  // gates without a host are asked once
  for (HostId h : hosts) {
    if (plan.hosts[h.index].out_reason.valid() || world.lost(h)) continue;
    for (RoleId r : plan.hosts[h.index].roles) {
      const plan::Role &role = plan.roles[r.index];
      plan::GateId gate = n.op == plan::Op::in_service ? role.health : role.stoppable;
      if (!gate.valid()) continue;
      bool per_host = !plan.gates[gate.index].frame.parameters.empty();
      if (!per_host && !whole.insert(gate.index).second) continue;
      GateCall call{gate, {}};
      if (per_host) call.arguments.push_back(Value::host(h));
      bool twice = false;
      for (const GateCall &c : *out)
        twice = twice || (c.gate == call.gate && c.arguments.size() == call.arguments.size() &&
                          subject(c.arguments) == subject(call.arguments));
      if (!twice) out->push_back(std::move(call));
    }
  }
  co_return true;
}

Task<bool> Machine::Run::wait_all(std::vector<GateCall> calls, std::string key, plan::Span where, unsigned passes,
                                  bool in_step) {
  if (calls.size() == 1) co_return co_await wait_gate(std::move(calls[0]), std::move(key), where, passes, in_step);
  std::vector<Task<bool>> waits;
  std::vector<Task<bool> *> open;
  waits.reserve(calls.size());
  Bell bell(queue);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    waits.push_back(
        ringing(wait_gate(calls[i], fmt::format("{}:{}", key, describe(calls[i])), where, passes, in_step), &bell));
    waits.back().start();
  }
  auto running = [&] {
    for (const auto &w : waits)
      if (!w.done()) return true;
    return false;
  };
  while (running()) co_await bell;
  bool ok = true;
  for (auto &w : waits) ok = ok && w.result();
  co_return ok;
}

Task<bool> Machine::Run::ringing(Task<bool> task, Bell *bell) {
  bool ok = co_await task;
  bell->fire();
  co_return ok;
}

Task<bool> Machine::Run::await_statement(NodeId node, Place place) {
  NodeId gate_node = plan.kid(node, 0);
  std::vector<GateCall> calls;
  bool known = co_await gates_of(gate_node, place.environment, place.key, &calls);
  if (!known) co_return false;
  passed[node.index][place.key] = calls;
  const StepPast *before = past.step(place.key);
  if (place.over && before &&
      before->done) {  // what it let through has begun already; the act asks again what it relies on
    for (const GateCall &c : calls) apply_pass(c);
    co_return true;
  }
  bool ok = co_await wait_all(std::move(calls), place.key, plan.span(node), 0);
  if (!ok) co_return false;
  co_return write(Event::statement_done, place.key, make_data({{"text", ""}}));
}

}  // namespace upg::machine
