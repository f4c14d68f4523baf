#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule starve_rule() { return {diagnostics::Kind::rule_starve, "starve", "", "", "", check}; }

}  // namespace upg::safety
