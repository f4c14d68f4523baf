#include "runtime/safety/rules/rules.h"

namespace upg::safety {
namespace {

void check(Analysis &a) { static_cast<void>(a); }

}  // namespace

Rule rank_rule() { return {diagnostics::Kind::rule_rank, "rank", "", "", "", check}; }

}  // namespace upg::safety
