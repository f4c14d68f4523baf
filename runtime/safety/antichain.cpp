#include "runtime/safety/antichain.h"

#include <algorithm>
#include <limits>

namespace upg::safety {
namespace {

constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max() / 4;

/// Flow from each element's left copy to the right copies of the elements it precedes (Dinic on a dense bipartite
/// graph).
class MaximumFlow {
 public:
  MaximumFlow(const std::vector<std::uint64_t> &weights, const std::vector<std::vector<bool>> &precedes)
      : n_(weights.size()),
        left_(weights),
        right_(weights),
        precedes_(precedes),
        sent_(n_, std::vector<std::uint64_t>(n_, 0)) {}

  void run() {
    while (layer()) {
      next_left_.assign(n_, 0);
      next_right_.assign(n_, 0);
      for (std::size_t i = 0; i < n_; ++i) {
        while (left_[i] != 0) {
          const std::uint64_t pushed = push_left(i, left_[i]);
          if (pushed == 0) break;
          left_[i] -= pushed;
        }
      }
    }
  }
  /// After run(): an element belongs to the antichain if its left copy is reachable and its right copy is not.
  bool chosen(std::size_t i) const { return level_left_[i] != kUnseen && level_right_[i] == kUnseen; }

 private:
  static constexpr std::size_t kUnseen = std::numeric_limits<std::size_t>::max();

  bool layer() {
    level_left_.assign(n_, kUnseen);
    level_right_.assign(n_, kUnseen);
    std::vector<std::size_t> queue;
    for (std::size_t i = 0; i < n_; ++i) {
      if (left_[i] == 0) continue;
      level_left_[i] = 0;
      queue.push_back(i);
    }
    bool reached = false;
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const std::size_t i = queue[at];
      for (std::size_t j = 0; j < n_; ++j) {
        if (!precedes_[i][j] || level_right_[j] != kUnseen) continue;
        level_right_[j] = level_left_[i] + 1;
        if (right_[j] != 0) reached = true;
        for (std::size_t k = 0; k < n_; ++k) {
          if (sent_[k][j] == 0 || level_left_[k] != kUnseen) continue;
          level_left_[k] = level_right_[j] + 1;
          queue.push_back(k);
        }
      }
    }
    return reached;
  }
  std::uint64_t push_left(std::size_t i, std::uint64_t amount) {
    for (std::size_t &j = next_left_[i]; j < n_; ++j) {
      if (!precedes_[i][j] || level_right_[j] != level_left_[i] + 1) continue;
      const std::uint64_t pushed = push_right(j, amount);
      if (pushed == 0) continue;
      sent_[i][j] += pushed;
      return pushed;
    }
    return 0;
  }
  std::uint64_t push_right(std::size_t j, std::uint64_t amount) {
    if (right_[j] != 0) {
      const std::uint64_t pushed = std::min(amount, right_[j]);
      right_[j] -= pushed;
      return pushed;
    }
    for (std::size_t &k = next_right_[j]; k < n_; ++k) {
      if (sent_[k][j] == 0 || level_left_[k] != level_right_[j] + 1) continue;
      const std::uint64_t pushed = push_left(k, std::min(amount, sent_[k][j]));
      if (pushed == 0) continue;
      sent_[k][j] -= pushed;
      return pushed;
    }
    return 0;
  }

  std::size_t n_;
  std::vector<std::uint64_t> left_, right_;  // what is left of each element's weight
  const std::vector<std::vector<bool>> &precedes_;
  std::vector<std::vector<std::uint64_t>> sent_;
  std::vector<std::size_t> level_left_, level_right_, next_left_, next_right_;
};

}  // namespace

Antichain heaviest_antichain(const std::vector<std::uint64_t> &weights,
                             const std::vector<std::vector<std::uint32_t>> &before) {
  const std::size_t n = weights.size();
  std::vector<std::vector<bool>> precedes(n, std::vector<bool>(n, false));
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::size_t> todo(before[i].begin(), before[i].end());
    while (!todo.empty()) {
      const std::size_t j = todo.back();
      todo.pop_back();
      if (precedes[i][j]) continue;
      precedes[i][j] = true;
      todo.insert(todo.end(), before[j].begin(), before[j].end());
    }
  }
  std::vector<std::uint64_t> capped(weights);
  for (std::uint64_t &w : capped) w = std::min(w, kEndless / std::max<std::uint64_t>(n, 1));
  MaximumFlow flow(capped, precedes);
  flow.run();
  Antichain result;
  for (std::size_t i = 0; i < n; ++i) {
    if (weights[i] == 0 || !flow.chosen(i)) continue;
    result.weight += weights[i];
    result.elements.push_back(static_cast<std::uint32_t>(i));
  }
  return result;
}

}  // namespace upg::safety
