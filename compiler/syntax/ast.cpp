#include "compiler/syntax/ast.h"

namespace upg::syntax::ast {

std::string QName::text() const {
  std::string joined;
  for (const Name &part : parts) {
    if (!joined.empty()) joined += '.';
    joined += part.text;
  }
  return joined;
}

const Expr &Selection::set() const {
  const Binder *bound = binder();
  return bound ? *bound->set : *std::get<ExprPtr>(of);
}

bool StringLiteral::plain() const {
  for (const StringPart &part : parts) {
    if (!std::holds_alternative<std::string>(part.part)) return false;
  }
  return true;
}

std::string StringLiteral::text() const {
  std::string joined;
  for (const StringPart &part : parts) {
    if (const auto *piece = std::get_if<std::string>(&part.part)) joined += *piece;
  }
  return joined;
}

std::string_view spelling(UnaryOp op) { return op == UnaryOp::minus ? "-" : "not"; }

std::string_view spelling(BinaryOp op) {
  switch (op) {
    case BinaryOp::logical_or:
      return "or";
    case BinaryOp::logical_and:
      return "and";
    case BinaryOp::equal:
      return "==";
    case BinaryOp::not_equal:
      return "!=";
    case BinaryOp::less:
      return "<";
    case BinaryOp::less_equal:
      return "<=";
    case BinaryOp::greater:
      return ">";
    case BinaryOp::greater_equal:
      return ">=";
    case BinaryOp::in:
      return "in";
    case BinaryOp::matches:
      return "matches";
    case BinaryOp::contains:
      return "contains";
    case BinaryOp::add:
      return "+";
    case BinaryOp::subtract:
      return "-";
    case BinaryOp::except:
      return "except";
    case BinaryOp::multiply:
      return "*";
    case BinaryOp::divide:
      return "/";
    case BinaryOp::intersect:
      return "&";
  }
  return "";
}

}  // namespace upg::syntax::ast
