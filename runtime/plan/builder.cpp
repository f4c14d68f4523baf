#include "runtime/plan/builder.h"

namespace upg::plan {

StringId Builder::string(std::string_view text) {
  auto [it, fresh] = strings_.try_emplace(std::string(text), StringId(plan.strings.size()));
  if (fresh) plan.strings.emplace_back(text);
  return it->second;
}

IntegerId Builder::integer(std::int64_t value) {
  auto [it, fresh] = integers_.try_emplace(value, IntegerId(plan.integers.size()));
  if (fresh) plan.integers.push_back(value);
  return it->second;
}

NodeId Builder::node(Op op, Span where, std::uint32_t a, std::uint32_t b, std::span<const NodeId> children) {
  Node n{op, a, b, static_cast<std::uint32_t>(plan.children.size()), static_cast<std::uint32_t>(children.size())};
  plan.children.insert(plan.children.end(), children.begin(), children.end());
  plan.nodes.push_back(n);
  plan.spans.push_back(where);
  return NodeId(plan.nodes.size() - 1);
}

}  // namespace upg::plan
