#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/machine/journal.h"
#include "runtime/machine/redact.h"

namespace upg::machine {

/// One step's history.
struct StepPast {
  bool done = false;  // act ended well or was skipped; await passed; hold taken; statement done
  bool intended = false;
  bool failed = false;  // last attempt ended with a known failure
  bool released = false;
  int attempt =
      0;  // last one intended (-1: no number); kept when the step starts afresh, so that its key on the hosts is new
  std::string boot_id;  // at the last intent
  std::string value;    // journalled value (let, hold's prior value, answers)
  struct Command {
    std::string host;
    std::string step;
  };
  std::vector<Command> commands;              // of the last attempt
  std::string action;                         // as intended last, for messages
  std::string host;                           // its subject
  bool ended = false;                         // the last attempt ended, whatever came of it
  std::string once_host;                      // that keeps the marker of a step that may start once
  std::string hold, hold_arguments;           // of a hold: its name and its arguments for the journal
  bool hold_unseen = false;                   // it was observed off when it was in force: it had nothing to do
  std::optional<std::int64_t> limit_unix_ms;  // since when an `at most` counts
};

/// What was observed last of one cell of a state.
struct CellPast {
  std::string state;
  std::string arguments;  // for the journal: a list
  std::string value;      // empty: it was on its way somewhere
};

/// A host that a step reinstalled: the host keys it had and has, and whether it has said who it is since.
struct RenewalPast {
  std::string old, trusted;
  bool met = false;
};

/// The journal of a run as the machine needs it at resume: what is finished is not repeated.
class Past {
 public:
  Past() = default;
  explicit Past(const std::vector<Record> &records);
  bool empty() const { return steps_.empty(); }
  const StepPast *step(const std::string &key) const;
  /// An action or a hold at or below a later child of this block has begun: what stands before it is over.
  bool beyond(const std::string &block_key, std::size_t index) const;
  /// An action or a hold at or below this block has begun.
  bool begun_under(const std::string &block_key) const { return furthest_.count(block_key) != 0; }
  /// Machine ids and so on by host name.
  const std::map<std::string, std::string> &identities() const { return identities_; }
  const std::map<std::string, RenewalPast> &renewals() const { return renewals_; }
  bool anything_done() const { return acted_; }
  const std::map<std::string, StepPast> &steps() const { return steps_; }
  const std::map<std::string, CellPast> &cells() const { return cells_; }
  /// Gates that passed, as the journal names them, with the host.
  const std::set<std::string> &passed() const { return passed_; }
  /// Host and role, by name: out by the plan when the journal ends.
  const std::set<std::pair<std::string, std::string>> &outages() const { return outages_; }
  /// The way back has begun.
  bool aborting() const { return aborting_; }
  /// How the run ended last, in words; empty: it has not, or its controller died.
  const std::string &status() const { return status_; }
  const std::string &reason() const { return reason_; }
  /// Names of hosts that tolerant rollouts have lost.
  const std::set<std::string> &lost() const { return lost_; }
  /// Of the locks that the run took last; 0: of none.
  std::uint64_t token() const { return token_; }
  /// The run had come to its end, and gave its locks up.
  bool gave_up_locks() const { return gave_up_locks_; }
  /// The hold was given back before its end (a halt): it is entered afresh, under new attempts.
  void forget_hold(const std::string &key);
  /// This process has used up that attempt of a step; the next one is new on the hosts.
  void attempt_used(const std::string &key, int attempt);

 private:
  std::map<std::string, StepPast> steps_;
  std::map<std::string, std::size_t> furthest_;
  std::map<std::string, std::string> identities_;
  std::map<std::string, CellPast> cells_;
  std::map<std::string, RenewalPast> renewals_;
  std::set<std::string> passed_;
  std::set<std::pair<std::string, std::string>> outages_;
  std::set<std::string> lost_;
  std::string status_, reason_;
  bool under_way_ = false;
  std::uint64_t token_ = 0;
  bool gave_up_locks_ = false;
  bool aborting_ = false;
  bool acted_ = false;
};

/// Text fields of a record's data; empty where absent.
std::string field_of(const Record &record, const char *name);
/// The data of a record with secrets taken out of what hosts and people said; names of the plan stay.
std::string without_secrets(const std::string &data, const Redaction &redaction);
/// {"a": "b", ...} from pairs; values are texts.
std::string make_data(std::initializer_list<std::pair<const char *, std::string>> fields);

}  // namespace upg::machine
