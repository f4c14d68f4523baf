// Reboots: a host is back when it answers with a new, valid boot id and its base health passes.
#include <fmt/format.h>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

Task<Value> Machine::Run::boot_id(HostId host, std::string key) {
  RoleId role = boot_role();
  if (!role.valid()) co_return Value::unknown("no role says how to read a boot id");
  const plan::Probe &probe = plan.probes[plan.roles[role.index].boot.index];
  Environment environment;
  environment.slots.resize(std::max<std::size_t>(1, probe.frame.slots.size()));
  environment.slots[0] = Value::host(host);
  Value v = co_await consult(probe.body, std::move(environment), key);
  if (v.is(Kind::string) && v.text.size() < 8) co_return Value::unknown("`" + v.text + "` is no boot id");
  co_return v;
}

Task<bool> Machine::Run::ask_wanted(Consultation *consultation, std::string key) {
  std::vector<Wanted> wanted = consultation->take_wanted();
  if (wanted.empty()) co_return false;
  std::vector<std::string> memos;
  for (const Wanted &w : wanted) memos.push_back(w.memo);
  std::vector<Answer> answers = co_await request_all(std::move(wanted), std::move(key));
  for (std::size_t i = 0; i < memos.size(); ++i) consultation->answer(memos[i], std::move(answers[i]));
  co_return true;
}

Task<Value> Machine::Run::consult_with(Consultation *consultation, NodeId expression, std::string key) {
  for (int rounds = 0; rounds < 1000; ++rounds) {
    Value v = consultation->evaluate(expression);
    if (!v.is(Kind::pending)) co_return v;
    if (std::string question = consultation->person_question(); !question.empty()) {
      std::string who;
      std::string text = co_await person(question, false, key, &who);
      if (leaving()) co_return Value::unknown("stopped");
      if (text.empty()) co_return Value::unknown("nobody answered: " + question);
      if (options.mode == Mode::run) {
        const bool kept =
            write(Event::confirmed, key + "/asked", make_data({{"text", question}, {"who", who}, {"answer", text}}));
        if (!kept) co_return Value::unknown("stopped");
      }
      consultation->answer_person(text);
      continue;
    }
    bool asked = co_await ask_wanted(consultation, key);
    if (!asked) break;
  }
  co_return Value::unknown("the question needs too many commands");
}

/// Boot ids before the act, from the journal ("node1=id node2=id") or asked now.
Task<bool> Machine::Run::boots_before(ActCall call, Environment environment, std::string key, std::string journalled,
                                      std::map<std::uint32_t, std::string> *out) {
  const plan::Action &action = plan.actions[call.action.index];
  for (NodeId e : action.effects) {
    if (plan.node(e).op != Op::boot_of) continue;
    Value v = co_await consult(plan.kid(e, 0), environment, key);
    if (v.is(Kind::host)) v = Value::list({v});
    if (!v.is(Kind::list)) co_return halt(true, "whom to wait for is unknown: " + show(v), key, plan.span(e));
    for (const Value &h : *v.items) {
      std::string name = host_name(h.as_host()) + "=";
      if (auto at = (" " + journalled).find(" " + name); at != std::string::npos) {
        std::string rest = journalled.substr(at + name.size());
        (*out)[h.as_host().index] = rest.substr(0, rest.find(' '));
        continue;
      }
      Value id = co_await boot_id(h.as_host(), key);
      if (leaving()) co_return false;
      if (id.open())
        co_return halt(
            true, fmt::format("the boot id of {} is unknown before its reboot: {}", host_name(h.as_host()), show(id)),
            key, plan.span(e));
      (*out)[h.as_host().index] = id.text;
    }
  }
  co_return true;
}

Task<bool> Machine::Run::wait_boot(HostId host, std::string old_boot, std::string key, plan::Span where,
                                   Millis deadline) {
  Doing doing_this(this, Activity{key, host, "await boot of " + host_name(host), "", 0, deadline});
  transport.disconnect(host);
  std::string last = "no answer yet";
  for (;;) {
    Value v = co_await boot_id(host, key);
    if (v.open()) {
      bool known = co_await meet_again(host, key, where);
      if (!known) co_return false;
    }
    if (!v.open() && v.text != old_boot) {
      bool same = co_await same_machine(host, v.text, key, where);
      if (!same) co_return false;
      if (!write(Event::boot_seen, key, make_data({{"host", host_name(host)}, {"boot_id", v.text}}))) co_return false;
      break;
    }
    last = v.open() ? show(v) : std::string("it still answers with the old boot id");
    doing_this.activity().detail = last;
    if (!v.open()) transport.disconnect(host);
    if (strangers.count(host.index)) co_return false;
    if (now() > deadline)
      co_return halt(true, fmt::format("{} is not back from its reboot in time: {}", host_name(host), last), key, where,
                     "look at its console; resume when it is up");
    for (Millis end = now() + 1000; now() < end;) co_await sleep_until(end);
  }
  RoleId role = boot_role();
  plan::GateId health = plan.roles[role.index].health;
  if (health.valid()) {  // settled
    GateCall call{health, {}};
    if (!plan.gates[health.index].frame.parameters.empty()) call.arguments.push_back(Value::host(host));
    bool ok = co_await wait_gate(std::move(call), key, where, 0, true);
    if (!ok) co_return false;
  }
  world.close(host, role);
  co_return true;
}

/// What an action waits for after its commands: boots, gates, conditions; all within its worst case.
Task<bool> Machine::Run::awaits(ActCall call, Environment environment, std::string key, Millis deadline,
                                std::map<std::uint32_t, std::string> old_boots) {
  const plan::Action &action = plan.actions[call.action.index];
  for (NodeId e : action.effects) {
    const plan::Node &n = plan.node(e);
    if (n.op == Op::boot_of) {
      for (const auto &[h, id] : old_boots) {
        bool ok = co_await wait_boot(HostId(h), id, key, plan.span(e), deadline);
        if (!ok) co_return false;
      }
    } else if (n.op == Op::awaits_gate) {
      std::vector<GateCall> gates;
      auto shared = std::make_shared<Environment>(environment);
      bool ok = co_await gates_of(plan.kid(e, 0), shared, key, &gates);
      if (ok) ok = co_await wait_all(std::move(gates), key, plan.span(e), 0, true);
      if (!ok) co_return false;
    } else if (n.op == Op::awaits_true) {
      for (;;) {
        Value v = co_await consult(plan.kid(e, 0), environment, key);
        if (v.yes()) break;
        if (now() > deadline)
          co_return halt(true,
                         fmt::format("after {}: a condition did not come true in time: {}", describe(call), show(v)),
                         key, plan.span(e));
        for (Millis end = now() + 2000; now() < end;) co_await sleep_until(end);
      }
    }
  }
  co_return true;
}

}  // namespace upg::machine
