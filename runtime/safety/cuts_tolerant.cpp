#include <algorithm>

#include "runtime/safety/cuts.h"

/// AVAIL and SERIAL where hosts may be lost (SEMANTICS section 4): outside of all turns the plan is sequential, and a
/// lost host stays down to the end.
namespace upg::safety {

void Cuts::lose(Cut &cut, const std::vector<StepIx> &visited) const {
  std::vector<StepIx> heavy;
  for (const StepIx turn : visited) {
    const HostIx h = tree_[turn].host;
    const bool down = std::any_of(cut.who.begin(), cut.who.end(), [&](const Down &d) { return d.host == h; });
    if (budget_.weight[h] != 0 && !down) heavy.push_back(turn);
  }
  std::stable_sort(heavy.begin(), heavy.end(),
                   [&](StepIx x, StepIx y) { return budget_.weight[tree_[x].host] > budget_.weight[tree_[y].host]; });
  std::uint64_t left = tree_.plan().tolerate;
  for (const StepIx turn : heavy) {
    if (left == 0) break;
    const HostIx h = tree_[turn].host;
    const std::uint64_t n = std::min(left, tree_.site().host(h).many);
    left -= n;
    cut.weight += budget_.weight[h] * n;
    cut.who.push_back({h, turn, n});
  }
}

Cut Cuts::tolerant(StepIx s, OpenHosts &open, std::vector<StepIx> &visited) {
  const Step &step = tree_[s];
  if (step.kind == StepKind::roll) return tolerant_roll(s, open, visited);
  const bool lifts = step.kind == StepKind::accept && lifted_(s);
  if ((spine(step.kind) || step.kind == StepKind::dag) && step.host == kNone) {
    Cut best = measure(open);
    lose(best, visited);
    // Phases in the order that they wait for each other in, which may not be that of the text.
    std::vector<StepIx> sequence = step.children;
    if (step.kind == StepKind::dag) {
      sequence.clear();
      for (const std::uint32_t i : tree_.phases(s).order) sequence.push_back(step.children[i]);
    }
    for (const StepIx child : sequence) {
      if (child == tree_.on_abort()) continue;
      Cut inside = tolerant(child, open, visited);
      if (!lifts) keep_heavier(best, std::move(inside));
    }
    Cut after = measure(open);  // what is lost while its outage is accepted weighs again behind the block
    lose(after, visited);
    keep_heavier(best, std::move(after));
    return best;
  }
  Cut cut = eval(s, open);
  lose(cut, visited);
  return cut;
}

/// The dp of section 4: hosts in the order of their visits are skipped, live or lost.
Cut Cuts::tolerant_roll(StepIx s, OpenHosts &open, std::vector<StepIx> &visited) {
  const Step &step = tree_[s];
  const plan::Rollout &rollout = tree_.plan().rollouts[tree_.plan().node(step.node).a];
  struct Choice {
    StepIx turn;
    std::uint64_t live = 0, lost = 0;  // weight; 0: it cannot be
    Cut cut;
  };
  std::vector<Choice> choices;
  Cut standing = measure(open);
  std::vector<bool> here(tree_.site().size(), false), seen(tree_.site().size(), false);  // hosts
  for (const StepIx child : step.children) here[tree_[child].host] = true;
  for (const StepIx turn : visited) seen[tree_[turn].host] = true;
  for (const StepIx turn : visited) {
    const HostIx h = tree_[turn].host;
    if (here[h] || has(open, h)) continue;
    choices.push_back({turn, 0, budget_.weight[h], {}});
  }
  const std::size_t before = choices.size();
  for (const StepIx child : step.children) {
    const HostIx h = tree_[child].host;
    OpenHosts mine = touched(child, open);
    const std::uint64_t outside = measure(mine).weight;
    Cut cut = eval(child, mine);
    unite(open, mine);
    const bool may_be_lost = rollout.tolerant || seen[h];
    const std::uint64_t live = cut.weight - std::min(cut.weight, outside);
    choices.push_back({child, live, may_be_lost ? budget_.weight[h] : 0, std::move(cut)});
  }
  // dp[live][lost], with what was chosen kept as one list for each state. More of a class than can be live or lost at
  // once changes nothing.
  std::uint64_t most_lost = 0, most_live = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::uint64_t many = tree_.site().host(tree_[choices[i].turn].host).many;
    if (choices[i].lost != 0) most_lost += many;
    if (i >= before) most_live += many;
  }
  const std::size_t losable = static_cast<std::size_t>(std::min<std::uint64_t>(tree_.plan().tolerate, most_lost));
  const std::size_t width = static_cast<std::size_t>(std::min<std::uint64_t>(step.batch, most_live));
  struct State {
    bool reached = false;
    std::uint64_t weight = 0;
  };
  std::vector<std::vector<State>> dp(width + 1, std::vector<State>(losable + 1));
  dp[0][0].reached = true;
  const auto better = [](State &to, std::uint64_t weight) {
    if (to.reached && to.weight >= weight) return;
    to.reached = true;
    to.weight = weight;
  };
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Choice &c = choices[i];
    const bool earlier = i < before || seen[tree_[c.turn].host];
    const std::uint64_t many =
        std::min<std::uint64_t>(tree_.site().host(tree_[c.turn].host).many, std::uint64_t{width} + losable);
    for (std::uint64_t copy = 0; copy < many; ++copy) {
      for (std::size_t live = width + 1; live-- > 0;) {
        for (std::size_t lost = losable + 1; lost-- > 0;) {
          const State now = dp[live][lost];
          if (!now.reached) continue;
          if (i >= before && live < width) better(dp[live + 1][lost], now.weight + c.live);
          if (c.lost != 0 && lost < losable && (earlier || live < width))
            better(dp[live][lost + 1], now.weight + c.lost);
        }
      }
    }
  }
  std::uint64_t heaviest = 0;
  for (const std::vector<State> &row : dp) {
    for (const State &state : row) heaviest = std::max(heaviest, state.weight);
  }
  standing.weight += heaviest;
  // Who: the heaviest turns that may be live, and the heaviest hosts that may be lost beside them, the first of equal
  // ones. With one turn at a time who is lost has had its turn before, so the last of equal ones is live.
  standing.who = measure(open).who;
  std::vector<const Choice *> live;
  for (std::size_t i = before; i < choices.size(); ++i) live.push_back(&choices[i]);
  if (width == 1) std::reverse(live.begin(), live.end());
  std::stable_sort(live.begin(), live.end(), [](const Choice *x, const Choice *y) { return x->live > y->live; });
  for (std::size_t i = 0; i < live.size() && i < width; ++i)
    standing.who.insert(standing.who.end(), live[i]->cut.who.begin(), live[i]->cut.who.end());
  for (const StepIx turn : step.children) {
    if (!rollout.tolerant || seen[tree_[turn].host]) continue;
    seen[tree_[turn].host] = true;
    visited.push_back(turn);
  }
  Cut named = standing;
  named.weight = 0;
  lose(named, visited);
  standing.who = std::move(named.who);
  return standing;
}

}  // namespace upg::safety
