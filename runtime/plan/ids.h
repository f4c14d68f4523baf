#pragma once
#include <cstdint>
#include <functional>

namespace upg::plan {

/// Index into one table of a Plan. The tag keeps a gate from being taken for an action; `none` is "absent".
template <class Tag>
struct Id {
  static constexpr std::uint32_t none = 0xffffffffu;
  std::uint32_t index = none;

  constexpr Id() = default;
  constexpr explicit Id(std::size_t i) : index(static_cast<std::uint32_t>(i)) {}
  constexpr bool valid() const { return index != none; }
  constexpr bool operator==(const Id &) const = default;
  constexpr auto operator<=>(const Id &) const = default;
};

using StringId = Id<struct StringTag>;
using IntegerId = Id<struct IntegerTag>;
using NodeId = Id<struct NodeTag>;
using HostId = Id<struct HostTag>;
using SetId = Id<struct SetTag>;
using RoleId = Id<struct RoleTag>;
using StateId = Id<struct StateTag>;
using ProbeId = Id<struct ProbeTag>;
using GateId = Id<struct GateTag>;
using ActionId = Id<struct ActionTag>;
using HoldId = Id<struct HoldTag>;
using ProcedureId = Id<struct ProcedureTag>;
using RolloutId = Id<struct RolloutTag>;
using PhaseId = Id<struct PhaseTag>;
using WaiverId = Id<struct WaiverTag>;
using SecretId = Id<struct SecretTag>;

}  // namespace upg::plan

template <class Tag>
struct std::hash<upg::plan::Id<Tag>> {
  std::size_t operator()(const upg::plan::Id<Tag> &id) const noexcept { return id.index; }
};
