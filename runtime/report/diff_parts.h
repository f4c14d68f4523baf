#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/plan/locator.h"
#include "runtime/plan/opcodes.h"
#include "runtime/report/diff.h"
#include "runtime/report/plan_text.h"

/// Inside of the comparison of two plans.
namespace upg::report {

/// What a tree of a plan means, as a text without indices: names of declarations, values of constants, `slots[i]` for
/// the names bound around it and numbers in the order of their appearance for those bound inside. Two trees of two
/// plans with equal prints do the same.
std::string print_of(const plan::Plan &plan, plan::NodeId node, const std::vector<std::string> &slots = {});

/// "$0", "$1": the parameters of a frame, whatever they are called.
std::vector<std::string> parameter_slots(const plan::Frame &frame);

/// A set as a reader knows it: its name, else its hosts.
std::string set_text(const plan::Plan &plan, plan::SetId set);
std::vector<std::string> host_names(const plan::Plan &plan, const std::vector<plan::HostId> &hosts);

/// One of the two plans with what is asked of it again and again.
struct Side {
  explicit Side(const PlanSide &given) : plan(given.plan), locator(given.plan), proof(given.proof) {}
  const plan::Plan &plan;
  plan::Locator locator;
  const safety::Proof *proof;
  std::string name(plan::StringId id) const { return shown(plan.text(id), 120); }
  std::string place(const plan::Span &span) const { return span.valid() ? locator.start(span) : std::string(); }
};

/// Collects the differences.
class Comparison {
 public:
  Comparison(const PlanSide &before, const PlanSide &after) : a(before), b(after) {}
  Side a, b;

  struct Note {
    std::string text = {};
    std::string before = {};
    std::string after = {};
    plan::Span at_before = {};
    plan::Span at_after = {};
  };
  void add(ChangeKind kind, std::string subject, Note note) {
    add(kind, info(kind).danger, std::move(subject), std::move(note));
  }
  void add(ChangeKind kind, Danger danger, std::string subject, Note note);
  /// Reports unless both are the same text.
  void differ(ChangeKind kind, const std::string &subject, const std::string &what, const std::string &before,
              const std::string &after, plan::Span at_before = {}, plan::Span at_after = {});

  std::vector<Change> take();

 private:
  std::vector<Change> changes_;
};

// ---- the parts
void compare_identity(Comparison &c);
void compare_hosts(Comparison &c);
void compare_roles(Comparison &c);
void compare_gates(Comparison &c);
void compare_actions(Comparison &c);
void compare_states_and_holds(Comparison &c);
void compare_rules(Comparison &c);
void compare_proofs(Comparison &c);
void compare_steps(Comparison &c);

/// The elements of two tables paired by a text that names them, in the order of the first table, then what only the
/// second has. Null: the other side has none. Of equal names each is taken once.
template <class T, class Before, class After>
std::vector<std::pair<const T *, const T *>> paired(const std::vector<T> &before, const std::vector<T> &after,
                                                    Before &&name_before, After &&name_after) {
  std::multimap<std::string, const T *> open;
  for (const T &one : after) open.emplace(name_after(one), &one);
  std::vector<std::pair<const T *, const T *>> out;
  std::set<const T *> taken;
  for (const T &one : before) {
    const auto at = open.find(name_before(one));
    out.emplace_back(&one, at == open.end() ? nullptr : at->second);
    if (at == open.end()) continue;
    taken.insert(at->second);
    open.erase(at);
  }
  for (const T &one : after) {
    if (!taken.contains(&one)) out.emplace_back(nullptr, &one);
  }
  return out;
}

}  // namespace upg::report
