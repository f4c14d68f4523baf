// What expressions become.
#include "test/unit/lower/support.h"

namespace upg::lower_test {
namespace {

TEST(Expressions, LiteralsKeepTheirUnits) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> bool { return answers(h) and 5GiB > 5GB and 90s == 1m30s and 12.5% < 50% "
                       "and 1.50 > 1 and 2026-12-31 != 2027-01-01 }"),
            "both\n  both\n    both\n      both\n        both\n          builtin answers\n            local $0\n"
            "          greater\n            size 5368709120\n            size 5000000000\n"
            "        equal\n          duration 90000\n          duration 90000\n"
            "      less\n        percent 125000\n        percent 500000\n"
            "    greater\n      decimal \"1.50\"\n      number 1\n"
            "  differ\n    time 1798675200\n    time 1798761600\n");
}

TEST(Expressions, ConstantTextIsFoldedAndTheRestJoined) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> string { return \"a${h.name}b${\"c\"}d\" }"),
            "concat\n  text \"a\"\n  field \"name\"\n    local $0\n  text \"bcd\"\n");
}

TEST(Expressions, ShellTextQuotesConstantsThatComeFromElsewhere) {
  const plan::Plan plan = plan_of(R"(
param iso: string = "x; reboot"
probe p(h: host) -> string { return (sh("load ${iso} ${h.name} | cat") on h).stdout }
gate g { pass when p(db1) == "" }
upgrade u of lab { await g })");
  EXPECT_EQ(tree(plan, named(plan, plan.probes, "p").body),
            "field \"stdout\"\n  shell\n    on_host\n      local $0\n    text \"load \"\n    concat\n      text \"x; "
            "reboot\"\n    text \" \"\n"
            "    field \"name\"\n      local $0\n    text \" | cat\"\n");
}

TEST(Expressions, CommandOptionsStandBeforeTheWords) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> int { return (run(\"a\", 5) on h exits 0, 2 stdin \"in\" as \"root\" env "
                       "LANG = \"C\").code }"),
            "field \"code\"\n  run\n    on_host\n      local $0\n    exits 0\n    exits 2\n    stdin_is\n      text "
            "\"in\"\n    as_user\n      text \"root\"\n"
            "    env_is \"LANG\"\n      text \"C\"\n    text \"a\"\n    number 5\n");
}

TEST(Expressions, JsonAndTablesOfAResultAreParsedFromItsOutput) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> json { return (run(\"a\") on h).json.x[0].table }"),
            "field \"table\"\n  index\n    field \"x\"\n      builtin json\n        field \"stdout\"\n          run\n  "
            "          on_host\n              local $0\n"
            "            text \"a\"\n    number 0\n");
}

TEST(Expressions, RolesAreLiveHostsInQuestions) {
  EXPECT_EQ(
      probe_tree("probe p(h: host) -> bool { return every d in base.db except h where d != h if any: load(d) == 0 }"),
      "every $1 1\n  set_except\n    set_live {db1,db2,db3}\n    local $0\n  differ\n    local $1\n    local $0\n"
      "  equal\n    ask_probe base.load\n      local $1\n    number 0\n");
}

TEST(Expressions, StatesCompareWithTheNamesOfTheirValues) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> bool { return base.release(h) == armed or old != base.release(h) or "
                       "base.mode in [open, closed] }"),
            "either\n  either\n    equal\n      cell_value\n        cell base.release\n          local $0\n      text "
            "\"armed\"\n"
            "    differ\n      text \"old\"\n      cell_value\n        cell base.release\n          local $0\n"
            "  within\n    cell_value\n      cell base.mode\n    list\n      text \"open\"\n      text \"closed\"\n");
}

TEST(Expressions, NamesOfThePlanAndClusterAreConstants) {
  const plan::Plan plan = plan_of(R"(
probe p(h: host) -> bool { return "${plan.name} ${plan.from}" == h.name }
gate g { pass when p(db1) }
upgrade u of lab { from "1" to "2"  await g })");
  EXPECT_EQ(tree(plan, named(plan, plan.probes, "p").body), "equal\n  text \"u 1\"\n  field \"name\"\n    local $0\n");
}

TEST(Expressions, ArgumentsByNameAndDefaultsComeInTheOrderOfTheParameters) {
  EXPECT_EQ(probe_tree("probe q(a: int, b: int = 7, h: host) -> int { return a + b * load(h) }\nprobe p(h: host) -> "
                       "int { return q(h: h, a: 1) }"),
            "ask_probe q\n  number 1\n  number 7\n  local $0\n");
}

TEST(Expressions, ParametersOfThePlanAreConstants) {
  EXPECT_EQ(probe_tree("param n: int = 3\nprobe p(h: host) -> bool { return load(h) == n }"),
            "equal\n  ask_probe base.load\n    local $0\n  number 3\n");
}

TEST(Expressions, AnyHostOfASetIsAnArgument) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> int { return load(any d in base.db where d != h) }"),
            "ask_probe base.load\n  any_of\n    each $1 0\n      set_live {db1,db2,db3}\n      differ\n        local "
            "$1\n        local $0\n      local $1\n");
}

TEST(Expressions, VotesOfHostsDefaultToOne) {
  EXPECT_EQ(probe_tree("probe p(h: host) -> bool { return votes(base.db) - h.votes > 1 }"),
            "greater\n  subtract\n    builtin votes\n      set {db1,db2,db3}\n    otherwise\n      field \"votes\"\n   "
            "     local $0\n      number 1\n  number 1\n");
}

TEST(Expressions, TypesOfJsonAreSettledAtRunTime) {
  EXPECT_EQ(messages(compile("probe p(h: host) -> int { return facts(h).n + 1 }\nprobe q(h: host) -> bool { return "
                             "facts(h).ok and facts(h).name == \"x\" and facts(h).list contains 5 }\n"
                             "gate g { pass when p(db1) == 1 and q(db1) }\nupgrade u of lab { await g }")),
            "");
}

}  // namespace
}  // namespace upg::lower_test
