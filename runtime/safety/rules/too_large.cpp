#include "runtime/safety/rules/examples.h"
#include "runtime/safety/rules/rules.h"

namespace upg::safety {

Rule too_large_rule() {
  return {
      diagnostics::Kind::rule_too_large, "too_large",
      R"(The checker unfolds a plan for the first, the second and the last host of each class of hosts, never for each host. A plan that is still too
large, because procedures call one another many times or blocks nest very deeply, is not proved and so not run.)",

      // failing
      UPG_EXAMPLE_HEAD R"upg(
procedure p0() { await joined(node1) }
procedure p1() { p0() p0() p0() p0() p0() p0() p0() p0() p0() p0() }
procedure p2() { p1() p1() p1() p1() p1() p1() p1() p1() p1() p1() }
procedure p3() { p2() p2() p2() p2() p2() p2() p2() p2() p2() p2() }
procedure p4() { p3() p3() p3() p3() p3() p3() p3() p3() p3() p3() }
procedure p5() { p4() p4() p4() p4() p4() p4() p4() p4() p4() p4() }
procedure p6() { p5() p5() p5() p5() p5() p5() p5() p5() p5() p5() }
procedure p7() { p6() p6() p6() p6() p6() p6() p6() p6() p6() p6() }

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  p7()
}
)upg",
      // fixed
      UPG_EXAMPLE_HEAD R"upg(
procedure p0() { await joined(node1) }
procedure p1() { p0() p0() }
procedure p2() { p1() p1() }

upgrade all_nodes of lab {
  preflight { await in_service(all) }
  p2()
}
)upg",
      nullptr, false};
}

}  // namespace upg::safety
