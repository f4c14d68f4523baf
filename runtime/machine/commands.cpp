// The commands of an action: handed to hosts under step keys, followed to their end whatever happens to the connection.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {
using plan::Op;

namespace {
constexpr Millis kAgain = 1000;  // between attempts to reach a host
constexpr int kSignals = 64;
// Where many hosts share few connections, none may last from one command to the next.
constexpr int kTurnedAway = 1;

std::string tail(const std::string &text) {
  std::size_t end = text.find_last_not_of(" \n\r\t");
  if (end == std::string::npos) return {};
  std::size_t begin = text.rfind('\n', end);
  begin = begin == std::string::npos ? 0 : begin + 1;
  return text.substr(begin, std::min<std::size_t>(end + 1 - begin, 300));
}
}  // namespace

std::string Machine::Run::step_key(const std::string &key, HostId host, const std::string &step) const {
  return fmt::format("{}/{}/{}/{}", options.run_id, host_name(host), key, step);
}

/// Whether any command of an interrupted step ever began; nothing if a host could not be asked in time.
Task<std::optional<bool>> Machine::Run::begun_on_hosts(std::vector<StepPast::Command> commands, std::string key,
                                                       Millis deadline) {
  // One command follows the other, so a second one proves the first; a second host for one command does not, the first
  // may have been unreachable (`on any`). Latest first: it tells most.
  for (const StepPast::Command &c : commands)
    if (c.step != commands.front().step) co_return true;
  bool begun = false;
  for (std::size_t at = commands.size(); at-- > 0 && !begun;) {
    const StepPast::Command c = commands[at];
    const HostId host = host_named(c.host);
    for (;;) {
      Command command;
      command.step_key = step_key(key, host, c.step);
      command.attach_only = true;
      command.timeout = 20'000;
      Answer a = co_await request(host, std::move(command), key);
      if (a.outcome == Outcome::absent) break;
      if (fenced) co_return std::nullopt;
      if (a.outcome != Outcome::unreachable && a.outcome != Outcome::lost && a.outcome != Outcome::timed_out) {
        begun = true;
        break;
      }
      if (now() > deadline || leaving()) co_return std::nullopt;
      for (Millis end = now() + kAgain; now() < end && !leaving();) co_await sleep_until(end);
    }
  }
  co_return begun;
}

Task<bool> Machine::Run::proven_over(HostId host, std::string step, std::string key, Millis patience) {
  Doing doing_this(this, Activity{key, host, "await the end of a command whose outcome is unknown", "", 0, patience});
  for (;;) {
    Command command;
    command.step_key = step_key(key, host, step);
    command.attach_only = true;
    command.timeout = 20'000;
    Answer a = co_await request(host, std::move(command), key);
    if (a.outcome == Outcome::exited || a.outcome == Outcome::signaled || a.outcome == Outcome::vanished ||
        a.outcome == Outcome::absent)
      co_return true;
    if (now() > patience || a.outcome == Outcome::refused || fenced) co_return false;
    for (Millis end = now() + kAgain; now() < end;) co_await sleep_until(end);
  }
}

bool Machine::Run::last_command_begun(const plan::Action &action, const StepPast &before) const {
  if (!action.body.valid() || before.commands.empty()) return false;
  std::size_t last = plan.kids(action.body).size();
  while (last > 0 && plan.node(plan.kid(action.body, last - 1)).op == Op::let) --last;
  return last > 0 && before.commands.back().step == fmt::format("{}.{}", before.attempt, last - 1);
}

Task<Machine::Run::Attempt> Machine::Run::attempt(ActCall call, std::shared_ptr<Environment> environment,
                                                  std::string key, int number, Millis deadline, bool resumed) {
  const plan::Action &action = plan.actions[call.action.index];
  if (action.operator_text.valid()) {
    std::string text(plan.text(action.operator_text));
    if (resumed) co_return Attempt::done;  // a person confirmed it before
    // One text stands for every host of a rollout: whom it is about has to be said beside it.
    std::string about = call.arguments.empty() ? std::string() : name_arguments(call.arguments) + ": ";
    std::string question = "operator: " + about + text + " -- done?";
    std::string who;
    std::string answer = co_await person(question, true, key, &who);
    if (leaving()) co_return Attempt::halted;
    if (answer != "yes") {
      last_detail[key] = "the operator did not confirm: " + text;
      co_return Attempt::failed;
    }
    if (!write(Event::confirmed, key + "/operator", make_data({{"text", text}, {"who", who}, {"answer", answer}})))
      co_return Attempt::halted;
    co_return Attempt::done;
  }
  if (!action.body.valid()) co_return Attempt::done;
  co_return co_await body(action.body, call, environment, key, fmt::format("{}", number), deadline, resumed);
}

