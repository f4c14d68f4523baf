// The predicates that section 3 judges at ends, pauses, forks and choices, and what needs no schedule.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <unordered_set>

#include "test/oracle/judge.h"

namespace upg::oracle {

bool Judge::has_dead_steps() const {
  bool dead = std::any_of(tests_.begin(), tests_.end(), [](const auto &test) { return !test.second; });
  g_.each([&](std::uint32_t i) {
    const Shape shape = g_.nodes[i].shape;
    dead = dead || ((shape == Shape::act || shape == Shape::await) && started_.count(i) == 0);
  });
  return dead;
}

void Judge::syntax() {
  tolerance();
  if (g_.order_cycle) found(Rule::order, g_.root, "the phases would have to wait for each other");
  for (const Budget &budget : g_.budgets) {
    if (budget.amount < 0)
      found(Rule::avail, g_.root, fmt::format("{}: {} too few from the start", budget.text, -budget.amount),
            budget.role);
  }
}

void Judge::armed(const Config &config, std::uint32_t index, std::string_view where) {
  for (std::size_t c = 0; c < g_.cells.size(); ++c) {
    const std::uint32_t mover = config.mover[c];
    if (mover == Node::none || (config.sigma[c] & g_.cells[c].transient) == 0) continue;
    if (has(config.vague, c)) continue;
    // A host is lost only with nothing armed on it.
    if (g_.cells[c].host && has(config.lost, *g_.cells[c].host)) continue;
    const bool resumed = config.aborting && !g_.contains(g_.on_abort, mover);
    const bool failed = resumed || (g_.nodes[mover].shape == Shape::attempt && g_.contains(mover, index));
    if (failed || g_.before(mover, index) || g_.contains(index, mover))
      found(Rule::arm, index, fmt::format("{} is armed where {}", g_.cells[c].name, where));
  }
}

void Judge::at_pause(const Config &config, std::uint32_t index) { armed(config, index, "the plan waits"); }

void Judge::turn_ends(const Config &config, std::uint32_t index) {
  armed(config, index, "a turn ends");
  for (const Outage &o : config.open) {
    const Role &role = g_.roles[g_.pairs[o.pair].role];
    if (has(config.lost, g_.pairs[o.pair].host)) continue;
    if (!g_.encloses(g_.nodes[index].region, o.region) || (role.unlimited && !role.serial)) continue;
    found(Rule::ret, index, fmt::format("{} is not back", g_.pair_name(o.pair)), g_.pairs[o.pair].role);
  }
}

/// What is accepted inside weighs again behind it: it must have ended.
void Judge::acceptance_ends(const Config &config, std::uint32_t index) {
  const Role &role = g_.roles[*g_.nodes[index].accepts];
  const Node &node = g_.nodes[index];
  if (!node.lifts) found(Rule::outage, index, fmt::format("a step beside it takes {} down", role.name));
  for (const auto &pair : role.pair_of) {
    if (!pair || has(config.lost, g_.pairs[*pair].host)) continue;
    if (has((config.accepted | config.lowered) & node.opens & open_pairs(config), *pair))
      found(Rule::outage, index, fmt::format("{} is still out", g_.pair_name(*pair)));
  }
}

void Judge::phase_ends(const Config &config, std::uint32_t index) { armed(config, index, "a phase ends"); }

void Judge::plan_ends(const Config &config) {
  const std::uint32_t whole = config.aborting ? g_.on_abort : g_.root;
  armed(config, whole, "the plan ends");
  for (const Outage &o : config.open) {
    if (has(config.lost, g_.pairs[o.pair].host)) continue;
    found(Rule::ret, whole, fmt::format("{} is not back", g_.pair_name(o.pair)), g_.pairs[o.pair].role);
  }
  for (std::size_t c = 0; c < g_.cells.size() && !config.aborting; ++c) {
    const Cell &cell = g_.cells[c];
    if (cell.host && has(g_.out | config.lost, *cell.host)) continue;
    if (cell.finally && config.sigma[c] != Values{1} << *cell.finally)
      found(Rule::end, g_.root, fmt::format("{} may be something else", cell.name));
  }
}

/// Pairs that parts beside this one may open.
Pairs Judge::opened_beside(std::uint32_t index) const {
  Pairs result = 0;
  g_.each([&](std::uint32_t i) {
    if (g_.nodes[i].shape != Shape::act || !g_.concurrent(i, index)) return;
    result |= g_.actions[g_.nodes[i].action].disrupts | g_.actions[g_.nodes[i].action].changes;
  });
  return result;
}

// ---- FORK

const std::vector<std::uint32_t> &Judge::awaits_under(std::uint32_t root) {
  const auto [at, fresh] = awaits_.try_emplace(root);
  if (fresh) {
    std::vector<std::uint32_t> open{root};
    while (!open.empty()) {
      const std::uint32_t i = open.back();
      open.pop_back();
      if (g_.nodes[i].shape == Shape::await) at->second.push_back(i);
      for (const std::uint32_t kid : g_.nodes[i].children) open.push_back(kid);
    }
  }
  return at->second;
}

bool Judge::would_close(std::uint32_t node, std::size_t pair, std::uint32_t region) {
  const auto &awaits = awaits_under(node);
  return std::any_of(awaits.begin(), awaits.end(), [&](std::uint32_t await) {
    if (machine_->closes(await, pair, region)) return true;
    // Of the turn's own host, whoever acts on it beside.
    const Node &asking = g_.nodes[await];
    return g_.regions[asking.region].host == g_.pairs[pair].host && g_.encloses(region, asking.region) &&
           std::any_of(asking.gates.begin(), asking.gates.end(),
                       [&](std::size_t g) { return has(g_.gates[g].health_of, pair); });
  });
}

void Judge::forks(const Config &config, std::uint32_t index, std::uint32_t starting) {
  const Node &fork = g_.nodes[index];
  const Pairs beside = config.open.empty() ? 0 : opened_beside(index);  // what a part beside has opened is its own
  const auto decide = [&](std::uint32_t left, std::uint32_t right) {
    const std::uint32_t a = fork.children[left], b = fork.children[right];
    if (!g_.concurrent(a, b)) return;
    const auto pair_open = [&](std::size_t pair, std::uint32_t region, bool unproven) {
      const std::size_t host = g_.pairs[pair].host;
      const bool effect_a = has(g_.nodes[a].effects_on, host), effect_b = has(g_.nodes[b].effects_on, host);
      if (unproven && !effect_a && !effect_b) return;
      if ((effect_a || would_close(a, pair, region)) && (effect_b || would_close(b, pair, region)))
        found(Rule::fork, index, fmt::format("two parts decide about {}", g_.pair_name(pair)));
    };
    for (const Outage &o : config.open) {
      if (!has(beside, o.pair)) pair_open(o.pair, o.region, false);
    }
    for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
      if (has(config.unproven, p)) pair_open(p, 0, true);
    }
  };
  // A part counts as not begun until its first step.
  const auto begun = [&](std::uint32_t part) {
    if (config.at[part] == 0) return false;
    if (config.at[part] == Machine::done) return true;
    const auto [found_at, fresh] = fresh_.try_emplace(part);
    std::vector<std::uint16_t> &marks = found_at->second;
    if (fresh) {
      Machine machine(g_, nullptr, part);
      Config begins = machine.initial();
      machine.begin(begins);
      marks = std::move(begins.at);
    }
    bool same = true;
    g_.each_under(part, [&](std::uint32_t i) { same = same && config.at[i] == marks[i]; });
    return !same;
  };
  for (std::uint32_t i = 0; i < fork.children.size(); ++i) {
    if (starting != Node::none) {
      if (i != starting && !begun(fork.children[i])) decide(starting, i);
      continue;
    }
    for (std::uint32_t k = i + 1; k < fork.children.size(); ++k) decide(i, k);
  }
}

