#include "runtime/safety/antichain.h"

#include <gtest/gtest.h>

#include <random>

namespace upg::safety {
namespace {

std::uint64_t brute(const std::vector<std::uint64_t> &weights, const std::vector<std::vector<bool>> &precedes) {
  const std::size_t n = weights.size();
  std::uint64_t best = 0;
  for (std::uint32_t set = 0; set < (1u << n); ++set) {
    std::uint64_t sum = 0;
    bool free = true;
    for (std::size_t i = 0; i < n && free; ++i) {
      if (((set >> i) & 1) == 0) continue;
      sum += weights[i];
      for (std::size_t j = 0; j < n; ++j) free = free && !(((set >> j) & 1) != 0 && precedes[i][j]);
    }
    if (free) best = std::max(best, sum);
  }
  return best;
}

TEST(Antichain, AgreesWithBruteForceOnRandomOrders) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t n = 1 + random() % 9;
    std::vector<std::uint64_t> weights(n);
    for (std::uint64_t &w : weights) w = random() % 5;
    std::vector<std::vector<std::uint32_t>> before(n);
    std::vector<std::vector<bool>> precedes(n, std::vector<bool>(n, false));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        if (random() % 3 == 0) before[i].push_back(static_cast<std::uint32_t>(j)), precedes[i][j] = true;
      }
    }
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) precedes[i][j] = precedes[i][j] || (precedes[i][k] && precedes[k][j]);
      }
    }
    const Antichain found = heaviest_antichain(weights, before);
    ASSERT_EQ(found.weight, brute(weights, precedes)) << "round " << round;
    std::uint64_t sum = 0;
    for (const std::uint32_t i : found.elements) {
      sum += weights[i];
      for (const std::uint32_t j : found.elements) ASSERT_FALSE(precedes[i][j]);
    }
    ASSERT_EQ(sum, found.weight);
  }
}

TEST(Antichain, HugeWeightsDoNotOverflow) {
  const std::uint64_t huge = ~std::uint64_t{0};
  const Antichain found = heaviest_antichain({huge, 1, huge}, {{1}, {2}, {}});
  EXPECT_EQ(found.elements.size(), 1u);
}

}  // namespace
}  // namespace upg::safety
