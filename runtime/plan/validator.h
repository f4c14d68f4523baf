#pragma once
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/plan/bodies.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/validate.h"

/// The passes of the validator; each may rely on what the ones before it have seen to. Inner header of validate*.cpp.
namespace upg::plan::checks {

/// The first fault that was found, and the words to name a thing with.
class Report {
 public:
  explicit Report(const Plan &plan) : plan_(plan) {}
  bool ok() const { return !error_; }
  /// Gives false, so that a check can end with it.
  template <class... T>
  bool fail(NodeId node, fmt::format_string<T...> format, T &&...values) {
    if (!error_) error_ = ValidationError{fmt::format(format, std::forward<T>(values)...), node, false};
    return false;
  }
  bool fail_strings(std::string message) {
    if (!error_) error_ = ValidationError{std::move(message), NodeId(), true};
    return false;
  }
  std::optional<ValidationError> take() { return std::move(error_); }

  /// "node 17 `act`"
  std::string name(NodeId node) const;
  /// "gates[3] `db.health_ok`"; only after the strings were checked.
  template <class Record>
  std::string name(std::string_view table, std::size_t index, const Record &record) const {
    if constexpr (requires { record.name; }) {
      if (record.name.valid() && record.name.index < plan_.strings.size()) return named(table, index, record.name);
    }
    return fmt::format("{}[{}]", table, index);
  }

 private:
  std::string named(std::string_view table, std::size_t index, StringId name) const;
  const Plan &plan_;
  std::optional<ValidationError> error_;
};

/// Which declarations use which: found while bodies are walked, judged at the end.
class Uses {
 public:
  enum Kind : std::uint8_t { procedure, probe, state, set, gate, action, hold, kinds };
  explicit Uses(const Plan &plan);
  static constexpr std::uint32_t nobody = 0xffffffffu;
  std::uint32_t number(Kind kind, std::size_t index) const { return base_[kind] + static_cast<std::uint32_t>(index); }
  void add(std::uint32_t user, std::uint32_t used) {
    if (user != nobody) edges_.emplace_back(user, used);
  }
  bool check(Report &report) const;

 private:
  std::pair<std::string_view, std::size_t> where(std::uint32_t number) const;
  std::array<std::uint32_t, kinds + 1> base_{};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
};

/// Strings, ids, enumerators and places of every record, from `fields` and `tables` alone.
bool check_fields(const Plan &plan, Report &report);
/// Immediates, children and depth of every node.
bool check_nodes(const Plan &plan, Report &report);
/// What each declaration demands of its own fields.
bool check_records(const Plan &plan, Report &report);
/// Every tree: what may stand where, slots, uses of declarations; that every node has one place.
bool check_bodies(const Plan &plan, Report &report, Uses &uses);

}  // namespace upg::plan::checks
