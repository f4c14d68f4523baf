#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule order_rule() { return {diagnostics::Kind::rule_order, "order", "", "", "", check}; }

}  // namespace upg::safety
