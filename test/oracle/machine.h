#pragma once
#include <functional>
#include <string>
#include <vector>

#include "test/oracle/config.h"
#include "test/oracle/verdict.h"

namespace upg::oracle {

enum class Move_ : std::uint8_t { start, end, pass, take, skip, enter, expect, pause, admit, fail, lose, abort, halt };

/// One step of section 2.
struct Step {
  std::uint32_t node = 0;
  Move_ what = Move_::start;
  std::uint32_t choice =
      0;  // take: which branch, how many copies; fail: which child goes on; lose: 1 with something armed
};
std::string tell(const Ground &ground, const Step &step);

/// What the machine says about a step; only the explorer listens, a part that is run alone does not.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void before_start(const Config &, std::uint32_t node) = 0;
  virtual void after_start(const Config &, std::uint32_t node) = 0;
  virtual void after_end(const Config &, std::uint32_t node) = 0;
  virtual void at_await(const Config &, std::uint32_t node) = 0;
  virtual void at_pause(const Config &, std::uint32_t node) = 0;
  virtual void at_test(const Config &, std::uint32_t node, bool expected) = 0;
  virtual void at_release(const Config &, std::uint32_t node) = 0;
  virtual void turn_ends(const Config &, std::uint32_t node) = 0;
  virtual void phase_ends(const Config &, std::uint32_t node) = 0;
  virtual void plan_ends(const Config &) = 0;
  virtual void forks(const Config &, std::uint32_t node, std::uint32_t starting) = 0;
  virtual void chooses(const Config &, std::uint32_t node) = 0;
  virtual void acceptance_ends(const Config &, std::uint32_t node) = 0;
  virtual void admits(const Config &, std::uint32_t turn) = 0;
  virtual void gives_up(const Config &, std::uint32_t node) = 0;
};

/// The steps of section 2 over a ground plan, or over the part of it under `root`.
class Machine {
 public:
  Machine(const Ground &ground, Listener *listener, std::uint32_t root);
  Config initial() const;
  /// Marks the root as begun and does what needs no step.
  void begin(Config &config);
  std::vector<Step> enabled(const Config &config) const;
  void take(Config &config, const Step &step);
  bool ended(const Config &config) const {
    return config.halted || config.at[config.aborting ? g_.on_abort : root_] == done;
  }
  /// The run is aborted here: what is under way is over, holds are given back, `on abort` begins.
  Config aborted(Config config) const;
  void begin_abort(Config &config) { activate(config, g_.on_abort); }
  /// The abort starts this step: what is opened from here on was not accepted where the run was aborted.
  void takes(Config &config, std::uint32_t act) const;

  /// Gates that the step's action hits, by gate.
  bool hits(std::size_t action, std::size_t gate) const { return hits_[action][gate]; }
  /// Gates that the action needs at its start: as written, and `stoppable` of what it takes down.
  std::vector<std::size_t> required(const Config &config, std::uint32_t act) const;
  /// On the step's own way: what a part beside has asked is that part's.
  bool known(const Config &config, std::size_t gate, std::uint32_t step) const;
  /// Whether a pass at the await would close an outage of this pair opened in this region.
  bool closes(std::uint32_t await, std::size_t pair, std::uint32_t region) const;

  /// Pairs of the roles whose outage is accepted where the node stands.
  Pairs accepted_at(const Node &node) const;
  /// What is accepted inside of a scope only is not any more behind it.
  void weighs_again(Config &config, const Node &scope) const;
  /// A failure leads here: a recovery, the block again, `otherwise`, `on abort`.
  bool resumed(const Config &config, std::uint32_t node) const;

  static constexpr std::uint16_t done = 0xffff;

 private:
  void activate(Config &config, std::uint32_t node);
  void complete(Config &config, std::uint32_t node);
  void child_done(Config &config, std::uint32_t node, std::uint32_t child);
  void next_in(Config &config, std::uint32_t sequence);
  void admit(Config &config, std::uint32_t roll, bool one_by_one);
  bool may_admit(const Config &config, std::uint32_t roll, std::uint32_t &turn) const;
  void release_phases(Config &config, std::uint32_t dag);
  void fail(Config &config, std::uint32_t attempt, std::uint32_t child);
  void lose(Config &config, std::uint32_t turn);
  bool may_lose(const Config &config, std::uint32_t turn, std::uint32_t &armed) const;
  void drop(Config &config, std::uint32_t part) const;
  /// Not in the block of an attempt.
  bool recovers(std::uint32_t node) const;
  bool entered(const Config &config, std::uint32_t with) const;
  void start(Config &config, std::uint32_t node);
  void end(Config &config, std::uint32_t node);
  void pass(Config &config, std::uint32_t node);
  void forget_hit(Config &config, std::size_t action) const;
  void forget_closed(Config &config, Pairs before) const;
  void clear(Config &config, std::uint32_t node) const;

  const Ground &g_;
  Listener *listener_;
  std::uint32_t root_;
  bool explicit_admission_;
  bool keeps_movers_ = false;
  std::vector<std::vector<bool>> hits_;
  std::vector<bool> matters_;  // by gate: some action asks for it
};

Pairs open_pairs(const Config &config);

}  // namespace upg::oracle
