// Contracts of actions and holds.
#include "test/unit/lower/support.h"

namespace upg::lower_test {
namespace {

std::string needs(const plan::Plan &plan, const plan::Action &action) {
  std::string out;
  for (const plan::NodeId id : action.needs) out += tree(plan, id);
  return out;
}
std::string effects(const plan::Plan &plan, const plan::Action &action) {
  std::string out;
  for (const plan::NodeId id : action.effects) out += tree(plan, id);
  return out;
}

TEST(Actions, RequirementsAreAListOfWhatCanBeProved) {
  const plan::Plan plan = plan_of(R"(
action a(h: base.db) {
  requires base.calm, base.release(h) == old, held base.quiet, in_service(h), stoppable(h)
  requires count(d in base.db where base.release(d) == new) <= 1, load(h) < 5
  requires count(d in base.db where base.release(d) == new) > 0
  moves base.release(h): old -> new
  run("x") on h
  takes 1s..1m
}
action b(h: base.db) { requires not held base.quiet  moves base.release(h): any -> new  run("x") on h  takes 1s..1m }
upgrade u of lab { a(db1)  b(db1) })");
  EXPECT_EQ(needs(plan, named(plan, plan.actions, "a")),
            "need_gate\n  gate base.calm\nneed_value 0\n  cell base.release\n    local $0\nneed_held\n  held "
            "base.quiet\nneed_gate\n  in_service\n    local $0\n"
            "need_gate\n  stoppable\n    local $0\n"
            "need_count $1 2\n  set {db1,db2,db3}\n  equal\n    cell_value\n      cell base.release\n        local "
            "$1\n    text \"new\"\n  number 1\n"
            "need_true\n  less\n    ask_probe base.load\n      local $0\n    number 5\n"
            "need_count $2 1\n  set {db1,db2,db3}\n  equal\n    cell_value\n      cell base.release\n        local "
            "$2\n    text \"new\"\n  number 1\n");
  EXPECT_EQ(needs(plan, named(plan, plan.actions, "b")), "need_free\n  held base.quiet\n");
}

TEST(Actions, EffectsOfEveryKind) {
  const plan::Plan plan = plan_of(R"(
action a(h: base.db) {
  changes base.db, base.web on h
  disrupts all on h
  disrupts base.web on each base.web
  spills base.web
  reaches base.db, all
  destroys "the disk of ${h}"
  reinstalls h
  moves base.release(h): old | new -> new via armed else armed
  moves base.mode: any -> open
  run("x") on h
  awaits boot of h
  awaits base.up(h)
  awaits base.mode == open
  takes 1s..1m
}
upgrade u of lab { a(db1) })");
  EXPECT_EQ(effects(plan, named(plan, plan.actions, "a")),
            "changes base.db\n  on_host\n    local $0\nchanges base.web\n  on_host\n    local $0\ndisrupts all\n  "
            "on_host\n    local $0\n"
            "disrupts base.web\n  on_each\n    set {web1}\nspills base.web\nreaches base.db\nreaches all\n"
            "destroys\n  concat\n    text \"the disk of \"\n    local $0\nreinstalls\n  local $0\n"
            "moves 2 2\n  cell base.release\n    local $0\n  number 2\n  number 0\n  number 2\n  number 1\n"
            "moves 1 0\n  cell base.mode\n  number 2\n  number 0\n  number 1\n"
            "boot_of\n  local $0\nawaits_gate\n  gate base.up\n    local $0\nawaits_true\n  equal\n    cell_value\n    "
            "  cell base.mode\n    text \"open\"\n");
}

TEST(Actions, StepsRetriesAndTimes) {
  const plan::Plan plan = plan_of(R"(
action a(h: base.db) {
  changes base.db on h
  let r = run("list") on h
  for x in r.stdout.lines if any at most 9 { run("x", x) on h  exits 0, 3 }
  run("done") on h
  done when load(h) == 0
  retry 2 every 30s
  idempotent
  takes 10s..5m
  undo { run("back") on h  changes base.db on h }
}
action once_only(h: base.db) { changes base.db on h  run("x") on h  once  takes 1s..1m  undo nothing "it is gone" }
upgrade u of lab { a(db1)  once_only(db2) })");
  const plan::Action &a = named(plan, plan.actions, "a");
  EXPECT_EQ(tree(plan, a.body),
            "block\n  let $1\n    run\n      on_host\n        local $0\n      text \"list\"\n  for_data $2 9\n    "
            "builtin lines\n      field \"stdout\"\n        local $1\n"
            "    boolean 1\n    block\n      command\n        run\n          on_host\n            local $0\n          "
            "exits 0\n          exits 3\n          text \"x\"\n          local $2\n"
            "  command\n    run\n      on_host\n        local $0\n      text \"done\"\n");
  EXPECT_EQ(tree(plan, a.done_when), "equal\n  ask_probe base.load\n    local $0\n  number 0\n");
  EXPECT_EQ(a.retries, 2u);
  EXPECT_EQ(a.retry_delay, 30'000);
  EXPECT_TRUE(a.idempotent);
  EXPECT_EQ(a.typical, 10'000);
  EXPECT_EQ(a.worst, 300'000);
  ASSERT_EQ(a.undo_kind, plan::UndoKind::action);
  const plan::Action &undo = plan.actions[a.undo.index];
  EXPECT_EQ(plan.text(undo.name), "a.undo");
  EXPECT_EQ(undo.worst, 300'000);
  const plan::Action &once = named(plan, plan.actions, "once_only");
  EXPECT_TRUE(once.once);
  EXPECT_EQ(once.undo_kind, plan::UndoKind::nothing);
  EXPECT_EQ(plan.text(once.undo_reason), "it is gone");
}

TEST(Actions, AListThatMayNotBeEmptyIsUnknownWhenItIs) {
  const plan::Plan plan = plan_of(
      "action a(h: base.db) { changes base.db on h  for x in facts(h).list at most 9 { run(\"x\", x) on h }  takes "
      "1s..1m }\nupgrade u of lab { a(db1) }");
  EXPECT_EQ(tree(plan, named(plan, plan.actions, "a").body),
            "block\n  for_data $1 9\n    bind $2\n      each $1 0\n        field \"list\"\n          ask_probe "
            "base.facts\n            local $0\n        boolean 1\n        local $1\n"
            "      choose\n        equal\n          builtin count\n            local $2\n          number 0\n"
            "        no_answer \"nothing to go through (`if any` says that this is meant)\"\n        local $2\n    "
            "boolean 1\n    block\n      command\n        run\n          on_host\n            local $0\n"
            "          text \"x\"\n          local $1\n");
}

TEST(Holds, AreTwoActionsThatShareTheContractOfTheHold) {
  const plan::Plan plan = plan_of(R"(
hold kept(h: base.db) {
  observe load(h)
  acquire { run("on", h.name) on any base.db  takes 1s..2s }
  release { requires base.calm  run("off", was) on any base.db }
  requires base.up(h)
  changes base.db on h
  moves base.release(h): old -> new
  takes 1s..1m
  taints base.calm
  on halt release
  on wait keep
}
upgrade u of lab { with kept(db1), base.quiet { await base.up(db1)  await base.calm } })");
  const plan::Hold &hold = named(plan, plan.holds, "kept");
  const plan::Action &acquire = plan.actions[hold.acquire.index];
  const plan::Action &release = plan.actions[hold.release.index];
  EXPECT_EQ(plan.text(acquire.name), "kept.acquire");
  EXPECT_EQ(needs(plan, acquire), "need_gate\n  gate base.up\n    local $0\n");
  EXPECT_EQ(needs(plan, release), "need_gate\n  gate base.calm\nneed_gate\n  gate base.up\n    local $0\n");
  EXPECT_EQ(effects(plan, acquire),
            "changes base.db\n  on_host\n    local $0\nmoves 2 0\n  cell base.release\n    local $0\n  number 1\n  "
            "number 0\n");
  EXPECT_EQ(effects(plan, release),
            "changes base.db\n  on_host\n    local $0\nmoves 0 0\n  cell base.release\n    local $0\n  number 1\n  "
            "number 2\n");
  EXPECT_EQ(tree(plan, release.body),
            "block\n  command\n    run\n      on_any\n        set {db1,db2,db3}\n      text \"off\"\n      was\n");
  EXPECT_EQ(acquire.worst, 2'000);
  EXPECT_EQ(release.worst, 60'000);
  EXPECT_EQ(hold.on_halt, plan::Afterwards::release);
  EXPECT_EQ(hold.on_wait, plan::Afterwards::keep);
  EXPECT_EQ(hold.taints.size(), 1u);
  EXPECT_EQ(hold.moves.size(), 1u);
  EXPECT_EQ(tree(plan, plan.body),
            "block\n  with\n    held kept\n      host db1\n    block\n      with\n        held base.quiet\n        "
            "block\n          await\n            gate base.up\n              host db1\n"
            "          await\n            gate base.calm\n");
}

}  // namespace
}  // namespace upg::lower_test
