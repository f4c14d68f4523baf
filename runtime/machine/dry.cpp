// Dry run: asks what can be asked now, tells what would run, changes nothing. An answer that comes after an action was
// told may be another one when that has run: what depends on it says so, and what can be told goes on.
#include <fmt/format.h>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

bool Machine::Run::depends_on_answers(Op op) {
  return op == Op::let || op == Op::expect_value || op == Op::expect_true || op == Op::for_data || op == Op::branch ||
         op == Op::unless;
}

std::string Machine::Run::told_answer(const Value &v) const {
  std::string now_is = v.open() ? show(v) : name_value(v);
  if (!told_action) return "now " + now_is;
  return "depends on what has not run; now " + now_is;
}

Task<bool> Machine::Run::tell_statement(NodeId node, Place place) {
  const plan::Node &n = plan.node(node);
  const bool preflight = place.key.starts_with("preflight");
  const std::string source = source_of(plan.kid(node, 0));
  switch (n.op) {
    case Op::let: {
      Value v = co_await consult(plan.kid(node, 0), *place.environment, place.key);
      if (v.open() || told_action) observer.said(fmt::format("let {}: {}", source, told_answer(v)));
      place.environment->slots[n.a] = std::move(v);
      co_return !leaving();
    }
    case Op::expect_value:
    case Op::expect_true: {
      Value v;
      if (n.op == Op::expect_true) {
        v = co_await consult(plan.kid(node, 0), *place.environment, place.key);
      } else {
        v = co_await cell_is_there(node, *place.environment, place.key);
      }
      observer.said(fmt::format("expect {}: {}", source_of(node), told_answer(v)));
      if (preflight && !v.yes()) preflight_failures.push_back("expect " + source_of(node));
      co_return !leaving();
    }
    case Op::for_data: {
      Value list = co_await consult(plan.kid(node, 0), *place.environment, place.key);
      observer.said(fmt::format("for each of {}: {}", source, told_answer(list)));
      if (leaving()) co_return false;
      if (!list.is(Kind::list)) {  // once, for an element that is not known
        place.environment->slots[n.a] = Value::unknown("an element of " + source);
        co_return co_await block(plan.kid(node, 2), place.at("[0]"));
      }
      std::size_t i = 0;
      for (const Value &item : *list.items) {
        place.environment->slots[n.a] = item;
        Value condition = co_await consult(plan.kid(node, 1), *place.environment, place.key);
        if (!condition.open() && !condition.yes()) continue;
        bool ok = co_await block(plan.kid(node, 2), place.at(fmt::format("[{}]", i++)));
        if (!ok) co_return false;
      }
      co_return !leaving();
    }
    default:
      break;
  }
  // branch, unless
  Value v;
  if (n.op == Op::branch) {
    v = co_await consult(plan.kid(node, 0), *place.environment, place.key);
  } else {
    v = co_await cell_is_there(node, *place.environment, place.key);
  }
  if (leaving()) co_return false;
  const std::string what =
      n.op == Op::branch ? "if " + source : fmt::format("unless {} == {}", source, wanted_value(node));
  const bool sure = !told_action && !v.open();
  observer.said(fmt::format("{} ({}){}", what, told_answer(v), sure ? ":" : ", so either way:"));
  if (n.op == Op::unless) {
    if (sure && v.yes()) co_return true;
    if (!sure) observer.said("  where it is not so:");
    co_return co_await block(plan.kid(node, 1), place.at("/b"));
  }
  for (bool way : {true, false}) {
    if (sure && way != v.yes()) continue;
    NodeId body = plan.kid(node, way ? 1 : 2);
    if (!sure && plan.kids(body).empty()) continue;
    if (!sure) observer.said(way ? "  where it is true:" : "  where it is false:");
    bool ok = co_await block(body, place.at(way ? "/b" : "/e"));
    if (!ok) co_return false;
  }
  co_return true;
}

Task<bool> Machine::Run::tell_await(NodeId node, Place place) {
  std::vector<GateCall> calls;
  bool known = co_await gates_of(plan.kid(node, 0), place.environment, place.key, &calls);
  if (!known) co_return !leaving();
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
  told_action = true;
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
      Concrete concrete = co_await concrete_command(plan.kid(k, 0), *environment, key);
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
