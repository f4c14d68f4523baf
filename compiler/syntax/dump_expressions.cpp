#include <fmt/format.h>

#include "compiler/syntax/dump.h"

namespace upg::syntax::ast {
namespace {

std::string join(const std::vector<std::string> &parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        result += "\\n";
        break;
      case '\r':
        result += "\\r";
        break;
      case '\t':
        result += "\\t";
        break;
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          result += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
        } else {
          result += c;
        }
    }
  }
  return result + "\"";
}

std::string show(const Decimal &decimal) {
  std::string digits = std::to_string(decimal.digits);
  if (decimal.scale == 0) return digits;
  if (digits.size() <= decimal.scale) digits.insert(0, decimal.scale + 1u - digits.size(), '0');
  return digits.insert(digits.size() - decimal.scale, ".");
}

/// One visitor for all expressions: `(op operand operand)`, so that the grouping shows.
struct ExprDumper {
  std::string operator()(const ErrorExpr &) const { return "<error>"; }
  std::string operator()(const BoolLiteral &e) const { return e.value ? "true" : "false"; }
  std::string operator()(const IntLiteral &e) const { return std::to_string(e.value); }
  std::string operator()(const DecimalLiteral &e) const { return show(e.value); }
  std::string operator()(const PercentLiteral &e) const { return show(e.value) + "%"; }
  std::string operator()(const DurationLiteral &e) const { return fmt::format("{}ms", e.milliseconds); }
  std::string operator()(const SizeLiteral &e) const { return fmt::format("{}B", e.bytes); }
  std::string operator()(const DateLiteral &e) const { return dump_date(e); }
  std::string operator()(const StringLiteral &e) const { return dump_string(e); }
  std::string operator()(const ListExpr &e) const {
    std::vector<std::string> items;
    for (const ExprPtr &item : e.items) items.push_back(dump(*item));
    return fmt::format("[{}]", join(items, ", "));
  }
  std::string operator()(const ComprehensionExpr &e) const {
    return fmt::format("[{} for {}]", dump(*e.item), dump_binder(e.binder));
  }
  std::string operator()(const NameExpr &e) const { return e.name.text; }
  std::string operator()(const FieldExpr &e) const { return fmt::format("{}.{}", dump(*e.base), e.field.text); }
  std::string operator()(const IndexExpr &e) const { return fmt::format("{}[{}]", dump(*e.base), dump(*e.index)); }
  std::string operator()(const CallExpr &e) const {
    return fmt::format("{}({})", dump(*e.callee), dump_arguments(e.arguments));
  }
  std::string operator()(const UnaryExpr &e) const { return fmt::format("({} {})", spelling(e.op), dump(*e.operand)); }
  std::string operator()(const BinaryExpr &e) const {
    return fmt::format("({} {} {})", spelling(e.op), dump(*e.left), dump(*e.right));
  }
  std::string operator()(const DefaultExpr &e) const {
    return fmt::format("(default {} {})", dump(*e.value), dump(*e.fallback));
  }
  std::string operator()(const QuantifiedExpr &e) const {
    return fmt::format("({} {}: {})", e.kind == QuantifiedExpr::Kind::every ? "every" : "some", dump_binder(e.binder),
                       dump(*e.predicate));
  }
  std::string operator()(const CountExpr &e) const { return fmt::format("count({})", dump_selection(e.of)); }
  std::string operator()(const AnyExpr &e) const { return fmt::format("(any {})", dump_selection(e.of)); }
  std::string operator()(const RunExpr &e) const {
    std::string text = fmt::format("({}({}) {}", e.kind == RunExpr::Kind::run ? "run" : "sh",
                                   dump_arguments(e.arguments), dump_target(e.target));
    std::vector<std::string> exits;
    for (const IntLiteral &code : e.exits) exits.push_back(std::to_string(code.value));
    if (!exits.empty()) text += fmt::format(" exits {}", join(exits, ", "));
    if (e.standard_input) text += fmt::format(" stdin {}", dump(*e.standard_input));
    if (e.as_user) text += fmt::format(" as {}", dump(*e.as_user));
    for (const EnvVar &variable : e.environment)
      text += fmt::format(" env {} = {}", variable.name.text, dump(*variable.value));
    return text + ")";
  }
  std::string operator()(const AskExpr &e) const {
    return fmt::format("(ask {} -> {})", dump_string(e.text), dump_type(e.type));
  }
};

}  // namespace

std::string dump(const Expr &expr) { return std::visit(ExprDumper{}, expr.node); }

std::string dump_date(const DateLiteral &date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string dump_string(const StringLiteral &string) {
  if (string.parts.empty()) return string.raw ? "r\"\"" : "\"\"";
  std::vector<std::string> parts;
  for (const StringPart &part : string.parts) {
    if (const auto *text = std::get_if<std::string>(&part.part)) {
      parts.push_back(quoted(*text));
    } else {
      parts.push_back(fmt::format("${{{}}}", dump(*std::get<ExprPtr>(part.part))));
    }
  }
  return (string.raw ? "r" : "") + join(parts, " ~ ");
}

std::string dump_binder(const Binder &binder) {
  std::string text = fmt::format("{} in {}", binder.variable.text, dump(*binder.set));
  if (binder.where) text += fmt::format(" where {}", dump(*binder.where));
  if (binder.if_any) text += " if any";
  return text;
}

std::string dump_selection(const Selection &selection) {
  const Binder *binder = selection.binder();
  return binder ? dump_binder(*binder) : dump(selection.set());
}

std::string dump_target(const Target &target) {
  const std::string hosts = dump_selection(target.hosts);
  switch (target.kind) {
    case Target::Kind::on:
      return "on " + hosts;
    case Target::Kind::any:
      return "on any " + hosts;
    case Target::Kind::each:
      return "on each " + hosts;
  }
  return {};
}

std::string dump_arguments(const std::vector<Argument> &arguments) {
  std::vector<std::string> parts;
  for (const Argument &argument : arguments) {
    parts.push_back(argument.name ? fmt::format("{}: {}", argument.name->text, dump(*argument.value))
                                  : dump(*argument.value));
  }
  return join(parts, ", ");
}

std::string dump_ref(const Ref &ref) {
  return ref.arguments ? fmt::format("{}({})", ref.name.text(), dump_arguments(*ref.arguments)) : ref.name.text();
}

std::string dump_refs(const std::vector<Ref> &refs) {
  std::vector<std::string> parts;
  for (const Ref &ref : refs) parts.push_back(dump_ref(ref));
  return join(parts, ", ");
}

std::string dump_names(const std::vector<Name> &names) {
  std::vector<std::string> parts;
  for (const Name &name : names) parts.push_back(name.text);
  return join(parts, ", ");
}

std::string dump_type(const Type &type) {
  return type.arguments.empty() ? type.name.text()
                                : fmt::format("{}<{}>", type.name.text(), dump_type(type.arguments[0]));
}

}  // namespace upg::syntax::ast
