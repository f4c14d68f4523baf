#include "test/unit/lower/support.h"

#include "runtime/diagnostics/render_text.h"
#include "runtime/plan/opcodes.h"

namespace upg::lower_test {

const std::string_view site = R"(use base
cluster lab {
  host db1 "10.0.0.1", db2 "10.0.0.2", db3 "10.0.0.3" { rack r1  roles base.db }
  host web1 "10.0.1.1" { rack r2  roles base.web }
}
)";

compiler::Compiled compile(std::string_view text, std::string_view limit) {
  compiler::CompileOptions options;
  options.path = "-";
  options.text = std::string(site) + std::string(text);
  options.stdlib = {UPG_TEST_INPUTS};
  options.limit = std::string(limit);
  options.compiler_version = "test";
  return compiler::compile(options);
}

std::string messages(const compiler::Compiled &compiled) {
  std::string result;
  for (const diagnostics::Diagnostic &d : compiled.sink.all()) result += diagnostics::render_text(d, compiled.sources);
  return result;
}

namespace {

std::string immediate(const plan::Plan &plan, plan::Immediate kind, std::uint32_t value) {
  using plan::Immediate;
  const auto name = [&](const auto &table) { return std::string(plan.text(table[value].name)); };
  switch (kind) {
    case Immediate::unused:
      return "";
    case Immediate::string:
      return "\"" + plan.strings[value] + "\"";
    case Immediate::integer:
      return std::to_string(plan.integers[value]);
    case Immediate::host:
      return name(plan.hosts);
    case Immediate::set: {
      std::string hosts;
      for (const plan::HostId host : plan.sets[value].hosts)
        hosts += (hosts.empty() ? "" : ",") + std::string(plan.text(plan.hosts[host.index].name));
      return "{" + hosts + "}";
    }
    case Immediate::role:
      return name(plan.roles);
    case Immediate::role_or_all:
      return value == plan::all_roles ? "all" : name(plan.roles);
    case Immediate::state:
      return name(plan.states);
    case Immediate::probe:
      return name(plan.probes);
    case Immediate::gate:
      return name(plan.gates);
    case Immediate::action:
      return name(plan.actions);
    case Immediate::hold:
      return name(plan.holds);
    case Immediate::procedure:
      return name(plan.procedures);
    case Immediate::phase:
      return name(plan.phases);
    case Immediate::secret:
      return name(plan.secrets);
    case Immediate::builtin:
      return std::string(plan::info(static_cast<plan::Builtin>(value)).name);
    case Immediate::slot:
      return "$" + std::to_string(value);
    case Immediate::rollout: {
      const plan::Rollout &rollout = plan.rollouts[value];
      return "$" + std::to_string(rollout.slot) + " " + immediate(plan, Immediate::set, rollout.hosts.index) +
             " batch " + std::to_string(rollout.batch);
    }
    case Immediate::waiver:
      return std::string(plan.text(plan.waivers[value].rule));
    default:
      return std::to_string(value);
  }
}

void lines(const plan::Plan &plan, plan::NodeId id, std::size_t depth, std::string &out) {
  const plan::Node &node = plan.node(id);
  const plan::OpInfo &row = plan::info(node.op);
  out += std::string(depth * 2, ' ') + std::string(row.name);
  for (const std::string &part : {immediate(plan, row.a, node.a), immediate(plan, row.b, node.b)}) {
    if (!part.empty()) out += " " + part;
  }
  out += "\n";
  for (const plan::NodeId kid : plan.kids(id)) lines(plan, kid, depth + 1, out);
}

}  // namespace

std::string tree(const plan::Plan &plan, plan::NodeId root) {
  std::string out;
  if (root.valid()) lines(plan, root, 0, out);
  return out;
}

plan::Plan plan_of(std::string_view text, std::string_view limit) {
  compiler::Compiled compiled = compile(text, limit);
  EXPECT_EQ(messages(compiled), "");
  EXPECT_TRUE(compiled.plan.has_value());
  return compiled.plan ? std::move(*compiled.plan) : plan::Plan{};
}

std::string probe_tree(std::string_view declarations) {
  const plan::Plan plan =
      plan_of(std::string(declarations) +
              "\ngate asks_p { pass when string(p(db1)) != \"\" }\nupgrade u of lab { await asks_p }\n");
  return tree(plan, named(plan, plan.probes, "p").body);
}

std::string body_tree(std::string_view statements, std::string_view declarations) {
  const plan::Plan plan =
      plan_of(std::string(declarations) + "\nupgrade u of lab {\n" + std::string(statements) + "\n}\n");
  return tree(plan, plan.body);
}

std::string statement_messages(std::string_view statements, std::string_view declarations) {
  return messages(compile(std::string(declarations) + "\nupgrade u of lab {\n" + std::string(statements) + "\n}\n"));
}

}  // namespace upg::lower_test
