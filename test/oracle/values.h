#pragma once
#include <string>
#include <vector>

#include "test/oracle/ground.h"

/// Constant values of expressions while a plan is made ground.
namespace upg::oracle {

/// A host, some hosts, a constant text, or something known at run time only (then `hosts` are the candidates, if it is
/// a host, and `text` an identity).
struct Value {
  enum class Kind : std::uint8_t { unknown, host, hosts, text } kind = Kind::unknown;
  Hosts hosts = 0;
  std::string text;
};
using Slots = std::vector<Value>;

Value host_value(std::size_t host);
Value unknown_value(std::string identity, Hosts candidates = 0);

/// Evaluates as far as the value is known before the run. Never fails: the rest is unknown.
Value evaluate(const plan::Plan &plan, plan::NodeId node, const Slots &slots);
/// The hosts that a target of an effect or a command names. `elsewhere`: the controller.
struct Target {
  Hosts hosts = 0;
  bool elsewhere = false;
};
Target target(const plan::Plan &plan, plan::NodeId node, const Slots &slots);
/// Where the questions under an expression run.
void asked_at(const plan::Plan &plan, plan::NodeId node, Slots slots, Target &out, std::size_t depth = 0);

void put(Slots &slots, std::size_t slot, Value value);
Hosts hosts_of_set(const plan::Plan &plan, plan::SetId set);
Hosts all_hosts(const plan::Plan &plan);
/// Values of the arguments of a node, from its children on; unknown hosts get the candidates of the parameter.
Slots arguments(const plan::Plan &plan, plan::NodeId node, std::size_t first, const plan::Frame &frame,
                const Slots &slots);
/// "name(a, b)": equal texts are the same thing.
std::string key(const plan::Plan &plan, plan::StringId name, const Slots &arguments);

}  // namespace upg::oracle
