#include "runtime/simulate/run.h"

#include <utility>

namespace upg::simulate {
namespace {
constexpr int kTurns = 200'000;
constexpr machine::Millis kStep = 3'600'000;  // at most this far in one turn; the next event usually comes first
}  // namespace

Run::Run(const plan::Plan &plan, const safety::Proof &proof, RunOptions options)
    : options_(std::move(options)),
      reader_(plan, this),
      model_(plan, reader_, options_.model),
      monitor_(reader_),
      hosts_(model_),
      transport_(hosts_, clock_) {
  machine::Options run;
  run.run_id = "simulated";
  run.who = "nobody";
  run.simulation = this;
  for (std::size_t i = 0; i < plan.secrets.size(); ++i) run.secrets.emplace_back("secret");
  machine_ =
      std::make_unique<machine::Machine>(plan, proof, transport_, clock_, journal_, observer_, people_, std::move(run));
}
Run::~Run() = default;

bool Run::turn(machine::Millis at_most) {
  const bool more = machine_->turn(at_most);
  if (people_.waiting.empty()) return more;
  for (const std::uint64_t id : std::exchange(people_.waiting, {})) machine_->person_answered(id, "yes", "nobody");
  return true;
}

bool Run::advance() {
  bool more = turn(0);
  for (int turns = 0; turns < kTurns && more && (!machine_->quiet() || !people_.waiting.empty()); ++turns)
    more = turn(kStep);
  return more && turn(0);
}

bool Run::finish() {
  for (int turns = 0; turns < kTurns; ++turns)
    if (!turn(kStep)) return true;
  return false;
}

std::optional<machine::Value> Run::answer(plan::NodeId expression, std::span<const machine::Value> slots) {
  return model_.answer(expression, slots);
}
machine::Value Run::settle(plan::NodeId expression, std::span<const machine::Value> slots, machine::Value unknown) {
  return model_.settle(expression, slots, std::move(unknown));
}
int Run::way(const machine::Move &) { return 0; }

void Run::moved(const machine::Move &move, int way) {
  model_.moved(move);
  monitor_.moved(move, way);
}

}  // namespace upg::simulate
