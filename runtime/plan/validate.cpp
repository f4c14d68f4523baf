#include "runtime/plan/validate.h"

#include "runtime/plan/text_rules.h"
#include "runtime/plan/validator.h"
#include "runtime/plan/visit.h"

namespace upg::plan {
namespace checks {

std::string Report::name(NodeId node) const {
  return fmt::format("node {} `{}`", node.index, info(plan_.node(node).op).name);
}
std::string Report::named(std::string_view table, std::size_t index, StringId name) const {
  return fmt::format("{}[{}] {}", table, index, quoted(plan_.text(name).substr(0, 200)));
}

namespace {

/// Visits the fields of one record, and of the records in it.
class FieldCheck {
 public:
  FieldCheck(const Plan &plan, Report &report) : plan_(plan), report_(report) {}

  template <class Record>
  void record(std::string_view table, std::size_t index, const Record &record) {
    table_ = table;
    index_ = index;
    fields(record);
  }

 private:
  template <class Record>
  void fields(const Record &record) {
    Record::fields(record, [this](const char *name, const auto &value) {
      if (report_.ok()) this->field(name, value, false);
    });
  }
  template <class T>
  void field(const char *name, const T &value, bool in_list) {
    if constexpr (AnyId<T>) {
      if (value.valid() ? value.index >= table_size(plan_, value) : in_list) {
        report_.fail(NodeId(), "{}[{}]: `{}` names something that is not there", table_, index_, name);
      }
    } else if constexpr (AnyEnum<T>) {
      if (value >= T::count_) report_.fail(NodeId(), "{}[{}]: `{}` is out of range", table_, index_, name);
    } else if constexpr (std::is_same_v<T, Span>) {
      if (!place_fits(plan_, value))
        report_.fail(NodeId(), "{}[{}]: `{}` is no place in a file of the plan", table_, index_, name);
    } else if constexpr (AnyList<T>) {
      // the only list with absent elements: slots that have no name of their own
      const bool may_be_absent = std::string_view(name) == "slots";
      for (const auto &element : value) {
        if (!report_.ok()) return;
        field(name, element, !may_be_absent);
      }
    } else if constexpr (AnyRecord<T>) {
      fields(value);
    }
  }

 public:
  static bool place_fits(const Plan &plan, const Span &span) {
    if (!span.valid()) return true;
    if (span.file >= plan.files.size()) return false;
    const StringId id = plan.files[span.file].text;
    if (!id.valid() || id.index >= plan.strings.size()) return false;
    const std::string &text = plan.strings[id.index];
    const auto at_character = [&](std::size_t at) {
      return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    };
    return span.begin <= span.end && span.end <= text.size() && at_character(span.begin) && at_character(span.end);
  }

 private:
  const Plan &plan_;
  Report &report_;
  std::string_view table_;
  std::size_t index_ = 0;
};

}  // namespace

bool check_fields(const Plan &plan, Report &report) {
  for (std::size_t i = 0; i < plan.strings.size(); ++i) {
    if (!is_utf8(plan.strings[i])) return report.fail_strings(fmt::format("string {} is not valid UTF-8", i));
  }
  if (const auto twin = find_repeated(plan.strings)) {
    return report.fail_strings(fmt::format("string {} stands in the pool twice", *twin));
  }
  FieldCheck check(plan, report);
  check.record("plan", 0, plan);
  Plan::tables(plan, [&](const char *name, const auto &table) {
    using Element = typename std::decay_t<decltype(table)>::value_type;
    for (std::size_t i = 0; i < table.size() && report.ok(); ++i) {
      if constexpr (AnyRecord<Element>) {
        check.record(name, i, table[i]);
      } else if (!table[i].valid() || table[i].index >= table_size(plan, table[i])) {
        report.fail(NodeId(), "{}[{}] names something that is not there", name, i);
      }
    }
  });
  if (plan.spans.size() != plan.nodes.size())
    return report.fail(NodeId(), "the source map does not have one place for each node");
  for (std::size_t i = 0; i < plan.spans.size() && report.ok(); ++i) {
    if (!FieldCheck::place_fits(plan, plan.spans[i]))
      report.fail(NodeId(i), "node {}: its place is not in a file of the plan", i);
  }
  return report.ok();
}

}  // namespace checks

std::optional<ValidationError> validate(const Plan &plan) {
  checks::Report report(plan);
  checks::Uses uses(plan);
  if (checks::check_fields(plan, report) && checks::check_nodes(plan, report) && checks::check_records(plan, report) &&
      checks::check_bodies(plan, report, uses)) {
    uses.check(report);
  }
  return report.take();
}

namespace {

/// Gives every node that a record names its new number.
struct Renumber {
  const std::vector<NodeId> &moved;
  void operator()(const char *, NodeId &id) const {
    if (id.valid()) id = moved[id.index];
  }
  template <class T>
  void operator()(const char *name, T &value) const {
    if constexpr (AnyList<T>) {
      for (auto &element : value) (*this)(name, element);
    } else if constexpr (AnyRecord<T>) {
      T::fields(value, *this);
    }
  }
};

}  // namespace

void drop_unused_nodes(Plan &plan) {
  std::vector<bool> used(plan.nodes.size(), false);
  for_each_body(plan, [&](const Body &body) { used[body.root.index] = true; });
  for (std::size_t i = plan.nodes.size(); i-- > 0;) {  // parents stand after their children
    if (!used[i]) continue;
    for (const NodeId kid : plan.kids(NodeId(i))) used[kid.index] = true;
  }
  std::vector<NodeId> moved(plan.nodes.size());
  std::vector<Node> nodes;
  std::vector<NodeId> children;
  std::vector<Span> spans;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    if (!used[i]) continue;
    moved[i] = NodeId(nodes.size());
    Node node = plan.nodes[i];
    node.first = static_cast<std::uint32_t>(children.size());
    for (const NodeId kid : plan.kids(NodeId(i))) children.push_back(moved[kid.index]);
    nodes.push_back(node);
    spans.push_back(plan.spans[i]);
  }
  plan.nodes = std::move(nodes);
  plan.children = std::move(children);
  plan.spans = std::move(spans);

  const Renumber renumber{moved};
  Plan::fields(plan, renumber);
  Plan::tables(plan, renumber);
}

}  // namespace upg::plan
