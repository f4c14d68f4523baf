#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <map>
#include <queue>
#include <span>

#include "runtime/safety/tree.h"

/// Phases and what orders them.
namespace upg::safety {
namespace {

/// Rows and columns of a square of bits changed over, block by block.
std::vector<llvm::BitVector> turned(const std::vector<llvm::BitVector> &rows) {
  constexpr unsigned kBlock = 32;
  const auto n = static_cast<unsigned>(rows.size());
  const unsigned blocks = (n + kBlock - 1) / kBlock;
  std::vector<llvm::BitVector> out(n, llvm::BitVector(n));
  std::vector<std::uint32_t> words(std::size_t{n} * blocks);  // of `out`, row by row
  std::array<std::uint32_t, kBlock> block{};
  for (unsigned down = 0; down < blocks; ++down) {
    const unsigned first = down * kBlock, count = std::min(kBlock, n - first);
    for (unsigned across = 0; across < blocks; ++across) {
      std::uint32_t any = 0;
      for (unsigned i = 0; i < count; ++i) {
        const std::uint64_t word = rows[first + i].getData()[across / 2];
        block[i] = static_cast<std::uint32_t>(across % 2 == 0 ? word : word >> kBlock);
        any |= block[i];
      }
      for (; any != 0; any &= any - 1) {
        const auto j = static_cast<unsigned>(std::countr_zero(any));
        std::uint32_t column = 0;
        for (unsigned i = 0; i < count; ++i) column |= ((block[i] >> j) & 1u) << i;
        words[std::size_t{across * kBlock + j} * blocks + down] = column;
      }
    }
  }
  for (unsigned j = 0; j < n; ++j) out[j].setBitsInMask(&words[std::size_t{j} * blocks], blocks);
  return out;
}

/// Edges between phases; what follows from new ones is added at once.
class Ordering {
 public:
  explicit Ordering(std::uint32_t n) : n_(n), before_(n, llvm::BitVector(n)), later_(n) {}

  bool precedes(std::uint32_t i, std::uint32_t j) const { return before_[j].test(i); }
  void add(std::uint32_t i, std::uint32_t j) {
    if (!precedes(i, j)) add(i, std::span(&j, 1), [](std::uint32_t) {});
  }
  /// Edges from i to each of the others, one after the other, that is not ordered by then; added(j) for those.
  template <class Added>
  void add(std::uint32_t i, std::span<const std::uint32_t> others, Added added) {
    llvm::BitVector fresh(n_);
    later_[i].reserve(later_[i].size() + others.size());
    bool followed = false;  // something comes after one of them
    for (const std::uint32_t j : others) {
      if (i == j || precedes(i, j) || precedes(j, i) || (followed && before_[j].anyCommon(fresh))) continue;
      fresh.set(j);
      followed = followed || !later_[j].empty();
      later_[i].push_back(j);
      added(j);
    }
    llvm::BitVector earlier = before_[i];
    earlier.set(i);
    for (std::uint32_t k = 0; followed && k < n_; ++k) {
      if (!fresh.test(k) && before_[k].anyCommon(fresh)) before_[k] |= earlier;
    }
    if (before_[i].none()) {
      for (const unsigned j : fresh.set_bits()) before_[j].set(i);
    } else {
      for (const unsigned j : fresh.set_bits()) before_[j] |= earlier;
    }
  }
  Phases take() {
    Phases out;
    std::vector<std::size_t> waits(n_);
    for (const std::vector<std::uint32_t> &to : later_) {
      for (const std::uint32_t j : to) ++waits[j];
    }
    // In rounds over the text, so that the order stays that of the text where it may.
    std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> now, next;
    for (std::uint32_t i = 0; i < n_; ++i) {
      if (waits[i] == 0) now.push(i);
    }
    for (; !now.empty(); std::swap(now, next)) {
      while (!now.empty()) {
        const std::uint32_t i = now.top();
        now.pop();
        out.order.push_back(i);
        for (const std::uint32_t j : later_[i]) {
          if (--waits[j] == 0) (j > i ? now : next).push(j);
        }
      }
    }
    out.rank.resize(n_);
    for (std::uint32_t i = 0; i < n_; ++i) out.rank[out.order[i]] = i;
    out.into.resize(n_);
    for (std::uint32_t i = 0; i < n_; ++i) {
      for (const std::uint32_t j : later_[i]) out.into[j].push_back(i);
    }
    out.before = std::move(before_);
    out.after = turned(out.before);
    find_stages(out);
    return out;
  }

