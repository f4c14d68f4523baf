#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/machine/journal.h"
#include "runtime/machine/transport.h"
#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"

namespace upg::machine {

/// What a finished run came to; the tool's exit code follows from it.
enum class Status : std::uint8_t {
  running,
  done,
  refused,  // stopped before anything was changed
  stopped,  // part-way, on request or for want of time: `resume` goes on
  halted,   // part-way, a person is needed first
};

struct Ending {
  Status status = Status::running;
  std::string reason;  // what happened, for a person
  std::string advice;  // doc comment of the gate, what to do next
  std::string key;     // step key
  plan::Span where;
};

/// One thing under way, for the live view and the heartbeat.
struct Activity {
  std::string key;
  plan::HostId host;   // may be invalid
  std::string what;    // "await db.in_sync", "linux.reboot"
  std::string detail;  // last answer of a gate
  std::int64_t since_unix_ms = 0;
  Millis deadline_ms = 0;  // monotonic; 0: none
};

struct HoldView {
  std::string name;
  std::string arguments;
  std::int64_t since_unix_ms = 0;
  bool found_on = false;
};

/// Hears everything as it happens; never asked for anything, may not call back.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void recorded(const Record &record) = 0;
  /// `step`: of an action's command; otherwise of a question.
  virtual void output(const std::string &key, plan::HostId host, bool step, bool error, std::string_view bytes) = 0;
  /// Lines for a person that are no events ("would run ..." of a dry run, warnings).
  virtual void said(const std::string &text) = 0;
};

/// People at the controller. Answers come back through Machine::person_answered.
class People {
 public:
  virtual ~People() = default;
  /// `confirm`: yes or no; otherwise free text. Nobody there: answer "" at once, which halts the run.
  virtual void ask(std::uint64_t id, const std::string &text, bool confirm) = 0;
};

enum class Mode : std::uint8_t {
  run,
  preflight,  // who the hosts are, rosters, every gate of the preflight; no action
  dry_run,    // preflight, then every question of the body that can be asked now; actions are only told
};

struct Options {
  std::string run_id;
  Mode mode = Mode::run;
  std::vector<Record> past;                        // the journal of the run that is resumed; empty: a new run
  std::vector<std::string> secrets;                // by SecretId
  std::optional<std::int64_t> window_end_unix_ms;  // nothing starts that may not end before
  bool rerun_failed = false;                       // a person says that steps whose failure is known may run again
  std::string who;                                 // user name for the journal
};

/// Executes one plan against a Transport, a Clock and a Journal. Deterministic: the same plan, past, answers and times
/// give the same records. The plan has been validated and proved; `proof` says what the run must ask again at the act.
class Machine {
 public:
  Machine(const plan::Plan &plan, const safety::Proof &proof, Transport &transport, Clock &clock, Journal &journal,
          Observer &observer, People &people, Options options);
  ~Machine();
  Machine(const Machine &) = delete;

  /// One turn: runs what is ready, waits for the next answer or deadline (at most `at_most` ms), takes the answers in.
  /// False when it has ended.
  bool turn(Millis at_most = 1000);
  const Ending &ending() const;

  /// Start nothing new, let running steps end; gates are left. Resumable.
  void request_stop(std::string by);
  void person_answered(std::uint64_t id, std::string text, std::string who);

  std::vector<Activity> activities() const;
  std::vector<HoldView> holds() const;

 private:
  struct Run;
  std::unique_ptr<Run> run_;
};

}  // namespace upg::machine
