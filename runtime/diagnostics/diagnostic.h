#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/diagnostics/sources.h"

namespace upg::diagnostics {

enum class Severity : std::uint8_t { error, warning };

enum class Kind : std::uint16_t {
#define UPG_DIAGNOSTIC(name, code, severity, title) name,
#include "runtime/diagnostics/kinds.def"
  count_
};

struct KindInfo {
  std::string_view name;  // enumerator
  std::string_view code;  // "E0101"
  Severity severity;
  std::string_view title;
};
const KindInfo &info(Kind kind);
std::span<const KindInfo> all_kinds();

/// A marked place. One label of a diagnostic is the primary one (its place is the diagnostic's place).
struct Label {
  Range range;
  std::string text;  // may be empty
};

/// An edit that mends the source; applied only when all its edits fit.
struct Edit {
  Range range;
  std::string replacement;
};
struct FixIt {
  std::string title;  // "write `total - 1`"
  std::vector<Edit> edits;
  bool sure = false;  // the text means what its author wrote, so `--fix` may apply it unasked; else it is a guess
};

/// A step of a schedule as a simulation follows it. Plain values: this folder knows no plan.
struct Cue {
  /// told: words only, it follows from the others. admit, leave: a host's turn begins, a turn or a phase ends. lose: a
  /// turn fails and leaves its host behind. abort: the run is halted, and goes back.
  enum class Kind : std::uint8_t { told, start, end, pass, admit, leave, pause, choice, finish, lose, abort };
  static constexpr std::uint32_t no_node = 0xffffffffu;
  Kind kind = Kind::told;
  std::uint32_t node = no_node;  // index of the statement in the plan
  std::string key;               // its place with the turns around it, as a run's journal writes it: "body/2[node1]/0"
};

/// One step of the schedule that breaks a rule, as a reader would tell it.
struct ScheduleStep {
  std::string host;  // empty: the cluster or the controller
  std::string text;  // "starts linux.reboot while node1 is down: 1 of 3 votes up, 2 needed"
  Range where;       // invalid if there is no source
  std::optional<Cue> cue = std::nullopt;
};

/// A finished message. Texts are lower case, without a full stop.
struct Diagnostic {
  Kind kind;
  std::string message;
  Label primary;                   // range may be invalid: no place
  std::vector<Label> secondary;    // other places, also in other files
  std::vector<std::string> notes;  // facts: the rule, the values
  std::vector<std::string> helps;  // what to do next
  std::vector<FixIt> fixes;
  std::vector<ScheduleStep> schedule;  // shortest harmful schedule, for rules judged at a step
  bool raised = false;                 // a warning that counts as an error (`--strict`)

  Severity severity() const { return raised ? Severity::error : info(kind).severity; }
};

/// Collects what a run of the compiler or checker found, in order. Exact repeats (kind, place, message) are dropped;
/// after `limit` errors (and as many warnings) further ones are only counted, so that hostile input cannot flood the
/// terminal. errors() and warnings() count all distinct ones, dropped() those of them that are not stored.
class Sink {
 public:
  explicit Sink(std::size_t limit = 200) : limit_(limit) {}
  /// The stored one, or a scratch copy if it was dropped; valid until the next report.
  Diagnostic &report(Diagnostic diagnostic);
  /// Shorthand: `sink.report(Kind::x, range, "text").note("...").label(range, "...")`.
  class Builder;
  Builder report(Kind kind, Range range, std::string message);
  /// Warnings become errors, those that were only counted too.
  void raise_warnings();

  std::span<const Diagnostic> all() const { return diagnostics_; }
  std::size_t errors() const { return errors_; }
  std::size_t warnings() const { return warnings_; }
  std::size_t dropped() const { return dropped_; }

 private:
  std::size_t limit_;
  std::size_t errors_ = 0, warnings_ = 0, dropped_ = 0;
  std::vector<Diagnostic> diagnostics_;
  Diagnostic scratch_{};
};

/// Fluent form of one report; it is stored in the sink when the builder dies.
class Sink::Builder {
 public:
  Builder(Sink &sink, Diagnostic diagnostic) : sink_(&sink), diagnostic_(std::move(diagnostic)) {}
  Builder(const Builder &) = delete;
  Builder &operator=(const Builder &) = delete;
  ~Builder() { sink_->report(std::move(diagnostic_)); }
  Builder &primary(std::string text) {
    diagnostic_.primary.text = std::move(text);
    return *this;
  }
  Builder &label(Range range, std::string text) {
    diagnostic_.secondary.push_back({range, std::move(text)});
    return *this;
  }
  Builder &note(std::string text) {
    diagnostic_.notes.push_back(std::move(text));
    return *this;
  }
  Builder &help(std::string text) {
    diagnostic_.helps.push_back(std::move(text));
    return *this;
  }
  Builder &fix(std::string title, Range range, std::string replacement) {
    diagnostic_.fixes.push_back({std::move(title), {{range, std::move(replacement)}}, false});
    return *this;
  }
  /// A fix that cannot be meant otherwise: another spelling of what stands there.
  Builder &sure_fix(std::string title, Range range, std::string replacement) {
    diagnostic_.fixes.push_back({std::move(title), {{range, std::move(replacement)}}, true});
    return *this;
  }
  Builder &step(std::string host, std::string text, Range where, std::optional<Cue> cue = std::nullopt) {
    diagnostic_.schedule.push_back({std::move(host), std::move(text), where, std::move(cue)});
    return *this;
  }
  /// Whether the schedule so far has a step of this kind.
  bool tells(Cue::Kind kind) const {
    return std::any_of(diagnostic_.schedule.begin(), diagnostic_.schedule.end(),
                       [&](const ScheduleStep &s) { return s.cue && s.cue->kind == kind; });
  }

 private:
  Sink *sink_;
  Diagnostic diagnostic_;
};

inline Sink::Builder Sink::report(Kind kind, Range range, std::string message) {
  Diagnostic d{};
  d.kind = kind;
  d.message = std::move(message);
  d.primary.range = range;
  return Builder(*this, std::move(d));
}

/// The candidate nearest to `word` by edit distance, empty if none is near enough to be meant.
std::string_view did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// "1 host", "3 hosts".
std::string counted(std::int64_t number, std::string_view noun);

}  // namespace upg::diagnostics
