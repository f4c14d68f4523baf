#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace upg::safety {

/// Numbers for lists of numbers: equal lists have the same, from 0 on in the order in which they came. What operator[]
/// gives stays where it is.
class Interned {
 public:
  std::uint32_t number(std::span<const std::uint32_t> list) {
    if (rows_.size() * 3 >= table_.size() * 2) grow();
    const std::uint64_t hash = hash_of(list);
    std::size_t at = place(hash);
    for (; table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
      const Row &row = rows_[table_[at] - 1];
      if (row.hash == hash && std::ranges::equal(row.list, list)) return table_[at] - 1;
    }
    rows_.push_back({hash, keep(list)});
    table_[at] = static_cast<std::uint32_t>(rows_.size());
    return table_[at] - 1;
  }
  std::span<const std::uint32_t> operator[](std::uint32_t number) const { return rows_[number].list; }
  std::size_t size() const { return rows_.size(); }

 private:
  struct Row {
    std::uint64_t hash;
    std::span<const std::uint32_t> list;
  };
  static constexpr std::size_t kBlock = 16'384;

  static std::uint64_t hash_of(std::span<const std::uint32_t> list) {
    std::uint64_t hash = 0x9e3779b97f4a7c15u ^ list.size();
    for (const std::uint32_t x : list) {
      hash = (hash ^ x) * 0xff51afd7ed558ccdu;
      hash ^= hash >> 32;
    }
    return hash;
  }
  std::size_t place(std::uint64_t hash) const { return static_cast<std::size_t>(hash) & (table_.size() - 1); }
  void grow() {
    table_.assign(std::max<std::size_t>(64, table_.size() * 2), 0);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      std::size_t at = place(rows_[i].hash);
      while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
      table_[at] = static_cast<std::uint32_t>(i + 1);
    }
  }
  std::span<const std::uint32_t> keep(std::span<const std::uint32_t> list) {
    if (list.size() > left_.size()) {
      const std::size_t size = std::max(kBlock, list.size());
      blocks_.push_back(std::make_unique<std::uint32_t[]>(size));
      left_ = {blocks_.back().get(), size};
    }
    const std::span<std::uint32_t> mine = left_.first(list.size());
    std::ranges::copy(list, mine.begin());
    left_ = left_.subspan(list.size());
    return mine;
  }

  std::vector<Row> rows_;
  std::vector<std::uint32_t> table_;  // open addressing: 1 + a row, or 0
  std::vector<std::unique_ptr<std::uint32_t[]>> blocks_;
  std::span<std::uint32_t> left_;  // of the last block
};

}  // namespace upg::safety
