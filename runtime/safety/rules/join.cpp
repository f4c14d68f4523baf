#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule join_rule() { return {diagnostics::Kind::rule_join, "join", "", "", "", check}; }

}  // namespace upg::safety
