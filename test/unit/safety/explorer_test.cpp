#include "test/unit/safety/explorer.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace upg::safety::testing {
namespace {

bool says(const std::string &text, std::string_view code) { return text.find(code) != std::string::npos; }

/// Where the structural rules hold, the checker and the explorer must agree.
TEST(Explorer, AgreesWithTheCheckerOnRandomPlans) {
  const char *more = std::getenv("UPG_EXPLORE");  // how many plans; the first seed is 1
  const std::uint32_t plans = more != nullptr ? static_cast<std::uint32_t>(std::strtoul(more, nullptr, 10)) : 3000;
  std::uint32_t compared = 0, structural = 0, rejected = 0;
  for (std::uint32_t seed = 1; seed <= plans; ++seed) {
    const Experiment e(seed);
    PlanBuilder b;
    e.build(b);
    const std::string said = checked(b.p, 0, false);  // by `test/simulate/random.py`
    bool skip = false;
    for (const char *code : {"E1013", "E1014", "E1015", "E1016", "E1017"}) skip = skip || says(said, code);
    // What is told together with AVAIL or SERIAL is not told again: the structural rules may be silent then.
    if (skip) {
      ++structural;
      continue;
    }
    const Explored found = e.explore(60'000);
    if (!found.finished) continue;
    const std::string context = "seed " + std::to_string(seed) + ": " + e.text() + "\n" + said;
    const bool overlap = says(said, "E1001") || says(said, "E1002");
    std::uint64_t total = 0;
    for (const std::uint32_t v : e.votes) total += v;
    const std::uint64_t budget = total - total / 2 - 1;
    ++compared;
    rejected += !said.empty();
    EXPECT_EQ(found.worst > budget, says(said, "E1001")) << context;
    for (const WorstMoment &w : proof(b.p).worst) {
      if (b.p.text(b.p.roles[w.role.index].name) == "q" && !overlap) {
        EXPECT_EQ(w.down, found.worst) << context;
      }
    }
    if (says(said, "E1002")) {
      EXPECT_TRUE(found.serial) << context;
    }
    if (found.serial) {
      EXPECT_TRUE(overlap || says(said, "E1005")) << context;  // what a turn leaves behind is told once
    }
    if (says(said, "E1003")) {
      EXPECT_TRUE(found.guard) << context;
    }
    if (found.guard) {
      EXPECT_TRUE(overlap || says(said, "E1003")) << context;
    }
    EXPECT_EQ(found.base, says(said, "E1004")) << context;
    EXPECT_EQ(found.returns, says(said, "E1005")) << context;
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(compared, plans / 4);
  EXPECT_GT(rejected, compared / 10);
  RecordProperty("compared", static_cast<int>(compared));
  RecordProperty("structural", static_cast<int>(structural));
}

}  // namespace
}  // namespace upg::safety::testing
