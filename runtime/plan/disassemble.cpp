#include "runtime/plan/disassemble.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

#include "runtime/plan/bodies.h"
#include "runtime/plan/bytecode.h"
#include "runtime/plan/locator.h"
#include "runtime/plan/opcodes.h"
#include "runtime/plan/text_rules.h"
#include "runtime/plan/visit.h"

namespace upg::plan {
namespace {

class Disassembler {
 public:
  explicit Disassembler(const Plan &plan) : plan_(plan), locator_(plan) {}

  std::string all() {
    line(0, "plan");
    frame_ = &plan_.frame;
    fields(1, plan_);
    Plan::tables(plan_, [this](const char *name, const auto &table) { this->table(name, table); });
    if (out_.size() > disassembly_limit) out_ += "... the rest is left out: the text is too long\n";
    return std::move(out_);
  }

 private:
  static constexpr std::size_t longest_string = 4096, longest_name = 200;

  template <class... T>
  void line(std::size_t depth, fmt::format_string<T...> format, T &&...values) {
    if (out_.size() > disassembly_limit) return;
    out_.append(depth * 2, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<T>(values)...);
    out_.push_back('\n');
  }

  // ---- one value in a line
  std::string text(StringId id) const { return quoted(plan_.text(id), longest_string); }
  std::string short_text(StringId id) const { return quoted(plan_.text(id), longest_name); }
  template <AnyId T>
  std::string reference(T id, std::string_view table, StringId name) const {
    return name.valid() ? fmt::format("{}[{}] {}", table, id.index, short_text(name))
                        : fmt::format("{}[{}]", table, id.index);
  }
  std::string value(StringId id) const { return text(id); }
  std::string value(IntegerId id) const { return std::to_string(plan_.integer(id)); }
  std::string value(HostId id) const { return reference(id, "hosts", plan_.hosts[id.index].name); }
  std::string value(SetId id) const { return reference(id, "sets", plan_.sets[id.index].name); }
  std::string value(RoleId id) const { return reference(id, "roles", plan_.roles[id.index].name); }
  std::string value(StateId id) const { return reference(id, "states", plan_.states[id.index].name); }
  std::string value(ProbeId id) const { return reference(id, "probes", plan_.probes[id.index].name); }
  std::string value(GateId id) const { return reference(id, "gates", plan_.gates[id.index].name); }
  std::string value(ActionId id) const { return reference(id, "actions", plan_.actions[id.index].name); }
  std::string value(HoldId id) const { return reference(id, "holds", plan_.holds[id.index].name); }
  std::string value(ProcedureId id) const { return reference(id, "procedures", plan_.procedures[id.index].name); }
  std::string value(RolloutId id) const { return reference(id, "rollouts", StringId()); }
  std::string value(PhaseId id) const { return reference(id, "phases", plan_.phases[id.index].name); }
  std::string value(WaiverId id) const { return reference(id, "waivers", plan_.waivers[id.index].rule); }
  std::string value(SecretId id) const { return reference(id, "secrets", plan_.secrets[id.index].name); }
  std::string value(bool yes) const { return yes ? "yes" : "no"; }
  std::string value(std::uint32_t number) const { return std::to_string(number); }
  std::string value(std::int64_t number) const { return std::to_string(number); }
  std::string value(const Span &span) const { return place(span, true); }
  template <AnyEnum T>
  std::string value(T enumerator) const {
    return quoted(name_of(enumerator));
  }
  std::string place(const Span &span, bool whole) const {
    std::string path = quoted(plan_.text(plan_.files[span.file].path).substr(0, longest_name));
    const Locator::Position begin = locator_.position(span.file, span.begin);
    const Locator::Position end = locator_.position(span.file, span.end);
    std::string out =
        fmt::format("{}:{}:{}", std::string_view(path).substr(1, path.size() - 2), begin.line, begin.column);
    if (whole) out += fmt::format("-{}:{}", end.line, end.column);
    return out;
  }

  // ---- records
  template <class Record>
  void fields(std::size_t depth, const Record &record) {
    if constexpr (requires { record.frame; }) frame_ = &record.frame;
    Record::fields(record, [&](const char *name, const auto &value) { field(depth, name, value); });
  }

  template <class T>
  void field(std::size_t depth, std::string_view name, const T &what) {
    if constexpr (std::is_same_v<T, NodeId>) {
      if (!what.valid()) return;
      line(depth, "{}", name);
      tree(depth + 1, what);
    } else if constexpr (AnyId<T> || std::is_same_v<T, Span>) {
      if (what.valid()) line(depth, "{} {}", name, value(what));
    } else if constexpr (AnyList<T>) {
      list(depth, name, what);
    } else if constexpr (AnyRecord<T>) {
      if constexpr (std::is_same_v<T, Frame>) {
        if (what.parameters.empty() && what.slots.empty()) return;
      }
      line(depth, "{}", name);
      fields(depth + 1, what);
    } else {
      line(depth, "{} {}", name, value(what));
    }
  }

