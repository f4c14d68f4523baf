#include "runtime/machine/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace upg::machine {

Value Value::decimal(double d) {
  Value v = make(Kind::decimal, 0, {});
  v.real = d;
  return v;
}
Value Value::list(Items items) {
  Value v = make(Kind::list, 0, {});
  v.items = std::make_shared<const Items>(std::move(items));
  return v;
}
Value Value::object(Members members) {
  std::stable_sort(members.begin(), members.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
  Value v = make(Kind::object, 0, {});
  v.members = std::make_shared<const Members>(std::move(members));
  return v;
}
Value Value::result(int code, std::string out, std::string err) {
  Members members;
  members.emplace_back("code", integer(code));
  members.emplace_back("stderr", string(std::move(err)));
  members.emplace_back("stdout", string(std::move(out)));
  Value v = object(std::move(members));
  v.kind = Kind::result;
  return v;
}

const Value *Value::member(std::string_view key) const {
  if (!members) return nullptr;
  auto it = std::lower_bound(members->begin(), members->end(), key,
                             [](const auto &m, std::string_view k) { return m.first < k; });
  return it != members->end() && it->first == key ? &it->second : nullptr;
}

namespace {
using Kind = Value::Kind;

bool numeric(const Value &v) { return v.is(Kind::integer) || v.is(Kind::decimal); }
double real(const Value &v) { return v.is(Kind::decimal) ? v.real : static_cast<double>(v.number); }

/// Dotted numbers piece by piece, then text; 9.10 is after 9.9, 9.0~rc1 before 9.0 as Debian has it.
int compare_versions(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  while (i < a.size() || j < b.size()) {
    while ((i < a.size() && !digit(a[i])) || (j < b.size() && !digit(b[j]))) {
      auto order = [&](std::string_view s, std::size_t k) {
        if (k >= s.size() || digit(s[k])) return 0;
        auto c = static_cast<unsigned char>(s[k]);
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        return c == '~' ? -1 : letter ? c + 1 : c + 257;  // letters before everything else
      };
      int x = order(a, i), y = order(b, j);
      if (x != y) return x < y ? -1 : 1;
      ++i, ++j;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    std::size_t ai = i, bj = j;
    while (i < a.size() && digit(a[i])) ++i;
    while (j < b.size() && digit(b[j])) ++j;
    if (i - ai != j - bj) return i - ai < j - bj ? -1 : 1;
    if (int c = a.substr(ai, i - ai).compare(b.substr(bj, j - bj)); c != 0) return c < 0 ? -1 : 1;
  }
  return 0;
}
}  // namespace

namespace {
/// In the largest unit that divides it: 5GB, 512MiB, 17B.
std::string show_size(std::int64_t bytes) {
  static constexpr std::pair<std::int64_t, const char *> kUnits[] = {
      {1'000'000'000'000, "TB"}, {1ll << 40, "TiB"}, {1'000'000'000, "GB"}, {1 << 30, "GiB"},
      {1'000'000, "MB"},         {1 << 20, "MiB"},   {1'000, "kB"},         {1 << 10, "KiB"}};
  for (const auto &[unit, name] : kUnits)
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
  return fmt::format("{}B", bytes);
}
}  // namespace

int compare(const Value &a, const Value &b) {
  if (numeric(a) && numeric(b)) {
    if (a.is(Kind::integer) && b.is(Kind::integer)) return a.number < b.number ? -1 : a.number > b.number;
    double x = real(a), y = real(b);
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;  // what is not a number is not ordered
  }
  if (a.is(Kind::version) || b.is(Kind::version)) {
    auto texty = [](const Value &v) { return v.is(Kind::version) || v.is(Kind::string); };
    if (!texty(a) || !texty(b)) return 2;
    return compare_versions(a.text, b.text);
  }
  if (a.kind != b.kind) return 2;
  switch (a.kind) {
    case Kind::string: {
      int c = a.text.compare(b.text);
      return c < 0 ? -1 : c > 0;
    }
    case Kind::boolean:
    case Kind::duration:
    case Kind::size:
    case Kind::percent:
    case Kind::time:
    case Kind::host:
      return a.number < b.number ? -1 : a.number > b.number;
    default:
      return 2;
  }
}

bool equal(const Value &a, const Value &b) {
  bool lists = a.is(Kind::list) && b.is(Kind::list);
  bool objects = a.members && b.members;
  if (lists) return std::equal(a.items->begin(), a.items->end(), b.items->begin(), b.items->end(), equal);
  if (objects) {
    return std::equal(a.members->begin(), a.members->end(), b.members->begin(), b.members->end(),
                      [](const auto &x, const auto &y) { return x.first == y.first && equal(x.second, y.second); });
  }
  if (a.is(Kind::nothing) && b.is(Kind::nothing)) return true;
  return compare(a, b) == 0;
}

std::string show(const Value &v) {
  switch (v.kind) {
    case Kind::pending:
      return "(being asked)";
    case Kind::unknown:
    case Kind::missing:
      return "unknown: " + v.text;
    case Kind::nothing:
      return "null";
    case Kind::boolean:
      return v.number ? "true" : "false";
    case Kind::integer:
    case Kind::time:
      return std::to_string(v.number);
    case Kind::decimal:
      return fmt::format("{}", v.real);
    case Kind::string:
    case Kind::version:
      return v.text;
    case Kind::duration:
      return v.number % 1000 ? fmt::format("{}ms", v.number) : fmt::format("{}s", v.number / 1000);
    case Kind::size:
      return show_size(v.number);
    case Kind::percent:
      return fmt::format("{}%", static_cast<double>(v.number) / 10000.0);
    case Kind::host:
      return fmt::format("host #{}", v.number);
    case Kind::list: {
      std::string s = "[";
      for (std::size_t i = 0; i < v.items->size(); ++i) {
        if (i) s += ", ";
        if (s.size() > 400) return s + "...]";
        s += show((*v.items)[i]);
      }
      return s + "]";
    }
    case Kind::object:
    case Kind::result: {
      std::string s = "{";
      for (const auto &[k, m] : *v.members) {
        if (s.size() > 1) s += ", ";
        if (s.size() > 400) return s + "...}";
        s += k + ": " + show(m);
      }
      return s + "}";
    }
  }
  return {};
}

}  // namespace upg::machine
