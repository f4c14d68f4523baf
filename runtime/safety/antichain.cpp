#include "runtime/safety/antichain.h"

#include <llvm/ADT/BitVector.h>

#include <algorithm>
#include <limits>

namespace upg::safety {
namespace {

constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max() / 4;

using Order = std::vector<llvm::BitVector>;  // bit j of row i: i precedes j

/// Flow from each element's left copy to the right copies of the elements it precedes (Dinic on a dense bipartite
/// graph). Rows of bits: a layer takes n^2 / 64 steps, not n^2.
class MaximumFlow {
 public:
  MaximumFlow(const std::vector<std::uint64_t> &weights, const Order &precedes)
      : n_(static_cast<unsigned>(weights.size())),
        left_(weights),
        right_(weights),
        precedes_(precedes),
        sent_(n_),
        senders_(n_, llvm::BitVector(n_)) {}

  void run() {
    while (layer()) {
      next_left_.assign(n_, 0);
      next_right_.assign(n_, 0);
      for (unsigned i = 0; i < n_; ++i) {
        while (left_[i] != 0) {
          const std::uint64_t pushed = push_left(i, left_[i]);
          if (pushed == 0) break;
          left_[i] -= pushed;
        }
      }
    }
  }
  /// After run(): an element belongs to the antichain if its left copy is reachable and its right copy is not.
  bool chosen(unsigned i) const { return level_left_[i] != kUnseen && level_right_[i] == kUnseen; }

 private:
  static constexpr unsigned kUnseen = std::numeric_limits<unsigned>::max();

  bool layer() {
    level_left_.assign(n_, kUnseen);
    level_right_.assign(n_, kUnseen);
    llvm::BitVector unseen_left(n_, true), unseen_right(n_, true), next;
    std::vector<unsigned> queue;
    for (unsigned i = 0; i < n_; ++i) {
      if (left_[i] == 0) continue;
      level_left_[i] = 0;
      unseen_left.reset(i);
      queue.push_back(i);
    }
    bool reached = false;
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const unsigned i = queue[at];
      next = precedes_[i];
      next &= unseen_right;
      unseen_right.reset(next);
      for (const unsigned j : next.set_bits()) {
        level_right_[j] = level_left_[i] + 1;
        if (right_[j] != 0) reached = true;
        llvm::BitVector back = senders_[j];
        back &= unseen_left;
        unseen_left.reset(back);
        for (const unsigned k : back.set_bits()) {
          level_left_[k] = level_right_[j] + 1;
          queue.push_back(k);
        }
      }
    }
    return reached;
  }
  std::uint64_t push_left(unsigned i, std::uint64_t amount) {
    for (unsigned &j = next_left_[i]; j < n_; ++j) {
      if (!precedes_[i].test(j) || level_right_[j] != level_left_[i] + 1) continue;
      const std::uint64_t pushed = push_right(j, amount);
      if (pushed == 0) continue;
      if (sent_[i].empty()) sent_[i].assign(n_, 0);
      sent_[i][j] += pushed;
      senders_[j].set(i);
      return pushed;
    }
    return 0;
  }
  std::uint64_t push_right(unsigned j, std::uint64_t amount) {
    if (right_[j] != 0) {
      const std::uint64_t pushed = std::min(amount, right_[j]);
      right_[j] -= pushed;
      return pushed;
    }
    for (unsigned &k = next_right_[j]; k < n_; ++k) {
      if (!senders_[j].test(k) || level_left_[k] != level_right_[j] + 1) continue;
      const std::uint64_t pushed = push_left(k, std::min(amount, sent_[k][j]));
      if (pushed == 0) continue;
      sent_[k][j] -= pushed;
      if (sent_[k][j] == 0) senders_[j].reset(k);
      return pushed;
    }
    return 0;
  }

