#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// Source text as a tree of lines and blocks, so that it can be changed in one place and made smaller.
namespace upg::oracle {

/// The same numbers on every machine for the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// 0..n-1; n > 0.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }
  /// Once in n times.
  bool once_in(std::size_t n) { return below(n) == 0; }
  bool percent(std::size_t p) { return below(100) < p; }
  template <class T>
  const T &of(const std::vector<T> &all) {
    return all[below(all.size())];
  }

 private:
  std::uint64_t state_;
};

/// A line, or `head {`, its inside, `}`. `fixed`: no change takes it away.
struct Piece {
  std::string head;
  std::vector<Piece> inside;
  bool block = false;
  bool fixed = false;

  Piece() = default;
  Piece(const char *line) : head(line) {}             // NOLINT: lines are written in lists
  Piece(std::string line) : head(std::move(line)) {}  // NOLINT
  Piece(std::string h, std::vector<Piece> b) : head(std::move(h)), inside(std::move(b)), block(true) {}
};

struct Sketch {
  std::vector<Piece> declarations;  // the last is the plan
  std::vector<std::string> host_names;
  std::string aim;      // what it is about, if it is about one thing
  bool broken = false;  // with its one mistake
  std::string text() const;
};

/// Changes one thing of the plan (or of a declaration now and then): a line or block gone, moved, doubled, swapped, its
/// braces gone, another host or number in it.
void change_one(Sketch &sketch, Random &random);

/// The smallest sketch found that still `fails`, by taking away pieces and braces until nothing can go.
Sketch shrink(Sketch sketch, const std::function<bool(const Sketch &)> &fails, std::size_t tries = 3000);

}  // namespace upg::oracle