 private:
  /// Those with more after them come first. All of the first so many precede all others exactly if each of them
  /// precedes as many as there are others: the last one among the first precedes none of the first.
  void find_stages(Phases &out) const {
    std::vector<std::uint32_t> later, order = out.order;
    for (const llvm::BitVector &row : out.after) later.push_back(row.count());
    std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return later[i] > later[j]; });
    out.stage.resize(n_);
    std::uint32_t least = n_;
    for (std::uint32_t at = 0; at < n_; ++at) {
      out.stage[order[at]] = out.stages;
      least = std::min(least, later[order[at]]);
      if (least < n_ - at - 1) continue;
      ++out.stages;
      least = n_;
    }
  }

  std::uint32_t n_;
  std::vector<llvm::BitVector> before_;
  std::vector<std::vector<std::uint32_t>> later_;  // the edges as they were added
};

}  // namespace

llvm::BitVector Phases::beside(std::uint32_t i) const {
  llvm::BitVector out = before[i];
  out |= after[i];
  out.set(i);
  out.flip();
  return out;
}

const Phases &Tree::phases(StepIx dag) const {
  const auto it = phases_.find(dag);
  return it == phases_.end() ? no_phases_ : it->second;  // it was not unfolded
}

void Tree::expand_dag(StepIx s, plan::NodeId node, Env &env) {
  const plan::Plan &p = plan();
  if (p.kids(node).size() > kMaxPhases) {
    complete_ = false;
    return;
  }
  std::vector<StepIx> phases;
  for (const plan::NodeId kid : p.kids(node)) phases.push_back(expand(kid, env));
  const auto n = static_cast<std::uint32_t>(phases.size());
  Ordering ordering(n);
  for (std::uint32_t j = 0; j < n; ++j) {
    if (p.node(p.kid(node, j)).op != plan::Op::phase) continue;
    for (const std::uint32_t i : p.phases[p.node(p.kid(node, j)).a].after) {
      if (i < n && i != j && !ordering.precedes(j, i)) ordering.add(i, j);
    }
  }
  // What the author left unordered, `order` decides (SEMANTICS, ORDER); a contradiction stays unordered and is found by
  // the rule.
  std::vector<std::vector<std::uint32_t>> changers(site().role_count());  // phases that change the role, ascending
  std::map<PairIx, std::vector<std::uint32_t>> changers_of;               // the same of one host
  for (std::uint32_t i = 0; i < n && !p.orders.empty(); ++i) {
    for (StepIx x = phases[i]; x < steps_[phases[i]].end; ++x) {
      if (steps_[x].kind != StepKind::act || steps_[x].contract == kNone) continue;
      for (const PairIx pair : contract(steps_[x]).changes) {
        std::vector<std::uint32_t> &of_role = changers[site().pair_role(pair)];
        if (of_role.empty() || of_role.back() != i) of_role.push_back(i);
        std::vector<std::uint32_t> &of_pair = changers_of[pair];
        if (of_pair.empty() || of_pair.back() != i) of_pair.push_back(i);
      }
    }
  }
  const auto touching = [&](const plan::RoleGroup &group) {
    std::vector<std::uint32_t> out;
    for (const plan::RoleId r : group.roles) out.insert(out.end(), changers[r.index].begin(), changers[r.index].end());
    sort_unique(out);
    return out;
  };
  const auto derive = [&](const std::vector<std::uint32_t> &first, const std::vector<std::uint32_t> &second) {
    for (const std::uint32_t i : first)
      ordering.add(i, second, [&](std::uint32_t j) { edges_.push_back({node, i, j}); });
  };
  const auto on_each_host = [&](const plan::RoleGroup &first, const plan::RoleGroup &second) {
    for (const auto &[pair, phases_of] : changers_of) {
      const auto has_role = [&](plan::RoleId r) { return r.index == site().pair_role(pair); };
      if (std::none_of(first.roles.begin(), first.roles.end(), has_role)) continue;
      for (const plan::RoleId later : second.roles) {
        const PairIx other = site().pair(site().pair_host(pair), later.index);
        const auto at = other == kNone ? changers_of.end() : changers_of.find(other);
        if (at != changers_of.end()) derive(phases_of, at->second);
      }
    }
  };
  for (const plan::Order &rule : p.orders) {
    for (std::size_t a = 0; a < rule.groups.size(); ++a) {
      for (std::size_t b = a + 1; b < rule.groups.size(); ++b) {
        if (rule.on_each_host)
          on_each_host(rule.groups[a], rule.groups[b]);
        else
          derive(touching(rule.groups[a]), touching(rule.groups[b]));
      }
    }
  }
  phases_.emplace(s, ordering.take());
}

}  // namespace upg::safety
