#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace upg::safety {

/// Versions of a map from 0..keys-1 to T, where T{} is "nothing". A version is a number that is free to copy; a change
/// makes O(log keys) new nodes and leaves every earlier version as it was. Two versions are compared in time that
/// follows what differs, because they share the rest.
template <typename T>
class Versions {
 public:
  using Root = std::uint32_t;  // 0: the empty map

  explicit Versions(std::size_t keys) : inner_(1), leaves_(1) {
    for (std::size_t reach = kWidth; reach < keys; reach *= kWidth) ++height_;
  }

  T get(Root root, std::uint32_t key) const {
    for (unsigned level = height_; level > 0 && root != 0; --level) root = inner_[root][digit(key, level)];
    return root == 0 ? T{} : leaves_[root][digit(key, 0)];
  }
  /// All versions made so far are kept from now on; a version made by set() after this may be changed in place by the
  /// next set().
  void keep() {
    kept_inner_ = inner_.size();
    kept_leaves_ = leaves_.size();
  }
  Root set(Root root, std::uint32_t key, T value) { return set(root, key, value, height_); }
  /// Calls f(key, value) for each key that has a value, ascending, from `begin` to before `end`.
  template <class F>
  void each(Root root, F f, std::uint32_t begin = 0, std::uint32_t end = ~std::uint32_t{0}) const {
    walk(root, 0, height_, begin, end, [&](std::uint32_t key, T value) {
      f(key, value);
      return true;
    });
  }
  bool any(Root root, std::uint32_t begin, std::uint32_t end) const {
    bool found = false;
    walk(root, 0, height_, begin, end, [&](std::uint32_t, T) {
      found = true;
      return false;
    });
    return found;
  }
  /// Calls f(key, in a, in b) for each key whose values differ, ascending.
  template <class F>
  void difference(Root a, Root b, F f) const {
    compare(a, b, 0, height_, f);
  }

 private:
  static constexpr unsigned kBits = 4, kWidth = 1u << kBits;
  template <typename V>
  using Node = std::array<V, kWidth>;

  static unsigned digit(std::uint32_t key, unsigned level) {
    return level * kBits >= 32 ? 0 : (key >> (level * kBits)) & (kWidth - 1);
  }
  /// The first key after those below a node of this level that begins at `first`.
  static std::uint64_t after(std::uint32_t first, unsigned level) {
    return std::uint64_t{first} + (std::uint64_t{1} << ((level + 1) * kBits));
  }

  template <typename V>
  static std::uint32_t put(std::vector<Node<V>> &nodes, std::size_t kept, std::uint32_t at, unsigned digit, V value) {
    if (at == 0 || at < kept) {
      const Node<V> copy = nodes[at];
      at = static_cast<std::uint32_t>(nodes.size());
      nodes.push_back(copy);
    }
    nodes[at][digit] = value;
    if (value == V{} && nodes[at] == Node<V>{}) return 0;
    return at;
  }
  Root set(Root root, std::uint32_t key, T value, unsigned level) {
    const unsigned d = digit(key, level);
    if (level == 0) {
      if (leaves_[root][d] == value) return root;
      return put(leaves_, kept_leaves_, root, d, value);
    }
    const std::uint32_t before = inner_[root][d];
    const std::uint32_t below = set(before, key, value, level - 1);
    if (below == before) return root;
    return put(inner_, kept_inner_, root, d, below);
  }
  template <class F>
  bool walk(Root root, std::uint32_t first, unsigned level, std::uint32_t begin, std::uint32_t end, const F &f) const {
    if (root == 0 || first >= end || after(first, level) <= begin) return true;
    for (unsigned d = 0; d < kWidth; ++d) {
      const std::uint32_t key = first + (d << (level * kBits));
      if (level > 0) {
        if (!walk(inner_[root][d], key, level - 1, begin, end, f)) return false;
      } else if (key >= begin && key < end && leaves_[root][d] != T{}) {
        if (!f(key, leaves_[root][d])) return false;
      }
    }
    return true;
  }
  template <class F>
  void compare(Root a, Root b, std::uint32_t first, unsigned level, F &f) const {
    if (a == b) return;
    for (unsigned d = 0; d < kWidth; ++d) {
      const std::uint32_t key = first + (d << (level * kBits));
      if (level > 0) {
        compare(inner_[a][d], inner_[b][d], key, level - 1, f);
      } else if (const T x = leaves_[a][d], y = leaves_[b][d]; x != y) {
        f(key, x, y);
      }
    }
  }

  unsigned height_ = 0;
  std::size_t kept_inner_ = 1, kept_leaves_ = 1;
  std::vector<Node<std::uint32_t>> inner_;
  std::vector<Node<T>> leaves_;
};

}  // namespace upg::safety
