// Values from and to text: JSON and boxed tables of remote tools, JSON of the journal.
#include <nlohmann/json.hpp>

#include "runtime/machine/value.h"

namespace upg::machine {
namespace {
using Json = nlohmann::json;
constexpr int kDepth = 64;
constexpr std::size_t kRows = 100'000;

Value convert(const Json &j, int depth) {
  if (depth > kDepth) return Value::unknown("json nested too deeply");
  switch (j.type()) {
    case Json::value_t::null:
      return {};
    case Json::value_t::boolean:
      return Value::boolean(j.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(j.get<std::int64_t>());
    case Json::value_t::number_unsigned: {
      auto n = j.get<std::uint64_t>();
      return n > INT64_MAX ? Value::decimal(static_cast<double>(n)) : Value::integer(static_cast<std::int64_t>(n));
    }
    case Json::value_t::number_float:
      return Value::decimal(j.get<double>());
    case Json::value_t::string:
      return Value::string(j.get<std::string>());
    case Json::value_t::array: {
      Value::Items items;
      for (const auto &e : j) items.push_back(convert(e, depth + 1));
      return Value::list(std::move(items));
    }
    case Json::value_t::object: {
      Value::Members members;
      for (const auto &[k, e] : j.items()) members.emplace_back(k, convert(e, depth + 1));
      return Value::object(std::move(members));
    }
    default:
      return Value::unknown("json of a kind that has no value");
  }
}

/// Stops nlohmann's parser before it builds something too deep.
Json parse_bounded(std::string_view text) {
  bool deep = false;
  Json j = Json::parse(
      text.begin(), text.end(),
      [&](int depth, Json::parse_event_t, Json &) {
        deep = deep || depth > kDepth;
        return !deep;
      },
      false);
  return deep ? Json(Json::value_t::discarded) : j;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t' || s.back() == '\r')) s.remove_suffix(1);
  return s;
}

Json encode(const Value &v) {
  switch (v.kind) {
    case Value::Kind::nothing:
      return nullptr;
    case Value::Kind::boolean:
      return v.number != 0;
    case Value::Kind::integer:
      return v.number;
    case Value::Kind::string:
      return v.text;
    default:
      break;
  }
  Json j = {{"k", static_cast<int>(v.kind)}};
  if (v.number) j["n"] = v.number;
  if (v.is(Value::Kind::decimal)) j["r"] = v.real;
  if (!v.text.empty()) j["t"] = v.text;
  if (v.items) {
    Json items = Json::array();
    for (const auto &e : *v.items) items.push_back(encode(e));
    j["i"] = std::move(items);
  }
  if (v.members) {
    Json members = Json::object();
    for (const auto &[k, e] : *v.members) members[k] = encode(e);
    j["m"] = std::move(members);
  }
  return j;
}

Value decode(const Json &j, int depth) {
  if (depth > kDepth) return Value::unknown("journal value nested too deeply");
  if (!j.is_object()) return convert(j, depth);
  Value v;
  int kind = j.value("k", -1);
  if (kind < 0 || kind > static_cast<int>(Value::Kind::result)) return Value::unknown("journal value of no kind");
  v.kind = static_cast<Value::Kind>(kind);
  v.number = j.value("n", std::int64_t{0});
  v.real = j.value("r", 0.0);
  v.text = j.value("t", std::string());
  if (v.is(Value::Kind::list)) {
    Value::Items items;
    if (j.contains("i"))
      for (const auto &e : j["i"]) items.push_back(decode(e, depth + 1));
    v.items = std::make_shared<const Value::Items>(std::move(items));
  }
  if (v.is(Value::Kind::object) || v.is(Value::Kind::result)) {
    Value::Members members;
    if (j.contains("m"))
      for (const auto &[k, e] : j["m"].items()) members.emplace_back(k, decode(e, depth + 1));
    v.members = std::make_shared<const Value::Members>(std::move(members));
  }
  return v;
}
}  // namespace

Value parse_json(std::string_view text) {
  try {
    Json j = parse_bounded(text);
    if (j.is_discarded()) return Value::unknown("output is no json");
    return convert(j, 0);
  } catch (const std::exception &e) {
    return Value::unknown(std::string("output is no json: ") + e.what());
  }
}

Value parse_table(std::string_view text) {
  std::vector<std::string> header;
  Value::Items rows;
  bool ruled = false;
  for (std::size_t at = 0; at < text.size() && rows.size() < kRows;) {
    std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = trim(text.substr(at, end - at));
    at = end + 1;
    if (line.starts_with("+-") || line.starts_with("+=")) {
      ruled = true;
      continue;
    }
    if (!line.starts_with("|") || line.size() < 2) continue;
    std::vector<std::string> cells;
    std::string_view rest = line.substr(1);
    while (!rest.empty()) {
      std::size_t bar = rest.find('|');
      if (bar == std::string_view::npos) break;
      cells.emplace_back(trim(rest.substr(0, bar)));
      rest.remove_prefix(bar + 1);
    }
    if (header.empty()) {
      header = std::move(cells);
      continue;
    }
    if (cells.size() != header.size()) return Value::unknown("a row of the table has other columns than its head");
    Value::Members row;
    for (std::size_t i = 0; i < cells.size(); ++i) row.emplace_back(header[i], Value::string(std::move(cells[i])));
    rows.push_back(Value::object(std::move(row)));
  }
  if (rows.size() >= kRows) return Value::unknown("the table has too many rows");
  if (!ruled || header.empty()) return Value::unknown("output holds no boxed table");
  return Value::list(std::move(rows));
}

std::string to_journal(const Value &v) { return encode(v).dump(-1, ' ', false, Json::error_handler_t::replace); }

Value from_journal(std::string_view text) {
  try {
    Json j = parse_bounded(text);
    if (j.is_discarded()) return Value::unknown("journal value does not parse");
    return decode(j, 0);
  } catch (const std::exception &) {
    return Value::unknown("journal value does not parse");
  }
}

}  // namespace upg::machine
