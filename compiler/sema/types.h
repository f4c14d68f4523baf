#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/ids.h"
#include "runtime/plan/plan.h"

namespace upg::sema {

// Indices into the tables of a Program. They are not the plan's indices, except that hosts stand in the same order.
using ModuleId = plan::Id<struct ModuleTag>;
using RoleId = plan::Id<struct RoleTag>;
using StateId = plan::Id<struct StateTag>;
using ProbeId = plan::Id<struct ProbeTag>;
using GateId = plan::Id<struct GateTag>;
using ActionId = plan::Id<struct ActionTag>;
using HoldId = plan::Id<struct HoldTag>;
using ProcedureId = plan::Id<struct ProcedureTag>;
using HostSetId = plan::Id<struct HostSetTag>;
using ParamId = plan::Id<struct ParamTag>;
using SecretId = plan::Id<struct SecretTag>;
using VersionsId = plan::Id<struct VersionsTag>;
using ClusterId = plan::Id<struct ClusterTag>;
using UpgradeId = plan::Id<struct UpgradeTag>;
using HostId = plan::Id<struct HostTag>;

enum class Base : std::uint8_t {
  poison,  // a mistake was reported: agrees with everything, so that nothing follows from it
  any,
  boolean,
  integer,
  decimal,
  string,
  duration,
  size,
  percent,
  version,
  time,
  list,
  table,
  json,
  host,
  role,
  secret,
  result,   // of `run` and `sh`
  cell,     // value of the state `Type::state`
  nothing,  // an action, a statement
};

/// `list<controller>` is {list, element = host, role = controller}; `h: controller` is {host, role = controller}.
struct Type {
  Base base = Base::any;
  Base element = Base::any;  // of a list; a list of lists does not say what those hold
  RoleId role;               // narrows a host, or the hosts of a list
  StateId state;             // of a cell
  bool operator==(const Type &) const = default;

  static Type of(Base base) { return {base, Base::any, {}, {}}; }
  static Type list_of(const Type &element) { return {Base::list, element.base, element.role, element.state}; }
  static Type host_of(RoleId role) { return {Base::host, Base::any, role, {}}; }
  static Type cell_of(StateId state) { return {Base::cell, Base::any, {}, state}; }
  static Type hosts(RoleId role = {}) { return {Base::list, Base::host, role, {}}; }

  bool is(Base b) const { return base == b; }
  bool poisoned() const { return base == Base::poison; }
  bool is_hosts() const { return base == Base::list && element == Base::host; }
  /// What going through a value of this type gives: the element of a list, json of a table or of json; else poison.
  Type element_type() const;
};

std::string_view spelling(Base base);
/// The built-in type of that name; roles are not known here.
std::optional<Base> base_named(std::string_view name);
/// Every type name that can be written, for suggestions.
std::vector<std::string_view> type_names();
/// The same in the plan's words; poison, cells and the like become what the runtime sees (a cell is a string).
plan::BaseType plan_base(Base base);

/// Whether a value may stand where `to` is wanted. json and any are settled at run time (what does not fit is unknown);
/// an int is a decimal; a host of a role is a host. A plain host is not a host of a role: the caller knows the host, or
/// not.
bool assignable(const Type &from, const Type &to);
/// Whether `==` between the two means something.
bool comparable(const Type &left, const Type &right);
/// Whether `<` between the two means something.
bool ordered(const Type &left, const Type &right);
/// `5GB` for a bare `5` beside a size, "" if there is nothing to suggest: text for a fix-it of a missing unit.
std::string suggest_unit(const Type &wanted, std::string_view number);

}  // namespace upg::sema
