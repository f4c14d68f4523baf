#include "runtime/report/diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/report/diff_parts.h"
#include "runtime/report/review_outline.h"

namespace upg::report {

using plan::Immediate;
using plan::NodeId;

const ChangeInfo &info(ChangeKind kind) {
  static constexpr std::array rows = {
#define UPG_CHANGE(name, danger, words) ChangeInfo{#name, Danger::danger, words},
#include "runtime/report/diff_kinds.def"
  };
  return rows[static_cast<std::size_t>(kind)];
}

std::string_view name_of(Danger danger) {
  switch (danger) {
    case Danger::weaker:
      return "weaker";
    case Danger::different:
      return "different";
    case Danger::stronger:
      break;
  }
  return "stronger";
}

// ---- prints
namespace {

class Printer {
 public:
  Printer(const plan::Plan &plan, const std::vector<std::string> &slots) : plan_(plan), slots_(slots) {}

  void print(NodeId id) {
    const plan::Node &n = plan_.node(id);
    const plan::OpInfo &row = plan::info(n.op);
    out_ += '(';
    out_ += row.name;
    put(row.a, n.a);
    put(row.b, n.b);
    for (const NodeId kid : plan_.kids(id)) print(kid);  // at most 256 deep in a valid plan
    out_ += ')';
  }
  std::string take() { return std::move(out_); }

 private:
  template <class Table>
  std::string named(const Table &table, std::uint32_t index) const {
    return std::string(plan_.text(table[index].name));
  }

  void put(Immediate kind, std::uint32_t value) {
    if (kind == Immediate::unused) return;
    out_ += ' ';
    switch (kind) {
      case Immediate::string:
        out_ += value == plan::StringId::none ? "-" : fmt::format("\"{}\"", plan_.strings[value]);
        return;
      case Immediate::integer:
        out_ += std::to_string(plan_.integers[value]);
        return;
      case Immediate::slot:
        out_ += slot(value);
        return;
      case Immediate::host:
        out_ += named(plan_.hosts, value);
        return;
      case Immediate::set:
        out_ += set_text(plan_, plan::SetId(value));
        return;
      case Immediate::role:
      case Immediate::role_or_all:
        out_ += value == plan::all_roles ? "all" : named(plan_.roles, value);
        return;
      case Immediate::state:
        out_ += named(plan_.states, value);
        return;
      case Immediate::probe:
        out_ += named(plan_.probes, value);
        return;
      case Immediate::gate:
        out_ += named(plan_.gates, value);
        return;
      case Immediate::action:
        out_ += named(plan_.actions, value);
        return;
      case Immediate::hold:
        out_ += named(plan_.holds, value);
        return;
      case Immediate::procedure:
        out_ += named(plan_.procedures, value);
        return;
      case Immediate::secret:
        out_ += named(plan_.secrets, value);
        return;
      default:  // ordinals, flags, counts mean the same in every plan; rollouts, phases and waivers stand in no
                // expression
        out_ += std::to_string(value);
        return;
    }
  }

  std::string slot(std::uint32_t index) {
    if (index < slots_.size() && !slots_[index].empty()) return slots_[index];
    const auto known = std::find(seen_.begin(), seen_.end(), index);
    const auto number = known - seen_.begin();
    if (known == seen_.end()) seen_.push_back(index);
    return fmt::format("%{}", number);
  }

  const plan::Plan &plan_;
  const std::vector<std::string> &slots_;
  std::vector<std::uint32_t> seen_;
  std::string out_;
};

}  // namespace

std::string print_of(const plan::Plan &plan, NodeId node, const std::vector<std::string> &slots) {
  if (!node.valid()) return {};
  Printer printer(plan, slots);
  printer.print(node);
  return printer.take();
}

std::vector<std::string> parameter_slots(const plan::Frame &frame) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < frame.parameters.size(); ++i) out.push_back(fmt::format("${}", i));
  return out;
}

std::vector<std::string> host_names(const plan::Plan &plan, const std::vector<plan::HostId> &hosts) {
  std::vector<std::string> out;
  for (const plan::HostId h : hosts) out.emplace_back(plan.text(plan.hosts[h.index].name));
  return out;
}

std::string set_text(const plan::Plan &plan, plan::SetId id) {
  const plan::HostSet &set = plan.sets[id.index];
  if (set.name.valid()) return shown(plan.text(set.name), 120);
  // A role's set has no name of its own. Where several roles have the same hosts the one meant is not known; the role
  // that every host carries is not meant if another one fits.
  const plan::Role *meant = nullptr;
  bool several = false;
  for (const plan::Role &role : plan.roles) {
    const bool fits = role.hosts == id || (!set.condition.valid() && plan.sets[role.hosts.index].hosts == set.hosts);
    if (!fits) continue;
    if (meant != nullptr && !meant->boot.valid() && !role.boot.valid()) several = true;
    if (meant == nullptr || meant->boot.valid()) meant = &role;
  }
  if (meant != nullptr && !several) return shown(plan.text(meant->name), 120);
  return host_list(plan, set.hosts);
}

// ---- collecting

void Comparison::add(ChangeKind kind, Danger danger, std::string subject, Note note) {
  changes_.push_back({kind, danger, std::move(subject), std::move(note.text), std::move(note.before),
                      std::move(note.after), a.place(note.at_before), b.place(note.at_after)});
}

void Comparison::differ(ChangeKind kind, const std::string &subject, const std::string &what, const std::string &before,
                        const std::string &after, plan::Span at_before, plan::Span at_after) {
  if (before != after) add(kind, subject, {what, before, after, at_before, at_after});
}

std::vector<Change> Comparison::take() {
  std::stable_sort(changes_.begin(), changes_.end(), [](const Change &x, const Change &y) {
    return std::pair(x.danger, x.kind) < std::pair(y.danger, y.kind);
  });
  return std::move(changes_);
}

std::vector<Change> compare(const PlanSide &before, const PlanSide &after) {
  Comparison c(before, after);
  if (before.problem.empty() && !after.problem.empty())
    c.add(ChangeKind::proof_lost, "plan",
          {.text = "the new plan breaks a rule that the old one kept: " + after.problem});
  compare_identity(c);
  compare_hosts(c);
  compare_roles(c);
  compare_gates(c);
  compare_actions(c);
  compare_states_and_holds(c);
  compare_rules(c);
  compare_steps(c);
  compare_proofs(c);
  return c.take();
}

}  // namespace upg::report
