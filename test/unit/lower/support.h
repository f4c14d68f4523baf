#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "compiler/compile.h"

namespace upg::lower_test {

/// Three databases and a web host, over test/lower/Inputs/base.upg.
extern const std::string_view site;

/// Compiles the site and `text`, as if read from standard input.
compiler::Compiled compile(std::string_view text, std::string_view limit = {});
/// Every message, as text; "" if there is none.
std::string messages(const compiler::Compiled &compiled);
/// The plan's nodes under `root`, one line each, indented by two blanks a level: `op a b` with names instead of numbers
/// where there are some.
std::string tree(const plan::Plan &plan, plan::NodeId root);

/// The declaration of that name in one of the plan's tables; fails the test if there is none.
template <class Record>
const Record &named(const plan::Plan &plan, const std::vector<Record> &table, std::string_view name) {
  for (const Record &record : table) {
    if (plan.text(record.name) == name) return record;
  }
  ADD_FAILURE() << "the plan has no `" << name << "`";
  static const Record none{};
  return none;
}
template <class Record>
bool has(const plan::Plan &plan, const std::vector<Record> &table, std::string_view name) {
  for (const Record &record : table) {
    if (plan.text(record.name) == name) return true;
  }
  return false;
}

/// Compiles declarations and a plan around them; the test fails if that gives any message.
plan::Plan plan_of(std::string_view text, std::string_view limit = {});
/// The tree of the body of probe `p` in `declarations`.
std::string probe_tree(std::string_view declarations);
/// The tree of the plan's body for these statements.
std::string body_tree(std::string_view statements, std::string_view declarations = {});
/// Messages for these statements.
std::string statement_messages(std::string_view statements, std::string_view declarations = {});

}  // namespace upg::lower_test