  unsigned n_;
  std::vector<std::uint64_t> left_, right_;  // what is left of each element's weight
  const Order &precedes_;
  std::vector<std::vector<std::uint64_t>> sent_;  // rows of elements that sent something
  std::vector<llvm::BitVector> senders_;          // bit k of row j: k's flow to j is not 0
  std::vector<unsigned> level_left_, level_right_, next_left_, next_right_;
};

/// The transitive closure, each row once, those it precedes first.
Order closure(const std::vector<std::vector<std::uint32_t>> &before) {
  const auto n = static_cast<unsigned>(before.size());
  Order rows(n, llvm::BitVector(n));
  enum : std::uint8_t { untouched, begun, ended };
  std::vector<std::uint8_t> mark(n, untouched);
  std::vector<std::pair<unsigned, std::size_t>> path;  // element, the next of its successors
  for (unsigned root = 0; root < n; ++root) {
    if (mark[root] != untouched) continue;
    mark[root] = begun;
    path.emplace_back(root, 0);
    while (!path.empty()) {
      const unsigned i = path.back().first;
      if (path.back().second < before[i].size()) {
        const unsigned j = before[i][path.back().second++];
        if (mark[j] != untouched) continue;
        mark[j] = begun;
        path.emplace_back(j, 0);
        continue;
      }
      for (const unsigned j : before[i]) {
        if (rows[i].test(j)) continue;
        rows[i].set(j);
        if (mark[j] == ended) rows[i] |= rows[j];
      }
      mark[i] = ended;
      path.pop_back();
    }
  }
  return rows;
}

Antichain heaviest_of(const std::vector<std::uint32_t> &part, const std::vector<std::uint64_t> &weights,
                      const Order &all) {
  Antichain result;
  const auto n = static_cast<unsigned>(part.size());
  if (n == 1) return {weights[part[0]], part};
  Order precedes(n, llvm::BitVector(n));
  std::vector<std::uint64_t> capped(n);
  for (unsigned i = 0; i < n; ++i) {
    capped[i] = std::min(weights[part[i]], kEndless / n);
    for (unsigned j = 0; j < n; ++j) {
      if (all[part[i]].test(part[j])) precedes[i].set(j);
    }
  }
  MaximumFlow flow(capped, precedes);
  flow.run();
  for (unsigned i = 0; i < n; ++i) {
    if (!flow.chosen(i)) continue;
    result.weight += weights[part[i]];
    result.elements.push_back(part[i]);
  }
  return result;
}

}  // namespace

Antichain heaviest_antichain(const std::vector<std::uint64_t> &weights,
                             const std::vector<std::vector<std::uint32_t>> &before) {
  return heaviest_antichain(weights, closure(before));
}

Antichain heaviest_antichain(const std::vector<std::uint64_t> &weights, const std::vector<llvm::BitVector> &all) {
  // What weighs nothing is in no heaviest antichain that is needed; often it is most of them.
  std::vector<std::uint32_t> heavy;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    if (weights[i] != 0) heavy.push_back(i);
  }
  // Those with fewer before them come first: an order that fits. Where all of a first part precede all of the rest, an
  // antichain lies in one of the two.
  const auto size = static_cast<unsigned>(heavy.size());
  llvm::BitVector counted(static_cast<unsigned>(all.size()));
  for (const std::uint32_t i : heavy) counted.set(i);
  std::vector<std::size_t> later(all.size());
  for (const std::uint32_t i : heavy) {
    llvm::BitVector row = all[i];
    row &= counted;
    later[i] = row.count();
  }
  std::stable_sort(heavy.begin(), heavy.end(), [&](auto i, auto j) { return later[i] > later[j]; });
  Antichain result;
  for (unsigned begin = 0, end = 0; begin < size; begin = end) {
    // All of the first n precede all others exactly if each of them precedes size - n of all: the last ones among the
    // first precede none of the first.
    std::size_t least = size;
    do {
      least = std::min(least, later[heavy[end++]]);
    } while (least < size - end);
    const std::vector<std::uint32_t> part(heavy.begin() + begin, heavy.begin() + end);
    Antichain found = heaviest_of(part, weights, all);
    if (found.weight >= result.weight) result = std::move(found);  // of equal ones the latest, as in the whole
  }
  std::sort(result.elements.begin(), result.elements.end());
  return result;
}

}  // namespace upg::safety
