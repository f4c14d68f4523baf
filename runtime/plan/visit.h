#pragma once
#include <cstddef>
#include <type_traits>
#include <vector>

#include "runtime/plan/plan.h"

/// What the generic code over `fields` and `tables` needs: which kind of field a type is, and how long the table of an
/// id is.
namespace upg::plan {

struct IgnoreField {
  template <class F>
  void operator()(const char *, F &) const {}
};

template <class T>
inline constexpr bool is_id = false;
template <class Tag>
inline constexpr bool is_id<Id<Tag>> = true;
template <class T>
inline constexpr bool is_list = false;
template <class E>
inline constexpr bool is_list<std::vector<E>> = true;

template <class T>
concept AnyId = is_id<T>;
template <class T>
concept AnyList = is_list<T>;
template <class T>
concept AnyEnum = std::is_enum_v<T>;
/// A struct of the plan that lists its fields.
template <class T>
concept AnyRecord = requires(T &t) {
  T::fields(t, IgnoreField{});
};

/// The least number of bytes that one value takes in a file: what bounds a count before anything is allocated.
template <class T>
std::size_t least_bytes() {
  if constexpr (AnyRecord<T>) {
    static const std::size_t sum = [] {
      std::size_t n = 0;
      T value{};
      T::fields(value, [&n]<class F>(const char *, F &) { n += least_bytes<F>(); });
      return n;
    }();
    return sum;
  } else {
    return 1;
  }
}

inline std::size_t table_size(const Plan &p, StringId) { return p.strings.size(); }
inline std::size_t table_size(const Plan &p, IntegerId) { return p.integers.size(); }
inline std::size_t table_size(const Plan &p, NodeId) { return p.nodes.size(); }
inline std::size_t table_size(const Plan &p, HostId) { return p.hosts.size(); }
inline std::size_t table_size(const Plan &p, SetId) { return p.sets.size(); }
inline std::size_t table_size(const Plan &p, RoleId) { return p.roles.size(); }
inline std::size_t table_size(const Plan &p, StateId) { return p.states.size(); }
inline std::size_t table_size(const Plan &p, ProbeId) { return p.probes.size(); }
inline std::size_t table_size(const Plan &p, GateId) { return p.gates.size(); }
inline std::size_t table_size(const Plan &p, ActionId) { return p.actions.size(); }
inline std::size_t table_size(const Plan &p, HoldId) { return p.holds.size(); }
inline std::size_t table_size(const Plan &p, ProcedureId) { return p.procedures.size(); }
inline std::size_t table_size(const Plan &p, RolloutId) { return p.rollouts.size(); }
inline std::size_t table_size(const Plan &p, PhaseId) { return p.phases.size(); }
inline std::size_t table_size(const Plan &p, WaiverId) { return p.waivers.size(); }
inline std::size_t table_size(const Plan &p, SecretId) { return p.secrets.size(); }

}  // namespace upg::plan
