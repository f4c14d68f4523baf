// Checker and oracle over fresh random plans, over what they once disagreed about, and over the examples.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include "test/oracle/compare.h"
#include "test/oracle/generate.h"

namespace upg::oracle {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> plans_in(const fs::path &folder) {
  std::vector<fs::path> result;
  for (const auto &entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".upg") result.push_back(entry.path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string names(const std::set<Rule> &rules) {
  std::vector<std::string> all;
  for (const Rule r : rules) all.emplace_back(name_of(r));
  std::sort(all.begin(), all.end());
  return fmt::format("{}", fmt::join(all, " "));
}

/// What both must say of the verdict: where a structural rule is broken, the others are not compared (README.md).
std::set<Rule> compared(const std::set<Rule> &rules, const std::set<Rule> &verdict) {
  if (std::none_of(verdict.begin(), verdict.end(), structural)) return rules;
  std::set<Rule> out;
  std::copy_if(rules.begin(), rules.end(), std::inserter(out, out.end()), structural);
  return out;
}

/// "// expect: base guard": sorted.
std::string expected(const std::string &text) {
  const std::string mark = "// expect:";
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return "?";
  std::istringstream line(text.substr(at + mark.size(), text.find('\n', at) - at - mark.size()));
  std::vector<std::string> words;
  for (std::string w; line >> w;) {
    if (w != "nothing") words.push_back(w);
  }
  std::sort(words.begin(), words.end());
  return fmt::format("{}", fmt::join(words, " "));
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

TEST(Oracle, AgreesWithTheCheckerOnFreshPlans) {
  std::uint64_t seed = std::random_device{}();
  if (const char *given = std::getenv("UPG_TEST_SEED")) seed = std::strtoull(given, nullptr, 10);
  fmt::print("seed {} (repeat with UPG_TEST_SEED, or upg_oracle_compare --seed)\n", seed);
  const double began = cpu_seconds();
  std::size_t judged = 0, sound = 0, broken = 0, told_otherwise = 0;
  for (std::size_t i = 0; i < 4000 && cpu_seconds() - began < 20; ++i) {
    const std::uint64_t one = seed * 1000003u + i;
    const Sketch sketch = generate(one);
    const Comparison c = compare(sketch.text());
    if (c.strange) ADD_FAILURE() << "plan " << one << ": " << c.why << "\n" << sketch.text();
    if (c.outcome == Outcome::agree) {
      ++judged;
      ++(c.oracle.empty() ? sound : broken);
    }
    if (c.outcome != Outcome::disagree) continue;
    if (!c.checker.empty() && !c.oracle.empty()) {  // neither accepts it: which rules are named is worth a look
      fmt::print("plan {} is refused by both, for different rules: {}\n", one, c.why);
      ++told_otherwise;
      continue;
    }
    const auto same = [&](const Sketch &s) {
      const Comparison smaller = compare(s.text());
      return smaller.outcome == Outcome::disagree &&
             smaller.why.substr(0, smaller.why.find(';')) == c.why.substr(0, c.why.find(';'));
    };
    ADD_FAILURE() << "plan " << one << ": " << c.why << "\n" << shrink(sketch, same, 1000).text();
    return;
  }
  fmt::print("{} plans judged by both: {} sound, {} that break a rule\n", judged, sound, broken);
  EXPECT_LE(told_otherwise, 3u) << "about one in ten thousand is known (README.md)";
  EXPECT_GT(sound, 0u);
  EXPECT_GT(broken, 0u);
}

TEST(Oracle, FoundDifferencesStayMended) {
  const std::vector<fs::path> all = plans_in(fs::path(UPG_ORACLE) / "found");
  ASSERT_FALSE(all.empty());
  for (const fs::path &path : all) {
    const std::string text = contents(path);
    const Comparison c = compare(text);
    EXPECT_EQ(c.outcome, Outcome::agree) << path << ": " << c.why;
    EXPECT_EQ(names(c.oracle), expected(text)) << path << ": the oracle";
    EXPECT_EQ(names(compared(c.checker, c.oracle)), names(compared(c.oracle, c.oracle))) << path << ": the checker";
  }
}

TEST(Oracle, AgreesOnTheExamples) {
  const std::vector<std::string> stdlib{UPG_STDLIB};
  const fs::path examples(UPG_EXAMPLES);
  for (const char *file : {"first/first.upg", "proxmox/lab.upg", "proxmox/lost_quorum.upg"}) {
    const Comparison c = compare(contents(examples / file), {}, stdlib);
    EXPECT_EQ(c.outcome, Outcome::agree) << file << ": " << c.why;
    EXPECT_EQ(names(c.oracle), "") << file;
  }
  std::size_t judged = 0;
  for (const fs::path &path : plans_in(examples / "proxmox" / "mistakes")) {
    const Comparison c = compare(contents(path), {}, stdlib);
    if (c.outcome == Outcome::no_plan || c.outcome == Outcome::skipped) continue;
    // A mistake is told once, with what it leads to left out.
    for (const Rule r : c.checker)
      EXPECT_EQ(c.oracle.count(r), 1u) << path << ": " << name_of(r) << " only by the checker";
    EXPECT_TRUE(c.checker_beyond || !c.checker.empty()) << path;
    EXPECT_TRUE(c.checker_beyond || !c.oracle.empty()) << path;
    ++judged;
  }
  EXPECT_GT(judged, 20u);
}

}  // namespace
}  // namespace upg::oracle
