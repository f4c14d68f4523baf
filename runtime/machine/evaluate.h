#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/machine/simulation.h"
#include "runtime/machine/transport.h"
#include "runtime/machine/value.h"
#include "runtime/machine/world.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/plan.h"

namespace upg::machine {

/// Values of the slots of one body.
struct Environment {
  std::vector<Value> slots;
  const Value *was = nullptr;  // in the release of a hold
};

/// Things outside the plan that expressions read; owned by the run.
struct Surroundings {
  const plan::Plan *plan = nullptr;
  const World *world = nullptr;
  const std::vector<std::string> *secrets = nullptr;  // by SecretId; never shown
  Simulation *simulation = nullptr;                   // answers instead of hosts
  Millis question_timeout = 30'000;                   // for one command of a question
};

/// "signal 9 (SIGKILL)"
std::string signal_text(int signal);

/// A command that an expression needs the answer of.
struct Wanted {
  plan::HostId host;  // invalid: the controller
  Command command;
  std::string memo;  // key under which the answer is to be given back
};

/// A command node (run or shell) made concrete, for actions: where it runs and what. `problem` is set if a part is
/// unknown.
struct Concrete {
  std::vector<plan::HostId>
      hosts;  // in order of preference for `any`; all of them for `each`; invalid id: the controller
  bool any = false;
  bool each = false;
  bool chosen = false;  // the hosts were chosen by a condition: only the machine itself must be up
  Command command;
  bool user_written = false;  // `as user`: the same on every host; otherwise each host's own `become`
  std::vector<int> exits;
  Value problem;  // pending or unknown; otherwise nothing
  /// The command as it runs on that host.
  Command on(const plan::Plan &plan, plan::HostId host) const;
};
/// One asking: expressions of one body, evaluated over the same answers. Evaluation restarts from the top as answers
/// arrive; a command that several places ask for on the same host is run once, so what is compared was true at one
/// time. No recursion deeper than the plan's own nesting, which the validator bounds.
class Consultation {
 public:
  Consultation(const Surroundings &around, Environment environment)
      : around_(&around), environment_(std::move(environment)) {}

  /// Value::pending while `wanted()` is not empty.
  Value evaluate(plan::NodeId expression);
  /// Why a condition is false, over the answers that are there: its first false part with the values compared. Asks
  /// nothing.
  std::string explain(plan::NodeId condition);
  /// Target and arguments of a run/shell node, in this consultation's environment; questions inside may be pending.
  Concrete make(plan::NodeId node);
  /// Commands to run now; each is handed out once.
  std::vector<Wanted> take_wanted() { return std::move(wanted_); }
  void answer(const std::string &memo, Answer answer);
  /// What a person's question asked; empty if there is none. The answer comes through `answer_person`.
  const std::string &person_question() const { return question_; }
  void answer_person(std::string text);
  /// Hosts that were asked, for messages.
  const std::set<std::uint32_t> &asked() const { return asked_; }

 private:
  friend class Evaluator;
  const Surroundings *around_;
  Environment environment_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, std::string> person_answers_;
  std::set<std::string> outstanding_;
  std::vector<Wanted> wanted_;
  std::string question_;
  std::set<std::uint32_t> asked_;
};

/// A builtin applied to values that are not open. `votes` and `answers` are done by the evaluator.
Value apply_builtin(plan::Builtin builtin, const std::vector<Value> &arguments);
/// Search of an RE2 pattern: nothing if the pattern is bad.
Value search(const std::string &text, const std::string &pattern);
/// What stands in the source at the span, blanks folded, cut to `most` bytes.
std::string source_text(const plan::Plan &plan, plan::Span span, std::size_t most);
/// The user whom the plan says commands on the host run as (`become`); empty if that is the login user.
std::string become_user(const plan::Plan &plan, plan::HostId host);
/// Text as one word for /bin/sh.
std::string shell_quote(std::string_view word);

}  // namespace upg::machine
