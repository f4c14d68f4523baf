#include "compiler/syntax/literals.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace upg::syntax {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool multiply_add(std::int64_t &value, std::int64_t factor, std::int64_t summand) {
  return !__builtin_mul_overflow(value, factor, &value) && !__builtin_add_overflow(value, summand, &value);
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Largest first: the order in which a duration is written.
constexpr std::array<Unit, 6> duration_units = {
    {{"w", 7LL * 86'400'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 11> size_units = {{{"B", 1},
                                              {"KB", 1'000},
                                              {"MB", 1'000'000},
                                              {"GB", 1'000'000'000},
                                              {"TB", 1'000'000'000'000},
                                              {"PB", 1'000'000'000'000'000},
                                              {"KiB", 1LL << 10},
                                              {"MiB", 1LL << 20},
                                              {"GiB", 1LL << 30},
                                              {"TiB", 1LL << 40},
                                              {"PiB", 1LL << 50}}};

struct Misspelling {
  std::string_view wrong, right;
};
constexpr std::array<Misspelling, 21> unit_misspellings = {
    {{"sec", "s"},    {"secs", "s"},    {"second", "s"}, {"seconds", "s"}, {"min", "m"},   {"mins", "m"},
     {"minute", "m"}, {"minutes", "m"}, {"hr", "h"},     {"hrs", "h"},     {"hour", "h"},  {"hours", "h"},
     {"day", "d"},    {"days", "d"},    {"week", "w"},   {"weeks", "w"},   {"msec", "ms"}, {"millis", "ms"},
     {"k", "KB"},     {"g", "GB"},      {"t", "TB"}}};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view leading_digits(std::string_view text) {
  return text.substr(0, static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin()));
}

}  // namespace

Decoded<std::int64_t> decode_int(std::string_view digits) {
  Decoded<std::int64_t> result;
  for (const char c : digits) {
    if (!multiply_add(result.value, 10, c - '0')) return {0, LiteralProblem::too_large};
  }
  return result;
}

Decoded<ast::Decimal> decode_decimal(std::string_view text) {
  Decoded<ast::Decimal> result;
  bool fraction = false;
  for (const char c : text) {
    if (c == '.') fraction = true;
    if (!is_digit(c)) continue;
    if (!multiply_add(result.value.digits, 10, c - '0')) return {{}, LiteralProblem::too_large};
    if (fraction) ++result.value.scale;  // at most 19: one for each digit kept
    if (result.value.scale > 18) return {{}, LiteralProblem::too_large};
  }
  return result;
}

Decoded<std::int64_t> decode_duration(std::string_view text) {
  Decoded<std::int64_t> result;
  std::size_t next_unit = 0;  // units still allowed
  while (!text.empty()) {
    const std::string_view digits = leading_digits(text);
    text.remove_prefix(digits.size());
    const std::size_t unit_size = text.starts_with("ms") ? 2 : 1;
    const std::string_view unit = text.substr(0, unit_size);
    text.remove_prefix(unit.size());
    const auto known =
        std::find_if(duration_units.begin(), duration_units.end(), [&](const Unit &u) { return u.name == unit; });
    if (digits.empty() || known == duration_units.end()) return {0, LiteralProblem::unknown_unit};
    const auto index = static_cast<std::size_t>(known - duration_units.begin());
    if (index < next_unit) return {0, LiteralProblem::unit_order};
    next_unit = index + 1;
    Decoded<std::int64_t> count = decode_int(digits);
    if (count.problem != LiteralProblem::none || !multiply_add(count.value, known->factor, result.value))
      return {0, LiteralProblem::too_large};
    result.value = count.value;
  }
  return result;
}

Decoded<std::int64_t> decode_size(std::string_view text) {
  const auto unit_begin = static_cast<std::size_t>(
      std::find_if(text.begin(), text.end(), [](char c) { return !is_digit(c) && c != '.'; }) - text.begin());
  const std::string_view unit = text.substr(unit_begin);
  const auto known = std::find_if(size_units.begin(), size_units.end(), [&](const Unit &u) { return u.name == unit; });
  if (known == size_units.end()) return {0, LiteralProblem::unknown_unit};
  Decoded<ast::Decimal> number = decode_decimal(text.substr(0, unit_begin));
  if (number.problem != LiteralProblem::none) return {0, number.problem};
  std::int64_t bytes = number.value.digits;
  std::int64_t factor = known->factor;
  // Divide by the powers of ten of the fraction where they divide, so that 1.5PB does not overflow on the way.
  for (int i = 0; i < number.value.scale; ++i) {
    if (factor % 10 == 0) {
      factor /= 10;
    } else if (bytes % 10 == 0) {
      bytes /= 10;
    } else if (factor % 2 == 0 && bytes % 5 == 0) {
      factor /= 2;
      bytes /= 5;
    } else if (factor % 5 == 0 && bytes % 2 == 0) {
      factor /= 5;
      bytes /= 2;
    } else {
      return {0, LiteralProblem::not_whole};
    }
  }
  if (!multiply_add(bytes, factor, 0)) return {0, LiteralProblem::too_large};
  return {bytes, LiteralProblem::none};
}

Decoded<ast::DateLiteral> decode_date(std::string_view text) {
  const std::int64_t year = decode_int(text.substr(0, 4)).value;
  const std::int64_t month = decode_int(text.substr(5, 2)).value;
  const std::int64_t day = decode_int(text.substr(8, 2)).value;
  constexpr std::array<int, 12> lengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12) return {{}, LiteralProblem::not_a_day};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int length = lengths[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
  if (day < 1 || day > length) return {{}, LiteralProblem::not_a_day};
  return {{static_cast<std::int32_t>(year), static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day)},
          LiteralProblem::none};
}

std::string repaired_number(std::string_view text) {
  const auto unit_begin = static_cast<std::size_t>(
      std::find_if(text.begin(), text.end(), [](char c) { return !is_digit(c) && c != '.'; }) - text.begin());
  const std::string_view number = text.substr(0, unit_begin);
  const std::string unit = lower(text.substr(unit_begin));
  if (unit == "_" || unit.starts_with("_")) {  // 1_000
    std::string plain;
    for (const char c : text) {
      if (c != '_') plain += c;
    }
    const bool all_digits = std::all_of(plain.begin(), plain.end(), is_digit);
    return all_digits ? plain : std::string();
  }
  for (const Misspelling &m : unit_misspellings) {
    if (m.wrong == unit && number.find('.') == std::string_view::npos) return std::string(number).append(m.right);
  }
  for (const Unit &u : size_units) {
    if (lower(u.name) == unit) return std::string(number).append(u.name);
  }
  for (const Unit &u : duration_units) {
    if (u.name == unit && number.find('.') == std::string_view::npos) return std::string(number).append(u.name);
  }
  return {};
}

}  // namespace upg::syntax
