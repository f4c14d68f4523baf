#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/syntax/ast_expressions.h"

/// Values of number tokens. All are exact or refused.
namespace upg::syntax {

enum class LiteralProblem : std::uint8_t {
  none,
  too_large,     // over 64 bits
  not_whole,     // a fraction of a byte
  unit_order,    // 30m1h, 5m5m
  unknown_unit,  // 5iB
  not_a_day,     // 2026-02-30
};

template <typename T>
struct Decoded {
  T value{};
  LiteralProblem problem = LiteralProblem::none;
};

Decoded<std::int64_t> decode_int(std::string_view digits);
Decoded<ast::Decimal> decode_decimal(std::string_view text);   // "1.50"; a trailing '%' is ignored
Decoded<std::int64_t> decode_duration(std::string_view text);  // milliseconds of "1h30m"
Decoded<std::int64_t> decode_size(std::string_view text);      // bytes of "1.5GiB"
Decoded<ast::DateLiteral> decode_date(std::string_view text);  // "2026-12-31"

/// The nearest right spelling of a number with a wrong unit: "10sec" is "10s", "5gb" is "5GB"; empty if none is near.
std::string repaired_number(std::string_view text);

}  // namespace upg::syntax
