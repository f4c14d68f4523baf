// Functions and members of builtins.def over values. Bounds: lists and texts are as large as a command's output may be.
#include <re2/re2.h>

#include <charconv>
#include <cmath>

#include "runtime/machine/evaluate.h"

namespace upg::machine {
namespace {
using Kind = Value::Kind;

/// Text of a string or of a command's standard output; nothing for other values.
const std::string *text_of(const Value &v) {
  if (v.is(Kind::string) || v.is(Kind::version)) return &v.text;
  if (v.is(Kind::result)) return &v.member("stdout")->text;
  return nullptr;
}

std::string_view trim(std::string_view s) {
  const char *blanks = " \t\r\n\v\f";
  auto a = s.find_first_not_of(blanks);
  if (a == std::string_view::npos) return {};
  return s.substr(a, s.find_last_not_of(blanks) - a + 1);
}

Value split(std::string_view s, std::string_view separators, bool keep_empty) {
  Value::Items items;
  while (!s.empty()) {
    auto end = s.find_first_of(separators);
    std::string_view piece = s.substr(0, end);
    if (keep_empty) {
      if (piece.ends_with('\r')) piece.remove_suffix(1);
      items.push_back(Value::string(std::string(piece)));
    } else if (!piece.empty()) {
      items.push_back(Value::string(std::string(piece)));
    }
    if (end == std::string_view::npos) break;
    s.remove_prefix(end + 1);
  }
  return Value::list(std::move(items));
}

Value to_bytes(std::string_view s) {
  s = trim(s);
  double n = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (error != std::errc() || !(n >= 0))  // "nan" is a number to from_chars
    return Value::unknown("`" + std::string(s.substr(0, 80)) + "` is no count of bytes");
  std::string_view unit = trim(s.substr(static_cast<std::size_t>(end - s.data())));
  double scale = 1;
  if (!unit.empty() && unit != "B") {
    auto power = std::string_view("KMGTP").find(static_cast<char>(unit[0] & ~0x20));
    std::string_view rest = unit.substr(1);
    if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "iB"))
      return Value::unknown("`" + std::string(unit.substr(0, 20)) + "` is no unit of bytes");
    bool decimal = unit.size() == 2 && unit[1] == 'B';  // 5GB; 5G and 5GiB are binary, as coreutils print
    scale = std::pow(decimal ? 1000.0 : 1024.0, static_cast<double>(power) + 1);
  }
  double bytes = n * scale;
  if (bytes > 9e18) return Value::unknown("count of bytes out of range");
  return Value::of(Kind::size, static_cast<std::int64_t>(bytes));
}

Value to_int(const Value &v) {
  if (v.is(Kind::integer)) return v;
  const std::string *s = text_of(v);
  if (!s) return Value::unknown("only text becomes a number");
  std::string_view t = trim(*s);
  std::int64_t n = 0;
  auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), n);
  if (error != std::errc() || end != t.data() + t.size() || t.empty())
    return Value::unknown("`" + std::string(t.substr(0, 80)) + "` is no whole number");
  return Value::integer(n);
}
}  // namespace

Value search(const std::string &text, const std::string &pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(16 << 20);
  RE2 re(pattern, options);
  if (!re.ok()) return Value::unknown("bad pattern `" + pattern + "`: " + re.error());
  re2::StringPiece groups[2];
  int wanted = std::min(1, re.NumberOfCapturingGroups()) + 1;
  if (!re.Match(text, 0, text.size(), RE2::UNANCHORED, groups, wanted))
    return Value::missing("no match of `" + pattern + "`");
  const re2::StringPiece &hit = wanted == 2 ? groups[1] : groups[0];
  return Value::string(std::string(hit.data() ? hit.data() : "", hit.size()));
}