Task<Machine::Run::Attempt> Machine::Run::body(NodeId node, ActCall call, std::shared_ptr<Environment> environment,
                                               std::string key, std::string step, Millis deadline, bool resumed,
                                               bool outermost) {
  auto kids = plan.kids(node);
  for (std::size_t i = 0; i < kids.size(); ++i) {
    const plan::Node &n = plan.node(kids[i]);
    std::string here = fmt::format("{}.{}", step, i);
    if (n.op == Op::command) {
      bool last = outermost;  // the one that may take its host down with it
      for (std::size_t j = i + 1; j < kids.size(); ++j) last = last && plan.node(kids[j]).op == Op::let;
      Attempt a = co_await command(plan.kid(kids[i], 0), call, environment, key, here, deadline, resumed, last);
      if (a != Attempt::done) co_return a;
      continue;
    }
    // let and for_data: what they asked is journalled, so that a resumed step does the same
    std::string value_key = key + "#" + here;
    const StepPast *before = past.step(value_key);
    Value v;
    if (before && before->done) {
      v = recall(*before, n.op == Op::for_data ? Kind::list : Kind::pending);
      if (v.open()) {
        halt(true, show(v), key, call.where);
        co_return Attempt::halted;
      }
    } else {
      v = co_await consult(plan.kid(kids[i], 0), *environment, key);
      if (v.open()) {
        last_detail[key] = "a value that the action needs is unknown: " + show(v);
        co_return Attempt::failed;
      }
      if (n.op == Op::for_data) {
        Value::Items kept;
        if (!v.is(Kind::list)) {
          last_detail[key] = "the list to go through is no list";
          co_return Attempt::failed;
        }
        for (const Value &item : *v.items) {
          environment->slots[n.a] = item;
          Value condition = co_await consult(plan.kid(kids[i], 1), *environment, key);
          if (condition.open()) {
            last_detail[key] = "a condition of the list is unknown: " + show(condition);
            co_return Attempt::failed;
          }
          if (condition.yes()) kept.push_back(item);
        }
        if (n.b && kept.size() > n.b) {
          last_detail[key] = fmt::format("the list has {} elements, `at most {}` is allowed", kept.size(), n.b);
          co_return Attempt::failed;
        }
        v = Value::list(std::move(kept));
      }
      if (!write(Event::value_kept, value_key, make_data({{"value", to_journal(v)}}))) co_return Attempt::halted;
    }
    if (n.op == Op::let) {
      environment->slots[n.a] = std::move(v);
      continue;
    }
    for (std::size_t j = 0; j < v.items->size(); ++j) {
      environment->slots[n.a] = (*v.items)[j];
      Attempt a = co_await body(plan.kid(kids[i], 2), call, environment, key, fmt::format("{}-{}", here, j), deadline,
                                resumed, false);
      if (a != Attempt::done) co_return a;
    }
  }
  co_return Attempt::done;
}

/// The command with its parts answered; `problem` says what stayed unknown.
Task<Concrete> Machine::Run::concrete_command(NodeId run_node, Environment environment, std::string key) {
  Consultation consultation(around, std::move(environment));
  Concrete concrete = consultation.make(run_node);
  for (int rounds = 0; rounds < 100 && concrete.problem.is(Kind::pending); ++rounds) {
    bool asked = co_await ask_wanted(&consultation, key);
    if (!asked) break;
    concrete = consultation.make(run_node);
  }
  co_return concrete;
}

