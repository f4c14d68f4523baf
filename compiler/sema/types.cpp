#include "compiler/sema/types.h"

#include <algorithm>
#include <array>
#include <utility>

namespace upg::sema {
namespace {

struct Spelling {
  Base base;
  std::string_view text;
  bool writable;
};
constexpr std::array spellings{
    Spelling{Base::poison, "?", false},
    Spelling{Base::any, "any", true},
    Spelling{Base::boolean, "bool", true},
    Spelling{Base::integer, "int", true},
    Spelling{Base::decimal, "decimal", true},
    Spelling{Base::string, "string", true},
    Spelling{Base::duration, "duration", true},
    Spelling{Base::size, "size", true},
    Spelling{Base::percent, "percent", true},
    Spelling{Base::version, "version", true},
    Spelling{Base::time, "time", true},
    Spelling{Base::list, "list", true},
    Spelling{Base::table, "table", true},
    Spelling{Base::json, "json", true},
    Spelling{Base::host, "host", true},
    Spelling{Base::role, "role", true},
    Spelling{Base::secret, "secret", true},
    Spelling{Base::result, "result of a command", false},
    Spelling{Base::cell, "value of a state", false},
    Spelling{Base::nothing, "nothing", false},
};

bool is_open(Base base) { return base == Base::poison || base == Base::any; }
/// What a json value may turn out to be.
bool may_be_json(Base base) {
  switch (base) {
    case Base::boolean:
    case Base::integer:
    case Base::decimal:
    case Base::string:
    case Base::list:
    case Base::table:
    case Base::json:
      return true;
    default:
      return false;
  }
}
bool is_number(Base base) { return base == Base::integer || base == Base::decimal; }
bool is_word(Base base) { return base == Base::string || base == Base::cell || base == Base::version; }

}  // namespace

Type Type::element_type() const {
  switch (base) {
    case Base::list:
      return {element, Base::any, role, state};
    case Base::table:
    case Base::json:
      return of(Base::json);
    case Base::any:
      return of(Base::any);
    default:
      return of(Base::poison);
  }
}

std::string_view spelling(Base base) {
  const auto *found =
      std::find_if(spellings.begin(), spellings.end(), [&](const Spelling &s) { return s.base == base; });
  return found == spellings.end() ? std::string_view("?") : found->text;
}

std::optional<Base> base_named(std::string_view name) {
  const auto *found =
      std::find_if(spellings.begin(), spellings.end(), [&](const Spelling &s) { return s.writable && s.text == name; });
  if (found == spellings.end()) return std::nullopt;
  return found->base;
}

std::vector<std::string_view> type_names() {
  std::vector<std::string_view> names;
  for (const Spelling &s : spellings)
    if (s.writable) names.push_back(s.text);
  return names;
}

plan::BaseType plan_base(Base base) {
  switch (base) {
    case Base::poison:
    case Base::any:
      return plan::BaseType::any;
    case Base::boolean:
      return plan::BaseType::boolean;
    case Base::integer:
      return plan::BaseType::integer;
    case Base::decimal:
      return plan::BaseType::decimal;
    case Base::string:
    case Base::cell:
      return plan::BaseType::string;
    case Base::duration:
      return plan::BaseType::duration;
    case Base::size:
      return plan::BaseType::size;
    case Base::percent:
      return plan::BaseType::percent;
    case Base::version:
      return plan::BaseType::version;
    case Base::time:
      return plan::BaseType::time;
    case Base::list:
      return plan::BaseType::list;
    case Base::table:
      return plan::BaseType::table;
    case Base::json:
      return plan::BaseType::json;
    case Base::host:
      return plan::BaseType::host;
    case Base::role:
      return plan::BaseType::role;
    case Base::secret:
      return plan::BaseType::secret;
    case Base::result:
      return plan::BaseType::result;
    case Base::nothing:
      return plan::BaseType::nothing;
  }
  return plan::BaseType::any;
}

bool assignable(const Type &from, const Type &to) {
  if (is_open(from.base) || is_open(to.base)) return !(from.base == Base::nothing || from.base == Base::secret);
  if (from.base == Base::json) return may_be_json(to.base);
  if (to.base == Base::json) return may_be_json(from.base);
  if (from.base == Base::integer && to.base == Base::decimal) return true;
  if (from.base == Base::cell && to.base == Base::string) return true;
  if (from.base == Base::table && to.base == Base::list) return to.element == Base::json || is_open(to.element);
  if (from.base == Base::list && to.base == Base::table) return from.element == Base::json || is_open(from.element);
  if (from.base != to.base) return false;
  if (from.base == Base::cell) return from.state == to.state;
  if (from.base == Base::host) return !to.role.valid() || from.role == to.role;
  if (from.base == Base::list) {
    if (from.element == Base::list || to.element == Base::list)
      return from.element == to.element || is_open(from.element) || is_open(to.element) || from.element == Base::json ||
             to.element == Base::json;
    return assignable(from.element_type(), to.element_type());
  }
  return true;
}

bool comparable(const Type &left, const Type &right) {
  const Base a = left.base, b = right.base;
  if (a == Base::secret || b == Base::secret || a == Base::nothing || b == Base::nothing) return false;
  if (is_open(a) || is_open(b)) return true;
  if (a == Base::result || b == Base::result) return false;
  if (is_number(a) && is_number(b)) return true;
  if (a == Base::cell && b == Base::cell) return left.state == right.state;
  if (is_word(a) && is_word(b)) return true;
  if (a == Base::json) return may_be_json(b) || b == Base::cell || b == Base::version;
  if (b == Base::json) return may_be_json(a) || a == Base::cell || a == Base::version;
  if (a == Base::list && b == Base::list) {
    if (left.element == Base::list || right.element == Base::list)
      return left.element == right.element || is_open(left.element) || is_open(right.element);
    return comparable(left.element_type(), right.element_type());
  }
  if ((a == Base::table && b == Base::list) || (a == Base::list && b == Base::table)) return true;
  return a == b;
}

bool ordered(const Type &left, const Type &right) {
  const auto has_order = [](Base base) {
    switch (base) {
      case Base::poison:
      case Base::any:
      case Base::integer:
      case Base::decimal:
      case Base::duration:
      case Base::size:
      case Base::percent:
      case Base::version:
      case Base::time:
      case Base::json:
        return true;
      default:
        return false;
    }
  };
  const auto fits = [&](Base a, Base b) {
    return has_order(a) && (has_order(b) || (a == Base::version && b == Base::string));
  };
  return comparable(left, right) && (fits(left.base, right.base) || fits(right.base, left.base));
}

std::string suggest_unit(const Type &wanted, std::string_view number) {
  switch (wanted.base) {
    case Base::duration:
      return std::string(number) + "s";
    case Base::size:
      return std::string(number) + "GB";
    case Base::percent:
      return std::string(number) + "%";
    default:
      return {};
  }
}

}  // namespace upg::sema
