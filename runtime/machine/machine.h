#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/machine/journal.h"
#include "runtime/machine/simulation.h"
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
  aborted,  // undone on request
};

struct Ending {
  Status status = Status::running;
  std::string reason;  // what happened, for a person
  std::string advice;  // doc comment of the gate, what to do next
  std::string key;     // step key
  plan::Span where;
  bool elsewhere = false;  // another controller has the run: this one's journal is not the one to go on with
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

/// A host that does not answer, and how long what needs it waits.
struct Silence {
  plan::HostId host;
  std::int64_t since_unix_ms = 0;
  std::int64_t until_unix_ms = 0;  // 0: nothing waits for it to a time
  std::string why;
};

struct HoldView {
  std::string name;
  std::string arguments;
  std::int64_t since_unix_ms = 0;
  bool found_on = false;
  std::string why;  // what its declaration says of it
};

/// What follows a thing under way, in its block or its rollout.
struct NextStep {
  std::string after;  // key of what is under way
  std::string what;   // as the source says it, or "turn of node2"
};

/// What somebody asked of a run that is under way.
enum class Wish : std::uint8_t { none, pause, paused, stop };

/// A hold as its hosts and the journal know it.
struct HoldSeen {
  std::string text;  // "quiet(node1)": names it
  std::string why;   // what its declaration says of it
  std::string on;    // "yes", "no", or why that is unknown
  std::string key;   // where this run took it; empty: this run does not hold it
  std::int64_t since_unix_ms = 0;
  bool found_on = false;  // it was on before this run
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

/// A person is asked.
struct Question {
  std::uint64_t id = 0;
  std::string key, text;
  bool confirm = false;  // yes or no
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
  holds,      // who the hosts are, and which holds of the plan are on; no action
};

/// One time that the plan may run in: [begin, end), milliseconds since 1970 UTC.
struct Opening {
  std::int64_t begin_unix_ms = 0;
  std::int64_t end_unix_ms = 0;
};

struct Options {
  std::string run_id;
  Mode mode = Mode::run;
  std::vector<Record> past;                        // the journal of the run that is resumed; empty: a new run
  std::vector<std::string> secrets;                // by SecretId
  std::vector<std::string> hidden;                 // other texts that nobody may see (a password for sudo)
  std::optional<std::int64_t> window_end_unix_ms;  // nothing starts that may not end before
  std::int64_t window_begin_unix_ms = 0;           // and nothing before this, should the clock be set back
  /// The opening that holds this moment, else the next one; nothing: there is none any more. Without it the run stops
  /// where the window ends; with it, it waits between two turns.
  std::function<std::optional<Opening>(std::int64_t unix_ms)> next_window;
  bool abort = false;                            // the way back, before the point of no return, instead of going on
  bool rerun_failed = false;                     // a person says that steps whose failure is known may run again
  bool fresh_limits = false;                     // a person says that every `at most` counts from now on
  std::map<std::string, std::string> host_keys;  // by host: fingerprints of new keys that a person vouches for
  std::vector<std::string> release;              // instead of going on: gives these holds back, as HoldSeen names them
  std::string who;                               // user name for the journal
  std::string owner = "controller";  // of the run's locks: USER@HOST and what tells this process from others
  /// Whether a controller that called itself so is certainly gone; nothing: nobody can tell, its lease is waited for.
  std::function<bool(const std::string &owner)> owner_is_dead;
  Millis lease_ms = 60'000;          // so long after its last word a controller is taken for alive
  Simulation *simulation = nullptr;  // no hosts are asked, and no real run is meant
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
  /// At the next place between two turns where it may wait (SEMANTICS R11) the run stands still, until it is told to
  /// go on. Where a hold in force does not say `on wait` it stops there instead, resumable.
  void request_pause(std::string by);
  void request_continue(std::string by);
  Wish wish() const;
  void person_answered(std::uint64_t id, std::string text, std::string who);
  /// Those that nobody has answered yet.
  std::vector<Question> questions() const;

  std::vector<Activity> activities() const;
  std::vector<HoldView> holds() const;
  /// What comes after what is under way; empty where that is the last thing.
  std::vector<NextStep> next_steps() const;
  /// After Mode::holds: the plan's holds, those whose arguments can be known.
  const std::vector<HoldSeen> &seen_holds() const;
  std::optional<std::int64_t> window_end_unix_ms() const;
  std::vector<Silence> silent() const;
  /// Commands of steps that were handed to hosts and have not ended: `what` is the command.
  std::vector<Activity> running() const;

  // ---- for a directed simulation
  /// Moves that could happen now, in the order in which they became possible.
  std::vector<Offer> offers() const;
  /// Lets one happen; `way` is which way a choice goes.
  void grant(std::uint64_t offer, int way = 0);
  /// Nothing is asked of a host and nobody waits for a time: the run goes on by grants only.
  bool quiet() const;

 private:
  struct Run;
  std::unique_ptr<Run> run_;
};

}  // namespace upg::machine
