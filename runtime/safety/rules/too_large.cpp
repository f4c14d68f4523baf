#include "runtime/safety/rules/rules.h"

namespace upg::safety {

Rule too_large_rule() {
  return {diagnostics::Kind::rule_too_large, "too_large",
          R"(The checker unfolds a plan for the first, the second and the last host of each class of hosts, never for each host. A plan that is still too
large, because procedures call one another many times or blocks nest very deeply, is not proved and so not run.)",
          "", "", nullptr, false};
}

}  // namespace upg::safety
