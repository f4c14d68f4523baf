#include "runtime/report/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtime/diagnostics/utf8.h"

namespace upg::report {

using plan::Category;
using plan::NodeId;
using plan::Op;

std::string shown(std::string_view text, std::size_t most) {
  if (text.size() <= most) return diagnostics::printable(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return diagnostics::printable(text.substr(0, end)) + fmt::format("... ({} bytes)", text.size());
}

std::string duration_text(std::int64_t ms) {
  if (ms < 0) return "-" + duration_text(ms == INT64_MIN ? INT64_MAX : -ms);
  if (ms % 1000 != 0) return fmt::format("{}ms", ms);
  std::int64_t seconds = ms / 1000;
  std::string out;
  constexpr std::array<std::pair<std::int64_t, char>, 4> units = {{{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
  for (const auto &[length, letter] : units) {
    if (length == 86400 && seconds < 2 * length) continue;  // 36h is read more easily than 1d12h
    if (seconds >= length) out += fmt::format("{}{}", seconds / length, letter);
    seconds %= length;
  }
  return out.empty() ? "0s" : out;
}

std::string size_text(std::int64_t bytes) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 8> units = {{{1LL << 40, "TiB"},
                                                                               {1000000000000, "TB"},
                                                                               {1LL << 30, "GiB"},
                                                                               {1000000000, "GB"},
                                                                               {1LL << 20, "MiB"},
                                                                               {1000000, "MB"},
                                                                               {1LL << 10, "KiB"},
                                                                               {1000, "KB"}}};
  for (const auto &[unit, name] : units) {
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  }
  return fmt::format("{}B", bytes);
}

std::string day_text(std::int64_t seconds) {
  std::int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
  // the civil calendar from a count of days, eras of 400 years beginning in March
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t of_era = days - era * 146097;
  const std::int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * of_year + 2) / 153;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  return fmt::format("{:04}-{:02}-{:02}", year, month, of_year - (153 * shifted + 2) / 5 + 1);
}

namespace {
/// The sign between two operands; empty for what is no such operator.
std::string_view infix_sign(Op op) {
  static constexpr std::pair<Op, std::string_view> signs[] = {
      {Op::set_union, ", "},
      {Op::set_except, " except "},
      {Op::set_both, " & "},
      {Op::either, " or "},
      {Op::both, " and "},
      {Op::equal, " == "},
      {Op::differ, " != "},
      {Op::less, " < "},
      {Op::less_equal, " <= "},
      {Op::greater, " > "},
      {Op::greater_equal, " >= "},
      {Op::within, " in "},
      {Op::matches, " matches "},
      {Op::contains, " contains "},
      {Op::add, " + "},
      {Op::subtract, " - "},
      {Op::multiply, " * "},
      {Op::divide, " / "},
      {Op::otherwise, " default "},
  };
  for (const auto &[wanted, sign] : signs) {
    if (wanted == op) return sign;
  }
  return {};
}

}  // namespace

/// One text in the making; stops when it is long enough. Trees of a valid plan are at most 256 deep, so it may call
/// itself.
class Speaker {
 public:
  explicit Speaker(const PlanText &context) : context_(context), plan_(context.plan_) {}
  std::string out;

  bool full() {
    if (out.size() < limit) return false;
    if (!cut_) out += " ...";
    cut_ = true;
    return true;
  }

  void say(NodeId id) {
    if (full()) return;
    const plan::Node &n = plan_.node(id);
    const auto kids = plan_.kids(id);
    if (const std::string_view sign = infix_sign(n.op); !sign.empty()) return infix(kids, sign);
    switch (n.op) {
      case Op::text:
        literal(n.a);
        return;
      case Op::number:
        out += std::to_string(plan_.integers[n.a]);
        return;
      case Op::decimal:
      case Op::version:
        out += shown(plan_.strings[n.a]);
        return;
      case Op::boolean:
        out += n.a != 0 ? "true" : "false";
        return;
      case Op::duration:
        out += duration_text(plan_.integers[n.a]);
        return;
      case Op::size:
        out += size_text(plan_.integers[n.a]);
        return;
      case Op::percent:
        out += fmt::format("{:g}%", static_cast<double>(plan_.integers[n.a]) / 10000.0);
        return;
      case Op::time:
        out += day_text(plan_.integers[n.a]);
        return;
      case Op::host:
        name(plan_.hosts[n.a].name);
        return;
      case Op::list:
        out += '[';
        comma(kids);
        out += ']';
        return;
      case Op::secret:
        out += "secret ";
        name(plan_.secrets[n.a].name);
        return;
      case Op::local:
        out += context_.slot(n.a);
        return;
      case Op::was:
        out += "what it was before";
        return;
      case Op::cell_value:
        say(kids[0]);
        return;
      case Op::ask_probe:
        use(plan_.probes[n.a].name, kids);
        return;
      case Op::gate:
        use(plan_.gates[n.a].name, kids);
        return;
      case Op::held:
        use(plan_.holds[n.a].name, kids);
        return;
      case Op::cell:
        use(plan_.states[n.a].name, kids);
        return;
      case Op::builtin:
        out += plan::info(static_cast<plan::Builtin>(n.a)).name;
        parenthesized(kids);
        return;
      case Op::field:
        tight(kids[0]);
        out += '.';
        out += shown(plan_.strings[n.a]);
        return;
      case Op::index:
        tight(kids[0]);
        out += '[';
        say(kids[1]);
        out += ']';
        return;
      case Op::set:
        set(n.a);
        return;
      case Op::set_live:
        out += "the live ";
        set(n.a);
        return;
      case Op::any_of:
        out += "any ";
        tight(kids[0]);
        return;
      case Op::negate:
        out += "not ";
        tight(kids[0]);
        return;
      case Op::minus:
        out += '-';
        tight(kids[0]);
        return;
      case Op::concat:
        concat(kids);
        return;
      case Op::every:
        binder("every ", n, kids, ": ");
        return;
      case Op::some:
        binder("some ", n, kids, ": ");
        return;
      case Op::each:
        each(n, kids);
        return;
      case Op::count_of:
        counted(n, kids);
        return;
      case Op::choose:
        out += "if ";
        say(kids[0]);
        out += " then ";
        say(kids[1]);
        out += " else ";
        say(kids[2]);
        return;
      case Op::bind:
        out += "let " + context_.slot(n.a) + " = ";
        say(kids[0]);
        out += "; ";
        say(kids[1]);
        return;
      case Op::no_answer:
        out += "unknown";
        return;
      case Op::on_host:
        out += "on ";
        tight(kids[0]);
        return;
      case Op::on_any:
        out += "on any ";
        tight(kids[0]);
        return;
      case Op::on_each:
        out += "on each ";
        tight(kids[0]);
        return;
      case Op::on_local:
        out += "on the machine that runs upgrun";
        return;
      case Op::exits:
        out += "exits " + std::to_string(plan_.integers[n.a]);
        return;
      case Op::stdin_is:
        out += "stdin ";
        say(kids[0]);
        return;
      case Op::as_user:
        out += "as ";
        say(kids[0]);
        return;
      case Op::env_is:
        out += "env " + shown(plan_.strings[n.a]) + " = ";
        say(kids[0]);
        return;
      case Op::run:
      case Op::shell:
        out += '`';
        command(id);
        out += "` ";
        say(kids[0]);
        return;
      case Op::ask_person:
        out += "ask ";
        literal(n.a);
        return;
      case Op::in_service:
        out += "in_service(";
        say(kids[0]);
        out += ')';
        return;
      case Op::stoppable:
        out += "stoppable(";
        say(kids[0]);
        out += ')';
        return;
      case Op::need_gate:
      case Op::need_true:
      case Op::awaits_true:
        say(kids[0]);
        return;
      case Op::need_value:
        say(kids[0]);
        out += " == ";
        value(kids[0], n.a);
        return;
      case Op::need_held:
        out += "held ";
        say(kids[0]);
        return;
      case Op::need_free:
        out += "not held ";
        say(kids[0]);
        return;
      case Op::need_count:
        counted(n, kids.first(2));
        out += n.b == 0 ? " == " : n.b == 1 ? " >= " : " <= ";
        say(kids[2]);
        return;
      case Op::changes:
        out += "changes ";
        role(n.a);
        out += ' ';
        say(kids[0]);
        return;
      case Op::disrupts:
        out += "disrupts ";
        role(n.a);
        out += ' ';
        say(kids[0]);
        return;
      case Op::spills:
        out += "spills ";
        role(n.a);
        return;
      case Op::destroys:
        out += "DESTROYS ";
        say(kids[0]);
        return;
      case Op::reinstalls:
        out += "REINSTALLS ";
        say(kids[0]);
        return;
      case Op::reaches:
        out += "reaches ";
        role(n.a);
        return;
      case Op::moves:
        moves(n, kids);
        return;
      case Op::boot_of:
        out += "awaits boot of ";
        say(kids[0]);
        return;
      case Op::awaits_gate:
        out += "awaits ";
        say(kids[0]);
        return;
      default:  // statements are told by the outline
        out += plan::info(n.op).name;
        return;
    }
  }

  void comma(std::span<const NodeId> kids) {
    for (std::size_t i = 0; i < kids.size() && !full(); ++i) {
      if (i > 0) out += ", ";
      say(kids[i]);
    }
  }
  void parenthesized(std::span<const NodeId> kids) {
    if (kids.empty()) return;
    out += '(';
    comma(kids);
    out += ')';
  }

  /// The words of a command; text as it is, with quotes where a shell would want them; the rest as ${...}.
  void command(NodeId id) {
    const bool script = plan_.node(id).op == Op::shell;
    bool first = true;
    for (const NodeId kid : plan_.kids(id)) {
      if (full()) return;
      const plan::Node &n = plan_.node(kid);
      if (plan::info(n.op).category != Category::expr) continue;
      if (!first && !script) out += ' ';
      first = false;
      if (n.op == Op::text) {
        const std::string word = shown(plan_.strings[n.a], script ? 2000 : 400);
        out += script ? word : shell_word(word);
      } else if (constant(n.op)) {
        say(kid);
      } else {
        out += "${";
        say(kid);
        out += '}';
      }
    }
  }

 private:
  static constexpr std::size_t limit = 4000;

  static bool constant(Op op) {
    return op == Op::number || op == Op::decimal || op == Op::boolean || op == Op::version || op == Op::host;
  }
  static std::string shell_word(const std::string &word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word) {
      if (c == '\'') {
        quoted += "'\\''";
      } else {
        quoted += c;
      }
    }
    return quoted + "'";
  }
  void literal(std::uint32_t string) { out += '"' + shown(plan_.strings[string]) + '"'; }
  void name(plan::StringId id) { out += shown(plan_.text(id)); }
  void use(plan::StringId what, std::span<const NodeId> kids) {
    name(what);
    parenthesized(kids);
  }
  void role(std::uint32_t index) {
    if (index == plan::all_roles) {
      out += "all";
    } else {
      name(plan_.roles[index].name);
    }
  }
  void set(std::uint32_t index) {
    const plan::HostSet &s = plan_.sets[index];
    if (s.name.valid()) return name(s.name);
    if (s.hosts.size() == plan_.hosts.size() && !s.condition.valid() && s.hosts.size() > 1) {
      out += "all";
      return;
    }
    out += '{';
    for (std::size_t i = 0; i < s.hosts.size() && !full(); ++i) {
      if (i > 0) out += ", ";
      name(plan_.hosts[s.hosts[i].index].name);
    }
    out += '}';
  }
  void value(NodeId cell, std::uint32_t ordinal) { name(plan_.states[plan_.node(cell).a].values[ordinal].name); }

  /// A part that needs brackets if it is made of parts.
  void tight(NodeId id) {
    const std::size_t kids = plan_.kids(id).size();
    switch (plan_.node(id).op) {
      case Op::ask_probe:
      case Op::builtin:
      case Op::list:
      case Op::field:
      case Op::index:
      case Op::gate:
      case Op::cell_value:
        return say(id);
      default:
        break;
    }
    if (kids == 0) return say(id);
    out += '(';
    say(id);
    out += ')';
  }
  void infix(std::span<const NodeId> kids, std::string_view symbol) {
    tight(kids[0]);
    out += symbol;
    tight(kids[1]);
  }
  void concat(std::span<const NodeId> kids) {
    out += '"';
    for (const NodeId kid : kids) {
      if (full()) return;
      if (plan_.node(kid).op == Op::text) {
        out += shown(plan_.strings[plan_.node(kid).a]);
      } else {
        out += "${";
        say(kid);
        out += '}';
      }
    }
    out += '"';
  }
  void where_clause(NodeId condition) {
    const plan::Node &n = plan_.node(condition);
    if (n.op == Op::boolean && n.a == 1) return;  // written without `where`
    out += " where ";
    say(condition);
  }
  void binder(std::string_view word, const plan::Node &n, std::span<const NodeId> kids, std::string_view between) {
    out += word;
    out += context_.slot(n.a) + " in ";
    tight(kids[0]);
    where_clause(kids[1]);
    if (n.b == 1) out += " if any";
    out += between;
    say(kids[2]);
  }
  void each(const plan::Node &n, std::span<const NodeId> kids) {
    out += '[';
    say(kids[2]);
    out += " for " + context_.slot(n.a) + " in ";
    tight(kids[0]);
    where_clause(kids[1]);
    out += ']';
  }
  void counted(const plan::Node &n, std::span<const NodeId> kids) {
    out += "count(" + context_.slot(n.a) + " in ";
    tight(kids[0]);
    where_clause(kids[1]);
    out += ')';
  }
  void moves(const plan::Node &n, std::span<const NodeId> kids) {
    out += "moves ";
    say(kids[0]);
    const auto ordinal = [&](std::size_t k) {
      return static_cast<std::uint32_t>(plan_.integers[plan_.node(kids[k]).a]);
    };
    const std::size_t sources = ordinal(1);
    for (std::size_t k = 0; k < sources; ++k) {
      out += k == 0 ? ": " : " | ";
      value(kids[0], ordinal(2 + k));
    }
    out += sources == 0 ? ": -> " : " -> ";
    value(kids[0], n.a);
    for (std::size_t k = 2 + sources; k < kids.size() && !full(); ++k) {
      out += " via ";
      value(kids[0], ordinal(k));
    }
    if (n.b > 0) {
      out += " else ";
      value(kids[0], n.b - 1);
    }
  }

  const PlanText &context_;
  const plan::Plan &plan_;
  bool cut_ = false;
};

std::string PlanText::text(NodeId node) const {
  Speaker speaker(*this);
  speaker.say(node);
  return std::move(speaker.out);
}
std::string PlanText::arguments(NodeId use) const {
  Speaker speaker(*this);
  speaker.parenthesized(plan_.kids(use));
  return std::move(speaker.out);
}
std::vector<std::string> PlanText::argument_list(NodeId use) const {
  std::vector<std::string> out;
  for (const NodeId kid : plan_.kids(use)) out.push_back(text(kid));
  return out;
}
std::string PlanText::command_line(NodeId node) const {
  Speaker speaker(*this);
  speaker.command(node);
  return std::move(speaker.out);
}
std::string PlanText::where(NodeId node) const { return text(plan_.kid(node, 0)); }
std::string PlanText::options(NodeId node) const {
  Speaker speaker(*this);
  for (const NodeId kid : plan_.kids(node)) {
    if (plan::info(plan_.node(kid).op).category != Category::option || speaker.full()) continue;
    if (!speaker.out.empty()) speaker.out += ", ";
    speaker.say(kid);
  }
  return std::move(speaker.out);
}
std::string PlanText::slot(std::uint32_t index) const {
  if (index < names_.size()) return names_[index];
  if (index < frame_.slots.size() && frame_.slots[index].valid()) return shown(plan_.text(frame_.slots[index]), 80);
  return fmt::format("${}", index);
}

}  // namespace upg::report
