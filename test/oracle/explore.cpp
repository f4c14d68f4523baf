#include "test/oracle/explore.h"

#include <algorithm>
#include <unordered_map>

#include "test/oracle/judge.h"

namespace upg::oracle {
namespace {

/// What must be equal for two configurations to be joined: the program's marks.
std::string marks(const Config &config) {
  Config only;
  only.at = config.at;
  only.forward = config.forward;
  return only.encode();
}

/// The verdict over every schedule of this ground plan.
Verdict walk(const Ground &ground, Bounds bounds) {
  Verdict verdict;
  Judge judge(ground, bounds, verdict);
  Machine machine(ground, &judge, ground.root);

  struct Reached {
    const std::string *text;
    std::uint32_t from;
    Step step;
  };
  constexpr std::uint32_t nowhere = 0xffffffffu;
  std::vector<Reached> reached;
  std::unordered_map<std::string, std::uint32_t> index;
  std::uint32_t here = nowhere;
  const Step *taken = nullptr;
  judge.bind(machine, [&] {
    std::vector<std::string> steps;
    if (taken != nullptr) steps.push_back(tell(ground, *taken));
    for (std::uint32_t at = here; at != nowhere && reached[at].from != nowhere; at = reached[at].from)
      steps.push_back(tell(ground, reached[at].step));
    std::reverse(steps.begin(), steps.end());
    return steps;
  });
  const std::vector<std::uint32_t> halting = judge.halting_steps();
  judge.syntax();
  Config first = machine.initial();
  machine.begin(first);
  const auto enter = [&](const Config &config, std::uint32_t from, const Step &step) {
    const auto [at, fresh] = index.try_emplace(config.encode(), static_cast<std::uint32_t>(reached.size()));
    if (fresh) reached.push_back({&at->first, from, step});
  };
  // The page joins configurations where a round has failed, and where an abort begins: the join is walked, too, and
  // what only follows from it is kept apart.
  std::unordered_map<std::string, Config> joins;
  bool beside = false, releases = false;
  for (const Node &node : ground.nodes) {
    beside = beside || node.shape == Shape::fork || node.shape == Shape::dag ||
             (node.shape == Shape::roll && node.limit > 1);
  }
  bool of_a_join = false;  // what is walked at the moment
  const auto join = [&](const Config &config, const Step &step) {
    const auto [at, fresh] = joins.try_emplace(marks(config), config);
    if (!fresh) at->second.join(config);
    Config all = at->second;
    all.joined = true;
    if (beside || (releases && step.what == Move_::abort)) {  // side by side: all that they open may be open at once
      judge.joined(true);
      judge.gives_up(all, step.node);
      judge.joined(of_a_join);
    }
    enter(all, here, step);
  };
  const bool aborts = ground.on_abort != Node::none && ground.no_return != Node::none;
  enter(first, nowhere, {});
  for (here = 0; here < reached.size(); ++here) {
    if (reached.size() > bounds.states) verdict.complete = false;
    if (!verdict.complete) break;
    const Config config = Config::decode(*reached[here].text, ground);
    of_a_join = config.joined;
    judge.joined(of_a_join);
    if (!config.aborting && !config.forward && config.lost == 0) {
      const Step abort{ground.root, Move_::abort};
      taken = &abort;
      if (aborts) {
        Config back = machine.aborted(config);
        Config unsure = back;  // what is in flight may stand anywhere
        for (const std::uint32_t i : config.in_flight) {
          for (const Move &m : ground.actions[ground.nodes[i].action].moves)
            unsure.sigma[m.cell] = ground.cells[m.cell].all;
        }
        for (std::size_t w = 0; w < ground.withs.size(); ++w) {  // any of the holds may be given back, at the same time
          const std::uint32_t release = ground.nodes[ground.withs[w].node].children.back();
          for (std::uint16_t p = 0; p < ground.pairs.size(); ++p) {
            const Action &a = ground.actions[ground.nodes[release].action];
            if (has(a.disrupts, p)) unsure.open.push_back({p, Kind::down, 0}), releases = true;
            if (has(a.changes, p)) unsure.open.push_back({p, Kind::changing, 0}), releases = true;
          }
          machine.takes(unsure, release);
        }
        std::sort(unsure.open.begin(), unsure.open.end());
        unsure.open.erase(std::unique(unsure.open.begin(), unsure.open.end()), unsure.open.end());
        join(unsure, abort);
        machine.begin_abort(back);
        enter(back, here, abort);
      } else if (!config.begun.empty()) {
        judge.goes_back(config);
      }
      taken = nullptr;
    }
    if (config.aborting && config.at[ground.on_abort] == 0) {  // a join: where it begins
      Config back = config;
      machine.begin_abort(back);
      enter(back, here, reached[here].step);
      continue;
    }
    if (machine.ended(config)) continue;
    const Step halt{ground.root, Move_::halt};
    taken = &halt;
    judge.halts(config, halting);
    taken = nullptr;
    for (const Step &step : machine.enabled(config)) {
      Config next = config;
      taken = &step;
      machine.take(next, step);
      taken = nullptr;
      if (step.what == Move_::lose && step.choice != 0) next.joined = true;  // the page asks that nothing is armed
      enter(next, here, step);
      if (step.what == Move_::fail && !next.halted) join(next, step);
    }
  }
  verdict.states = reached.size();
  // A count is wider by the hosts that may be lost, whatever they were counted as before.
  const auto counts = [](const Action &a) { return !a.counts.empty(); };
  if (ground.tolerate != 0 && std::any_of(ground.actions.begin(), ground.actions.end(), counts))
    verdict.joined[static_cast<std::size_t>(Rule::state)] = true;
  verdict.dead_steps = judge.has_dead_steps();
  return verdict;
}

}  // namespace

Verdict explore(const Ground &ground, Bounds bounds) {
  Verdict verdict = walk(ground, bounds);
  // Turns that a rollout limits by group never overlap in a group. That counts for what is down at once, where groups
  // are filled apart from each other; whatever else the turns do to each other may be judged as if they did overlap.
  Ground apart = ground, overlapping = ground;
  bool grouped = false;
  for (std::size_t i = 0; i < ground.nodes.size(); ++i) {
    if (ground.nodes[i].group_limit == 0 || ground.nodes[i].one_group) continue;
    grouped = true;
    apart.nodes[i].passes_over = true;
    overlapping.nodes[i].group_limit = 0;
  }
  if (!grouped || !verdict.complete) return verdict;
  if (ground.tolerate != 0)  // the bound with lost hosts knows no groups
    verdict.joined[static_cast<std::size_t>(Rule::avail)] = verdict.joined[static_cast<std::size_t>(Rule::serial)] =
        true;
  for (const Ground *wide : {&apart, &overlapping}) {
    const Verdict also = walk(*wide, bounds);
    verdict.complete = verdict.complete && also.complete;
    verdict.states += also.states;
    for (std::size_t r = 0; r < rule_count; ++r) {
      const bool weighs = static_cast<Rule>(r) == Rule::avail || static_cast<Rule>(r) == Rule::serial;
      if (weighs == (wide == &apart) && (also.findings[r] || also.joined[r])) verdict.joined[r] = true;
    }
  }
  return verdict;
}

}  // namespace upg::oracle
