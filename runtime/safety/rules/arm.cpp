#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule arm_rule() { return {diagnostics::Kind::rule_arm, "arm", "", "", "", check}; }

}  // namespace upg::safety
