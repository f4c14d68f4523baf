#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule race_rule() { return {diagnostics::Kind::rule_race, "race", "", "", "", check}; }

}  // namespace upg::safety
