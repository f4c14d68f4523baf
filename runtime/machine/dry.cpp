// Dry run: asks what can be asked now, tells what would run, changes nothing.
#include <fmt/format.h>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

Task<bool> Machine::Run::tell_await(NodeId node, Place place) {
  std::vector<GateCall> calls;
  bool known = co_await gates_of(plan.kid(node, 0), place.environment, place.key, &calls);
  if (!known) co_return false;
  bool preflight = place.key.starts_with("preflight");
  for (GateCall &call : calls) {
    std::string name = describe(call);
    GateAnswer answer = co_await ask_gate(std::move(call), place.key);
    const char *word = answer.pass.yes() ? "passes now" : answer.pass.open() ? "unknown now" : "does not pass now";
    observer.said(fmt::format("gate {}: {}{}", name, word, answer.pass.yes() ? std::string() : ": " + answer.why));
    if (preflight && !answer.pass.yes()) preflight_failures.push_back(name);
  }
  co_return !leaving();
}

Task<bool> Machine::Run::tell_act(ActCall call, Place place) {
  const plan::Action &action = plan.actions[call.action.index];
  auto environment = std::make_shared<Environment>(frame_of(call));
  std::string name = describe(call);
  if (action.done_when.valid()) {
    Value v = co_await consult(action.done_when, *environment, place.key);
    if (v.yes()) {
      observer.said(fmt::format("{}: already done, would be skipped", name));
      co_return true;
    }
  }
  observer.said(fmt::format(
      "would do {}{}", name,
      action.operator_text.valid() ? ": a person: " + std::string(plan.text(action.operator_text)) : std::string()));
  if (action.body.valid()) co_await tell_body(action.body, environment, place.key, 2);
  co_return !leaving();
}

Task<bool> Machine::Run::tell_body(NodeId node, std::shared_ptr<Environment> environment, std::string key, int indent) {
  for (NodeId k : plan.kids(node)) {
    const plan::Node &n = plan.node(k);
    std::string pad(static_cast<std::size_t>(indent), ' ');
    if (n.op == Op::let) {
      environment->slots[n.a] = co_await consult(plan.kid(k, 0), *environment, key);
    } else if (n.op == Op::for_data) {
      Value list = co_await consult(plan.kid(k, 0), *environment, key);
      if (!list.is(Kind::list)) {
        observer.said(pad + "for each element of a list that is unknown now: " + show(list));
        continue;
      }
      for (const Value &item : *list.items) {
        environment->slots[n.a] = item;
        Value condition = co_await consult(plan.kid(k, 1), *environment, key);
        if (condition.yes()) co_await tell_body(plan.kid(k, 2), environment, key, indent + 2);
      }
    } else if (n.op == Op::command) {
      Consultation consultation(around, *environment);
      Concrete concrete = consultation.make(plan.kid(k, 0));
      for (int rounds = 0; rounds < 100 && concrete.problem.is(Kind::pending); ++rounds) {
        std::vector<Wanted> wanted = consultation.take_wanted();
        std::vector<std::string> memos;
        for (const Wanted &w : wanted) memos.push_back(w.memo);
        std::vector<Answer> answers = co_await request_all(std::move(wanted), key);
        for (std::size_t i = 0; i < memos.size(); ++i) consultation.answer(memos[i], std::move(answers[i]));
        concrete = consultation.make(plan.kid(k, 0));
      }
      if (!concrete.problem.is(Kind::nothing)) {
        observer.said(pad + "a command that cannot be told now: " + show(concrete.problem));
        continue;
      }
      std::string text = concrete.command.script;
      for (const std::string &a : concrete.command.argv) text += (text.empty() ? "" : " ") + a;
      std::string where = concrete.any ? "any of " : "";
      for (std::size_t i = 0; i < concrete.hosts.size(); ++i) where += (i ? ", " : "") + host_name(concrete.hosts[i]);
      observer.said(fmt::format("{}on {}: {}", pad, where, concrete.command.secret ? "(secret)" : text));
    }
  }
  co_return true;
}

}  // namespace upg::machine