// ---- JOIN

/// Behind an attempt is the join of what its rounds leave; wherever else a part ends in more than one way, that is told
/// where the ways begin.
static std::set<std::string> as_one(const std::set<std::string> &ends) {
  std::string all;
  for (const std::string &end : ends) {
    all.resize(std::max(all.size(), end.size()));
    for (std::size_t i = 0; i < end.size(); ++i) all[i] = static_cast<char>(all[i] | end[i]);
  }
  return {all};
}

/// What σ and D can be behind a part that is run alone: a round of an attempt may fail in it, and halts lead nowhere.
std::set<std::string> Judge::alone(const Config &from, std::uint32_t node) {
  Machine machine(g_, nullptr, node);
  Config start = from;
  start.at.assign(g_.nodes.size(), 0);
  start.aborting = false;
  start.in_flight.clear();
  start.known.clear();
  machine.begin(start);
  std::set<std::string> ends;
  std::unordered_set<std::string> seen{start.encode()};
  std::deque<Config> open{start};
  while (!open.empty()) {
    Config c = std::move(open.front());
    open.pop_front();
    if (machine.ended(c)) {
      if (!c.halted) ends.insert(c.effects());
      continue;
    }
    for (const Step &step : machine.enabled(c)) {
      Config next = c;
      machine.take(next, step);
      next.known.clear();
      if (!seen.insert(next.encode()).second) continue;
      if (seen.size() > bounds_.states_alone) {
        verdict_.complete = false;
        return {};
      }
      open.push_back(std::move(next));
    }
  }
  return ends;
}

void Judge::chooses(const Config &reached, std::uint32_t index) {
  const Node &node = g_.nodes[index];
  // Run alone: without what parts beside it have opened.
  Config config = reached;
  const Pairs beside = opened_beside(index);
  std::erase_if(config.open, [&](const Outage &o) { return has(beside, o.pair); });
  if (!joined_.insert({index, (joined_now_ ? "+" : "-") + config.effects()}).second) return;
  Config from = config;
  std::set<std::string> expected{config.effects()};
  std::set<std::string> ends;
  switch (node.shape) {
    case Shape::choice:
      expected = as_one(alone(config, node.children[0]));
      ends = as_one(alone(config, node.children[1]));
      break;
    case Shape::loop:
      ends = as_one(alone(config, node.children[0]));
      break;
    default: {
      const Values tested = Values{1} << node.test.value;
      const bool skips = (reached.sigma[node.test.cell] & tested) != 0;
      tests_[index] = tests_[index] || skips;
      if ((config.sigma[node.test.cell] & ~tested) == 0) return;  // never entered from here
      from.sigma[node.test.cell] &= ~tested;
      ends = alone(from, node.children[0]);
      if ((config.sigma[node.test.cell] & tested) == 0) {  // never skipped from here: one way, which has to lead to v
        for (const std::string &end : ends) {
          Values behind = 0;
          std::memcpy(&behind, end.data() + node.test.cell * sizeof(Values), sizeof(Values));
          if (behind != tested) found_alone(reached, Rule::join, index, fmt::format("{} is not reached", node.text));
        }
        return;
      }
      ends = as_one(ends);
      Config skipped = config;
      skipped.sigma[node.test.cell] = tested;
      expected = {skipped.effects()};
    }
  }
  if (verdict_.complete && ends != expected)
    found_alone(reached, Rule::join, index, "the ways through leave different things behind");
}

}  // namespace upg::oracle
