#include <string>

#include "runtime/plan/builder.h"
#include "runtime/plan/opcodes.h"
#include "test/unit/plan/random_plan.h"

namespace upg::plan::testing {

Plan long_plan(std::size_t statements) {
  Builder b;
  Plan &p = b.plan;
  std::string source = "upgrade long of lab {\n";
  while (source.size() < statements * 24) source += "  await ready(node1)  // \xc3\xa9\n";
  p.files.push_back({b.string("long.upg"), b.string(source)});
  p.name = b.string("long"), p.cluster = b.string("lab"), p.compiler = b.string("0.1.0");
  p.inventory_fingerprint = b.string(std::string(64, 'b'));
  p.sets.push_back({StringId(), {HostId(0)}, NodeId(), {}, {}});
  p.roles.push_back({});
  p.roles[0].name = b.string("node"), p.roles[0].hosts = SetId(0);
  Host host;
  host.name = b.string("node1"), host.address = b.string("10.0.0.1"), host.roles = {RoleId(0)};
  p.hosts.push_back(host);
  const Frame of_host{{{b.string("h"), Type{BaseType::host, BaseType::any, RoleId()}}}, {b.string("h")}};
  Gate gate;
  gate.name = b.string("ready"), gate.frame = of_host, gate.pass = b.node(Op::boolean, {}, 1, 0, {});
  p.gates.push_back(gate);
  std::vector<NodeId> lines;
  for (std::size_t i = 0; i < statements; ++i) {
    const Span where{0, static_cast<std::uint32_t>(i * 24), static_cast<std::uint32_t>(i * 24)};
    const Span good = (static_cast<unsigned char>(source[where.begin]) & 0xc0) == 0x80 ? Span{} : where;
    if (i % 4 == 3) {
      const NodeId text = b.text("step " + std::to_string(i), good);
      lines.push_back(b.node(Op::expect_true, good, 0, 0, {b.node(Op::equal, good, 0, 0, {text, b.text("a", good)})}));
    } else {
      lines.push_back(
          b.node(Op::await, good, 0, 0, {b.node(Op::gate, good, 0, 0, {b.node(Op::host, good, 0, 0, {})})}));
    }
  }
  p.body = b.node(Op::block, {}, 0, 0, lines);
  return std::move(b.plan);
}

}  // namespace upg::plan::testing