  template <class E>
  void list(std::size_t depth, std::string_view name, const std::vector<E> &elements) {
    if (elements.empty()) return;
    if constexpr (std::is_same_v<E, NodeId>) {
      line(depth, "{}", name);
      for (const NodeId node : elements) tree(depth + 1, node);
    } else if constexpr (AnyRecord<E>) {
      for (std::size_t i = 0; i < elements.size(); ++i) {
        line(depth, "{}[{}]", name, i);
        fields(depth + 1, elements[i]);
      }
    } else {
      line(depth, "{}", name);
      for (const E &element : elements) {
        if constexpr (AnyId<E>) {
          line(depth + 1, "{}", element.valid() ? value(element) : std::string("-"));
        } else {
          line(depth + 1, "{}", value(element));
        }
      }
    }
  }

  template <class E>
  void table(std::string_view name, const std::vector<E> &elements) {
    for (std::size_t i = 0; i < elements.size(); ++i) {
      frame_ = nullptr;
      if constexpr (std::is_same_v<E, File>) {
        const std::string_view content = plan_.text(elements[i].text);
        line(0, "{}[{}] {}", name, i, text(elements[i].path));
        line(1, "bytes {}", content.size());
        line(1, "sha256 {}", sha256_hex(content));
      } else if constexpr (AnyRecord<E>) {
        line(0, "{}[{}]", name, i);
        fields(1, elements[i]);
      } else {
        line(0, "{}[{}] {}", name, i, value(elements[i]));
      }
    }
  }

  // ---- trees; their depth is bounded by the validator
  void tree(std::size_t depth, NodeId id) {
    const Node &node = plan_.node(id);
    const OpInfo &row = info(node.op);
    std::string head(row.name);
    immediate(head, row.a, node.a, id);
    immediate(head, row.b, node.b, id);
    const Span &span = plan_.span(id);
    if (span.valid()) {
      line(depth, "{}  ; {}", head, place(span, false));
    } else {
      line(depth, "{}", head);
    }
    for (const NodeId kid : plan_.kids(id)) tree(depth + 1, kid);
  }

  std::string slot(std::uint32_t index) const {
    if (frame_ == nullptr || index >= frame_->slots.size() || !frame_->slots[index].valid())
      return fmt::format("${}", index);
    return fmt::format("${} {}", index, short_text(frame_->slots[index]));
  }

  /// The value of the state that the node's first child names a cell of.
  std::string state_value(std::uint32_t ordinal, NodeId id) const {
    const auto kids = plan_.kids(id);
    if (kids.empty() || plan_.node(kids[0]).op != Op::cell) return std::to_string(ordinal);
    return fmt::format("{} {}", ordinal, short_text(plan_.states[plan_.node(kids[0]).a].values[ordinal].name));
  }

  void immediate(std::string &head, Immediate kind, std::uint32_t v, NodeId id) const {
    switch (kind) {
      case Immediate::unused:
      case Immediate::count_:
        return;
      case Immediate::string:
        head += ' ' + value(StringId(v));
        return;
      case Immediate::integer:
        head += ' ' + value(IntegerId(v));
        return;
      case Immediate::slot:
        head += ' ' + slot(v);
        return;
      case Immediate::flag:
        head += v == 0 ? " no" : " yes";
        return;
      case Immediate::host:
        head += ' ' + value(HostId(v));
        return;
      case Immediate::set:
        head += ' ' + value(SetId(v));
        return;
      case Immediate::role_or_all:
        head += v == all_roles ? std::string(" all") : ' ' + value(RoleId(v));
        return;
      case Immediate::role:
        head += ' ' + value(RoleId(v));
        return;
      case Immediate::state:
        head += ' ' + value(StateId(v));
        return;
      case Immediate::probe:
        head += ' ' + value(ProbeId(v));
        return;
      case Immediate::gate:
        head += ' ' + value(GateId(v));
        return;
      case Immediate::action:
        head += ' ' + value(ActionId(v));
        return;
      case Immediate::hold:
        head += ' ' + value(HoldId(v));
        return;
      case Immediate::procedure:
        head += ' ' + value(ProcedureId(v));
        return;
      case Immediate::rollout:
        head += ' ' + value(RolloutId(v));
        return;
      case Immediate::phase:
        head += ' ' + value(PhaseId(v));
        return;
      case Immediate::waiver:
        head += ' ' + value(WaiverId(v));
        return;
      case Immediate::secret:
        head += ' ' + value(SecretId(v));
        return;
      case Immediate::builtin:
        head += fmt::format(" {}", info(static_cast<Builtin>(v)).name);
        return;
      case Immediate::value:
        head += ' ' + state_value(v, id);
        return;
      case Immediate::count:
        head += fmt::format(" {}", v);
        return;
    }
  }

  const Plan &plan_;
  Locator locator_;
  const Frame *frame_ = nullptr;  // of the record at hand
  std::string out_;
};

}  // namespace

std::string disassemble(const Plan &plan) { return Disassembler(plan).all(); }

}  // namespace upg::plan