Value apply_builtin(plan::Builtin builtin, const std::vector<Value> &v) {
  using plan::Builtin;
  if (v.empty()) return Value::unknown("a function without its argument");
  const Value &x = v[0];
  const std::string *text = text_of(x);
  auto need_text = [&] {
    return Value::unknown(std::string("`") + std::string(plan::info(builtin).name) + "` needs text");
  };
  auto need_list = [&] {
    return Value::unknown(std::string("`") + std::string(plan::info(builtin).name) + "` needs a list");
  };
  switch (builtin) {
    case Builtin::to_bytes:
      return text ? to_bytes(*text) : x.is(Kind::integer) ? Value::of(Kind::size, x.number) : need_text();
    case Builtin::to_int:
      return to_int(x);
    case Builtin::to_string:
      return Value::string(text ? *text : show(x));
    case Builtin::to_version: {
      if (!text) return need_text();
      Value found = search(*text, R"((\d+(?:\.\d+)*))");
      return found.open() ? found : Value::version(found.text);
    }
    case Builtin::count:
      if (x.is(Kind::list)) return Value::integer(static_cast<std::int64_t>(x.items->size()));
      if (x.is(Kind::object)) return Value::integer(static_cast<std::int64_t>(x.members->size()));
      return need_list();
    case Builtin::distinct: {
      if (!x.is(Kind::list)) return need_list();
      Value::Items out;
      for (const Value &item : *x.items) {
        bool seen = false;
        for (const Value &o : out) seen = seen || equal(o, item);
        if (!seen) out.push_back(item);
        if (out.size() > 10'000) return Value::unknown("too many distinct values");
      }
      return Value::list(std::move(out));
    }
    case Builtin::keys:
    case Builtin::values: {
      if (!x.members) return Value::unknown("only an object has keys and values");
      Value::Items out;
      for (const auto &[k, m] : *x.members) out.push_back(builtin == Builtin::keys ? Value::string(k) : m);
      return Value::list(std::move(out));
    }
    case Builtin::only:
    case Builtin::first:
    case Builtin::last: {
      if (!x.is(Kind::list)) return need_list();
      if (x.items->empty()) return Value::missing("the list is empty");
      if (builtin == Builtin::only && x.items->size() != 1)
        return Value::unknown("the list has " + std::to_string(x.items->size()) + " elements, one was expected");
      return builtin == Builtin::last ? x.items->back() : x.items->front();
    }
    case Builtin::lines:
      return text ? split(*text, "\n", true) : need_text();
    case Builtin::words:
      return text ? split(*text, " \t\r\n", false) : need_text();
    case Builtin::trim:
      return text ? Value::string(std::string(trim(*text))) : need_text();
    case Builtin::match:
      return text && v.size() == 2 && v[1].is(Kind::string) ? search(*text, v[1].text) : need_text();
    case Builtin::after:
    case Builtin::before: {
      if (!text || v.size() != 2 || !v[1].is(Kind::string)) return need_text();
      auto at = text->find(v[1].text);
      if (at == std::string::npos) return Value::missing("there is no `" + v[1].text + "`");
      return Value::string(builtin == Builtin::after ? text->substr(at + v[1].text.size()) : text->substr(0, at));
    }
    case Builtin::to_json:
      return text ? parse_json(*text) : need_text();
    case Builtin::to_table:
      return text ? parse_table(*text) : x.is(Kind::list) ? x : need_text();
    case Builtin::pairs: {
      Value table = text ? parse_table(*text) : x;
      if (table.open()) return table;
      if (!table.is(Kind::list)) return need_list();
      Value::Members members;
      for (const Value &row : *table.items) {
        if (!row.members || row.members->size() != 2) return Value::unknown("`pairs` needs a table of two columns");
        const Value *key = row.member("Property");
        if (!key) key = row.member("Field");
        const auto &a = (*row.members)[0], &b = (*row.members)[1];
        members.emplace_back(key ? key->text : a.second.text, key == &a.second || !key ? b.second : a.second);
      }
      return Value::object(std::move(members));
    }
    case Builtin::votes:
    case Builtin::answers:
    case Builtin::count_:
      break;
  }
  return Value::unknown("this function cannot be asked here");
}

}  // namespace upg::machine
