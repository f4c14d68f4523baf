#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/plan.h"
#include "runtime/safety/check.h"

namespace upg::report {

/// How the new plan stands to the old one in one point: it protects less, differs in a way that a person has to judge,
/// or protects more.
enum class Danger : std::uint8_t { weaker, different, stronger };

enum class ChangeKind : std::uint8_t {
#define UPG_CHANGE(name, danger, words) name,
#include "runtime/report/diff_kinds.def"
  count_
};

struct ChangeInfo {
  std::string_view name;
  Danger danger;
  std::string_view words;
};
const ChangeInfo &info(ChangeKind kind);
std::string_view name_of(Danger danger);

/// One difference. Texts are ready to print.
struct Change {
  ChangeKind kind;
  Danger danger;
  std::string subject;  // "gate store.data_safe", "rolling n in db.replica"
  std::string text;     // what it means, when the two values do not say it
  std::string before;   // may be empty
  std::string after;
  std::string place_before;  // "plan.upg:3:5" in the old plan's sources; may be empty
  std::string place_after;
};

struct PlanSide {
  const plan::Plan &plan;
  std::string_view digest;
  const safety::Proof *proof = nullptr;  // null: not proved
  std::string problem;                   // why not
};

/// What differs in terms of safety, most dangerous first. Names, comments, places and the order of declarations do not
/// count; names of bound values do not either.
std::vector<Change> compare(const PlanSide &before, const PlanSide &after);

std::string render_diff_text(const PlanSide &before, const PlanSide &after, const std::vector<Change> &changes);
/// For a comment on a review: a table for each danger, nothing in a text can break out of its cell.
std::string render_diff_markdown(const PlanSide &before, const PlanSide &after, const std::vector<Change> &changes);
/// {"schema": "upg.plan-diff", "version": 1, "before": SIDE, "after": SIDE, "safe": ..., "changes": [...]}
std::string render_diff_json(const PlanSide &before, const PlanSide &after, const std::vector<Change> &changes);

}  // namespace upg::report
