#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/plan/opcodes.h"
#include "runtime/plan/plan.h"

namespace upg::plan {

/// Where a tree of nodes stands: decides what it may contain.
enum class Place : std::uint8_t { constant, question, contract, action, procedure, plan };

/// One tree of nodes: the field of a record that owns it, and the frame its slots are numbered in.
struct Body {
  NodeId root;
  Category category;
  Place place;
  const Frame *frame;      // null for constants
  std::string_view table;  // "gates", "plan"
  std::size_t record;      // index in the table
  std::string_view field;  // "pass"
};

/// Calls `visit(const Body &)` for every field of every record that holds a node, absent ones left out, in a fixed
/// order.
template <class Visit>
void for_each_body(const Plan &plan, Visit &&visit) {
  const auto one = [&](NodeId root, Category category, Place place, const Frame *frame, std::string_view table,
                       std::size_t record, std::string_view field) {
    if (root.valid()) visit(Body{root, category, place, frame, table, record, field});
  };
  using enum Category;
  for (std::size_t i = 0; i < plan.hosts.size(); ++i) {
    for (const Attribute &a : plan.hosts[i].attributes)
      one(a.value, expr, Place::constant, nullptr, "hosts", i, "attributes");
  }
  for (std::size_t i = 0; i < plan.cluster_attributes.size(); ++i) {
    one(plan.cluster_attributes[i].value, expr, Place::constant, nullptr, "cluster_attributes", i, "value");
  }
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    one(plan.parameters[i].value, expr, Place::constant, nullptr, "parameters", i, "value");
  }
  for (std::size_t i = 0; i < plan.sets.size(); ++i) {
    one(plan.sets[i].condition, expr, Place::question, &plan.sets[i].frame, "sets", i, "condition");
  }
  for (std::size_t i = 0; i < plan.states.size(); ++i) {
    one(plan.states[i].observe, expr, Place::question, &plan.states[i].frame, "states", i, "observe");
  }
  for (std::size_t i = 0; i < plan.probes.size(); ++i) {
    one(plan.probes[i].body, expr, Place::question, &plan.probes[i].frame, "probes", i, "body");
  }
  for (std::size_t i = 0; i < plan.gates.size(); ++i) {
    const Gate &g = plan.gates[i];
    one(g.pass, expr, Place::question, &g.frame, "gates", i, "pass");
    one(g.fail, expr, Place::question, &g.frame, "gates", i, "fail");
    for (const Watch &w : g.watches) {
      for (const NodeId argument : w.arguments) one(argument, expr, Place::question, &g.frame, "gates", i, "watches");
    }
  }
  for (std::size_t i = 0; i < plan.actions.size(); ++i) {
    const Action &a = plan.actions[i];
    for (const NodeId n : a.needs) one(n, need, Place::contract, &a.frame, "actions", i, "needs");
    for (const NodeId n : a.effects) one(n, effect, Place::contract, &a.frame, "actions", i, "effects");
    one(a.done_when, expr, Place::question, &a.frame, "actions", i, "done_when");
    one(a.body, block, Place::action, &a.frame, "actions", i, "body");
  }
  for (std::size_t i = 0; i < plan.holds.size(); ++i) {
    const Hold &h = plan.holds[i];
    one(h.observe, expr, Place::question, &h.frame, "holds", i, "observe");
    for (const NodeId n : h.moves) one(n, effect, Place::contract, &h.frame, "holds", i, "moves");
  }
  for (std::size_t i = 0; i < plan.procedures.size(); ++i) {
    one(plan.procedures[i].body, block, Place::procedure, &plan.procedures[i].frame, "procedures", i, "body");
  }
  one(plan.preflight, block, Place::plan, &plan.frame, "plan", 0, "preflight");
  one(plan.body, block, Place::plan, &plan.frame, "plan", 0, "body");
  one(plan.postflight, block, Place::plan, &plan.frame, "plan", 0, "postflight");
  one(plan.on_abort, block, Place::plan, &plan.frame, "plan", 0, "on_abort");
}

}  // namespace upg::plan
