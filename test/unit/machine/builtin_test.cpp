// Every function and member of builtins.def: what it gives, and that it does not guess. And what a dry run says of
// answers that depend on what has not run.
#include <gtest/gtest.h>

#include "runtime/machine/evaluate.h"
#include "test/unit/machine/fixture.h"

namespace upg::machine_test {
namespace {

using machine::apply_builtin;
using machine::Value;
using plan::Builtin;
using Kind = Value::Kind;

Value text(const std::string &s) { return Value::string(s); }
Value list(std::initializer_list<const char *> items) {
  Value::Items all;
  for (const char *i : items) all.push_back(text(i));
  return Value::list(std::move(all));
}

struct Row {
  Builtin builtin;
  std::vector<Value> arguments;
  std::string shown;  // empty: no answer
};

TEST(Builtin, EachGivesWhatItsRowSaysOrNoAnswer) {
  const Value object = machine::parse_json(R"({"b": 2, "a": "x"})");
  const std::string boxed = "+---+---+\n| Property | Value |\n+---+---+\n| state | up |\n| load | 3 |\n+---+---+\n";
  const std::vector<Row> rows = {
      {Builtin::to_bytes, {text("5GB")}, "5GB"},
      {Builtin::to_bytes, {text("5 bananas")}, ""},
      {Builtin::to_bytes, {object}, ""},
      {Builtin::to_int, {text(" 42\n")}, "42"},
      {Builtin::to_int, {text("42x")}, ""},
      {Builtin::to_int, {text("")}, ""},
      {Builtin::to_int, {text("99999999999999999999")}, ""},
      {Builtin::to_int, {list({"1"})}, ""},
      {Builtin::to_string, {Value::integer(7)}, "7"},
      {Builtin::to_string, {Value::boolean(true)}, "true"},
      {Builtin::to_version, {text("pve-manager/9.0.3/abc")}, "9.0.3"},
      {Builtin::to_version, {text("none")}, ""},
      {Builtin::to_version, {Value::integer(9)}, ""},
      {Builtin::count, {list({"a", "b"})}, "2"},
      {Builtin::count, {object}, "2"},
      {Builtin::count, {text("ab")}, ""},
      {Builtin::distinct, {list({"b", "a", "b"})}, "[b, a]"},
      {Builtin::distinct, {text("bab")}, ""},
      {Builtin::keys, {object}, "[a, b]"},
      {Builtin::keys, {list({"a"})}, ""},
      {Builtin::values, {object}, "[x, 2]"},
      {Builtin::values, {text("{}")}, ""},
      {Builtin::only, {list({"a"})}, "a"},
      {Builtin::only, {list({"a", "b"})}, ""},
      {Builtin::only, {list({})}, ""},
      {Builtin::only, {text("a")}, ""},
      {Builtin::first, {list({"a", "b"})}, "a"},
      {Builtin::first, {list({})}, ""},
      {Builtin::first, {object}, ""},
      {Builtin::last, {list({"a", "b"})}, "b"},
      {Builtin::last, {list({})}, ""},
      {Builtin::last, {text("ab")}, ""},
      {Builtin::lines, {text("a\r\n\nb\n")}, "[a, , b]"},
      {Builtin::lines, {object}, ""},
      {Builtin::words, {text(" a  b\tc\n")}, "[a, b, c]"},
      {Builtin::words, {Value::integer(1)}, ""},
      {Builtin::trim, {text(" a b \n")}, "a b"},
      {Builtin::trim, {list({})}, ""},
      {Builtin::match, {text("Quorate: Yes"), text(R"(Quorate:\s+(\w+))")}, "Yes"},
      {Builtin::match, {text("x"), text("y")}, ""},
      {Builtin::match, {text("x"), text("(")}, ""},
      {Builtin::match, {text("x")}, ""},
      {Builtin::match, {object, text("x")}, ""},
      {Builtin::after, {text("key=value=x"), text("=")}, "value=x"},
      {Builtin::after, {text("key"), text("=")}, ""},
      {Builtin::after, {object, text("=")}, ""},
      {Builtin::before, {text("key=value=x"), text("=")}, "key"},
      {Builtin::before, {text("key"), text("=")}, ""},
      {Builtin::before, {text("key")}, ""},
      {Builtin::to_json, {text("[1, 2]")}, "[1, 2]"},
      {Builtin::to_json, {text("[1, 2")}, ""},
      {Builtin::to_json, {object}, ""},
      {Builtin::to_table, {text(boxed)}, "[{Property: state, Value: up}, {Property: load, Value: 3}]"},
      {Builtin::to_table, {text("no table")}, ""},
      {Builtin::to_table, {Value::integer(1)}, ""},
      {Builtin::pairs, {text(boxed)}, "{load: 3, state: up}"},
      {Builtin::pairs, {text("no table")}, ""},
      {Builtin::pairs, {list({"a"})}, ""},
  };
  std::set<Builtin> shown, silent;
  for (const Row &r : rows) {
    const Value v = apply_builtin(r.builtin, r.arguments);
    const std::string what = std::string(plan::info(r.builtin).name) + " of " + show(r.arguments[0]);
    if (r.shown.empty()) {
      EXPECT_TRUE(v.open()) << what << " is " << show(v);
      EXPECT_FALSE(v.is(Kind::pending)) << what;
      silent.insert(r.builtin);
    } else {
      EXPECT_EQ(show(v), r.shown) << what;
      shown.insert(r.builtin);
    }
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(Builtin::count_); ++i) {
    const auto b = static_cast<Builtin>(i);
    if (b == Builtin::answers || b == Builtin::votes) continue;  // below
    EXPECT_TRUE(shown.count(b)) << "no row shows what " << plan::info(b).name << " gives";
    EXPECT_TRUE(silent.count(b) || b == Builtin::to_string)
        << "no row shows that " << plan::info(b).name << " does not guess";
  }
}

TEST(Builtin, WhatTheRunKnows) {
  Lab l(web(R"(
probe up(h: host) -> bool { return answers(h) }
action prepare(h: host) { changes server on h  run("prepare") on h  takes 1s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  prepare(web1)
  await answering(web1)
  let v = votes(server)
  let a = up(web3)
  let b = up(web2)
}
)"),
        false);
  l.hosts->on("prepare", [&](const std::string &, const machine::Command &, Millis now) {
    l.simulated->reboot(l.host("web3"), now, 60'000);
    return Reply();
  });
  machine::Ending e = l.run();
  ASSERT_EQ(e.status, Status::done) << e.reason;
  std::vector<std::string> kept;
  for (const Record &r : l.events(Event::value_kept)) kept.push_back(machine::field_of(r, "value"));
  EXPECT_EQ(kept, (std::vector<std::string>{"3", "false", "true"}));
}

TEST(Dry, SaysWhatDependsOnWhatHasNotRunAndGoesOn) {
  Lab l(web(R"(
state packages(h: host) { old, new } observe packages_of(h)
probe packages_of(h: host) -> string { return (run("get", "packages") on h).stdout }
probe jobs -> list<string> { return (run("list-jobs") on web1).stdout.words }
probe broken -> string { return (run("broken") on web1).stdout }
action install(h: host) {
  changes server on h
  moves packages(h): old -> new
  run("install") on h
  takes 5s..1m
}
action job(name: string) { changes server on web1  run("job", name) on web1  takes 5s..1m }
upgrade u of web {
  preflight { await in_service(all) }
  let early = packages_of(web1)
  install(web1)
  await in_service(web1)
  expect packages(web1) == new
  let late = broken()
  job(late)
  await in_service(web1)
  for name in jobs() at most 5 { job(name)  await in_service(web1) }
  if packages_of(web1) == "new" { job("yes")  await in_service(web1) } else { job("no")  await in_service(web1) }
  job("last")
  await in_service(web1)
}
)"),
        false);
  for (const char *h : {"web1", "web2", "web3"}) l.hosts->files[std::string(h) + ":packages"] = "old";
  l.hosts->says("list-jobs", "x y");
  machine::Options options;
  options.mode = Mode::dry_run;
  machine::Ending e = l.run(options);
  EXPECT_EQ(e.status, Status::done) << e.reason;
  EXPECT_TRUE(l.done().empty());
  std::string said;
  for (const std::string &line : l.observer.lines) said += line + "\n";
  for (const char *wanted : {"expect packages(web1) == new: depends on what has not run; now false",
                             "would do install(web1)", "depends on what has not run; now unknown: exit code 127",
                             "would do job(x)", "would do job(y)", "so either way:", "where it is true:",
                             "would do job(yes)", "where it is false:", "would do job(no)", "would do job(last)"})
    EXPECT_NE(said.find(wanted), std::string::npos) << wanted << "\n" << said;
  EXPECT_EQ(said.find("let early"), std::string::npos) << "nothing had been told yet: its answer is sure";
}

}  // namespace
}  // namespace upg::machine_test
