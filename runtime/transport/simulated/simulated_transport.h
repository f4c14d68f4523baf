#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/machine/transport.h"
#include "runtime/transport/simulated/random.h"

namespace upg::transport {

/// Virtual time: stands still except when SimulatedTransport::wait or `advance_to` moves it.
class SimulatedClock final : public machine::Clock {
 public:
  explicit SimulatedClock(std::int64_t unix_ms_at_zero = 1'790'000'000'000) : unix_at_zero_(unix_ms_at_zero) {}
  machine::Millis monotonic() override { return now_; }
  machine::Millis steady() override { return now_ + slept_; }
  std::int64_t unix_ms() override { return unix_at_zero_ + now_ + slept_; }
  void advance_to(machine::Millis time) {
    if (time > now_) now_ = time;
  }
  /// Somebody sets the wall clock, or the controller sleeps.
  void set_wall_clock(machine::Millis by) { unix_at_zero_ += by; }
  void sleep(machine::Millis how_long) { slept_ += how_long; }

 private:
  machine::Millis now_ = 0;
  machine::Millis slept_ = 0;
  std::int64_t unix_at_zero_;
};

/// What a host does with a command: how long it takes, what comes out, whether the host reboots.
struct Reply {
  machine::Millis takes = 1;
  int code = 0;
  std::string out;
  std::string err;
  bool refused = false;               // a person must act (sudo, host key); nothing was started
  machine::Millis reboot_after = -1;  // >= 0: the host goes down this long after the start of the command ...
  machine::Millis down_for = 30'000;  // ... for so long
};

/// The model of the hosts behind a simulated transport. Called once for each command that is really started, at its
/// start, in order of time.
class HostModel {
 public:
  virtual ~HostModel() = default;
  virtual Reply answer(plan::HostId host, const machine::Command &command, machine::Millis now) = 0;
};

/// Chances of faults in each request, in 1/1000.
struct Faults {
  unsigned delay = 0;        // takes up to 20 s longer
  unsigned lost = 0;         // the connection breaks while it runs
  unsigned timed_out = 0;    // no answer before the deadline
  unsigned unreachable = 0;  // no connection; nothing was started
  unsigned reboot = 0;       // the host goes down for 10 to 60 s while it runs
};

/// What outlives a controller: steps, reboots, and the list of everything that was ever started. Several transports in
/// turn may use it.
class SimulatedHosts {
 public:
  explicit SimulatedHosts(HostModel &model) : model_(model) {}

  struct Started {
    machine::Millis at;
    plan::HostId host;
    machine::Command command;
  };
  const std::vector<Started> &started() const { return started_; }

  void reboot(plan::HostId host, machine::Millis from, machine::Millis down_for) {
    reboots_[host].push_back({from, from + down_for});
  }
  /// The host was set up anew, as far as its locks go.
  void forget_locks(plan::HostId host) {
    std::erase_if(locks_, [host](const auto &lock) { return lock.first.first == host; });
  }
  /// The way to the host is cut; what runs there goes on.
  void cut(plan::HostId host, machine::Millis from, machine::Millis until) { cuts_[host].push_back({from, until}); }
  /// Up, and there is a way to it.
  bool reachable(plan::HostId host, machine::Millis at) const;
  bool up(plan::HostId host, machine::Millis at) const;
  /// When the host goes down first in [from, until); never: -1.
  machine::Millis first_reboot(plan::HostId host, machine::Millis from, machine::Millis until) const {
    return first(reboots_, host, from, until);
  }
  /// Counts the reboots up to then: the boot id.
  unsigned boot(plan::HostId host, machine::Millis at) const;

 private:
  friend class SimulatedTransport;
  struct Outage {
    machine::Millis from;
    machine::Millis until;
  };
  struct Run {
    machine::Millis start = 0;
    machine::Millis end = 0;
    Reply reply;
  };
  /// Starts the command now, whatever becomes of the connection.
  Run begin(plan::HostId host, const machine::Command &command, machine::Millis now);
  using Outages = std::map<plan::HostId, std::vector<Outage>>;
  /// The first outage of the host that begins in [from, until); nothing: -1.
  static machine::Millis first(const Outages &all, plan::HostId host, machine::Millis from, machine::Millis until);
  static bool within(const Outages &all, plan::HostId host, machine::Millis at);

  /// What the host does for a lock, and whether a claim may stand on one: as the real ones do.
  struct LockState {
    std::uint64_t token = 0;
    std::string state = "free", run = "-", owner = "-", plan = "-";
    std::int64_t since = 0;
    machine::Millis lease_until = 0;
  };
  std::string show(plan::HostId host, const std::vector<std::string> &names, machine::Millis now);
  Reply change_lock(plan::HostId host, const machine::Command &command, machine::Millis now);
  /// What a claim is refused with; empty: it is not.
  std::string fence(plan::HostId host, const machine::Command &command, machine::Millis now);

  std::map<std::pair<plan::HostId, std::string>, LockState> locks_;
  HostModel &model_;
  std::vector<Started> started_;
  Outages reboots_, cuts_;
  std::map<std::pair<plan::HostId, std::string>, Run> steps_;
};

/// A Transport over a model in virtual time. Same seed, same requests, same model: same answers at the same times.
class SimulatedTransport final : public machine::Transport {
 public:
  SimulatedTransport(SimulatedHosts &hosts, SimulatedClock &clock, std::uint64_t seed = 1, Faults faults = {})
      : hosts_(hosts), clock_(clock), random_(seed), faults_(faults) {}

  void start(machine::RequestId request, plan::HostId host, machine::Command command) override;
  void cancel(machine::RequestId request) override;
  void disconnect(plan::HostId host) override;
  void wait(std::optional<machine::Millis> until, std::vector<machine::Answer> &answers,
            std::vector<machine::Output> &outputs) override;

 private:
  struct Pending {
    plan::HostId host;
    bool begun;  // something runs at the host
    machine::Answer answer;
  };
  bool chance(unsigned thousandths) { return thousandths > 0 && random_.chance(thousandths); }
  void schedule(machine::Millis at, plan::HostId host, bool begun, machine::Answer answer);
  static void fill(machine::Answer &answer, const Reply &reply, const machine::Command &command);
  /// Sets the answer to what the host says of a step; returns when it says so.
  machine::Millis attach(machine::Answer &answer, plan::HostId host, const machine::Command &command,
                         machine::Millis now) const;

  SimulatedHosts &hosts_;
  SimulatedClock &clock_;
  Random random_;
  Faults faults_;
  std::uint64_t order_ = 0;
  std::map<std::pair<machine::Millis, std::uint64_t>, Pending> events_;  // by time, then by order of start
};

}  // namespace upg::transport
