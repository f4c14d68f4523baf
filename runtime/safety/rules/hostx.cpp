#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule hostx_rule() { return {diagnostics::Kind::rule_hostx, "hostx", "", "", "", check}; }

}  // namespace upg::safety
