// At a resume (SEMANTICS R5): states, holds and health are observed again before anything is done. What differs from
// the journal was done by somebody else, and the proof does not hold for it: the run refuses to go on.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/machine/run.h"

namespace upg::machine {

namespace {
constexpr Millis kPatience = 120'000;  // a host may be on its way up
constexpr Millis kAgain = 2'000;
}  // namespace

Task<bool> Machine::Run::see_cells(ActCall call, Environment environment, std::string key, bool moving) {
  const plan::Action &action = plan.actions[call.action.index];
  if (directed()) co_return true;
  for (NodeId e : action.effects) {
    const plan::Node &n = plan.node(e);
    if (n.op == plan::Op::moves) {
      NodeId cell = plan.kid(e, 0);
      Value::Items arguments;
      bool known = true;
      for (NodeId k : plan.kids(cell)) {
        Value v = co_await consult(k, environment, key);
        known = known && !v.open();
        arguments.push_back(std::move(v));
      }
      if (!known) continue;
      Value now_is;
      if (!moving) now_is = co_await ask_cell(cell, environment, key);
      const std::string value = moving || now_is.open() ? std::string() : now_is.text;
      if (!saw_cell(plan.states[plan.node(cell).a], Value::list(std::move(arguments)), value)) co_return false;
    } else if (n.op == plan::Op::boot_of && moving) {  // a boot may move what the action does not name
      Value hosts = co_await consult(plan.kid(e, 0), environment, key);
      if (hosts.is(Kind::host)) hosts = Value::list({hosts});
      if (!hosts.is(Kind::list)) continue;
      for (const plan::State &state : plan.states)
        for (const Value &h : *hosts.items)
          if (!state.on_boot.empty() && state.frame.parameters.size() == 1 && !saw_cell(state, Value::list({h}), ""))
            co_return false;
    }
  }
  co_return true;
}

bool Machine::Run::saw_cell(const plan::State &state, const Value &arguments, const std::string &value) {
  if (arguments.is(Kind::list))
    seen_cells[fmt::format("{}({})", plan.text(state.name), name_arguments(*arguments.items))] = value;
  return write(
      Event::cell_seen, "",
      make_data(
          {{"state", std::string(plan.text(state.name))}, {"arguments", to_journal(arguments)}, {"value", value}}));
}

std::vector<Machine::Run::Remembered> Machine::Run::remembered() const {
  std::vector<Remembered> all;
  // what an interrupted step was doing may be anywhere: it is settled where it stands in the plan
  std::set<std::string> in_motion;
  bool step_open = false;
  for (const auto &[key, step] : past.steps()) {
    if (!step.intended || step.ended || step.action.empty()) continue;
    in_motion.insert(step.host);
    step_open = true;
  }
  auto moves = [&](const Value &arguments) {
    HostId host = subject(*arguments.items);
    return host.valid() && in_motion.count(host_name(host)) != 0;
  };
  auto frame_fits = [](const plan::Frame &frame, const Value &arguments) {
    return arguments.is(Kind::list) && arguments.items->size() == frame.parameters.size();
  };
  for (const auto &[name, cell] : past.cells()) {
    if (cell.value.empty()) continue;
    for (std::size_t s = 0; s < plan.states.size(); ++s) {
      if (plan.text(plan.states[s].name) != cell.state) continue;
      Value arguments = from_journal(cell.arguments);
      if (!frame_fits(plan.states[s].frame, arguments) || moves(arguments)) continue;
      std::string text = fmt::format("{}({})", cell.state, name_arguments(*arguments.items));
      all.push_back({Remembered::cell, s, *arguments.items, cell.value, text, {}});
    }
  }
  // a hold in force: taken, and nobody has begun to give it back
  std::map<std::string, std::size_t> held;
  std::set<std::string> leaving_it;
  for (const auto &[key, step] : past.steps()) {
    if (step.hold.empty()) continue;
    Value arguments = from_journal(step.hold_arguments);
    for (std::size_t h = 0; h < plan.holds.size(); ++h) {
      const plan::Hold &hold = plan.holds[h];
      if (plan.text(hold.name) != step.hold || !hold.observe.valid() || !frame_fits(hold.frame, arguments)) continue;
      std::string text = fmt::format("{}({})", step.hold, name_arguments(*arguments.items));
      auto begun = [&](const char *part) {
        const StepPast *s = past.step(key + part);
        return s && s->intended;
      };
      if (!step.released && (begun("/release") || begun("/give_back"))) leaving_it.insert(text);
      if (!step.done || step.released || step.hold_unseen || moves(arguments)) continue;
      if (held.emplace(text, h).second) all.push_back({Remembered::hold, h, *arguments.items, "", text, {}});
    }
  }
  std::erase_if(all, [&](const Remembered &r) { return r.what == Remembered::hold && leaving_it.count(r.text) != 0; });
  // Health that passed. While something is out by the plan a gate may fail for that alone; the census asks before more
  // is taken out.
  if (step_open) return all;
  for (const plan::Role &role : plan.roles)
    for (const auto &[host, name] : past.outages())
      if (role.health.valid() && plan.text(role.name) == name) return all;
  std::set<std::string> twice;
  for (std::size_t r = 0; r < plan.roles.size(); ++r) {
    const plan::Role &role = plan.roles[r];
    if (!role.health.valid()) continue;
    const plan::Gate &gate = plan.gates[role.health.index];
    bool tainted = false;
    for (const auto &[text, h] : held)
      for (plan::GateId t : plan.holds[h].taints) tainted = tainted || t == role.health;
    if (tainted) continue;
    std::vector<HostId> whom;
    for (HostId h : plan.sets[role.hosts.index].hosts)
      if (!plan.hosts[h.index].out_reason.valid()) whom.push_back(h);
    if (gate.frame.parameters.empty()) {
      GateCall call{role.health, {}};
      if (past.passed().count(describe(call)) && twice.insert(describe(call)).second)
        all.push_back({Remembered::health, r, {}, "", describe(call), {}});
      continue;
    }
    for (HostId h : whom) {
      GateCall call{role.health, {Value::host(h)}};
      if (past.passed().count(describe(call)) && twice.insert(describe(call)).second)
        all.push_back({Remembered::health, r, call.arguments, "", describe(call), {}});
    }
  }
  return all;
}

/// True when it is as it was.
Task<bool> Machine::Run::observe_again(Remembered *r, Bell *bell, std::size_t *count) {
  const HostId about = subject(r->arguments);
  const std::string what = "observe again " + r->text;
  Doing doing_this(this, Activity{"resume", about, what, "", 0, now() + kPatience});
  const Millis deadline = now() + kPatience;
  Environment environment;
  environment.slots = r->arguments;
  bool same = false;
  for (;;) {
    bool asked = true;  // the answer is one
    if (r->what == Remembered::cell) {
      const plan::State &state = plan.states[r->index];
      environment.slots.resize(std::max(r->arguments.size(), state.frame.slots.size()));
      Value v = co_await consult(state.observe, environment, "resume");
      asked = !v.open();
      same = asked && show(v) == r->value;
      r->found = show(v);
    } else if (r->what == Remembered::hold) {
      const plan::Hold &hold = plan.holds[r->index];
      environment.slots.resize(std::max(r->arguments.size(), hold.frame.slots.size()));
      Value v = co_await consult(hold.observe, environment, "resume");
      asked = !v.open();
      same = v.yes();
      r->found = v.open() ? show(v) : "free";
    } else {
      GateCall call{plan.roles[r->index].health, r->arguments};
      GateAnswer answer = co_await ask_gate(std::move(call), "resume");
      same = answer.pass.yes();
      asked = false;  // health takes its time
      r->found = answer.why;
    }
    if (same || asked || leaving() || now() >= deadline) break;
    doing_this.activity().detail = r->found;
    for (Millis end = now() + kAgain; now() < end && !leaving();) co_await sleep_until(end);
  }
  ++*count;
  bell->fire();
  co_return same;
}

Task<bool> Machine::Run::compare_with_journal() {
  std::vector<Remembered> all = remembered();
  std::erase_if(all, [&](const Remembered &r) {
    const HostId host = subject(r.arguments);
    return host.valid() && world.lost(host);
  });
  std::vector<Task<bool>> tasks;
  tasks.reserve(all.size());
  Bell bell(queue);
  std::size_t ended = 0;
  for (Remembered &r : all) {
    tasks.push_back(observe_again(&r, &bell, &ended));
    tasks.back().start();
  }
  while (ended < tasks.size()) co_await bell;
  if (leaving()) co_return false;
  std::string differences;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (tasks[i].result()) continue;
    const Remembered &r = all[i];
    std::string line = r.what == Remembered::cell   ? fmt::format("{} was {}, it is {} now", r.text, r.value, r.found)
                       : r.what == Remembered::hold ? fmt::format("hold {} was in force, it is {} now", r.text, r.found)
                                                    : fmt::format("{} passed, now it does not: {}", r.text, r.found);
    observer.said("differs from the journal: " + line);
    differences += (differences.empty() ? "" : "; ") + line;
  }
  if (differences.empty()) co_return true;
  co_return halt(true, "the world is not as this run left it: " + differences, "resume", plan.where,
                 "nothing was done; put it back as it was, then resume, or start a new run, which begins with what is "
                 "there now");
}

}  // namespace upg::machine
