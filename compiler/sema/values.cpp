#include "compiler/sema/values.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "compiler/sema/calendar.h"
#include "compiler/syntax/literals.h"

namespace upg::sema::values {
namespace {

constexpr std::int64_t seconds_per_day = 86'400;

std::string decimal_text(const ast::Decimal &d) {
  std::string digits = std::to_string(d.digits < 0 ? -d.digits : d.digits);
  if (d.scale > 0) {
    if (digits.size() <= d.scale) digits.insert(0, d.scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - d.scale, 1, '.');
  }
  if (d.digits < 0) digits.insert(digits.begin(), '-');
  return digits;
}

std::optional<ast::Decimal> as_decimal(const Value &value) {
  if (value.type.is(Base::integer)) return ast::Decimal{value.integer(), 0};
  if (!value.type.is(Base::decimal)) return std::nullopt;
  const std::string &text = value.text();
  const bool negative = text.starts_with('-');
  auto decoded = syntax::decode_decimal(negative ? std::string_view(text).substr(1) : std::string_view(text));
  if (decoded.problem != syntax::LiteralProblem::none) return std::nullopt;
  if (negative) decoded.value.digits = -decoded.value.digits;
  return decoded.value;
}

std::optional<int> compare_decimals(ast::Decimal a, ast::Decimal b) {
  while (a.scale < b.scale) {
    if (__builtin_mul_overflow(a.digits, 10, &a.digits)) return std::nullopt;
    ++a.scale;
  }
  while (b.scale < a.scale) {
    if (__builtin_mul_overflow(b.digits, 10, &b.digits)) return std::nullopt;
    ++b.scale;
  }
  return a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : 0;
}

/// Millionths of the whole; nothing if it is finer than that.
std::optional<std::int64_t> millionths(ast::Decimal d) {
  std::int64_t value = d.digits;
  for (unsigned i = d.scale; i < 4; ++i)
    if (__builtin_mul_overflow(value, 10, &value)) return std::nullopt;
  for (unsigned i = 4; i < d.scale; ++i) {
    if (value % 10 != 0) return std::nullopt;
    value /= 10;
  }
  return value;
}

Value typed(Base base, std::int64_t number) { return {Type::of(base), number}; }
bool is_text(const Value &v) { return v.type.is(Base::string) || v.type.is(Base::version); }
bool is_list(const Value &v) { return v.type.is(Base::list); }
bool is_amount(Base base) { return base == Base::duration || base == Base::size || base == Base::percent; }

Problem apply_sets(ast::BinaryOp op, const std::vector<HostId> &left, const std::vector<HostId> &right, RoleId role,
                   RoleId other, Value &out) {
  std::vector<HostId> result;
  switch (op) {
    case ast::BinaryOp::add:
      std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(result));
      out = hosts(std::move(result), role == other ? role : RoleId());
      return Problem::none;
    case ast::BinaryOp::except:
      std::set_difference(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(result));
      out = hosts(std::move(result), role);
      return Problem::none;
    case ast::BinaryOp::intersect:
      std::set_intersection(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(result));
      out = hosts(std::move(result), role.valid() ? role : other);
      return Problem::none;
    default:
      return Problem::operands;
  }
}

}  // namespace

Value boolean(bool value) { return {Type::of(Base::boolean), value}; }
Value integer(std::int64_t value) { return typed(Base::integer, value); }
Value string(std::string text) { return {Type::of(Base::string), std::move(text)}; }
Value host(HostId id, RoleId role) { return {Type::host_of(role), id}; }
Value poison() { return {Type::of(Base::poison), std::monostate()}; }

Value hosts(std::vector<HostId> ids, RoleId role) {
  std::vector<Value> items;
  items.reserve(ids.size());
  for (const HostId id : ids) items.push_back(host(id, role));
  return {Type::hosts(role), std::move(items)};
}

Value list(std::vector<Value> items) {
  Type element = Type::of(Base::any);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Type &type = items[i].type;
    if (i == 0)
      element = type;
    else if (element.is(Base::host) && type.is(Base::host) && element.role != type.role)
      element.role = {};
    else if (!(element == type))
      element = Type::of(Base::any);
  }
  return {Type::list_of(element), std::move(items)};
}

