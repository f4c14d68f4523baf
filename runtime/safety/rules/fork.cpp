#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule fork_rule() { return {diagnostics::Kind::rule_fork, "fork", "", "", "", check}; }

}  // namespace upg::safety
