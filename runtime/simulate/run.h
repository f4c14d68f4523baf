#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/machine/machine.h"
#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"
#include "runtime/simulate/model.h"
#include "runtime/simulate/monitor.h"
#include "runtime/simulate/obligations.h"

namespace upg::simulate {

/// Hears what happens in a run, in order.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void recorded(Millis at, const machine::Record &record) = 0;
  virtual void moved(Millis at, const machine::Move &move) = 0;
  virtual void said(Millis at, const std::string &text) = 0;  // faults, deaths of the controller
};

struct RunOptions {
  bool directed = false;   // every move waits for `grant`
  bool protected_ = true;  // requirements, gates, census and claims are asked at the act, as in a real run
  bool supposes = false;   // directed: `unless` and `expect` go as they are granted
  ModelOptions model;
  std::int64_t start_unix_ms = 1'790'000'000'000;
  /// As the machine's own option; without it no window is kept.
  std::function<std::optional<machine::Opening>(std::int64_t unix_ms)> next_window;
  /// How often a person resumes a run that was halted or stopped, an hour later each time.
  unsigned returns = 0;
  /// An operator stops the run at this time and aborts it, if that is possible then (timed); -1: nobody does.
  Millis abort_at = -1;
  bool abort_on_halt = false;  // whoever finds it halted or stopped aborts it, if that is possible
  Listener *listener = nullptr;
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
  /// Starts nothing new; what is under way comes to its end, then the run has ended.
  void stop() { machine_->request_stop("nobody"); }
  /// After it has ended: the way back, on the same journal.
  void abort();
  /// To its end without a director, however often the controller dies; false if it did not end within a bound of turns.
  bool finish();

  const machine::Ending &ending() const { return machine_->ending(); }
  const Monitor &monitor() const { return monitor_; }
  const Obligations &obligations() const { return obligations_; }
  const Model &model() const { return model_; }
  const std::vector<machine::Record> &journal() const { return journal_.records; }
  /// What was asked last: what stopped the run, if it was halted.
  machine::Protection last_asked() const { return asked_; }
  machine::Millis elapsed() { return clock_.monotonic(); }
  std::vector<machine::HoldView> holds() const { return machine_->holds(); }
  unsigned deaths() const { return deaths_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t turns() const { return turns_; }

 private:
  struct Journal final : machine::Journal {
    explicit Journal(Run *run) : run_(run) {}
    std::optional<std::string> append(machine::Record record) override { return run_->append(std::move(record)); }
    std::vector<machine::Record> records;
    std::vector<machine::Record> pending;  // not on disk yet

   private:
    Run *run_;
  };
  struct Observer final : machine::Observer {
    void recorded(const machine::Record &) override {}
    void output(const std::string &, plan::HostId, bool, bool, std::string_view) override {}
    void said(const std::string &) override {}
  };
  struct People final : machine::People {
    explicit People(Run *run) : run_(run) {}
    void ask(std::uint64_t id, const std::string &text, bool confirm) override;
    std::vector<std::pair<Millis, std::uint64_t>> waiting;  // when it is answered

   private:
    Run *run_;
  };
  /// The way to the hosts; a dead controller has none.
  struct Line final : machine::Transport {
    explicit Line(Run *run) : run_(run) {}
    void start(machine::RequestId request, plan::HostId host, machine::Command command) override;
    void cancel(machine::RequestId request) override { to->cancel(request); }
    void disconnect(plan::HostId host) override { to->disconnect(host); }
    void wait(std::optional<Millis> until, std::vector<machine::Answer> &answers,
              std::vector<machine::Output> &outputs) override;
    std::unique_ptr<transport::SimulatedTransport> to;

   private:
    Run *run_;
  };
  bool turn(machine::Millis at_most);
  void begin(bool back = false);
  /// Nothing that it does from here on counts.
  void die(const Fault &fault);
  void revive();
  /// Another controller goes on from the journal.
  void come_back(Millis away);
  /// `upgrun abort` would not refuse.
  bool may_abort() const;
  /// After it has stopped or halted: whether somebody goes on with it, or back.
  bool taken_up_again();
  std::optional<std::string> append(machine::Record record);
  void keep(machine::Record record);
  Millis until_next_fault(Millis at_most);
  void tell(const std::string &text);

  std::optional<machine::Value> answer(plan::NodeId expression, std::span<const machine::Value> slots) override;
  machine::Value settle(plan::NodeId expression, std::span<const machine::Value> slots,
                        machine::Value unknown) override;
  bool directed() const override { return options_.directed; }
  bool supposes() const override { return options_.directed && options_.supposes; }
  int way(const machine::Move &move) override { return model_.way(move); }
  void moved(const machine::Move &move, int way) override;
  bool guarded() const override { return options_.protected_; }
  void asks(machine::Protection protection) override { asked_ = protection; }

  const plan::Plan &plan_;
  const safety::Proof &proof_;
  RunOptions options_;
  Reader reader_;
  Model model_;
  Monitor monitor_;
  transport::SimulatedHosts hosts_;
  transport::SimulatedClock clock_;
  Obligations obligations_;
  Line line_;
  Journal journal_;
  Observer observer_;
  People people_;
  machine::Protection asked_ = machine::Protection::none;
  std::unique_ptr<machine::Machine> machine_;
  // ---- deaths of the controller
  std::vector<Fault> fatal_;  // still to come
  const Fault *dead_of_ = nullptr;
  Fault last_death_;
  unsigned deaths_ = 0;
  unsigned returns_ = 0;
  std::uint64_t appended_ = 0, requests_ = 0, turns_ = 0;
  // ---- aborts
  bool asked_back_ = false;                                    // an operator has stopped it for that
  bool stopped_ = false;                                       // that has happened
  bool backwards_ = false;                                     // from here on
  std::vector<std::pair<Millis, std::string>> announcements_;  // of faults, for the listener; latest first
};

}  // namespace upg::simulate
