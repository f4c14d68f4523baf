#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "compiler/sema/program.h"

/// Arithmetic and order of constants. Nothing here reports: the caller knows the place.
namespace upg::sema::values {

Value boolean(bool value);
Value integer(std::int64_t value);
Value string(std::string text);
Value host(HostId id, RoleId role = {});
Value hosts(std::vector<HostId> ids, RoleId role = {});  // as given; see `sorted`
Value poison();
/// The type of the elements that all share, else any.
Value list(std::vector<Value> items);

/// The hosts of a host or of a list of hosts, each once and in inventory order; nothing for other values.
std::optional<std::vector<HostId>> as_hosts(const Value &value);

/// -1, 0, 1; nothing if the two have no order (or are not comparable).
std::optional<int> compare(const Value &left, const Value &right);
bool equal(const Value &left, const Value &right);

enum class Problem : std::uint8_t { none, operands, overflow, zero, later };
/// + - * / on numbers, durations, sizes, percents; + joins texts and lists; sets: + & except. `later`: only the run
/// computes it.
Problem apply(ast::BinaryOp op, const Value &left, const Value &right, Value &out);

/// A literal as written, in the plan's units; nothing for expressions that are no literal or do not fit.
std::optional<Value> of_literal(const ast::Expr &expr);
/// Text of a `-D name=value` as a value of the type. Lists are separated by commas. Hosts are left to the caller
/// (text).
std::optional<Value> parse(std::string_view text, const Type &type);

}  // namespace upg::sema::values
