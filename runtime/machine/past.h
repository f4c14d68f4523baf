#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/machine/journal.h"

namespace upg::machine {

/// One step's history.
struct StepPast {
  bool done = false;  // act ended well or was skipped; await passed; hold taken; statement done
  bool intended = false;
  bool failed = false;  // last attempt ended with a known failure
  bool released = false;
  int attempt = 0;      // last one intended; kept when the step starts afresh, so that its key on the hosts is new
  std::string boot_id;  // at the last intent
  std::string value;    // journalled value (let, hold's prior value, answers)
  struct Command {
    std::string host;
    std::string step;
  };
  std::vector<Command> commands;  // of the last attempt
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
  bool anything_done() const { return acted_; }
  /// The hold was given back before its end (a halt): it is entered afresh, under new attempts.
  void forget_hold(const std::string &key);

 private:
  std::map<std::string, StepPast> steps_;
  std::map<std::string, std::size_t> furthest_;
  std::map<std::string, std::string> identities_;
  bool acted_ = false;
};

/// Text fields of a record's data; empty where absent.
std::string field_of(const Record &record, const char *name);
/// {"a": "b", ...} from pairs; values are texts.
std::string make_data(std::initializer_list<std::pair<const char *, std::string>> fields);

}  // namespace upg::machine
