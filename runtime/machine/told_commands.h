#pragma once
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::machine {

/// A command of an action as a person would type it on the host.
struct ToldCommand {
  std::string where;  // "node1", "one of node1, node2", "each of node1, node2", "the controller"
  std::string text;
  bool exact = true;  // false: a part of it is only known when hosts are asked; `text` is then the plan's source
};

/// The commands of an action with these arguments and, for a release, the value found before it (both as the journal
/// keeps them). No host is asked; a secret shows as its name.
std::vector<ToldCommand> told_commands(const plan::Plan &plan, plan::ActionId action, const std::string &arguments,
                                       const std::string &was);

/// What the action requires, as the source says it.
std::vector<std::string> told_needs(const plan::Plan &plan, plan::ActionId action);

}  // namespace upg::machine
