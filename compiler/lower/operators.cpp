// Operators of expressions. Units are types: what does not go together is an error that says which unit is missing.
#include <fmt/format.h>
#include <re2/re2.h>

#include "compiler/lower/expressions.h"

namespace upg::lower {
namespace {

using ast::BinaryOp;

Op opcode(BinaryOp op) {
  switch (op) {
    case BinaryOp::logical_or:
      return Op::either;
    case BinaryOp::logical_and:
      return Op::both;
    case BinaryOp::equal:
      return Op::equal;
    case BinaryOp::not_equal:
      return Op::differ;
    case BinaryOp::less:
      return Op::less;
    case BinaryOp::less_equal:
      return Op::less_equal;
    case BinaryOp::greater:
      return Op::greater;
    case BinaryOp::greater_equal:
      return Op::greater_equal;
    case BinaryOp::in:
      return Op::within;
    case BinaryOp::matches:
      return Op::matches;
    case BinaryOp::contains:
      return Op::contains;
    case BinaryOp::add:
      return Op::add;
    case BinaryOp::subtract:
      return Op::subtract;
    case BinaryOp::except:
      return Op::set_except;
    case BinaryOp::multiply:
      return Op::multiply;
    case BinaryOp::divide:
      return Op::divide;
    case BinaryOp::intersect:
      return Op::set_both;
  }
  return Op::equal;
}

bool is_number(Base base) { return base == Base::integer || base == Base::decimal; }
bool is_open(Base base) { return base == Base::any || base == Base::json; }
bool is_measure(Base base) { return base == Base::duration || base == Base::size || base == Base::percent; }
bool is_text(Base base) { return base == Base::string || base == Base::version || base == Base::cell || is_open(base); }

/// Type of `left op right`, poison if the two do not go together.
Type arithmetic_type(BinaryOp op, const Type &left, const Type &right) {
  const Base a = left.base, b = right.base;
  if (is_open(a) || is_open(b)) {
    const Base other = is_open(a) ? b : a;
    if (is_open(other)) return Type::of(a == Base::any && b == Base::any ? Base::any : Base::json);
    if (other == Base::list && op == BinaryOp::add) return Type::list_of(Type::of(Base::json));
    if (is_number(other) || is_measure(other) || other == Base::time ||
        (other == Base::string && op == BinaryOp::add)) {
      return Type::of(other == Base::integer ? Base::json : other);
    }
    return {Base::poison, Base::any, {}, {}};
  }
  const Type poison = Type::of(Base::poison);
  switch (op) {
    case BinaryOp::add:
      if (a == Base::list && b == Base::list) {
        if (left.element == Base::any) return right;
        return sema::comparable(left.element_type(), right.element_type())
                   ? (left == right || right.element == Base::any ? left : Type::list_of(left.element_type()))
                   : poison;
      }
      if (a == Base::string && b == Base::string) return left;
      if (a == Base::time && b == Base::duration) return left;
      if (a == Base::duration && b == Base::time) return right;
      break;
    case BinaryOp::subtract:
      if (a == Base::time && b == Base::duration) return left;
      if (a == Base::time && b == Base::time) return Type::of(Base::duration);
      break;
    case BinaryOp::multiply:
      if (is_measure(a) && b == Base::integer) return left;
      if (a == Base::integer && is_measure(b)) return right;
      break;
    case BinaryOp::divide:
      if (is_measure(a) && b == Base::integer) return left;
      if (is_measure(a) && a == b) return Type::of(Base::integer);
      break;
    default:
      break;
  }
  if (is_number(a) && is_number(b))
    return Type::of(a == Base::decimal || b == Base::decimal ? Base::decimal : Base::integer);
  if (is_measure(a) && a == b && (op == BinaryOp::add || op == BinaryOp::subtract)) return left;
  return poison;
}

}  // namespace

Typed Expressions::unary(const ast::UnaryExpr &expr, Range range, Body &body) {
  if (expr.op == ast::UnaryOp::logical_not) {
    const NodeId operand = condition(*expr.operand, body, "what stands behind `not`");
    return make(Op::negate, range, {operand}, Type::of(Base::boolean));
  }
  if (expr.operand->is<ast::IntLiteral>() || expr.operand->is<ast::DecimalLiteral>()) {
    sema::Value known;
    ast::Expr const &operand = *expr.operand;
    if (operand.is<ast::IntLiteral>() &&
        context_->evaluator.constant(operand, context_->scope(body), known) == sema::Known::yes) {
      return {context_->number(-known.integer(), range), known.type, nullptr};
    }
  }
  const Typed operand = value(*expr.operand, body);
  if (operand.poisoned()) return {};
  if (!is_number(operand.type.base) && !is_measure(operand.type.base) && !is_open(operand.type.base)) {
    context_->error(Kind::operand_mismatch, range,
                    fmt::format("`-` needs a number, found {}", context_->article(operand.type)));
    return {};
  }
  return make(Op::minus, range, {operand.node}, operand.type);
}

Typed Expressions::binary(const ast::BinaryExpr &expr, Range range, Body &body) {
  switch (expr.op) {
    case BinaryOp::logical_or:
    case BinaryOp::logical_and:
      return logical(expr, range, body);
    case BinaryOp::equal:
    case BinaryOp::not_equal:
    case BinaryOp::less:
    case BinaryOp::less_equal:
    case BinaryOp::greater:
    case BinaryOp::greater_equal:
      return comparison(expr, range, body);
    case BinaryOp::in:
    case BinaryOp::contains:
      return membership(expr, range, body);
    case BinaryOp::matches:
      return pattern(expr, range, body);
    case BinaryOp::except:
    case BinaryOp::intersect:
      return sets(expr, range, body);
    case BinaryOp::add:
    case BinaryOp::subtract:
    case BinaryOp::multiply:
    case BinaryOp::divide:
      return arithmetic(expr, range, body);
  }
  return {};
}

Typed Expressions::logical(const ast::BinaryExpr &expr, Range range, Body &body) {
  const std::string what = fmt::format("each side of `{}`", ast::spelling(expr.op));
  const NodeId left = condition(*expr.left, body, what);
  const NodeId right = condition(*expr.right, body, what);
  return make(opcode(expr.op), range, {left, right}, Type::of(Base::boolean));
}

void Expressions::mismatch(const ast::BinaryExpr &expr, const Typed &left, const Typed &right, Range range,
                           std::string_view note) {
  const std::string_view op = ast::spelling(expr.op);
  auto report = context_->error(
      Kind::operand_mismatch, range,
      fmt::format("`{}` does not go with {} and {}", op, context_->article(left.type), context_->article(right.type)));
  report.label(expr.left->range, context_->article(left.type)).label(expr.right->range, context_->article(right.type));
  if (!note.empty()) report.note(std::string(note));
  const auto suggest = [&](const ast::Expr &number, const Type &wanted) {
    const auto *written = number.as<ast::IntLiteral>();
    if (written == nullptr) return;
    const std::string unit = sema::suggest_unit(wanted, std::to_string(written->value));
    if (!unit.empty()) report.fix(fmt::format("write the unit, as in `{}`", unit), number.range, unit);
  };
  suggest(*expr.left, right.type);
  suggest(*expr.right, left.type);
  if (left.type.is(Base::result) || right.type.is(Base::result))
    report.help("`.stdout`, `.stderr` and `.code` are what a command gives");
  if ((left.type.is(Base::host)) != (right.type.is(Base::host)) &&
      (left.type.is(Base::string) || right.type.is(Base::string))) {
    report.help("`h.name` is the name of a host");
  }
  if (left.type.is(Base::string) && right.type.is(Base::string))
    report.help("`version(x)` orders versions, `int(x)` whole numbers");
}

Typed Expressions::value_of_state(const ast::Expr &expr, sema::StateId state, Body &body) {
  const sema::State &declared = context_->program.states[state.index];
  if (const auto *name = expr.as<ast::NameExpr>()) {
    if (declared.value(name->name.text))
      return {context_->text(name->name.text, expr.range), Type::cell_of(state), nullptr};
    const bool other = context_->find(body, name->name.text) != nullptr ||
                       context_->resolver.find(body.module, name->name.text).status == sema::Found::Status::found;
    if (!other) {
      context_->resolver.state_value(state, name->name);  // says what the values are
      return {};
    }
  }
  if (const auto *quoted = expr.as<ast::StringLiteral>(); quoted != nullptr && quoted->plain()) {
    auto report = context_->error(Kind::operand_mismatch, expr.range,
                                  fmt::format("state `{}` is compared with a text", declared.symbol.name));
    report.note("the values of a state are names, so that a misspelled one is found here");
    if (declared.value(quoted->text())) report.sure_fix("write the value without quotes", expr.range, quoted->text());
    return {};
  }
  return value(expr, body);
}

Typed Expressions::comparison(const ast::BinaryExpr &expr, Range range, Body &body) {
  Typed left, right;
  const bool equality = expr.op == BinaryOp::equal || expr.op == BinaryOp::not_equal;
  const std::optional<sema::StateId> right_state = equality ? state_named(*expr.right, body) : std::nullopt;
  if (right_state && !state_named(*expr.left, body)) {
    right = value(*expr.right, body);
    left = value_of_state(*expr.left, *right_state, body);
  } else {
    left = value(*expr.left, body);
    // Beside something broken a bare name may be a value of a state that is not known: no second message.
    if (left.poisoned() && expr.right->is<ast::NameExpr>()) return {};
    right = equality && left.type.is(Base::cell) ? value_of_state(*expr.right, left.type.state, body)
                                                 : value(*expr.right, body);
  }
  if (left.poisoned() || right.poisoned()) return {};
  const Type boolean = Type::of(Base::boolean);
  if (equality ? sema::comparable(left.type, right.type) : sema::ordered(left.type, right.type)) {
    return make(opcode(expr.op), range, {left.node, right.node}, boolean);
  }
  mismatch(expr, left, right, range,
           !equality && sema::comparable(left.type, right.type)
               ? "these can be equal or not, but neither is before the other"
               : "");
  return {};
}

Typed Expressions::membership(const ast::BinaryExpr &expr, Range range, Body &body) {
  const bool in = expr.op == BinaryOp::in;
  const ast::Expr &box_expr = in ? *expr.right : *expr.left;
  const ast::Expr &item_expr = in ? *expr.left : *expr.right;
  Typed item, box;
  const auto *written = box_expr.as<ast::ListExpr>();
  if (written != nullptr && state_named(item_expr, body)) {  // S(h) in [old, armed]
    item = value(item_expr, body);
    std::vector<NodeId> values;
    for (const ast::ExprPtr &one : written->items) values.push_back(value_of_state(*one, item.type.state, body).node);
    box = {context_->node(Op::list, box_expr.range, 0, 0, values), Type::list_of(item.type), nullptr};
  } else {
    item = value(item_expr, body);
    box = value(box_expr, body);
  }
  if (item.poisoned() || box.poisoned()) return {};
  const Typed &left = in ? item : box;
  const Typed &right = in ? box : item;
  const Type boolean = Type::of(Base::boolean);
  if (box.type.is(Base::string) && in) {
    context_->error(Kind::operand_mismatch, range, "`in` needs a list on its right, found a `string`")
        .help("`text contains x` looks inside a text; `text.lines` and `text.words` are lists");
    return {};
  }
  const Type element = box.type.element_type();
  const bool fits =
      box.type.is(Base::string) ? is_text(item.type.base) : !element.poisoned() && sema::comparable(element, item.type);
  if (fits) return make(opcode(expr.op), range, {left.node, right.node}, boolean);
  mismatch(expr, left, right, range, "");
  return {};
}

void Expressions::check_pattern(const ast::Expr &expr) {
  const auto *written = expr.as<ast::StringLiteral>();
  if (written == nullptr || !written->plain()) return;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 compiled(written->text(), options);
  if (compiled.ok()) return;
  auto report = context_->error(Kind::bad_pattern, expr.range, fmt::format("this is no pattern: {}", compiled.error()));
  report.note("patterns are RE2 expressions: no look-around, no back-references");
  if (!written->raw) report.help("write patterns raw: `r\"\\d+\"` needs no second backslash");
}

Typed Expressions::pattern(const ast::BinaryExpr &expr, Range range, Body &body) {
  const Typed left = value(*expr.left, body);
  const Typed right = value(*expr.right, body);
  if (left.poisoned() || right.poisoned()) return {};
  if (!is_text(left.type.base) || !is_text(right.type.base)) {
    mismatch(expr, left, right, range, "`matches` looks for a pattern in a text");
    return {};
  }
  check_pattern(*expr.right);
  return make(Op::matches, range, {left.node, right.node}, Type::of(Base::boolean));
}

Typed Expressions::arithmetic(const ast::BinaryExpr &expr, Range range, Body &body) {
  const Typed left = value(*expr.left, body);
  const Typed right = value(*expr.right, body);
  if (left.poisoned() || right.poisoned()) return {};
  if (expr.op == BinaryOp::add && left.type.is_hosts() && right.type.is_hosts()) {
    Type type = left.type;
    if (right.type.role != type.role) type.role = {};
    return make(Op::set_union, range, {left.node, right.node}, type);
  }
  const Type type = arithmetic_type(expr.op, left.type, right.type);
  if (type.poisoned()) {
    mismatch(expr, left, right, range,
             left.type.is(Base::string) || right.type.is(Base::string) ? "`\"a ${b}\"` puts values into a text" : "");
    return {};
  }
  return make(opcode(expr.op), range, {left.node, right.node}, type);
}

Typed Expressions::sets(const ast::BinaryExpr &expr, Range range, Body &body) {
  const Typed left = value(*expr.left, body);
  const Typed right = value(*expr.right, body);
  if (left.poisoned() || right.poisoned()) return {};
  const bool right_fits = right.type.is_hosts() || (expr.op == BinaryOp::except && right.type.is(Base::host));
  if (!left.type.is_hosts() || !right_fits) {
    mismatch(expr, left, right, range,
             expr.op == BinaryOp::except ? "`except` takes hosts out of a set of hosts"
                                         : "`&` is what two sets of hosts have in common");
    return {};
  }
  Typed result = make(opcode(expr.op), range, {left.node, right.node}, left.type);
  result.among = left.among;
  return result;
}

Typed Expressions::fallback(const ast::DefaultExpr &expr, Range range, Body &body) {
  const std::size_t deferred = context_->deferred.size();
  const Typed left = value(*expr.value, body);
  // What was said about a missing attribute does not hold: this is its default.
  for (std::size_t i = context_->deferred.size(); i > deferred; --i) {
    const Deferred &said = context_->deferred[i - 1];
    if (said.node == left.node && said.diagnostic.kind == Kind::missing_attribute) {
      context_->deferred.erase(context_->deferred.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
  }
  const Typed right =
      left.type.is(Base::cell) ? value_of_state(*expr.fallback, left.type.state, body) : value(*expr.fallback, body);
  if (left.poisoned() || right.poisoned()) return {};
  if (!sema::comparable(left.type, right.type)) {
    auto report = context_->error(Kind::operand_mismatch, range,
                                  fmt::format("the value behind `default` is {}, found {}",
                                              context_->article(left.type), context_->article(right.type)));
    report.label(expr.value->range, context_->article(left.type));
    if (const auto *number = expr.fallback->as<ast::IntLiteral>()) {
      const std::string unit = sema::suggest_unit(left.type, std::to_string(number->value));
      if (!unit.empty()) report.fix(fmt::format("write the unit, as in `{}`", unit), expr.fallback->range, unit);
    }
    return {};
  }
  // json and any take the type of the default; otherwise both have one.
  const Type type = is_open(left.type.base) ? (left.type.is(Base::any) ? right.type : left.type) : left.type;
  return make(Op::otherwise, range, {left.node, right.node}, type);
}

std::optional<Expressions::CellTest> Expressions::cell_test(const ast::Expr &expr, Body &body) {
  const auto *equal = expr.as<ast::BinaryExpr>();
  if (equal == nullptr || equal->op != BinaryOp::equal) return std::nullopt;
  const ast::Expr *cell = equal->left.get();
  const ast::Expr *value = equal->right.get();
  std::optional<sema::StateId> state = state_named(*cell, body);
  if (!state) {
    std::swap(cell, value);
    state = state_named(*cell, body);
  }
  if (!state) return std::nullopt;
  const auto *name = value->as<ast::NameExpr>();
  if (name == nullptr) return std::nullopt;
  CellTest test{*state, cell, 0, false};
  const std::optional<std::uint32_t> ordinal = context_->resolver.state_value(*state, name->name);
  test.poisoned = !ordinal;
  test.value = ordinal.value_or(0);
  return test;
}

}  // namespace upg::lower
