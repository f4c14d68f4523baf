#pragma once
#include <cstdint>
#include <string_view>

/// The closed lists of the plan, one row per value: the enumerator and the word that people see for it.
/// Enum, range check of reader and validator, and every printed name are made from these rows.
namespace upg::plan {

// One row a line: the formatter, which would join them, is kept out.
// clang-format off
#define UPG_BASE_TYPES(X) \
  X(any, "any") \
  X(boolean, "bool") \
  X(integer, "int") \
  X(decimal, "decimal") \
  X(string, "string") \
  X(duration, "duration") \
  X(size, "size") \
  X(percent, "percent") \
  X(version, "version") \
  X(time, "time") \
  X(list, "list") \
  X(table, "table") \
  X(json, "json") \
  X(host, "host") \
  X(role, "role") \
  X(secret, "secret") \
  X(result, "result") \
  X(nothing, "nothing")

#define UPG_AVAILABLE_KINDS(X) \
  X(quorum, "quorum") \
  X(at_least, "at least") \
  X(at_least_percent, "at least percent") \
  X(all_but, "all but") \
  X(may_be_down, "may be down")

#define UPG_WATCH_KINDS(X) \
  X(unwritten, "default") \
  X(nothing, "nothing") \
  X(written, "written")
#define UPG_UNDO_KINDS(X) \
  X(none, "none") \
  X(nothing, "nothing") \
  X(action, "action")
#define UPG_AFTERWARDS(X) \
  X(unwritten, "not said") \
  X(keep, "keep") \
  X(release, "release")
#define UPG_SECRET_SOURCES(X) \
  X(prompt, "prompt") \
  X(environment, "environment") \
  X(file, "file")

#define UPG_WINDOW_DAYS(X) \
  X(monday, "Mon") \
  X(tuesday, "Tue") \
  X(wednesday, "Wed") \
  X(thursday, "Thu") \
  X(friday, "Fri") \
  X(saturday, "Sat") \
  X(sunday, "Sun") \
  X(daily, "day") \
  X(date, "date")

#define UPG_PLAN_KINDS(X) \
  X(upgrade, "upgrade") \
  X(repair, "repair")

#define UPG_CATEGORIES(X) \
  X(expr, "expression") \
  X(target, "target") \
  X(option, "option") \
  X(gate, "gate") \
  X(held, "hold") \
  X(cell, "cell") \
  X(need, "requirement") \
  X(effect, "effect") \
  X(stmt, "statement") \
  X(block, "block")

/// Meaning of an immediate; see opcodes.def.
#define UPG_IMMEDIATES(X) \
  X(unused, "nothing") \
  X(string, "string") \
  X(integer, "integer") \
  X(slot, "slot") \
  X(flag, "flag") \
  X(host, "host") \
  X(set, "set") \
  X(role, "role") \
  X(role_or_all, "role") \
  X(state, "state") \
  X(probe, "probe") \
  X(gate, "gate") \
  X(action, "action") \
  X(hold, "hold") \
  X(procedure, "procedure") \
  X(rollout, "rollout") \
  X(phase, "phase") \
  X(waiver, "waiver") \
  X(secret, "secret") \
  X(builtin, "builtin") \
  X(value, "value") \
  X(count, "count")
// clang-format on

#define UPG_ENUM(name, list)                                      \
  enum class name : std::uint8_t { list(UPG_ENUMERATOR) count_ }; \
  std::string_view name_of(name value);
#define UPG_ENUMERATOR(value, word) value,

UPG_ENUM(BaseType, UPG_BASE_TYPES)
UPG_ENUM(AvailableKind, UPG_AVAILABLE_KINDS)
UPG_ENUM(WatchKind, UPG_WATCH_KINDS)
UPG_ENUM(UndoKind, UPG_UNDO_KINDS)
UPG_ENUM(Afterwards, UPG_AFTERWARDS)
UPG_ENUM(SecretSource, UPG_SECRET_SOURCES)
UPG_ENUM(WindowDay, UPG_WINDOW_DAYS)
UPG_ENUM(PlanKind, UPG_PLAN_KINDS)
UPG_ENUM(Category, UPG_CATEGORIES)
UPG_ENUM(Immediate, UPG_IMMEDIATES)

#undef UPG_ENUMERATOR
#undef UPG_ENUM

}  // namespace upg::plan