std::optional<std::vector<HostId>> as_hosts(const Value &value) {
  std::vector<HostId> ids;
  if (const HostId *one = std::get_if<HostId>(&value.data)) {
    ids.push_back(*one);
  } else if (const auto *items = std::get_if<std::vector<Value>>(&value.data)) {
    if (!value.type.is_hosts() && !items->empty()) return std::nullopt;
    for (const Value &item : *items) {
      const HostId *id = std::get_if<HostId>(&item.data);
      if (!id) return std::nullopt;
      ids.push_back(*id);
    }
  } else {
    return std::nullopt;
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

bool equal(const Value &left, const Value &right) {
  if (const auto a = as_decimal(left), b = as_decimal(right); a && b) {
    const auto order = compare_decimals(*a, *b);
    return order && *order == 0;
  }
  if (is_list(left) && is_list(right)) {
    const auto &a = left.items(), &b = right.items();
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
  }
  if (is_text(left) && is_text(right)) return left.text() == right.text();
  return left.type.base == right.type.base && left.data == right.data;
}

std::optional<int> compare(const Value &left, const Value &right) {
  if (const auto a = as_decimal(left), b = as_decimal(right); a && b) return compare_decimals(*a, *b);
  if (left.type.base != right.type.base) return std::nullopt;
  if (!is_amount(left.type.base) && !left.type.is(Base::time)) return std::nullopt;
  const std::int64_t a = left.integer(), b = right.integer();
  return a < b ? -1 : a > b ? 1 : 0;
}

Problem apply(ast::BinaryOp op, const Value &left, const Value &right, Value &out) {
  using ast::BinaryOp;
  if (left.type.is(Base::host) || left.type.is_hosts() || right.type.is_hosts()) {
    const auto a = as_hosts(left), b = as_hosts(right);
    if (!a || !b) return Problem::operands;
    return apply_sets(op, *a, *b, left.type.role, right.type.role, out);
  }
  if (op == BinaryOp::add && is_list(left) && is_list(right)) {
    std::vector<Value> items = left.items();
    items.insert(items.end(), right.items().begin(), right.items().end());
    out = list(std::move(items));
    return Problem::none;
  }
  if (op == BinaryOp::add && is_text(left) && is_text(right)) {
    out = string(left.text() + right.text());
    return Problem::none;
  }
  const Base a = left.type.base, b = right.type.base;
  if ((a == Base::decimal && (b == Base::decimal || b == Base::integer)) || (a == Base::integer && b == Base::decimal))
    return Problem::later;
  Base result = Base::poison;
  const bool scale = op == BinaryOp::multiply || op == BinaryOp::divide;
  if (a == Base::integer && b == Base::integer)
    result = Base::integer;
  else if (!scale && a == b && is_amount(a))
    result = a;
  else if (scale && is_amount(a) && b == Base::integer)
    result = a;
  else if (op == BinaryOp::multiply && a == Base::integer && is_amount(b))
    result = b;
  else if (op == BinaryOp::divide && a == b && is_amount(a))
    result = Base::integer;
  if (result == Base::poison) return Problem::operands;

  const std::int64_t x = left.integer(), y = right.integer();
  std::int64_t z = 0;
  bool overflow = false;
  switch (op) {
    case BinaryOp::add:
      overflow = __builtin_add_overflow(x, y, &z);
      break;
    case BinaryOp::subtract:
      overflow = __builtin_sub_overflow(x, y, &z);
      break;
    case BinaryOp::multiply:
      overflow = __builtin_mul_overflow(x, y, &z);
      break;
    case BinaryOp::divide:
      if (y == 0) return Problem::zero;
      overflow = y == -1 && __builtin_sub_overflow(std::int64_t{0}, x, &z);
      if (y != -1) z = x / y;
      break;
    default:
      return Problem::operands;
  }
  if (overflow) return Problem::overflow;
  out = typed(result, z);
  return Problem::none;
}

std::optional<Value> of_literal(const ast::Expr &expr) {
  if (const auto *n = expr.as<ast::BoolLiteral>()) return boolean(n->value);
  if (const auto *n = expr.as<ast::IntLiteral>()) return integer(n->value);
  if (const auto *n = expr.as<ast::DecimalLiteral>()) return Value{Type::of(Base::decimal), decimal_text(n->value)};
  if (const auto *n = expr.as<ast::DurationLiteral>()) return typed(Base::duration, n->milliseconds);
  if (const auto *n = expr.as<ast::SizeLiteral>()) return typed(Base::size, n->bytes);
  if (const auto *n = expr.as<ast::PercentLiteral>()) {
    const auto value = millionths(n->value);
    return value ? std::optional(typed(Base::percent, *value)) : std::nullopt;
  }
  if (const auto *n = expr.as<ast::DateLiteral>())
    return typed(Base::time, calendar::to_days({n->year, n->month, n->day}) * seconds_per_day);
  if (const auto *n = expr.as<ast::StringLiteral>())
    return n->plain() ? std::optional(string(n->text())) : std::nullopt;
  return std::nullopt;
}

std::optional<Value> parse(std::string_view text, const Type &type) {
  using syntax::LiteralProblem;
  const auto checked = [](const auto &decoded, auto make) -> std::optional<Value> {
    if (decoded.problem != LiteralProblem::none) return std::nullopt;
    return make(decoded.value);
  };
  const auto shaped = [&](std::string_view allowed) {
    return !text.empty() && text.size() <= 64 && text.find_first_not_of(allowed) == std::string_view::npos &&
           text.front() >= '0' && text.front() <= '9';
  };
  constexpr std::string_view digits = "0123456789";
  switch (type.base) {
    case Base::boolean:
      if (text == "true" || text == "false") return boolean(text == "true");
      return std::nullopt;
    case Base::integer: {
      const bool negative = text.starts_with('-');
      if (negative) text.remove_prefix(1);
      if (!shaped(digits)) return std::nullopt;
      return checked(syntax::decode_int(text), [&](std::int64_t v) { return integer(negative ? -v : v); });
    }
    case Base::decimal: {
      const bool negative = text.starts_with('-');
      if (negative) text.remove_prefix(1);
      if (!shaped("0123456789.") || std::count(text.begin(), text.end(), '.') > 1 || text.back() == '.')
        return std::nullopt;
      return checked(syntax::decode_decimal(text), [&](ast::Decimal v) {
        if (negative) v.digits = -v.digits;
        return Value{Type::of(Base::decimal), decimal_text(v)};
      });
    }
    case Base::duration: {
      // digits and units take turns: the decoder expects a token of the lexer
      if (!shaped("0123456789mshdw") || (text.back() >= '0' && text.back() <= '9')) return std::nullopt;
      for (std::size_t i = 1; i < text.size(); ++i) {
        const bool letter = text[i] > '9', after_letter = text[i - 1] > '9';
        if (letter && after_letter && !(text[i] == 's' && text[i - 1] == 'm')) return std::nullopt;
        if (letter && after_letter && i >= 2 && text[i - 2] > '9') return std::nullopt;
      }
      return checked(syntax::decode_duration(text), [](std::int64_t v) { return typed(Base::duration, v); });
    }
    case Base::size: {
      std::size_t at = std::min(text.find_first_not_of("0123456789."), text.size());
      std::string_view unit = text.substr(at);
      if (!shaped("0123456789.KMGTPiB") || !unit.ends_with('B') || unit.size() > 3) return std::nullopt;
      const std::string_view number = text.substr(0, at);
      if (number.back() == '.' || std::count(number.begin(), number.end(), '.') > 1) return std::nullopt;
      unit.remove_suffix(1);
      if (unit.ends_with('i')) unit.remove_suffix(1);
      if (unit.size() > 1 || (unit.size() == 1 && std::string_view("KMGTP").find(unit) == std::string_view::npos))
        return std::nullopt;
      return checked(syntax::decode_size(text), [](std::int64_t v) { return typed(Base::size, v); });
    }
    case Base::percent: {
      if (!text.ends_with('%')) return std::nullopt;
      text.remove_suffix(1);
      if (!shaped("0123456789.") || std::count(text.begin(), text.end(), '.') > 1 || text.back() == '.')
        return std::nullopt;
      const auto decoded = syntax::decode_decimal(text);
      if (decoded.problem != LiteralProblem::none) return std::nullopt;
      const auto value = millionths(decoded.value);
      return value ? std::optional(typed(Base::percent, *value)) : std::nullopt;
    }
    case Base::time: {
      if (text.size() != 10 || !shaped("0123456789-") || text[4] != '-' || text[7] != '-') return std::nullopt;
      return checked(syntax::decode_date(text), [](const ast::DateLiteral &d) {
        return typed(Base::time, calendar::to_days({d.year, d.month, d.day}) * seconds_per_day);
      });
    }
    case Base::string:
    case Base::any:
      return string(std::string(text));
    case Base::version:
      if (!shaped("0123456789.") || text.back() == '.' || text.find("..") != std::string_view::npos)
        return std::nullopt;
      return Value{Type::of(Base::version), std::string(text)};
    case Base::list: {
      std::vector<Value> items;
      while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        auto item = parse(text.substr(0, comma), type.element_type());
        if (!item) return std::nullopt;
        items.push_back(std::move(*item));
        text.remove_prefix(std::min(comma + 1, text.size()));
      }
      return Value{type, std::move(items)};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace upg::sema::values
