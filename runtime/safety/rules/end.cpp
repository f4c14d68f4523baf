#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule end_rule() { return {diagnostics::Kind::rule_end, "end", "", "", "", check}; }

}  // namespace upg::safety
