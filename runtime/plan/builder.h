#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "runtime/plan/plan.h"

namespace upg::plan {

/// Fills the pools of a plan: strings and integers once each, nodes after their children.
class Builder {
 public:
  Plan plan;

  StringId string(std::string_view text);
  IntegerId integer(std::int64_t value);
  NodeId node(Op op, Span where, std::uint32_t a, std::uint32_t b, std::span<const NodeId> children);
  NodeId node(Op op, Span where, std::uint32_t a, std::uint32_t b, std::initializer_list<NodeId> children) {
    return node(op, where, a, b, std::span<const NodeId>(children.begin(), children.size()));
  }
  NodeId text(std::string_view value, Span where) { return node(Op::text, where, string(value).index, 0, {}); }
  NodeId number(std::int64_t value, Span where) { return node(Op::number, where, integer(value).index, 0, {}); }
  /// Appends a record to its table and gives its id.
  template <class IdType, class Record>
  static IdType add(std::vector<Record> &table, Record record) {
    table.push_back(std::move(record));
    return IdType(table.size() - 1);
  }

 private:
  std::unordered_map<std::string, StringId> strings_;
  std::unordered_map<std::int64_t, IntegerId> integers_;
};

}  // namespace upg::plan
