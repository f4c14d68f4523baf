#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/machine/machine.h"
#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"
#include "runtime/simulate/model.h"
#include "runtime/simulate/monitor.h"

namespace upg::simulate {

struct RunOptions {
  bool directed = false;   // every move waits for `grant`
  bool protected_ = true;  // requirements, gates, census and claims are asked at the act, as in a real run
  ModelOptions model;
};

/// One run of a plan in virtual time: the machine of real runs, over model hosts, with an in-memory journal, people who
/// say yes, and monitors that judge every move. The plan need not have been accepted: this is the only place where one
/// that was refused is executed, and no host is behind it. `proof` is what the checker left (edges between phases);
/// plan and proof must outlive the run.
class Run final : private machine::Simulation {
 public:
  Run(const plan::Plan &plan, const safety::Proof &proof, RunOptions options);
  ~Run() override;

  /// Lets everything happen that needs no grant. False when the run has ended.
  bool advance();
  std::vector<machine::Offer> offers() const { return machine_->offers(); }
  void grant(std::uint64_t offer, int way = 0) { machine_->grant(offer, way); }
  /// To its end without a director; false if it did not end within a bound of turns.
  bool finish();

  const machine::Ending &ending() const { return machine_->ending(); }
  const Monitor &monitor() const { return monitor_; }
  const Model &model() const { return model_; }
  const std::vector<machine::Record> &journal() const { return journal_.records; }
  /// What was asked last: what stopped the run, if it was halted.
  machine::Protection last_asked() const { return asked_; }
  machine::Millis elapsed() { return clock_.monotonic(); }

 private:
  struct Journal final : machine::Journal {
    std::optional<std::string> append(machine::Record record) override {
      records.push_back(std::move(record));
      return std::nullopt;
    }
    std::vector<machine::Record> records;
  };
  struct Observer final : machine::Observer {
    void recorded(const machine::Record &) override {}
    void output(const std::string &, plan::HostId, bool, bool, std::string_view) override {}
    void said(const std::string &) override {}
  };
  struct People final : machine::People {
    void ask(std::uint64_t id, const std::string &, bool) override { waiting.push_back(id); }
    std::vector<std::uint64_t> waiting;
  };
  bool turn(machine::Millis at_most);

  std::optional<machine::Value> answer(plan::NodeId expression, std::span<const machine::Value> slots) override;
  machine::Value settle(plan::NodeId expression, std::span<const machine::Value> slots,
                        machine::Value unknown) override;
  bool directed() const override { return options_.directed; }
  int way(const machine::Move &move) override;
  void moved(const machine::Move &move, int way) override;
  bool guarded() const override { return options_.protected_; }
  void asks(machine::Protection protection) override { asked_ = protection; }

  RunOptions options_;
  Reader reader_;
  Model model_;
  Monitor monitor_;
  transport::SimulatedHosts hosts_;
  transport::SimulatedClock clock_;
  transport::SimulatedTransport transport_;
  Journal journal_;
  Observer observer_;
  People people_;
  machine::Protection asked_ = machine::Protection::none;
  std::unique_ptr<machine::Machine> machine_;
};

}  // namespace upg::simulate
