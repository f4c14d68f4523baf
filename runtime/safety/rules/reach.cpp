#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule reach_rule() { return {diagnostics::Kind::rule_reach, "reach", "", "", "", check}; }

}  // namespace upg::safety
