#include "runtime/plan/validate.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/plan/builder.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/plan/opcodes.h"
#include "test/unit/plan/lab_plan.h"
#include "test/unit/plan/random_plan.h"

namespace upg::plan {
namespace {

/// The n-th node of an opcode.
NodeId find(const Plan &plan, Op op, std::size_t nth = 0) {
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    if (plan.nodes[i].op == op && nth-- == 0) return NodeId(i);
  }
  return NodeId();
}
Node &node(Plan &plan, Op op, std::size_t nth = 0) { return plan.nodes[find(plan, op, nth).index]; }
Frame of_host(const Plan &plan) { return plan.procedures[0].frame; }
/// A new body for the plan, at the end of the pools, in front of what it had.
void prepend(Plan &plan, Op op, std::uint32_t a, std::uint32_t b, std::vector<NodeId> kids) {
  Builder builder;
  builder.plan = std::move(plan);
  const NodeId statement = builder.node(op, {}, a, b, kids);
  const NodeId wrapped = builder.node(Op::parallel, {}, 0, 0, {builder.plan.body});
  builder.plan.body = builder.node(Op::block, {}, 0, 0, {statement, wrapped});
  plan = std::move(builder.plan);
}
NodeId leaf(Plan &plan, Op op, std::uint32_t a = 0) {
  plan.nodes.push_back({op, a, 0, static_cast<std::uint32_t>(plan.children.size()), 0});
  plan.spans.emplace_back();
  return NodeId(plan.nodes.size() - 1);
}

void attempt(Plan &plan, std::uint32_t times) {
  const NodeId block = leaf(plan, Op::block), yes = leaf(plan, Op::boolean, 1), back = leaf(plan, Op::block);
  Builder b;
  b.plan = std::move(plan);
  const NodeId recover = b.node(Op::recover, {}, 0, 0, {yes, back});
  plan = std::move(b.plan);
  prepend(plan, Op::attempt, times, 0, {block, recover});
}

struct Case {
  const char *name;
  std::function<void(Plan &)> harm;
  const char *message;  // part of it
};

const std::vector<Case> &cases() {
  static const std::vector<Case> all = {
      // ---- strings, ids, enumerators, places
      {"bad_utf8", [](Plan &p) { p.strings[3] = "\xff"; }, "not valid UTF-8"},
      {"repeated_string", [](Plan &p) { p.strings.push_back(p.strings[0]); }, "stands in the pool twice"},
      {"string_out_of_range", [](Plan &p) { p.gates[0].name = StringId(99999); },
       "`name` names something that is not there"},
      {"gate_out_of_range", [](Plan &p) { p.roles[1].health = GateId(99); }, "`health` names something"},
      {"absent_element", [](Plan &p) { p.hosts[0].via.emplace_back(); }, "`via` names something"},
      {"absent_exclusive", [](Plan &p) { p.exclusive.emplace_back(); }, "exclusive[1] names something"},
      {"nested_record", [](Plan &p) { p.probes[1].frame.parameters[1].name = StringId(99999); }, "probes[1]: `name`"},
      {"enumerator", [](Plan &p) { p.holds[0].on_halt = static_cast<Afterwards>(9); }, "`on_halt` is out of range"},
      {"plan_kind", [](Plan &p) { p.kind = PlanKind::count_; }, "`kind` is out of range"},
      {"place_file",
       [](Plan &p) {
         p.gates[0].where = {7, 0, 0};
       },
       "no place in a file"},
      {"place_beyond_text",
       [](Plan &p) {
         p.gates[0].where = {0, 0, 1000000};
       },
       "no place in a file"},
      {"place_backwards",
       [](Plan &p) {
         p.gates[0].where = {0, 5, 4};
       },
       "no place in a file"},
      {"node_place",
       [](Plan &p) {
         p.spans[4] = {0, 1, 1000000};
       },
       "node 4: its place"},
      {"source_map_short", [](Plan &p) { p.spans.pop_back(); }, "one place for each node"},
      // ---- nodes
      {"opcode", [](Plan &p) { p.nodes[0].op = Op::count_; }, "its opcode is out of range"},
      {"immediate", [](Plan &p) { node(p, Op::act).a = 99; }, "its action is out of range"},
      {"unused_immediate", [](Plan &p) { node(p, Op::act).b = 1; }, "its nothing is out of range"},
      {"flag", [](Plan &p) { node(p, Op::boolean).a = 2; }, "its flag is out of range"},
      {"wrong_children",
       [](Plan &p) {
         node(p, Op::with).op = Op::branch;
         node(p, Op::branch).a = 0;
       },
       "its children are not what"},
      {"child_after_parent", [](Plan &p) { p.children[node(p, Op::contains).first] = NodeId(p.nodes.size() - 1); },
       "does not stand before it"},
      {"gap_in_children", [](Plan &p) { node(p, Op::contains).first += 1; }, "do not follow those"},
      {"children_left_over", [](Plan &p) { p.children.push_back(NodeId(0)); }, "longer than the nodes need"},
      {"shared",
       [](Plan &p) { p.children[node(p, Op::differ).first + 1] = p.children[node(p, Op::contains).first + 1]; },
       "stands in two places"},
      {"shared_root", [](Plan &p) { p.gates[1].fail = p.gates[1].pass; }, "stands in two places"},
      {"orphan", [](Plan &p) { leaf(p, Op::boolean); }, "nothing refers to it"},
      {"too_deep",
       [](Plan &p) {
         Builder b;
         b.plan = std::move(p);
         for (std::size_t i = 0; i < Limits::depth; ++i)
           b.plan.gates[0].pass = b.node(Op::negate, {}, 0, 0, {b.plan.gates[0].pass});
         p = std::move(b.plan);
       },
       "nested more than 256 deep"},
      // ---- records
      {"no_body", [](Plan &p) { p.body = NodeId(); }, "it has no body"},
      {"no_fingerprint", [](Plan &p) { p.inventory_fingerprint = StringId(); }, "lacks its name, cluster, compiler"},
      {"host_twice", [](Plan &p) { p.hosts[1].name = p.hosts[0].name; }, "a second host of this name"},
      {"host_port", [](Plan &p) { p.hosts[1].port = 65536; }, "port is above 65535"},
      {"roles_unsorted", [](Plan &p) { std::swap(p.hosts[0].roles[0], p.hosts[0].roles[1]); },
       "its roles are not in order"},
      {"own_bastion", [](Plan &p) { p.hosts[1].via.emplace_back(1); }, "its own bastion"},
      {"role_without_its_host", [](Plan &p) { p.sets[3].hosts.pop_back(); }, "not the hosts that list the role"},
      {"role_with_another_host", [](Plan &p) { p.sets[3].hosts.emplace_back(2); }, "not the hosts that list the role"},
      {"set_with_host_twice", [](Plan &p) { p.sets[4].hosts[1] = p.sets[4].hosts[0]; }, "stands in it twice"},
      {"weights",
       [](Plan &p) {
         p.roles[1].weights = {1, 1};
       },
       "one weight for each host"},
      {"two_boot_roles", [](Plan &p) { p.roles[1].boot = p.roles[0].boot; }, "exactly one role may tell the boot id"},
      {"boot_not_everywhere",
       [](Plan &p) {
         p.roles[3].boot = p.roles[0].boot;
         p.roles[0].boot = ProbeId();
       },
       "exactly one role may tell"},
      {"health_parameters", [](Plan &p) { p.gates[1].frame.parameters[0].type.base = BaseType::string; },
       "health and stoppable gates"},
      {"percent",
       [](Plan &p) {
         p.roles[1].available[0] = {AvailableKind::at_least_percent, 1000001, {}, {}, {}};
       },
       "more than the whole"},
      {"frame", [](Plan &p) { p.gates[1].frame.slots.clear(); }, "frame"},
      {"state_values", [](Plan &p) { p.states[0].values.clear(); }, "no values"},
      {"state_value_names", [](Plan &p) { p.states[0].values[1].name = p.states[0].values[0].name; },
       "two values have one name"},
      {"boot_move",
       [](Plan &p) {
         p.states[0].on_boot.push_back({0, 2});
       },
       "no value of its own"},
      {"state_taint",
       [](Plan &p) {
         p.states[0].taints.push_back({{5}, {}});
       },
       "a taint names no value"},
      {"gate_without_pass", [](Plan &p) { p.gates[0].pass = NodeId(); }, "lacks its name, condition"},
      {"gate_poll", [](Plan &p) { p.gates[0].poll = 0; }, "without an interval"},
      {"gate_deadline", [](Plan &p) { p.gates[0].deadline = -1; }, "out of range"},
      {"gate_stable", [](Plan &p) { p.gates[0].stable = 0; }, "no pass at all"},
      {"gate_watches", [](Plan &p) { p.gates[0].watch_kind = WatchKind::written; }, "disagree"},
      {"action_does_nothing", [](Plan &p) { p.actions[2].operator_text = StringId(); }, "it does nothing"},
      {"takes", [](Plan &p) { p.actions[0].typical = p.actions[0].worst + 1; }, "`takes` is out of range"},
      {"undo_kind", [](Plan &p) { p.actions[0].undo_kind = UndoKind::action; }, "its undo is not what it says"},
      {"undo_parameters",
       [](Plan &p) {
         p.actions[0].undo_kind = UndoKind::action;
         p.actions[0].undo = ActionId(2);
       },
       "other parameters"},
      {"undo_of_hold",
       [](Plan &p) {
         p.actions[2].undo_kind = UndoKind::action;
         p.actions[2].undo = ActionId(3);
       },
       "part of a hold"},
      {"undo_of_itself",
       [](Plan &p) {
         p.actions[0].undo_kind = UndoKind::action;
         p.actions[0].undo = ActionId(0);
       },
       "uses itself"},
      {"hold_one_action", [](Plan &p) { p.holds[0].release = p.holds[0].acquire; }, "acquire and a release of its own"},
      {"hold_parameters",
       [](Plan &p) {
         p.holds[0].frame = of_host(p);
         p.roles[3].down_only_under = HoldId();
       },
       "acquire or release has other parameters"},
      {"rollout_hosts", [](Plan &p) { p.rollouts[1].hosts = SetId(); }, "its hosts are not known"},
      {"rollout_empty", [](Plan &p) { p.sets[4].hosts.clear(); }, "it has no hosts"},
      {"rollout_batch", [](Plan &p) { p.rollouts[1].batch = 0; }, "no host at a time"},
      {"rollout_per", [](Plan &p) { p.rollouts[1].per_batch = 1; }, "is not what it says"},
      {"window_minute", [](Plan &p) { p.windows[0].minute = 1440; }, "no minute of a day"},
      {"window_length", [](Plan &p) { p.windows[0].length = 0; }, "its length is out of range"},
      {"claim_value", [](Plan &p) { p.finally[0].value = 2; }, "no such value"},
      {"claim_of_cluster", [](Plan &p) { p.finally[0].hosts = SetId(); }, "no such value"},
      {"waiver_reason", [](Plan &p) { p.waivers[0].reason = StringId(); }, "lacks its rule or reason"},
      {"waiver_length", [](Plan &p) { p.waivers[0].at_most = 1000; }, "its length is out of range"},
      {"waiver_of_no_role",
       [](Plan &p) {
         p.strings.push_back("outage");
         p.waivers[0].rule = StringId(p.strings.size() - 1);
         p.waivers[0].role = RoleId();
       },
       "does not say of which role"},
      {"tolerant_in_vain", [](Plan &p) { p.rollouts[1].tolerant = true; }, "does not say how many"},
      {"tolerate", [](Plan &p) { p.tolerate = Limits::tolerated + 1; }, "too many lost hosts"},
      {"order", [](Plan &p) { p.orders[0].groups.pop_back(); }, "it orders nothing"},
      // ---- bodies
      {"root_category", [](Plan &p) { std::swap(p.actions[0].needs, p.actions[0].effects); },
       "`needs` is no requirement"},
      {"attribute_not_constant",
       [](Plan &p) {
         p.hosts[0].attributes[0].value = p.gates[1].pass;
         p.gates[1].pass = leaf(p, Op::boolean);
       },
       "it is no constant"},
      {"slot_outside", [](Plan &p) { node(p, Op::local).a = 9; }, "read before it is bound"},
      {"slot_not_bound", [](Plan &p) { p.rollouts[1].slot = 0; }, "slot 1 is read before it is bound"},
      {"slot_of_parameter", [](Plan &p) { node(p, Op::bind).a = 0; }, "overwrites a parameter"},
      {"rollout_slot", [](Plan &p) { p.rollouts[1].slot = 2; }, "outside the frame"},
      {"let_leaves_its_block",
       [](Plan &p) {
         p.frame.slots.push_back(p.frame.slots[0]);
         const NodeId value = leaf(p, Op::boolean);
         prepend(p, Op::let, 2, 0, {value});
         const NodeId read = leaf(p, Op::local, 2);
         p.gates[0].fail = read;
       },
       "slot 2 is read before it is bound"},
      {"was", [](Plan &p) { p.gates[0].fail = leaf(p, Op::was); }, "only the release of a hold"},
      {"secret",
       [](Plan &p) {
         p.secrets.push_back({p.strings.empty() ? StringId() : StringId(0), SecretSource::prompt, StringId(), {}});
         p.gates[0].fail = leaf(p, Op::secret);
       },
       "a secret outside"},
      {"arguments", [](Plan &p) { p.probes[2].frame = of_host(p); }, "0 arguments for 1 parameters"},
      {"no_host", [](Plan &p) { p.probes[1].frame.parameters[1].type.base = BaseType::host; },
       "argument 2 is `string` where `host` is wanted"},
      {"host_without_role",
       [](Plan &p) {
         p.gates[1].frame.parameters[0].type.role = RoleId(3);
         const NodeId third = leaf(p, Op::host, 2);
         Builder b;
         b.plan = std::move(p);
         const NodeId gate = b.node(Op::gate, {}, 1, 0, {third});
         p = std::move(b.plan);
         prepend(p, Op::await, 0, 0, {gate});
       },
       "a host without the role"},
      {"hold_part_as_action", [](Plan &p) { prepend(p, Op::act, p.holds[0].acquire.index, 0, {}); },
       "run through `with` only"},
      {"command_in_plan",
       [](Plan &p) {
         const NodeId local = leaf(p, Op::on_local), word = leaf(p, Op::text, 0);
         Builder b;
         b.plan = std::move(p);
         const NodeId run = b.node(Op::run, {}, 0, 0, {local, word});
         p = std::move(b.plan);
         prepend(p, Op::command, 0, 0, {run});
       },
       "only an action runs commands"},
      {"statement_in_action", [](Plan &p) { std::swap(p.actions[2].body, p.preflight); }, "an action runs commands"},
      {"phase_after_itself", [](Plan &p) { p.phases[1].after = {1}; }, "after a phase that does not stand before it"},
      {"recovery_alone",
       [](Plan &p) {
         const NodeId yes = leaf(p, Op::boolean, 1), nothing = leaf(p, Op::block);
         prepend(p, Op::recover, 0, 0, {yes, nothing});
       },
       "recoveries stand in an attempt"},
      {"attempt_without_recovery", [](Plan &p) { prepend(p, Op::attempt, 2, 0, {leaf(p, Op::block)}); },
       "it has no recovery"},
      {"attempt_once", [](Plan &p) { attempt(p, 1); }, "tries less than twice"},
      {"attempt_too_often", [](Plan &p) { attempt(p, Limits::attempts + 1); }, "more than 100 times"},
      {"statement_in_attempt",
       [](Plan &p) {
         prepend(p, Op::attempt, 2, 0, {leaf(p, Op::block), leaf(p, Op::dag)});
       },
       "it has no recovery"},
      {"no_return_in_abort",
       [](Plan &p) {
         Builder b;
         b.plan = std::move(p);
         const NodeId point = b.node(Op::no_return, {}, 0, 0, {});
         b.plan.on_abort = b.node(Op::block, {}, 0, 0, {point});
         p = std::move(b.plan);
       },
       "an abort has no point of no return"},
      {"rollout_twice",
       [](Plan &p) {
         node(p, Op::visit).a = 1;
         p.rollouts[1].slot = 0;
       },
       "has its place already"},
      {"rollout_unused", [](Plan &p) { p.rollouts.push_back(p.rollouts[0]); }, "rollouts[2]: nothing refers to it"},
      {"waiver_unused", [](Plan &p) { p.waivers.push_back(p.waivers[0]); }, "waivers[1]: nothing refers to it"},
      {"phase_unused", [](Plan &p) { p.phases.push_back(p.phases[0]); }, "phases[2]: nothing refers to it"},
      {"moves_value", [](Plan &p) { node(p, Op::moves).a = 2; }, "no values of the state"},
      {"moves_failure", [](Plan &p) { node(p, Op::moves).b = 3; }, "no values of the state"},
      {"builtin_arguments", [](Plan &p) { node(p, Op::builtin).a = static_cast<std::uint32_t>(Builtin::match); },
       "another number of arguments"},
  };
  return all;
}

TEST(Validate, LabPlanIsValid) {
  const auto fault = validate(testing::lab_plan());
  EXPECT_FALSE(fault) << fault->message;
}

TEST(Validate, EmptyPlanIsNone) { EXPECT_TRUE(validate(Plan{})); }

TEST(Validate, EveryHarmIsFound) {
  for (const Case &c : cases()) {
    Plan plan = testing::lab_plan();
    c.harm(plan);
    const auto fault = validate(plan);
    if (!fault) {
      ADD_FAILURE() << c.name << ": still valid";
      continue;
    }
    EXPECT_NE(fault->message.find(c.message), std::string::npos) << c.name << ": " << fault->message;
  }
}

Plan chain(std::size_t length, bool closed) {
  Builder b;
  b.plan = testing::lab_plan();
  const std::size_t first = b.plan.probes.size();
  for (std::size_t i = 0; i < length; ++i) {
    Probe probe;
    probe.name = b.string("chain" + std::to_string(i));
    const bool last = i + 1 == length;
    probe.body = last && !closed
                     ? b.number(1, {})
                     : b.node(Op::ask_probe, {}, static_cast<std::uint32_t>(last ? first : first + i + 1), 0, {});
    b.plan.probes.push_back(probe);
  }
  return std::move(b.plan);
}

TEST(Validate, Recursion) {
  EXPECT_FALSE(validate(chain(1, false)));
  EXPECT_FALSE(validate(chain(Limits::depth, false)));
  for (const std::size_t length : {1u, 2u, 7u}) {
    const auto fault = validate(chain(length, true));
    ASSERT_TRUE(fault) << length;
    EXPECT_NE(fault->message.find("uses itself"), std::string::npos) << fault->message;
  }
  const auto fault = validate(chain(100000, false));  // no stack overflow either
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->message.find("longer than 256"), std::string::npos) << fault->message;
}

TEST(Validate, DropUnusedNodes) {
  const Plan clean = testing::random_plan(5);
  Builder b;
  b.plan = testing::random_plan(5);
  // orphans in the middle: shift everything by building a tree that nobody wants, first
  Plan littered = clean;
  const NodeId a = leaf(littered, Op::boolean);
  littered.children.push_back(a);
  littered.nodes.push_back({Op::negate, 0, 0, static_cast<std::uint32_t>(littered.children.size() - 1), 1});
  littered.spans.emplace_back();
  ASSERT_TRUE(validate(littered));
  drop_unused_nodes(littered);
  EXPECT_FALSE(validate(littered));
  EXPECT_EQ(write(littered), write(clean));

  Plan gap = testing::lab_plan();  // an orphan in front of others
  gap.gates[0].fail = NodeId();
  gap.gates[1].pass = leaf(gap, Op::boolean);
  ASSERT_TRUE(validate(gap));
  drop_unused_nodes(gap);
  const auto fault = validate(gap);
  EXPECT_FALSE(fault) << fault->message;
  EXPECT_LT(gap.nodes.size(), testing::lab_plan().nodes.size());
}

}  // namespace
}  // namespace upg::plan
