#include <algorithm>

#include "runtime/safety/cuts.h"

/// AVAIL and SERIAL where hosts may be lost (SEMANTICS section 4): outside of all turns the plan is sequential, and a
/// lost host stays down to the end.
namespace upg::safety {

void Cuts::lose(Cut &cut, const std::vector<StepIx> &visited) const {
  std::vector<StepIx> heavy;
  for (const StepIx turn : visited) {
    if (budget_.weight[tree_[turn].host] != 0) heavy.push_back(turn);
  }
  std::stable_sort(heavy.begin(), heavy.end(),
                   [&](StepIx x, StepIx y) { return budget_.weight[tree_[x].host] > budget_.weight[tree_[y].host]; });
  std::uint64_t left = tree_.plan().tolerate;
  for (const StepIx turn : heavy) {
    if (left == 0) break;
    const HostIx h = tree_[turn].host;
    std::uint64_t up = tree_.site().host(h).many;  // of the class, all of which may be lost
    for (const Down &d : cut.who) up -= d.host == h ? std::min(up, d.copies) : 0;
    const std::uint64_t n = std::min(left, up);
    if (n == 0) continue;
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
    if (to.reached && to.weight >= weight) return false;
    to.reached = true;
    to.weight = weight;
    return true;
  };
  // How each state was come to, by copy: who is down is read off it. Without it where it would be too large.
  constexpr std::size_t kMostNoted = std::size_t{1} << 22;
  enum Taken : std::uint8_t { skipped, live, lost_one };
  std::vector<std::vector<Taken>> noted;
  std::vector<std::size_t> choice_of;  // by copy
  const std::size_t states = (width + 1) * (losable + 1);
  const auto note = [&](std::size_t live_now, std::size_t lost_now, Taken taken) {
    if (!noted.empty()) noted.back()[live_now * (losable + 1) + lost_now] = taken;
  };
  bool noting = true;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Choice &c = choices[i];
    const bool earlier = i < before || seen[tree_[c.turn].host];
    const std::uint64_t many =
        std::min<std::uint64_t>(tree_.site().host(tree_[c.turn].host).many, std::uint64_t{width} + losable);
    for (std::uint64_t copy = 0; copy < many; ++copy) {
      noting = noting && (noted.size() + 1) * states <= kMostNoted;
      if (noting) {
        noted.emplace_back(states, skipped);
        choice_of.push_back(i);
      }
      for (std::size_t up = width + 1; up-- > 0;) {
        for (std::size_t gone = losable + 1; gone-- > 0;) {
          const State now = dp[up][gone];
          if (!now.reached) continue;
          if (i >= before && up < width && better(dp[up + 1][gone], now.weight + c.live) && noting)
            note(up + 1, gone, live);
          if (c.lost != 0 && gone < losable && (earlier || up < width) &&
              better(dp[up][gone + 1], now.weight + c.lost) && noting)
            note(up, gone + 1, lost_one);
        }
      }
    }
  }
  std::size_t up = 0, gone = 0;
  for (std::size_t i = 0; i <= width; ++i) {
    for (std::size_t k = 0; k <= losable; ++k) {
      if (dp[i][k].weight > dp[up][gone].weight) up = i, gone = k;
    }
  }
  standing.weight += dp[up][gone].weight;
  standing.who = measure(open).who;
  std::vector<std::uint64_t> live_of(choices.size()), lost_of(choices.size());
  for (std::size_t i = noting ? noted.size() : 0; i-- > 0;) {
    const Taken taken = noted[i][up * (losable + 1) + gone];
    if (taken == live) ++live_of[choice_of[i]], --up;
    if (taken == lost_one) ++lost_of[choice_of[i]], --gone;
  }
  for (std::size_t i = 0; i < choices.size(); ++i) {
    for (Down d : choices[i].cut.who) {
      d.copies *= live_of[i];
      if (d.copies != 0) standing.who.push_back(d);
    }
    if (lost_of[i] == 0) continue;
    const HostIx h = tree_[choices[i].turn].host;
    const auto earlier = std::find_if(visited.begin(), visited.end(), [&](StepIx t) { return tree_[t].host == h; });
    standing.who.push_back({h, earlier != visited.end() ? *earlier : choices[i].turn, lost_of[i]});
  }
  for (const StepIx turn : step.children) {
    const auto same = [&](StepIx other) { return tree_[other].host == tree_[turn].host; };
    if (rollout.tolerant && std::none_of(visited.begin(), visited.end(), same)) visited.push_back(turn);
  }
  if (noting) return standing;
  Cut named = standing;
  named.weight = 0;
  lose(named, visited);
  standing.who = std::move(named.who);
  return standing;
}

}  // namespace upg::safety
