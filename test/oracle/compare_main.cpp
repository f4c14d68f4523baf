// upg_oracle_compare [--seed S] [--plans N] [--states N] [--keep DIR] [--no-shrink] [--show SEED] [--file F]: checker
// against oracle.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "test/oracle/compare.h"
#include "test/oracle/generate.h"

namespace {

using namespace upg::oracle;

void show(const Comparison &c) {
  for (std::size_t r = 0; r < rule_count; ++r) {
    const auto &finding = c.verdict.findings[r];
    if (!finding) continue;
    fmt::print("  oracle: {}: {}\n", name_of(static_cast<Rule>(r)), finding->what);
    std::size_t n = 0;
    for (const std::string &step : finding->schedule) fmt::print("    {:3} {}\n", ++n, step);
  }
}

/// What the smaller plan breaks the first one broke, too: a smaller one must not have other mistakes.
bool among(const Comparison &smaller, const Comparison &first) {
  const auto all = [](const std::set<Rule> &a, const std::set<Rule> &b) {
    return std::includes(b.begin(), b.end(), a.begin(), a.end());
  };
  return all(smaller.checker, first.checker) && all(smaller.oracle, first.oracle);
}

struct Counts {
  std::size_t accepted = 0, alone = 0, among = 0;
};

}  // namespace

int main(int argc, char **argv) {
  std::uint64_t seed = std::random_device{}();
  std::size_t plans = 1000, most_shown = 20;
  Bounds bounds;
  bool smaller = true;
  std::string keep;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto number = [&]() -> std::uint64_t { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (option == "--seed") {
      seed = number();
    } else if (option == "--plans") {
      plans = number();
    } else if (option == "--states") {
      bounds.states = number();
    } else if (option == "--shown") {
      most_shown = number();
    } else if (option == "--keep" && i + 1 < argc) {
      keep = argv[++i];
    } else if (option == "--no-shrink") {
      smaller = false;
    } else if (option == "--show") {
      const Sketch sketch = generate(number());
      fmt::print("{}", sketch.text());
      const Comparison c = compare(sketch.text(), bounds);
      fmt::print("// outcome {} {}\n", static_cast<int>(c.outcome), c.why);
      show(c);
      return 0;
    } else if (option == "--shrink") {
      const Sketch sketch = generate(number());
      const Comparison c = compare(sketch.text(), bounds);
      const std::string kind = c.why.substr(0, c.why.find(';'));
      const Sketch small = shrink(sketch, [&](const Sketch &s) {
        const Comparison candidate = compare(s.text(), bounds);
        return candidate.outcome == Outcome::disagree && candidate.why.substr(0, candidate.why.find(';')) == kind &&
               among(candidate, c);
      });
      const Comparison again = compare(small.text(), bounds);
      fmt::print("{}// {}\n", small.text(), again.why);
      show(again);
      return 0;
    } else if (option == "--file" && i + 1 < argc) {
      std::ifstream in(argv[++i]);
      std::stringstream text;
      text << in.rdbuf();
      const Comparison c = compare(text.str(), bounds);
      fmt::print("outcome {} {}\n", static_cast<int>(c.outcome), c.why);
      show(c);
      return c.outcome == Outcome::disagree ? 1 : 0;
    } else {
      fmt::print(
          stderr,
          "usage: upg_oracle_compare [--seed S] [--plans N] [--states N] [--shown N] [--keep DIR] [--no-shrink] | "
          "--show SEED | --file FILE\n");
      return 2;
    }
  }
  fmt::print("seed {}, {} plans\n", seed, plans);
  std::fflush(stdout);
  std::array<Counts, rule_count> counts;
  std::map<std::string, Counts> aims;  // alone: what was meant as its one mistake breaks a rule
  std::map<std::string, std::size_t> skipped, unread, differences;
  std::map<std::string, std::size_t> strays;
  std::size_t agreed = 0, sound = 0, disagreed = 0, shown = 0, states = 0, strange = 0, beyond = 0;
  for (std::size_t i = 0; i < plans; ++i) {
    const std::uint64_t one = seed * 1000003u + i;
    const Sketch sketch = generate(one);
    const Comparison c = compare(sketch.text(), bounds);
    states += c.states;
    if (c.outcome == Outcome::no_plan) {
      ++unread[c.first_code];
      if (c.strange) ++strange;
      continue;
    }
    if (c.outcome == Outcome::skipped) {
      ++skipped[c.why];
      continue;
    }
    if (c.outcome == Outcome::agree) {
      ++agreed;
      if (c.oracle.empty() && c.checker.empty() && !c.checker_beyond) ++sound;
      if (c.checker_beyond) ++beyond;
      if (!sketch.aim.empty()) {
        Counts &aim = aims[sketch.aim];
        if (c.checker.empty() && !c.checker_beyond) ++aim.accepted;
        if (!c.checker.empty()) ++aim.among;
        if (c.checker.size() == 1 && !c.checker_beyond) ++aim.alone;
        if (sketch.broken == c.checker.empty()) ++strays[sketch.aim];
      }
      for (std::size_t r = 0; r < rule_count; ++r) {
        if (c.oracle.count(static_cast<Rule>(r)) == 0) ++counts[r].accepted;
        if (c.checker.count(static_cast<Rule>(r)) == 0) continue;
        ++counts[r].among;
        if (c.checker.size() == 1 && !c.checker_beyond) ++counts[r].alone;
      }
      continue;
    }
    ++disagreed;
    ++differences[c.why.substr(0, c.why.find(';'))];
    if (differences[c.why.substr(0, c.why.find(';'))] > 2 || ++shown > most_shown) continue;
    const std::string kind = c.why.substr(0, c.why.find(';'));
    fmt::print("\n==== disagreement, --show {}: {}\n", one, c.why);
    const auto same = [&](const Sketch &s) {
      const Comparison candidate = compare(s.text(), bounds);
      return candidate.outcome == Outcome::disagree && candidate.why.substr(0, candidate.why.find(';')) == kind &&
             among(candidate, c);
    };
    const Sketch small = smaller ? shrink(sketch, same) : sketch;
    const Comparison again = compare(small.text(), bounds);
    fmt::print("{}// {}\n", small.text(), again.why);
    show(again);
    if (!keep.empty()) {
      std::ofstream out(fmt::format("{}/{}.upg", keep, one));
      out << "// " << again.why << "\n" << small.text();
    }
    std::fflush(stdout);
  }
  fmt::print("\n{:8} {:>9} {:>9} {:>9}\n", "rule", "accepted", "alone", "among");
  for (std::size_t r = 0; r < rule_count; ++r) {
    fmt::print("{:8} {:9} {:9} {:9}\n", name_of(static_cast<Rule>(r)), counts[r].accepted, counts[r].alone,
               counts[r].among);
  }
  for (const auto &[aim, n] : aims)
    fmt::print("aimed at {:10} accepted {:6}, for one rule {:6}, rejected {:6}, against the aim {}\n", aim, n.accepted,
               n.alone, n.among, strays[aim]);
  fmt::print(
      "plans {}, agreed {} (sound {}, with a rule that the oracle does not judge {}), disagreed {}, configurations "
      "{}\n",
      plans, agreed, sound, beyond, disagreed, states);
  for (const auto &[why, n] : differences) fmt::print("  {} x {}\n", n, why);
  for (const auto &[why, n] : skipped) fmt::print("  skipped {} x {}\n", n, why);
  for (const auto &[why, n] : unread) fmt::print("  no plan {} x {}\n", n, why);
  return disagreed != 0 || strange != 0 ? 1 : 0;
}
