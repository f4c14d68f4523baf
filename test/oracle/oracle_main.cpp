// upg_oracle FILE.upg [--stdlib DIR] [--states N] [-D NAME=VALUE] [--limit HOSTS]: the predicates that a plan breaks,
// each with a shortest schedule.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "compiler/compile.h"
#include "runtime/diagnostics/render_text.h"
#include "test/oracle/explore.h"

int main(int argc, char **argv) {
  using namespace upg;
  compiler::CompileOptions options;
  oracle::Bounds bounds;
  bounds.states = 2000000;
  bounds.states_alone = 200000;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--stdlib" && i + 1 < argc) {
      options.stdlib.emplace_back(argv[++i]);
    } else if (word == "--states" && i + 1 < argc) {
      bounds.states = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--plan" && i + 1 < argc) {
      options.plan = argv[++i];
    } else if (word == "--limit" && i + 1 < argc) {
      options.limit = argv[++i];
    } else if (word == "-D" && i + 1 < argc) {
      const std::string_view define = argv[++i];
      const std::size_t eq = std::min(define.find('='), define.size());
      options.defines.emplace_back(define.substr(0, eq), define.substr(std::min(eq + 1, define.size())));
    } else {
      options.path = word;
    }
  }
  if (options.path.empty()) {
    fmt::print(
        stderr,
        "usage: upg_oracle FILE.upg [--stdlib DIR] [--plan NAME] [--states N] [-D NAME=VALUE] [--limit HOSTS]\n");
    return 2;
  }
  if (options.stdlib.empty()) options.stdlib.emplace_back(UPG_STDLIB);
  const compiler::Compiled compiled = compiler::compile(options);
  if (!compiled.plan) {
    for (const auto &d : compiled.sink.all()) fmt::print(stderr, "{}", diagnostics::render_text(d, compiled.sources));
    return 2;
  }
  const oracle::GroundResult ground = oracle::ground(*compiled.plan);
  if (!ground.ground) {
    fmt::print(stderr, "upg_oracle: not judged: {}\n", ground.why);
    return 3;
  }
  const oracle::Verdict verdict = oracle::explore(*ground.ground, bounds);
  for (std::size_t r = 0; r < oracle::rule_count; ++r) {
    const auto &finding = verdict.findings[r];
    if (!finding) continue;
    fmt::print("{}: {}\n", oracle::name_of(static_cast<oracle::Rule>(r)), finding->what);
    std::size_t n = 0;
    for (const std::string &step : finding->schedule) fmt::print("  {:3} {}\n", ++n, step);
  }
  fmt::print("{} configurations{}\n", verdict.states, verdict.complete ? "" : ", not all of them");
  if (!verdict.complete) return 3;
  return verdict.sound() ? 0 : 1;
}