Task<Machine::Run::Attempt> Machine::Run::command(NodeId run_node, ActCall call,
                                                  std::shared_ptr<Environment> environment, std::string key,
                                                  std::string step, Millis deadline, bool resumed, bool last) {
  const plan::Action &action = plan.actions[call.action.index];
  Concrete concrete = co_await concrete_command(run_node, *environment, key);
  if (simulation() && !concrete.problem.is(Kind::nothing)) {  // a part that only a real host knows
    concrete.problem = Value();
    concrete.command.argv.emplace_back("...");
    if (concrete.hosts.empty()) concrete.hosts.push_back(subject(call.arguments));
  }
  if (!concrete.problem.is(Kind::nothing)) {
    last_detail[key] = "a part of the command is unknown: " + show(concrete.problem);
    co_return Attempt::failed;
  }
  std::vector<HostId> targets = concrete.hosts;
  if (concrete.any) {
    std::vector<HostId> up;
    for (HostId h : targets)
      if (concrete.chosen ? world.machine_up(h) : world.up(h, {})) up.push_back(h);
    targets = up;
    const StepPast *before = resumed ? past.step(key) : nullptr;
    if (before)
      for (const auto &c : before->commands)
        for (HostId h : up)
          if (c.step == step && host_name(h) == c.host) targets = {h};  // where it was begun
    if (targets.empty()) {
      last_detail[key] = "no host of the set is up";
      co_return Attempt::failed;
    }
  }
  std::size_t at = 0;
  bool told = false;     // journalled for this host
  bool touched = false;  // it may run there
  int turned_away = 0;   // connected anew between the question who it is and the step
  while (at < targets.size()) {
    HostId host = targets[at];
    bool going_down = last && boots(action) && host == subject(call.arguments);
    Command command = concrete.on(plan, host);
    command.step_key = step_key(key, host, step);
    const bool mine = co_await still_mine();
    if (!mine) co_return Attempt::halted;
    command.lock = lock;
    const bool known = co_await recognize(host, key);  // it may have been away since it was asked last
    if (!known && strangers.count(host.index)) co_return Attempt::halted;
    if (const auto seen = machine_ids.find(host.index); host.valid() && seen != machine_ids.end())
      command.connection = turned_away < kTurnedAway ? seen->second.connection : 0;
    local_steps = local_steps || !host.valid();
    command.timeout = std::max<Millis>(1000, deadline - now());
    std::string text = command.secret ? "(secret)" : command.script;
    if (!command.secret)
      for (const std::string &a : command.argv) text += (text.empty() ? "" : " ") + a;
    if (known && !told &&
        !write(Event::command_started, key, make_data({{"host", host_name(host)}, {"text", text}, {"step", step}})))
      co_return Attempt::halted;
    Answer a;
    a.detail = "it did not say who it is after it was connected to anew";
    if (known) {
      told = true;
      in_flight[key] = {host, step};
      a = co_await request(host, std::move(command), key);
    }
    if (a.outcome == Outcome::fenced) fence_out(host, a.out);
    if (fenced) co_return Attempt::halted;  // whoever took over follows what runs
    touched = touched || a.outcome != Outcome::unreachable;
    switch (a.outcome) {
      case Outcome::exited:
        if (std::find(concrete.exits.begin(), concrete.exits.end(), a.code) == concrete.exits.end()) {
          std::string said = tail(a.err).empty() ? tail(a.out) : tail(a.err);
          const std::string death = a.code > 128 && a.code <= 128 + kSignals
                                        ? fmt::format(", as after signal {}", a.code - 128)
                                        : std::string();
          last_detail[key] = fmt::format("`{}` on {} ended with exit code {}{}{}{}", text, host_name(host), a.code,
                                         death, said.empty() ? "" : ": ", said);
          co_return Attempt::failed;
        }
        break;
      case Outcome::signaled: {
        if (going_down) break;
        const int as_told = 128 + a.signal;  // by a shell; the plan may name it
        if (std::find(concrete.exits.begin(), concrete.exits.end(), as_told) != concrete.exits.end()) break;
        last_detail[key] = fmt::format("`{}` on {} was killed by {}", text, host_name(host), signal_text(a.signal));
        co_return Attempt::failed;
      }
      case Outcome::vanished:
        if (going_down) break;
        last_detail[key] = fmt::format("`{}` on {} is gone without an exit status", text, host_name(host));
        co_return Attempt::unknown;
      case Outcome::lost:
      case Outcome::unreachable:
      case Outcome::running:
        if (going_down && a.outcome == Outcome::lost) break;
        if (going_down && resumed) break;  // it may be rebooting right now: the boot id will tell
        if (now() < deadline) {
          bool other = concrete.any && !touched && at + 1 < targets.size();
          if (other) {  // nothing was started there
            ++at;
            told = false;
            continue;
          }
          if (stop && !touched && a.outcome == Outcome::unreachable) co_return Attempt::halted;
          if (known && a.outcome == Outcome::unreachable && !recognized(host) && turned_away++ < kTurnedAway) continue;
          for (Millis end = now() + kAgain; now() < end;) co_await sleep_until(end);
          continue;  // the same key attaches to what runs
        }
        last_detail[key] =
            fmt::format("the connection to {} is gone ({}) and `{}` may still run", host_name(host), a.detail, text);
        co_return Attempt::unknown;
      case Outcome::refused:
        if (going_down && reinstalled_hosts.count(host.index))
          break;  // it shows its new key already: its boot id will tell
        last_detail[key] = a.detail;
        co_return Attempt::failed;
      case Outcome::timed_out:
        last_detail[key] = fmt::format("`{}` on {} did not end in time and may still run", text, host_name(host));
        co_return Attempt::unknown;
      default:
        last_detail[key] = a.detail.empty() ? "no answer" : a.detail;
        co_return Attempt::unknown;
    }
    if (!concrete.each) break;
    ++at;
    told = touched = false;
  }
  co_return Attempt::done;
}

}  // namespace upg::machine
