// Commands of questions and actions made concrete, their outcomes, and why a condition is false.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/evaluator.h"

namespace upg::machine {
using plan::HostId;
using plan::NodeId;
using plan::Op;
namespace {
constexpr std::size_t kCommands = 20'000;  // in one consultation
}
using Kind = Value::Kind;

Concrete Evaluator::concrete(NodeId id, Environment &env) {
  const plan::Node &n = plan_.node(id);
  Concrete out;
  out.command.timeout = c_.around_->question_timeout;
  auto fail = [&](const Value &v) {
    if (out.problem.is(Kind::nothing) || v.is(Kind::pending)) out.problem = v;
  };
  bool first = true;
  for (NodeId k : plan_.kids(id)) {
    const plan::Node &child = plan_.node(k);
    if (first) {  // the target
      first = false;
      if (child.op == Op::on_local) {
        out.hosts.push_back(HostId());
        continue;
      }
      Value where = eval(plan_.kid(k, 0), env);
      if (where.is(Kind::host)) where = Value::list({where});
      if (where.open())
        fail(where);
      else if (!where.is(Kind::list))
        fail(Value::unknown("the target is no host"));
      else
        for (const Value &h : *where.items)
          if (h.is(Kind::host)) out.hosts.push_back(h.as_host());
      out.any = child.op == Op::on_any;
      out.chosen = chooses(plan_, plan_.kid(k, 0));
      out.each = child.op == Op::on_each;
      if (where.is(Kind::list) && out.hosts.empty()) fail(Value::unknown("no host to ask"));
      continue;
    }
    if (child.op == Op::exits) {
      out.exits.push_back(static_cast<int>(plan_.integer(plan::IntegerId(child.a))));
      continue;
    }
    if (child.op == Op::stdin_is || child.op == Op::as_user || child.op == Op::env_is) {
      NodeId source = plan_.kid(k, 0);
      out.command.secret = out.command.secret || plan_.node(source).op == Op::secret;
      Value v = eval(source, env);
      if (v.open())
        fail(v);
      else if (child.op == Op::stdin_is)
        out.command.input = print(v);
      else if (child.op == Op::env_is)
        out.command.environment.emplace_back(plan_.text(plan::StringId(child.a)), print(v));
      else
        out.command.user = print(v), out.user_written = true;
      continue;
    }
    bool literal = n.op == Op::shell && child.op == Op::text;
    Value v = eval(k, env);
    if (v.open())
      fail(v);
    else if (n.op == Op::shell) {
      if (literal)
        out.command.script += v.text;
      else if (v.is(Kind::list)) {
        for (std::size_t i = 0; i < v.items->size(); ++i)
          out.command.script += (i ? " " : "") + shell_quote(print((*v.items)[i]));
      } else
        out.command.script += shell_quote(print(v));
    } else if (v.is(Kind::list)) {
      for (const Value &x : *v.items) out.command.argv.push_back(print(x));
    } else {
      out.command.argv.push_back(print(v));
    }
  }
  if (out.exits.empty()) out.exits.push_back(0);
  return out;
}

Command Concrete::on(const plan::Plan &plan, HostId host) const {
  Command own = command;
  if (!user_written && host.valid()) own.user = become_user(plan, host);
  return own;
}

const Answer *Evaluator::ask(HostId host, Command command) {
  std::string memo = fmt::format("{}\n", host.valid() ? static_cast<std::int64_t>(host.index) : -1);
  for (const auto &a : command.argv) memo += a + '\x1f';
  memo += '\n' + command.script + '\n' + command.user + '\n' + command.input;
  for (const auto &[k, v] : command.environment) memo += '\n' + k + '=' + v;
  auto it = c_.answers_.find(memo);
  if (it != c_.answers_.end()) return &it->second;
  if (host.valid()) c_.asked_.insert(host.index);
  if (c_.outstanding_.size() + c_.answers_.size() < kCommands && c_.outstanding_.insert(memo).second)
    c_.wanted_.push_back({host, std::move(command), memo});
  return nullptr;
}

std::string signal_text(int signal) {
  const char *name = sigabbrev_np(signal);
  return name ? fmt::format("signal {} (SIG{})", signal, name) : fmt::format("signal {}", signal);
}

Value Evaluator::outcome_value(const Answer &a, HostId host, const std::vector<int> &exits) const {
  switch (a.outcome) {
    case Outcome::exited:
      break;
    case Outcome::signaled:
      return Value::unknown(fmt::format("the command on {} was killed by {}", host_name(host), signal_text(a.signal)));
    case Outcome::timed_out:
      return Value::unknown(
          fmt::format("{} did not answer in time{}{}", host_name(host), a.detail.empty() ? "" : ": ", a.detail));
    default:
      return Value::unknown(fmt::format("{}: {}", host_name(host), a.detail.empty() ? "no answer" : a.detail));
  }
  if (std::find(exits.begin(), exits.end(), a.code) == exits.end()) {
    std::string said = first_line(a.err.empty() ? a.out : a.err);
    return Value::unknown(
        fmt::format("exit code {} on {}{}{}", a.code, host_name(host), said.empty() ? "" : ": ", said));
  }
  return Value::result(a.code, a.out, a.err);
}

Value Evaluator::eval_run(NodeId id, Environment &env) {
  if (Simulation *simulation = c_.around_->simulation)
    return simulation->answer(id, env.slots).value_or(Value::unknown("no command runs in a simulation"));
  Concrete c = concrete(id, env);
  if (!c.problem.is(Kind::nothing)) return c.problem;
  if (c.each) {
    Value::Items results;
    std::vector<std::pair<HostId, const Answer *>> answers;
    for (HostId h : c.hosts) answers.emplace_back(h, ask(h, c.on(plan_, h)));
    for (auto [h, a] : answers) {
      if (!a) return Value::pending();
      Value v = outcome_value(*a, h, c.exits);
      if (v.open()) return v;
      results.push_back(std::move(v));
    }
    return Value::list(std::move(results));
  }
  Value::Items candidates;
  for (HostId h : c.hosts) candidates.push_back(Value::host(h));
  Value hosts = Value::list(std::move(candidates));
  for (;;) {
    HostId target = c.hosts[0];
    if (c.any) {
      auto picked = pick(hosts, {});
      if (!picked) return Value::unknown(fmt::format("none of the hosts is up and answers ({} asked)", c.hosts.size()));
      target = *picked;
    }
    const Answer *a = ask(target, c.on(plan_, target));
    if (!a) return Value::pending();
    bool dead = a->outcome == Outcome::unreachable || a->outcome == Outcome::lost || a->outcome == Outcome::timed_out;
    if (!c.any || !dead) return outcome_value(*a, target, c.exits);  // a dead one is not picked again
  }
}

std::string Evaluator::explain(NodeId id, Environment &env) {
  for (int depth = 0; depth < 300; ++depth) {
    const plan::Node &n = plan_.node(id);
    if (n.op == Op::bind) {
      Value v = eval(plan_.kid(id, 0), env);
      if (n.a < env.slots.size()) env.slots[n.a] = std::move(v);
      id = plan_.kid(id, 1);
    } else if (n.op == Op::both) {
      Value left = eval(plan_.kid(id, 0), env);
      id = plan_.kid(id, !left.open() && left.yes() ? 1 : 0);
    } else if (n.op == Op::every && n.a < env.slots.size()) {
      Value source = eval(plan_.kid(id, 0), env);
      if (!source.is(Kind::list)) break;
      bool found = false;
      for (const Value &item : *source.items) {
        env.slots[n.a] = item;
        Value condition = eval(plan_.kid(id, 1), env);
        Value body = condition.yes() ? eval(plan_.kid(id, 2), env) : Value::boolean(true);
        if (body.open() || body.yes()) continue;
        found = true;
        break;
      }
      if (!found) break;
      std::string inner = explain(plan_.kid(id, 2), env);
      return fmt::format("{} ({} of `{}`)", inner, first_line(print(env.slots[n.a])),
                         source_text(plan_, plan_.span(plan_.kid(id, 0)), 40));
    } else {
      break;
    }
  }
  std::string said;
  auto kids = plan_.kids(id);
  if (kids.size() == 2) {
    for (NodeId k : kids) {
      plan::Op op = plan_.node(k).op;
      if (op == Op::text || op == Op::number || op == Op::boolean) continue;
      Value v = eval(k, env);
      if (v.is(Kind::pending)) continue;
      said += fmt::format("{}`{}` is {}", said.empty() ? "" : ", ", source_text(plan_, plan_.span(k), 60),
                          first_line(print(v)));
    }
  }
  std::string source = source_text(plan_, plan_.span(id), 120);
  return said.empty() ? fmt::format("`{}` is false", source) : fmt::format("`{}` is false: {}", source, said);
}

}  // namespace upg::machine
