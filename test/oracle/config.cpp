#include "test/oracle/config.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace upg::oracle {
namespace {

template <class T>
void put(std::string &out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}
template <class T>
T take(const char *&at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  at += sizeof(T);
  return value;
}

}  // namespace

std::string Config::effects() const {
  std::string out;
  for (const Values v : sigma) put(out, v);
  Pairs down = 0, changing = 0;
  for (const Outage &o : open) (o.kind == Kind::down ? down : changing) |= one(o.pair);
  put(out, down);
  put(out, changing);
  return out;
}

void Config::join(const Config &other) {
  std::vector<Known> both;
  std::set_intersection(known.begin(), known.end(), other.known.begin(), other.known.end(), std::back_inserter(both));
  known = std::move(both);
  for (std::size_t i = 0; i < sigma.size(); ++i) {
    sigma[i] |= other.sigma[i];
    if (mover[i] == Node::none) mover[i] = other.mover[i];
  }
  unproven |= other.unproven;
  // What is open in one of the two only is accepted as it is there.
  Pairs here = 0, there = 0;
  for (const Outage &o : open) here |= one(o.pair);
  for (const Outage &o : other.open) there |= one(o.pair);
  accepted = (accepted & (other.accepted | ~there)) | (other.accepted & ~here);
  left = (left & (other.left | ~there)) | (other.left & ~here);
  Pairs down_here = 0, down_there = 0;
  for (const Outage &o : open) down_here |= o.kind == Kind::down ? one(o.pair) : 0;
  for (const Outage &o : other.open) down_there |= o.kind == Kind::down ? one(o.pair) : 0;
  lowered = (lowered & (other.lowered | ~down_there)) | (other.lowered & ~down_here);
  std::vector<Outage> any;
  std::set_union(open.begin(), open.end(), other.open.begin(), other.open.end(), std::back_inserter(any));
  open = std::move(any);
  once |= other.once;
  visited |= other.visited;
  changed |= other.changed;
  taken |= other.taken;
  altered |= other.altered;
  for (std::size_t i = 0; i < under.size(); ++i) under[i] |= other.under[i];
  vague &= other.vague;
  kept |= other.kept;
  lost |= other.lost;
}

std::string Config::encode() const {
  std::string out;
  out.reserve(96);
  std::uint16_t marked = 0;
  put(out, marked);
  for (std::size_t i = 0; i < at.size(); ++i) {
    if (at[i] == 0) continue;
    ++marked;
    put(out, static_cast<std::uint16_t>(i));
    put(out, at[i]);
  }
  std::memcpy(out.data(), &marked, sizeof(marked));
  put(out, static_cast<std::uint16_t>(known.size()));
  for (const Known &k : known) {
    put(out, static_cast<std::uint16_t>(k.gate));
    put(out, static_cast<std::uint16_t>(k.region));
    put(out, static_cast<std::uint16_t>(k.by));
  }
  for (const Values v : sigma) put(out, v);
  put(out, unproven);
  put(out, static_cast<std::uint16_t>(open.size()));
  for (const Outage &o : open) {
    put(out, o.pair);
    put(out, o.kind);
    put(out, static_cast<std::uint16_t>(o.region));
  }
  put(out, once);
  put(out, visited);
  put(out, changed);
  put(out, accepted);
  put(out, lowered);
  put(out, left);
  put(out, taken);
  put(out, altered);
  for (const std::uint32_t m : mover) put(out, static_cast<std::uint16_t>(m));
  for (const Pairs p : under) put(out, p);
  put(out, kept);
  put(out, lost);
  put(out, vague);
  put(out, static_cast<std::uint16_t>(begun.size()));
  for (const std::uint32_t b : begun) put(out, static_cast<std::uint16_t>(b));
  put(out, static_cast<std::uint8_t>((forward ? 1 : 0) | (halted ? 2 : 0) | (aborting ? 4 : 0) | (joined ? 8 : 0)));
  return out;
}

Config Config::decode(const std::string &text, const Ground &ground) {
  Config c;
  const char *at = text.data();
  c.at.assign(ground.nodes.size(), 0);
  const auto marked = take<std::uint16_t>(at);
  for (std::uint16_t i = 0; i < marked; ++i) {
    const auto node = take<std::uint16_t>(at);
    c.at[node] = take<std::uint16_t>(at);
    if (ground.nodes[node].shape == Shape::act && c.at[node] == 2) c.in_flight.push_back(node);
  }
  const auto known = take<std::uint16_t>(at);
  for (std::uint16_t i = 0; i < known; ++i) {
    const auto gate = take<std::uint16_t>(at);
    const auto region = take<std::uint16_t>(at);
    c.known.push_back({gate, region, take<std::uint16_t>(at)});
  }
  for (std::size_t i = 0; i < ground.cells.size(); ++i) c.sigma.push_back(take<Values>(at));
  c.unproven = take<Pairs>(at);
  const auto open = take<std::uint16_t>(at);
  for (std::uint16_t i = 0; i < open; ++i) {
    const auto pair = take<std::uint16_t>(at);
    const auto kind = take<Kind>(at);
    c.open.push_back({pair, kind, take<std::uint16_t>(at)});
  }
  c.once = take<std::uint64_t>(at);
  c.visited = take<Hosts>(at);
  c.changed = take<Pairs>(at);
  c.accepted = take<Pairs>(at);
  c.lowered = take<Pairs>(at);
  c.left = take<Pairs>(at);
  c.taken = take<Pairs>(at);
  c.altered = take<Pairs>(at);
  for (std::size_t i = 0; i < ground.cells.size(); ++i) {
    const auto node = take<std::uint16_t>(at);
    c.mover.push_back(node == 0xffff ? Node::none : node);
  }
  for (std::size_t i = 0; i < ground.withs.size(); ++i) c.under.push_back(take<Pairs>(at));
  c.kept = take<Taken>(at);
  c.lost = take<Hosts>(at);
  c.vague = take<Cells>(at);
  const auto begun = take<std::uint16_t>(at);
  for (std::uint16_t i = 0; i < begun; ++i) c.begun.push_back(take<std::uint16_t>(at));
  const auto flags = take<std::uint8_t>(at);
  c.forward = (flags & 1) != 0;
  c.halted = (flags & 2) != 0;
  c.aborting = (flags & 4) != 0;
  c.joined = (flags & 8) != 0;
  return c;
}

}  // namespace upg::oracle
