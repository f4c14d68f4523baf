#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule once_rule() { return {diagnostics::Kind::rule_once, "once", "", "", "", check}; }

}  // namespace upg::safety
