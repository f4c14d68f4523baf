#include "test/oracle/sketch.h"

#include <cctype>

namespace upg::oracle {
namespace {

void print(std::string &out, const Piece &piece, std::size_t depth) {
  out += std::string(2 * depth, ' ') + piece.head;
  if (!piece.block) {
    out += "\n";
    return;
  }
  out += " {\n";
  for (const Piece &p : piece.inside) print(out, p, depth + 1);
  out += std::string(2 * depth, ' ') + "}\n";
}

/// A place in the tree: indices from the top down.
using Path = std::vector<std::size_t>;

void paths_under(const Piece &piece, Path &at, std::vector<Path> &out) {
  for (std::size_t i = 0; i < piece.inside.size(); ++i) {
    at.push_back(i);
    out.push_back(at);
    paths_under(piece.inside[i], at, out);
    at.pop_back();
  }
}

Piece &parent_of(Sketch &sketch, const Path &path) {
  Piece *at = &sketch.declarations[path[0]];
  for (std::size_t i = 1; i + 1 < path.size(); ++i) at = &at->inside[path[i]];
  return *at;
}
Piece &piece_at(Sketch &sketch, const Path &path) {
  Piece *at = &sketch.declarations[path[0]];
  for (std::size_t i = 1; i < path.size(); ++i) at = &at->inside[path[i]];
  return *at;
}

/// The brace that opens here is one of statements that can stand without it.
bool can_unwrap(const Piece &piece) {
  const std::string &h = piece.head;
  const auto begins = [&](std::string_view word) { return h.compare(0, word.size(), word) == 0; };
  return piece.block && (begins("with") || begins("if") || begins("unless") || begins("phase") || begins("at most") ||
                         begins("admit") || begins("accept") || begins("attempt") || begins("for ") ||
                         begins("rolling") || begins("parallel") || begins("and"));
}

std::vector<Path> all_paths(const Sketch &sketch, std::size_t first, std::size_t last) {
  std::vector<Path> paths;
  for (std::size_t d = first; d < last; ++d) {
    Path at{d};
    paths_under(sketch.declarations[d], at, paths);
  }
  return paths;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Puts another host or number in place of one in the line, if there is one.
bool change_word(const Sketch &sketch, std::string &line, Random &random) {
  struct Found {
    std::size_t at, length;
    bool number;
  };
  std::vector<Found> found;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == '"') {
      i = line.find('"', i + 1);
      if (i == std::string::npos) break;
      ++i;
      continue;
    }
    if (!is_word(line[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < line.size() && is_word(line[end])) ++end;
    const std::string word = line.substr(i, end - i);
    const bool field = i > 0 && line[i - 1] == '.';
    for (const std::string &host : sketch.host_names) {
      if (word == host && !field) found.push_back({i, word.size(), false});
    }
    if (word == "n" && !field && i > 0 && line[i - 1] == '(') found.push_back({i, 1, false});
    if (word.size() == 1 && std::isdigit(static_cast<unsigned char>(word[0])) != 0) found.push_back({i, 1, true});
    i = end;
  }
  if (found.empty()) return false;
  const Found &one = random.of(found);
  line.replace(one.at, one.length, one.number ? std::to_string(1 + random.below(3)) : random.of(sketch.host_names));
  return true;
}

}  // namespace

std::uint64_t Random::next() {  // splitmix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::string Sketch::text() const {
  std::string out;
  for (const Piece &p : declarations) print(out, p, 0);
  return out;
}

void change_one(Sketch &sketch, Random &random) {
  const std::size_t plan = sketch.declarations.size() - 1;
  for (std::size_t tries = 0; tries < 20; ++tries) {
    const bool in_plan = random.percent(75);
    const std::vector<Path> paths = in_plan ? all_paths(sketch, plan, plan + 1) : all_paths(sketch, 0, plan);
    if (paths.empty()) continue;
    const Path path = random.of(paths);
    Piece &parent = parent_of(sketch, path);
    const std::size_t at = path.back();
    Piece &piece = parent.inside[at];
    const auto there = [&](std::size_t i) { return parent.inside.begin() + static_cast<std::ptrdiff_t>(i); };
    switch (in_plan ? random.below(8) : random.below(2) * 6) {
      case 0:
      case 1:
        if (piece.fixed) continue;
        parent.inside.erase(there(at));
        return;
      case 2:
        if (at + 1 >= parent.inside.size() || piece.fixed || parent.inside[at + 1].fixed) continue;
        std::swap(piece, parent.inside[at + 1]);
        return;
      case 3: {
        if (piece.fixed) continue;
        const Piece copy = piece;
        parent.inside.insert(there(at), copy);
        return;
      }
      case 4: {
        if (piece.fixed || !can_unwrap(piece)) continue;
        const std::vector<Piece> inside = piece.inside;
        parent.inside.erase(there(at));
        parent.inside.insert(there(at), inside.begin(), inside.end());
        return;
      }
      case 5: {  // elsewhere
        if (piece.fixed) continue;
        const Piece moved = piece;
        const Path target = random.of(paths);
        if (target.size() > path.size() && std::equal(path.begin(), path.end(), target.begin())) continue;
        parent.inside.erase(there(at));
        const std::vector<Path> left = all_paths(sketch, plan, plan + 1);
        if (left.empty()) return;
        const Path to = random.of(left);
        Piece &into = parent_of(sketch, to);
        into.inside.insert(into.inside.begin() + static_cast<std::ptrdiff_t>(to.back()), moved);
        return;
      }
      default:
        if (change_word(sketch, piece.head, random)) return;
    }
  }
}

Sketch shrink(Sketch sketch, const std::function<bool(const Sketch &)> &fails, std::size_t tries) {
  bool smaller = true;
  const auto attempt = [&](Sketch candidate) {
    if (tries == 0) return false;
    --tries;
    if (!fails(candidate)) return false;
    sketch = std::move(candidate);
    smaller = true;
    return true;
  };
  while (smaller && tries > 0) {
    smaller = false;
    for (std::size_t d = sketch.declarations.size() - 1; d-- > 0;) {
      if (sketch.declarations[d].fixed) continue;
      Sketch candidate = sketch;
      candidate.declarations.erase(candidate.declarations.begin() + static_cast<std::ptrdiff_t>(d));
      attempt(std::move(candidate));
    }
    std::vector<Path> paths = all_paths(sketch, 0, sketch.declarations.size());
    for (std::size_t i = paths.size(); i-- > 0 && tries > 0;) {
      const Path &path = paths[i];
      // Earlier changes may have taken the place away.
      const Piece *at = &sketch.declarations[path[0] < sketch.declarations.size() ? path[0] : 0];
      bool there = path[0] < sketch.declarations.size();
      for (std::size_t k = 1; k < path.size() && there; ++k) {
        there = path[k] < at->inside.size();
        if (there) at = &at->inside[path[k]];
      }
      if (!there || at->fixed) continue;
      Sketch without = sketch;
      Piece &parent = parent_of(without, path);
      parent.inside.erase(parent.inside.begin() + static_cast<std::ptrdiff_t>(path.back()));
      if (attempt(std::move(without))) continue;
      if (!at->block || !can_unwrap(*at)) continue;
      Sketch unwrapped = sketch;
      const std::vector<Piece> inside = piece_at(unwrapped, path).inside;
      Piece &around = parent_of(unwrapped, path);
      const auto place = around.inside.erase(around.inside.begin() + static_cast<std::ptrdiff_t>(path.back()));
      around.inside.insert(place, inside.begin(), inside.end());
      attempt(std::move(unwrapped));
    }
  }
  return sketch;
}

}  // namespace upg::oracle
