// Where a part of the plan fails: rounds of an attempt, lost hosts, what an abort starts from.
#include <algorithm>
#include <tuple>

#include "test/oracle/machine.h"

namespace upg::oracle {

/// Between the start of its acquire and the end of its release.
bool Machine::entered(const Config &config, std::uint32_t with) const {
  const std::uint32_t sequence = g_.withs[with].node;
  const std::uint16_t at = config.at[sequence];
  if (at == 0 || at == done) return false;
  return at != 1 || config.at[g_.nodes[sequence].children[0]] == 2;
}

bool Machine::resumed(const Config &config, std::uint32_t node) const {
  if (config.aborting) return true;
  for (std::uint32_t x = node; x != Node::none; x = g_.nodes[x].parent) {
    if (g_.nodes[x].shape == Shape::attempt && config.at[x] > 2) return true;
  }
  return false;
}

bool Machine::recovers(std::uint32_t node) const {
  std::uint32_t part = node;
  while (g_.nodes[part].parent != Node::none && g_.nodes[g_.nodes[part].parent].shape != Shape::attempt)
    part = g_.nodes[part].parent;
  return g_.nodes[part].parent == Node::none || g_.nodes[part].place != 0;
}

/// The marks of a part that does not go on: nothing of it is in flight, what was accepted in it weighs again, what its
/// turns opened belongs to their surroundings.
void Machine::drop(Config &config, std::uint32_t part) const {
  const std::uint32_t around =
      g_.nodes[part].shape == Shape::turn ? g_.regions[g_.nodes[part].region].parent : g_.nodes[part].region;
  g_.each_under(part, [&](std::uint32_t i) {
    const Node &node = g_.nodes[i];
    if (config.at[i] == 0) return;
    if (node.accepts && config.at[i] != done) weighs_again(config, node);
    config.at[i] = 0;
  });
  std::erase_if(config.in_flight, [&](std::uint32_t i) { return g_.contains(part, i); });
  for (Outage &o : config.open) {
    if (o.region != around && g_.encloses(around, o.region)) o.region = around;
  }
  std::sort(config.open.begin(), config.open.end());
  config.open.erase(std::unique(config.open.begin(), config.open.end()), config.open.end());
}

/// A round of the attempt fails: what is in flight in it has failed, too (what ends well first is another schedule).
void Machine::fail(Config &config, std::uint32_t attempt, std::uint32_t child) {
  const Node &node = g_.nodes[attempt];
  const std::uint32_t block = node.children[0];
  for (std::uint32_t w = 0; w < g_.withs.size(); ++w) {
    if (!g_.contains(block, g_.withs[w].node) || !entered(config, w)) continue;
    config.kept |= one(g_.withs[w].hold);
    for (std::uint32_t other = 0; other < g_.withs.size(); ++other) {  // what it must outlive stays so
      if (g_.withs[other].hold == g_.withs[w].hold && g_.contains(block, g_.withs[other].node))
        config.under[other] |= config.under[w];
    }
  }
  for (std::uint32_t i : std::vector<std::uint32_t>(config.in_flight)) {
    if (g_.contains(block, i)) forget_hit(config, g_.nodes[i].action);
  }
  std::erase_if(config.known, [&](const Known &k) { return g_.contains(attempt, k.by); });
  for (std::size_t c = 0; c < g_.cells.size(); ++c) {
    const std::uint32_t mover = config.mover[c];
    if (mover == Node::none || !g_.contains(block, mover)) continue;
    const bool armed = !has(config.vague, c) && (config.sigma[c] & g_.cells[c].transient) != 0;
    config.sigma[c] = g_.cells[c].all;
    // A boot that finds nothing armed arms nothing.
    const bool arms = std::any_of(g_.actions.begin(), g_.actions.end(), [&](const Action &a) {
      return std::any_of(a.moves.begin(), a.moves.end(), [&](const Move &m) {
        return m.cell == c && ((m.via | Values{1} << m.to) & g_.cells[c].transient) != 0;
      });
    });
    if (!armed && !arms) config.vague |= one(c);
    config.mover[c] = attempt;
  }
  config.begun.clear();  // what a failed round left behind is asked, not followed (ABORT: `b; undo(b)` in place)
  const std::uint16_t at = config.at[attempt];
  const Pairs accepted = config.accepted, lowered = config.lowered;
  drop(config, block);
  if (child == 0)
    std::tie(config.accepted, config.lowered) =
        std::tie(accepted, lowered);  // the run halts where it stands: nothing comes behind the block
  config.at[attempt] = static_cast<std::uint16_t>(at + child);
  if (listener_) listener_->gives_up(config, attempt);
  if (child == 0) {
    config.halted = true;
  } else {
    activate(config, node.children[child]);
  }
}

bool Machine::may_lose(const Config &config, std::uint32_t turn, std::uint32_t &armed) const {
  const Node &node = g_.nodes[turn];
  if (!g_.nodes[node.parent].tolerant) return false;
  if (static_cast<std::uint32_t>(__builtin_popcountll(config.lost)) >= g_.tolerate) return false;
  for (std::size_t c = 0; c < g_.cells.size(); ++c) {
    if (g_.cells[c].host == node.host && (config.sigma[c] & g_.cells[c].transient) != 0) armed = 1;
  }
  bool possible = false;
  g_.each_under(turn, [&](std::uint32_t i) {
    const Shape shape = g_.nodes[i].shape;
    possible = possible || (shape == Shape::act && config.at[i] == 2) || (shape == Shape::await && config.at[i] == 1);
  });
  return possible;
}

void Machine::lose(Config &config, std::uint32_t turn) {
  const Node &node = g_.nodes[turn];
  for (std::uint32_t i : std::vector<std::uint32_t>(config.in_flight)) {
    if (g_.contains(turn, i)) forget_hit(config, g_.nodes[i].action);
  }
  for (std::uint32_t w = 0; w < g_.withs.size(); ++w) {
    const std::uint32_t sequence = g_.withs[w].node;
    if (!g_.contains(turn, sequence) || !entered(config, w)) continue;
    forget_hit(config, g_.nodes[g_.nodes[sequence].children.back()].action);
    config.under[w] = 0;
  }
  std::erase_if(config.known, [&](const Known &k) { return g_.encloses(node.region, k.region); });
  for (std::size_t c = 0; c < g_.cells.size(); ++c) {
    if (g_.cells[c].host == node.host) config.sigma[c] = g_.cells[c].all;
  }
  drop(config, turn);
  const std::uint32_t around = g_.regions[node.region].parent;
  const auto add = [&](std::size_t pair, Kind kind) {
    const Outage o{static_cast<std::uint16_t>(pair), kind, around};
    const auto at = std::lower_bound(config.open.begin(), config.open.end(), o);
    if (at == config.open.end() || *at != o) config.open.insert(at, o);
  };
  for (std::size_t p = 0; p < g_.pairs.size(); ++p) {
    if (g_.pairs[p].host == node.host) add(p, Kind::down);
    if (has(node.changes_under, p)) add(p, Kind::changing);
  }
  config.lost |= one(node.host);
  config.at[turn] = done;
  if (listener_) listener_->gives_up(config, turn);
  child_done(config, node.parent, turn);
}

void Machine::takes(Config &config, std::uint32_t act) const {
  const Action &a = g_.actions[g_.nodes[act].action];
  const Pairs accepted = accepted_at(g_.nodes[act]);
  config.taken |= a.disrupts & ~accepted;
  config.altered |= (a.disrupts | a.changes) & ~accepted;
}

/// Steps under way are proven over, with what they may have moved; then all holds are given back. Order and rank begin
/// anew, no gate is known.
Config Machine::aborted(Config config) const {
  config.left = config.accepted & open_pairs(config);
  config.taken = config.altered = 0;
  const auto give_back = [&](std::uint32_t release) {
    const Action &a = g_.actions[g_.nodes[release].action];
    config.left |= (a.disrupts | a.changes) & accepted_at(g_.nodes[release]) & ~open_pairs(config);
    takes(config, release);
    for (const Move &m : a.moves) config.sigma[m.cell] = Values{1} << m.to;
    for (std::uint16_t p = 0; p < g_.pairs.size(); ++p) {
      for (const Kind kind : {Kind::down, Kind::changing}) {
        if (!has(kind == Kind::down ? a.disrupts : a.changes, p)) continue;
        const Outage o{p, kind, 0};
        const auto at = std::lower_bound(config.open.begin(), config.open.end(), o);
        if (at == config.open.end() || *at != o) config.open.insert(at, o);
      }
    }
  };
  for (std::uint32_t w = 0; w < g_.withs.size(); ++w) {
    const Node &sequence = g_.nodes[g_.withs[w].node];
    if (entered(config, w) || has(config.kept, g_.withs[w].hold)) give_back(sequence.children.back());
  }
  for (Outage &o : config.open) o.region = 0;
  std::sort(config.open.begin(), config.open.end());
  config.open.erase(std::unique(config.open.begin(), config.open.end()), config.open.end());
  config.at.assign(config.at.size(), 0);
  config.in_flight.clear();
  config.known.clear();
  config.visited = 0;
  config.changed = 0;
  config.accepted = config.lowered = 0;
  config.kept = 0;
  config.under.assign(config.under.size(), 0);
  config.aborting = true;
  return config;
}

}  // namespace upg::oracle
