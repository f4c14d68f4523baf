#include "test/oracle/explore.h"

#include <algorithm>
#include <unordered_map>

#include "test/oracle/judge.h"

namespace upg::oracle {

Verdict explore(const Ground &ground, Bounds bounds) {
  Verdict verdict;
  Judge judge(ground, bounds, verdict);
  Machine machine(ground, &judge, ground.root);

  struct Reached {
    const std::string *text;
    std::uint32_t from;
    Step step;
  };
  constexpr std::uint32_t nowhere = 0xffffffffu;
  std::vector<Reached> reached;
  std::unordered_map<std::string, std::uint32_t> index;
  std::uint32_t here = nowhere;
  const Step *taken = nullptr;
  judge.bind(machine, [&] {
    std::vector<std::string> steps;
    if (taken != nullptr) steps.push_back(tell(ground, *taken));
    for (std::uint32_t at = here; at != nowhere && reached[at].from != nowhere; at = reached[at].from)
      steps.push_back(tell(ground, reached[at].step));
    std::reverse(steps.begin(), steps.end());
    return steps;
  });
  const std::vector<std::uint32_t> halting = judge.halting_steps();
  judge.syntax();
  Config first = machine.initial();
  machine.begin(first);
  const auto enter = [&](const Config &config, std::uint32_t from, const Step &step) {
    const auto [at, fresh] = index.try_emplace(config.encode(), static_cast<std::uint32_t>(reached.size()));
    if (fresh) reached.push_back({&at->first, from, step});
  };
  enter(first, nowhere, {});
  for (here = 0; here < reached.size(); ++here) {
    if (reached.size() > bounds.states) verdict.complete = false;
    if (!verdict.complete) break;
    const Config config = Config::decode(*reached[here].text, ground);
    if (machine.ended(config)) continue;
    const Step halt{ground.root, Move_::halt};
    taken = &halt;
    judge.halts(config, halting);
    taken = nullptr;
    for (const Step &step : machine.enabled(config)) {
      Config next = config;
      taken = &step;
      machine.take(next, step);
      taken = nullptr;
      enter(next, here, step);
    }
  }
  verdict.states = reached.size();
  verdict.dead_steps = judge.has_dead_steps();
  return verdict;
}

}  // namespace upg::oracle
