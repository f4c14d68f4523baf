#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule state_rule() { return {diagnostics::Kind::rule_state, "state", "", "", "", check}; }

}  // namespace upg::safety
